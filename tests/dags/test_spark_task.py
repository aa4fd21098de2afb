"""What is submitted, and what becomes of the exit code."""

import os
import sys
from pathlib import Path

import pytest

from foryou.settings import ROOT
from foryou.steps import processes

COMMANDS = Path(__file__).with_name("submit_commands.txt")
ARGUMENTS = {"params": {"day": "2026-01-09", "overrides": []}}


def rendered(task, context) -> str:
    """The command as a worker would run it, one option a line, places by their names."""
    task.render_template_fields(context)
    command = task._get_hook()._build_spark_submit_command(task.application)
    text = "".join(
        f"\n    {part}" if part.startswith("--") or part == task.application else f" {part}" for part in command
    )
    text = f"# {task.task_id}\n" + "".join(f"{key}={value} " for key, value in task.env_vars.items()) + text.strip()
    for path, name in ((sys.executable, "PYTHON"), (sys.prefix, "ENVIRONMENT"), (str(ROOT), "REPOSITORY")):
        text = text.replace(path, name)
    return text


def test_the_submit_commands_are_those_of_the_file(task):
    """After a change that is meant: FORYOU_WRITE_COMMANDS=1 make unit ONLY=tests/dags/test_spark_task.py"""
    names = ["build_missing_days", *processes(), "report_failure"]
    found = "\n\n".join(rendered(task(name), ARGUMENTS) for name in names) + "\n"
    if os.environ.get("FORYOU_WRITE_COMMANDS"):
        COMMANDS.write_text(found, encoding="utf-8")
    assert found == COMMANDS.read_text(encoding="utf-8")


@pytest.mark.parametrize("leader", processes())
def test_the_job_of_a_task_exists(task, leader):
    assert Path(task(leader).application).is_file()


def test_an_override_reaches_the_job(task):
    asked = {"params": {"day": "2026-01-09", "overrides": ["rejected share=known outage"]}}
    assert rendered(task("build_events"), asked).endswith("--override rejected share=known outage")


def test_a_mistyped_setting_stops_the_task_before_spark_starts(task, monkeypatch, tmp_path):
    from airflow.sdk.exceptions import AirflowFailException

    (tmp_path / "wrong.yaml").write_text("spark: {driver_memory: 3}")
    monkeypatch.setenv("FORYOU_CONF", str(tmp_path / "wrong.yaml"))
    with pytest.raises(AirflowFailException, match="driver_memory"):
        task("build_events").render_template_fields(ARGUMENTS)


def submit_that_exits(code: int, folder: Path) -> str:
    script = folder / "spark-submit"
    script.write_text(f"#!/bin/sh\necho 'data rejected: next, mend it' >&2\nexit {code}\n")
    script.chmod(0o755)
    return str(script)


def failure(task, code: int, folder: Path) -> Exception:
    task.render_template_fields(ARGUMENTS)
    task._spark_binary = submit_that_exits(code, folder)
    with pytest.raises(Exception, match=r"exit|Error code") as caught:
        task.execute({})
    return caught.value


@pytest.mark.parametrize("code", [3, 4, 5, 6])
def test_what_a_retry_cannot_mend_is_not_tried_again(task, tmp_path, code):
    from airflow.sdk.exceptions import AirflowFailException

    error = failure(task("build_events"), code, tmp_path)
    assert isinstance(error, AirflowFailException)
    assert f"exit {code}" in str(error)


@pytest.mark.parametrize("code", [1, 2, 7, 137])
def test_any_other_failure_is_tried_again(task, tmp_path, code):
    from airflow.sdk.exceptions import AirflowFailException

    error = failure(task("build_events"), code, tmp_path)
    assert not isinstance(error, AirflowFailException)
    assert "mend it" in str(error)


def test_a_job_that_ends_well_is_a_task_that_ends_well(task, tmp_path):
    built = task("build_events")
    built.render_template_fields(ARGUMENTS)
    built._spark_binary = submit_that_exits(0, tmp_path)
    assert built.execute({}) is None
