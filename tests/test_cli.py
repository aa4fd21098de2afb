"""The command line as people and scripts meet it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from foryou import cli, screen, settings, tables
from foryou.platform import checks
from foryou.platform.job import write_json
from foryou.platform.lake import Lake
from foryou.publishing import reader
from foryou.sources.landing import write_day
from published import DAY, filled, no_spark, publish

OF_NIGHTS = ("nightly", "backfill", "releases", "report", "tables")
COMMANDS = (*OF_NIGHTS, "feed", "similar", "world", "import", "demo", "airflow")
MODULES_OF_A_NIGHT = ("pyspark", "mlflow", "great_expectations", "implicit", "polars")


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """Two releases, captions that look like markup, and a report."""
    root = tmp_path_factory.mktemp("cli")
    publish(root, date(2026, 3, 9), "old", feeds={"u1": [("v9", 1.0, 1, "like_you", 1.0, None)]})
    publish(
        root,
        feeds={
            "u1": [
                ("v1", 2.0, 1, "like_you", 2.0, None),
                ("v2", 1.0, 2, "similar_to:v3", 0.5, None),
            ]
        },
        similar={"v1": [("v2", 0.75), ("v3", 0.5)]},
        popular={"*:*": ["v4", "v5"], "US:en": ["v5"]},
    )
    captions = {"v1": "[red]Bread[/red]", "v2": "Rolls \x1b[31m\u202e👩\u200d🍳", "v3": None}
    rows = [{"day": DAY, "video": n, "video_id": v, "caption": text} for n, (v, text) in enumerate(captions.items())]
    Lake(root, no_spark).replace_all(tables.VIDEOS, filled(tables.VIDEOS, rows))
    for day in ("2026-03-09", "2026-03-10"):
        write_json(root / "_reports" / f"{day}.html", "page")
    return root


def run(*arguments):
    return CliRunner().invoke(cli.app, [str(each) for each in arguments], env={"COLUMNS": "200", "NO_COLOR": "1"})


def ok(*arguments):
    told = run(*arguments)
    assert told.exit_code == 0, told.output
    return told.stdout


def as_json(*arguments):
    return json.loads(ok(*arguments, "--json"))


# ---- help


def test_help_names_every_command():
    told = ok("--help")
    assert all(re.search(rf"^\W*{name}\b", told, re.MULTILINE) for name in COMMANDS)


@pytest.mark.parametrize("name", [*COMMANDS, ("import", "kuairand")], ids=str)
def test_every_command_says_what_it_does(name):
    told = ok(*((name,) if isinstance(name, str) else name), "--help")
    assert "Usage" in told
    assert len(told.splitlines()) > 5


def test_the_help_of_nights_names_exit_codes_and_checks_that_there_are():
    asked = "".join(path.read_text() for path in [*(settings.ROOT / "jobs").glob("*.py"), Path(checks.__file__)])
    for name in cli.OVERRIDABLE:
        assert name in asked or name.replace("videos", "{table.name}") in asked
    for command in ("nightly", "backfill"):
        told = " ".join(ok(command, "--help").split())
        assert "7 already running" in told and "served viewers are as many as before" in told


def test_help_and_a_look_at_a_feed_load_no_engine(lake):
    program = f"""
