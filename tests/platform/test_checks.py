"""Checks: each expectation is given data that it must catch, and tells no more than counts and shares."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from datetime import date, datetime

import pytest
from pyspark.sql import functions as F

from foryou import tables
from foryou.contract import Column, Table
from foryou.platform import checks

INF, NAN = float("inf"), float("nan")
ROWS = Table(
    "rows",
    "Rows with every rule.",
    "one row",
    (
        Column("id", "string", "Its id.", required=True, pattern=r"^[a-z]{1,8}$"),
        Column("kind", "string", "Its kind.", one_of=("play", "like")),
        Column("watched_ms", "int", "Milliseconds.", at_least=0, at_most=1_000),
        Column("share", "double", "A share.", at_least=0, at_most=1),
        Column("depth", "float", "A depth.", at_least=0),
        Column("score", "float", "Any finite number.", required=True),
        Column("factors", "array<float>", "Numbers.", required=True),
        Column("items", "array<struct<video_id string, score float>>", "A list."),
    ),
    key=("id", "kind"),
    partition=(),
)
GOOD = {
    "id": "a",
    "kind": "play",
    "watched_ms": 10,
    "share": 0.5,
    "depth": 1.0,
    "score": -3.0,
    "factors": [1.0, -2.0],
    "items": [("v", 1.0)],
}


def made(spark, *changes):
    """A row like GOOD for each set of changes, each with an id of its own unless told."""
    rows = [GOOD | {"id": "abcdefgh"[number]} | change for number, change in enumerate(changes)]
    return spark.createDataFrame([tuple(row.values()) for row in rows], ROWS.ddl())


def failed(outcomes):
    return {outcome.expectation: outcome.observed for outcome in outcomes if not outcome.passed}


def test_good_rows_pass_every_expectation_and_all_of_them_gate(spark):
    outcomes = checks.validate(made(spark, {}, {}), ROWS)
    assert failed(outcomes) == {}
    assert [outcome.expectation for outcome in outcomes] == [
        "id is not null",
        "id matches its pattern",
        "kind is one of its values",
        "watched_ms is between 0 and 1,000",
        "share is between 0 and 1",
        "depth is at least 0",
        "score is not null",
        "score is finite",
        "factors is not null",
        "factors is finite",
        "items.score is finite",
        "key is unique",
    ]
    assert all(outcome.gates and outcome.table == "rows" for outcome in outcomes)


def test_nulls_wrong_patterns_and_unknown_values_are_counted(spark):
    rows = made(spark, {"id": None}, {"id": "A"}, {"id": "a\n"}, {"id": ""}, {"kind": "PLAY"}, {"watched_ms": -1}, {})
    assert failed(checks.validate(rows, ROWS)) == {
        "id is not null": "1 of 7 rows fail",
        "id matches its pattern": "3 of 7 rows fail",
        "kind is one of its values": "1 of 7 rows fail",
        "watched_ms is between 0 and 1,000": "1 of 7 rows fail",
    }


def test_numbers_that_are_not_finite_pass_no_range(spark):
    rows = made(
        spark,
        {"share": NAN, "depth": NAN, "score": NAN, "factors": [1.0, NAN, 2.0]},
        {"share": INF, "depth": INF, "score": INF, "factors": [-INF, 1.0], "items": [("v", 1.0), ("w", NAN)]},
        {"share": -INF, "depth": -INF, "score": -INF, "factors": [INF]},
        {"share": None, "depth": None, "factors": [], "items": None},
    )
    assert failed(checks.validate(rows, ROWS)) == {
        "share is between 0 and 1": "3 of 4 rows fail",
        "depth is at least 0": "3 of 4 rows fail",
        "score is finite": "3 of 4 rows fail",
        "factors is finite": "3 of 4 rows fail",
        "items.score is finite": "1 of 4 rows fail",
    }


@pytest.mark.parametrize(
    ("second", "share"),
    [({"id": "a", "kind": "play"}, "50 %"), ({"id": "a", "kind": "like"}, None), ({"id": "b", "kind": "play"}, None)],
)
def test_a_key_is_unique_as_a_whole(spark, second, share):
    found = failed(checks.validate(made(spark, {"id": "a", "kind": "play"}, second), ROWS))
    assert found == ({"key is unique": f"{share} of the rows repeat a key"} if share else {})


def test_null_is_one_value_of_a_key(spark):
    found = failed(checks.validate(made(spark, {"id": "a", "kind": None}, {"id": "a", "kind": None}), ROWS))
    assert list(found) == ["key is unique"]


def test_an_empty_table_breaks_no_contract(spark):
    outcomes = checks.validate(made(spark, {}).limit(0), ROWS, more=[checks.share_present("none bad", "kind", 0.1)])
    assert failed(outcomes) == {}


def test_only_columns_that_are_there_are_looked_at(spark):
    outcomes = checks.validate(made(spark, {"kind": "other"}).select("kind", F.lit(1).alias("strange")), ROWS)
    assert [(o.expectation, o.passed) for o in outcomes] == [("kind is one of its values", False)]


def test_nothing_to_ask_is_no_outcome(spark):
    assert checks.validate(made(spark, {}).select(F.lit(1).alias("strange")), ROWS) == []


@pytest.mark.parametrize(
    ("at_least", "at_most", "passed"), [(2, 2, True), (3, None, False), (None, 1, False), (1, 4_000, True)]
)
def test_the_number_of_rows_is_bounded(spark, at_least, at_most, passed):
    ids = made(spark, {}, {}).select("id")
    outcome = checks.validate(ids, ROWS, more=[checks.row_count(at_least, at_most, gates=False)])[-1]
    assert (outcome.expectation, outcome.passed, outcome.gates) == ("row count is as usual", passed, False)
    assert outcome.observed.startswith("2 rows, wanted ")


@pytest.mark.parametrize(("at_most", "passed"), [(0.3, True), (0.29, False), (0.0, False), (1.0, True)])
def test_a_share_may_reach_its_bound_and_not_pass_it(spark, at_most, passed):
    rows = spark.range(10).select(F.when(F.col("id") < 3, "bad").alias("reason"))
    share = checks.share_present("rejected share is small", "reason", at_most)
    outcome = checks.validate(rows, ROWS, more=[share])[0]
    assert (outcome.expectation, outcome.passed) == ("rejected share is small", passed)
    assert outcome.observed == f"30 % (3 of 10), wanted at most {100 * at_most:.3g} %"


@pytest.mark.parametrize(
    ("newest", "passed", "seen"),
    [
        (datetime(2026, 3, 1, 0, 0), True, "2026-03-01"),
        (datetime(2026, 3, 1, 23, 59, 59), True, "2026-03-01"),
        (datetime(2026, 2, 28, 23, 59), False, "2026-02-28"),
        (datetime(2026, 3, 2, 0, 0), False, "2026-03-02"),
        (datetime(9999, 12, 31, 12), False, "9999-12-31"),
        (datetime(1, 1, 1, 12), False, "0001-01-01"),
        (None, False, "no day"),
    ],
)
def test_the_newest_day_is_bounded_whatever_the_year(spark, newest, passed, seen):
    text = newest and f"{newest.year:04d}-{newest:%m-%d %H:%M:%S}"
    rows = spark.createDataFrame([(text,), (None,)], "at string").select(F.to_timestamp("at").alias("at"))
    day = date(2026, 3, 1)
    outcome = checks.validate(rows, ROWS, more=[checks.newest_day("reaches the day", "at", day, day)])[0]
    assert (outcome.passed, outcome.observed) == (passed, f"newest {seen}, wanted between {day} and {day}")


def test_two_expectations_of_one_name_are_refused(spark):
    with pytest.raises(ValueError, match="one name"):
        checks.validate(made(spark, {}), ROWS, more=[checks.row_count(1), checks.row_count(2)])


def test_no_value_of_a_row_is_told(spark):
    rows = made(spark, {"id": "SECRET"}, {"kind": "SECRET"}, {"items": [("SECRET", NAN)]})
    outcomes = checks.validate(rows, ROWS)
    assert len(failed(outcomes)) == 3
    assert "SECRET" not in json.dumps([outcome.as_row("build_rows") for outcome in outcomes])


def test_no_cache_and_no_file_is_left_behind(spark, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    before = spark.sparkContext._jsc.getPersistentRDDs().size()
    checks.validate(spark.range(3), ROWS, more=[checks.row_count(1)])
    assert spark.sparkContext._jsc.getPersistentRDDs().size() == before
    assert list(tmp_path.iterdir()) == []


def test_a_row_has_the_columns_of_the_table_checks():
    row = checks.Outcome("events", "key is unique", False, True, "2 %").as_row("build_events")
    assert {"day", *row} == set(tables.CHECKS.column_names)
    assert row["override"] is None


@pytest.mark.parametrize("table", tables.ALL, ids=lambda table: table.path)
def test_every_contract_makes_a_suite(spark, table):
    empty = spark.createDataFrame([], table.ddl())
    expected = checks.of_contract(table, empty.schema)
    assert len({one.name for one in expected}) == len(expected)
    for one in expected:
        assert empty.agg(one.number()).columns


def test_great_expectations_waits_until_it_is_asked():
    code = "import sys, foryou.platform.checks; sys.exit('great_expectations' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
