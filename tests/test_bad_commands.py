"""Bad commands and settings: what a night says before it begins."""

from __future__ import annotations

import json
from datetime import date

import pytest
from typer.testing import CliRunner

import foryou
from foryou import cli
from foryou.errors import ContractBroken, ForYouError, InputMissing
from rows import DAY


def asked(tmp_path, *arguments):
    where = ["--landing", str(tmp_path / "landing"), "--lake", str(tmp_path / "lake")]
    return CliRunner().invoke(cli.app, ["nightly", *where, *arguments])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("factors: {factor: 8}", "unknown ['factors.factor']. Next: mend the file; factors may be meant"),
        ("factor: {factors: 8}", "unknown ['factor']"),
        ("factors: {factors: eight}", "factors.factors as int"),
        ("views: {points_skip: 3}", "rewatch >= completion"),
        ("factors: [", "YAML"),
    ],
)
def test_unknown_or_mistyped_settings_stop_a_night_before_it_begins(tmp_path, text, words):
    (tmp_path / "mine.yaml").write_text(text)
    result = asked(tmp_path, "--day", str(DAY), "--conf", str(tmp_path / "mine.yaml"))
    assert result.exit_code == ContractBroken.exit_code
    assert words in result.output
    assert not (tmp_path / "lake").exists()


@pytest.mark.parametrize(
    "arguments",
    [["--day", "10.3.2026"], ["--day", "2026-02-30"], [], ["--day", str(DAY), "--override", "no reason given"]],
)
def test_a_command_without_sense_is_a_matter_of_usage(tmp_path, arguments):
    assert asked(tmp_path, *arguments).exit_code == 2


def test_a_day_that_has_not_landed_is_missing(tmp_path):
    result = asked(tmp_path, "--day", str(date(2026, 3, 1)), "--json")
    assert result.exit_code == InputMissing.exit_code
    told = json.loads(result.stdout[: result.stdout.index("}") + 1])
    assert (told["error"], told["day"]) == ("InputMissing", "2026-03-01")


def test_every_failure_that_a_person_can_mend_has_an_exit_code_of_its_own():
    kinds = ForYouError.__subclasses__()
    assert len({kind.exit_code for kind in kinds}) == len(kinds)


def test_what_the_system_refuses_is_told_in_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    result = CliRunner().invoke(cli.app, ["world", "--out", str(tmp_path / "file" / "landing"), "--events", "200"])
    assert result.exit_code == InputMissing.exit_code
    assert "input missing (files)" in result.output and "Not a directory" in result.output


def test_a_notebook_makes_no_lake_where_there_is_none(tmp_path):
    with pytest.raises(InputMissing, match=r"no lake|nothing at"):
        foryou.notebook(tmp_path / "typo")
    assert not list(tmp_path.iterdir())