import sys
from foryou import cli
cli.app(["feed", "u1", "--lake", {str(lake)!r}], standalone_mode=False)
print([name for name in {MODULES_OF_A_NIGHT!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


# ---- feed


def test_a_feed_is_shown_with_captions_and_reasons_in_words(lake):
    told = ok("feed", "u1", "--lake", lake)
    assert "Viewer u1" in told
    assert "people who watch like you watched it to the end" in told
    assert "similar to v3, which you liked" in told
    assert "release 2026-03-10.a" in told


def test_a_caption_is_text_and_nothing_else(lake):
    told = ok("feed", "u1", "--lake", lake)
    assert "[red]Bread[/red]" in told
    assert "\x1b" not in told
    assert "\u202e" not in told
    assert "👩\u200d🍳" in told


def test_a_feed_for_scripts(lake):
    told = as_json("feed", "u1", "--lake", lake, "-k", 1)
    assert told["release"] == "2026-03-10.a"
    (item,) = told["items"]
    assert (item["video_id"], item["sources"], item["reason"]) == ("v1", ["factors"], "like_you")
    assert item["words"] == "people who watch like you watched it to the end"


def test_why_a_video_is_in_a_feed_is_told_in_lines_and_as_json(lake):
    shown = ok("feed", "u1", "--why", "v2", "--lake", lake)
    assert "place 2 of 2" in shown and "similar to v3, which you liked" in shown
    told = as_json("feed", "u1", "--why", "v2", "--lake", lake, "--language", "de")
    assert (told["place"], told["reason"], told["words"]) == (2, "similar_to:v3", "ähnlich wie v3, das dir gefiel")
    assert told["day"] == str(DAY)


def test_why_a_video_is_not_in_a_feed_is_told_too(lake):
    assert "No night has met a video of this id." in ok("feed", "u1", "--why", "v99", "--lake", lake)
    shown = ok("feed", "[red]u9[/red]", "--why", "\x1b[31m", "--lake", lake)
    assert "No night has met a viewer of this id." in shown and "\x1b" not in shown


def test_someone_unknown_is_asked_for_by_a_dash(lake):
    told = as_json("feed", "-", "--lake", lake, "--country", "US", "--language", "en")
    assert [item["video_id"] for item in told["items"]] == ["v5"]
    assert "Someone unknown" in ok("feed", "-", "--lake", lake)


def test_a_viewer_whom_nobody_knows_is_said_to_be_unknown(lake):
    told = as_json("feed", "nobody", "--lake", lake)
    assert (told["known"], [item["video_id"] for item in told["items"]]) == (False, ["v4", "v5"])
    assert "Viewer nobody has no list of their own (unknown, or opted out)" in ok("feed", "nobody", "--lake", lake)
    assert as_json("feed", "u1", "--lake", lake)["known"] is True


def test_an_earlier_release_can_be_asked_for(lake):
    told = as_json("feed", "u1", "--lake", lake, "--release", "2026-03-09.old")
    assert [item["video_id"] for item in told["items"]] == ["v9"]


def test_the_lake_may_come_from_the_environment(lake):
    told = CliRunner().invoke(cli.app, ["feed", "u1", "--json"], env={"FORYOU_LAKE": str(lake)})
    assert told.exit_code == 0


# ---- the others


def test_similar_videos(lake):
    told = as_json("similar", "v1", "--lake", lake)
    assert (told["release"], told["video_id"]) == ("2026-03-10.a", "v1")
    assert told["items"] == [{"video_id": "v2", "score": 0.75}, {"video_id": "v3", "score": 0.5}]
    assert len(as_json("similar", "v1", "--lake", lake, "-k", 1)["items"]) == 1
    shown = ok("similar", "v1", "--lake", lake)
    assert "Similar to v1" in shown and "why" not in shown


def test_a_video_like_no_other_is_told_from_one_that_there_is_not(lake):
    assert as_json("similar", "v3", "--lake", lake)["items"] == []
    told = run("similar", "v99", "--lake", lake)
    assert told.exit_code == 3 and "wanted the video v99" in told.stderr


def test_releases(lake):
    told = as_json("releases", "--lake", lake)
    assert [(row["release_id"], row["state"]) for row in told] == [
        ("2026-03-09.old", "retired"),
        ("2026-03-10.a", "live"),
    ]
    assert {row["published_at"] for row in told} == {"2026-03-11T04:00:00+00:00"}
    assert "2026-03-10.a" in ok("releases", "--lake", lake)


def test_the_id_of_a_release_is_whole_in_a_narrow_terminal(tmp_path, capsys, monkeypatch):
    publish(tmp_path, name="1a2b3c4d")
    monkeypatch.setattr(screen.console, "width", 60)
    screen.releases(reader.releases(tmp_path))
    assert "2026-03-10.1a2b3c4d" in capsys.readouterr().out


def test_what_is_written_to_a_file_is_neither_wrapped_nor_cut(lake):
    plain = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    done = subprocess.run(
        [sys.executable, "-c", "from foryou import cli; cli.main()", "tables", "feeds"],
        capture_output=True,
        text=True,
        check=True,
        env=plain,
    )
    assert any(tables.SOURCE_BITS in line for line in done.stdout.splitlines())


def test_progress_beside_a_document_goes_to_standard_error(capsys):
    screen.Progress(screen.beside)(DAY, "build_events", {"state": "ok", "seconds": 1.0, "notes": {"rows_read": 1_000}})
    told = capsys.readouterr()
    assert told.out == "" and "build_events" in told.err and "rows read 1,000" in told.err


def test_a_long_caption_ends_at_a_word():
    videos = pa.table({"video_id": ["v1", "v2"], "caption": ["one two three four " * 5, "x" * 60]})
    cut = [screen.cut(text) for text in screen.captions(videos).values()]
    assert cut == ["one two three four one two three four one two…", "x" * 47 + "…"]


def test_a_lake_without_releases_lists_none(tmp_path):
    (tmp_path / "_nights").mkdir()
    assert as_json("releases", "--lake", tmp_path) == []
    ok("releases", "--lake", tmp_path)


def test_tables_are_listed_with_what_a_row_is():
    told = as_json("tables")
    assert [table["path"] for table in told] == [table.path for table in tables.ALL]
    assert all(table["one_row_is"] and table["columns"] for table in told)
    assert "published/feeds" in ok("tables")


def test_the_columns_of_a_table():
    assert [table["path"] for table in as_json("tables", "feeds")] == ["feeds", "published/feeds"]
    (only,) = as_json("tables", "published/feeds")
    assert [column["name"] for column in only["columns"]] == list(tables.PUBLISHED_FEEDS.column_names)
    assert "propensity" in ok("tables", "views")


def test_a_report_is_named_by_its_page(lake):
    assert as_json("report", "--lake", lake) == {"day": "2026-03-10", "page": f"{lake}/_reports/2026-03-10.html"}
    assert ok("report", "--lake", lake, "--day", "2026-03-09").strip().endswith("2026-03-09.html")


# ---- exit codes


@pytest.mark.parametrize(
    "arguments",
    [
        ("nosuch",),
        ("feed",),
        ("feed", "u1"),
        ("feed", "u1", "--lake", "x", "-k", "0"),
        ("tables", "nosuch"),
        ("nightly", "--landing", "x", "--lake", "y", "--day", "10.3.2026"),
        ("nightly", "--landing", "x", "--lake", "y", "--day", "2026-03-10", "--conf", "nope"),
        ("backfill", "--landing", "x", "--lake", "y", "--from", "2026-03-02", "--to", "2026-03-01"),
        ("nightly", "--landing", "x", "--lake", "y", "--day", "2026-03-10", "--override", "no reason"),
        ("simulate", "--worlds", "moon"),
        ("simulate", "--without", "gravity"),
        ("simulate", "--nights", "15"),
    ],
    ids=" ".join,
)
def test_a_wrong_use_exits_2(arguments, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert run(*arguments).exit_code == 2
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    "arguments",
    [
        ("feed", "u1", "--lake", "nowhere"),
        ("similar", "v1", "--lake", "nowhere"),
        ("report", "--lake", "nowhere"),
        ("backfill", "--landing", "nowhere", "--lake", "x", "--from", "2026-03-01", "--to", "2026-03-02"),
        ("nightly", "--landing", "nowhere", "--lake", "x", "--day", "2026-03-01"),
    ],
    ids=" ".join,
)
def test_a_missing_input_exits_3_with_one_clear_message(arguments, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    told = run(*arguments)
    assert told.exit_code == 3
    assert told.stderr.startswith("input missing (")
    assert not [*tmp_path.iterdir()]
    assert "Next: " in told.stderr
    assert "Traceback" not in told.output


def test_a_path_that_is_no_lake_is_told(tmp_path):
    (tmp_path / "file").write_text("x")
    for where in (tmp_path / "file", tmp_path / "nowhere", "/proc/lake", tmp_path / "\udcff"):
        for command in (("feed", "u1"), ("similar", "v1"), ("releases",), ("report",)):
            told = run(*command, "--lake", where)
            assert (told.exit_code, "Next: " in told.stderr, told.exception.__class__) == (3, True, SystemExit)


def test_a_night_says_where_it_cannot_write_a_lake(tmp_path):
    write_day(tmp_path / "landing", DAY, {})
    (tmp_path / "file").write_text("x")
    for where in (tmp_path / "file", "/proc/lake", tmp_path / "a[b]", tmp_path / "\udcff"):
        told = run("nightly", "--landing", tmp_path / "landing", "--lake", where, "--day", DAY)
        assert (told.exit_code, "that can be written" in told.stderr) == (3, True)


@pytest.mark.parametrize("harm", ["garbled log", "no log", "rows gone", "rows garbled"])
@pytest.mark.parametrize("table", ["published/releases", "published/feeds", "videos"])
def test_a_damaged_table_is_told_with_what_to_do(lake, tmp_path, table, harm):
    shutil.copytree(lake, tmp_path / "lake")
    folder = tmp_path / "lake" / table
    for log in folder.glob("_delta_log/*.json"):
        if harm == "garbled log":
            log.write_text("{garbage")
    if harm == "no log":
        shutil.rmtree(folder / "_delta_log")
    for rows in folder.rglob("*.parquet"):
        if harm == "rows gone":
            rows.unlink()
        elif harm == "rows garbled":
            rows.write_bytes(b"garbage")
    told = run("feed", "u1", "--lake", tmp_path / "lake")
    assert told.exit_code == 5 and "restore its folder" in told.stderr
    if table == "published/releases":
        assert run("releases", "--lake", tmp_path / "lake").exit_code == 5


@pytest.mark.parametrize("viewer", ["[/x]", "[red]u9[/red]", "u\udcff", "\x1b[31m", "u1\n", "a" * 5_000, "/", "ü"])
def test_whatever_is_no_id_is_a_viewer_unknown(lake, viewer):
    told = as_json("feed", viewer, "--lake", lake)
    assert [item["video_id"] for item in told["items"]] == ["v4", "v5"]
    shown = ok("feed", viewer, "--lake", lake)
    assert "v4" in shown and "\x1b" not in shown and "\udcff" not in shown
    assert run("similar", viewer, "--lake", lake).exit_code in (0, 3)


def test_a_script_gets_the_same_facts_as_json(tmp_path):
    told = run("feed", "u1", "--lake", tmp_path, "--json")
    assert json.loads(told.stdout)["error"] == "InputMissing"
    assert told.exit_code == 3


def test_a_broken_setting_exits_5(tmp_path):
    (tmp_path / "mine.yaml").write_text("feeds: {lenght: 3}")
    told = run(
        "nightly", "--landing", tmp_path, "--lake", tmp_path, "--day", "2026-03-01", "--conf", tmp_path / "mine.yaml"
    )
    assert told.exit_code == 5
    assert "unknown ['feeds.lenght']" in told.stderr
