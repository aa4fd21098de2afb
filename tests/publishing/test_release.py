"""The pointer: one release is live, and a backfill never moves readers backwards."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta, timezone

import pyarrow as pa
import pytest
from deltalake import Schema

from foryou import tables
from foryou.contract import ID_PATTERN, delta_schema
from foryou.publishing import release

DAYS = [date(2026, 3, 1) + timedelta(days=number) for number in range(4)]


@pytest.fixture
def none_yet():
    """The table `releases` before the first night, as the lake gives it."""
    return pa.schema(Schema.from_json(json.dumps(delta_schema(tables.RELEASES))).to_arrow()).empty_table()


def moved(releases, day, name=None, versions=None, **changed):
    facts = {
        "status": "ok",
        "model_version": "foryou_factors/1",
        "versions": versions or {"feeds": 3, "candidates": 2},
        "counts": {"feeds": 10},
        "published_at": datetime(2026, 3, 9, 4, tzinfo=UTC),
    }
    return release.moved(releases, name or f"{day}.a", day, **(facts | changed))


def states(releases):
    return {row["release_id"]: row["state"] for row in releases.to_pylist()}


def test_the_first_release_is_live(none_yet):
    assert states(moved(none_yet, DAYS[0])) == {"2026-03-01.a": "live"}


def test_the_next_nights_release_takes_over_and_the_earlier_one_is_kept(none_yet):
    releases = moved(moved(moved(none_yet, DAYS[0]), DAYS[1]), DAYS[2])
    assert states(releases) == {"2026-03-01.a": "retired", "2026-03-02.a": "retired", "2026-03-03.a": "live"}


def test_a_backfill_of_an_older_day_does_not_move_readers_back(none_yet):
    releases = moved(moved(none_yet, DAYS[2]), DAYS[0])
    assert states(releases) == {"2026-03-01.a": "retired", "2026-03-03.a": "live"}


def test_the_same_night_again_replaces_its_row_and_stays_live(none_yet):
    once = moved(moved(none_yet, DAYS[0]), DAYS[1], versions={"feeds": 4})
    again = moved(once, DAYS[1], versions={"feeds": 7})
    assert states(again) == states(once)
    assert dict(again.to_pylist()[-1]["tables"]) == {"feeds": 7}


def test_the_same_night_with_other_settings_takes_over(none_yet):
    releases = moved(moved(none_yet, DAYS[1], "2026-03-02.a"), DAYS[1], "2026-03-02.b")
    assert states(releases) == {"2026-03-02.a": "retired", "2026-03-02.b": "live"}


def test_a_retired_night_run_again_stays_retired(none_yet):
    releases = moved(moved(moved(none_yet, DAYS[0]), DAYS[1]), DAYS[0], status="degraded")
    assert states(releases) == {"2026-03-01.a": "retired", "2026-03-02.a": "live"}
    assert [row["status"] for row in releases.to_pylist()] == ["degraded", "ok"]


def test_whatever_the_order_of_nights_exactly_one_release_is_live(none_yet):
    releases = none_yet
    for number, place in enumerate([2, 0, 3, 3, 1, 2, 3, 0]):
        releases = moved(releases, DAYS[place], f"{DAYS[place]}.{number % 3}")
        assert list(states(releases).values()).count("live") == 1
    (live,) = [name for name, state in states(releases).items() if state == "live"]
    assert live.startswith(str(DAYS[3]))


def test_a_night_is_compared_with_the_newest_release_of_an_earlier_day_also_when_it_is_run_again(none_yet):
    releases = moved(moved(none_yet, DAYS[0]), DAYS[1], "2026-03-02.a")
    later = datetime(2026, 3, 9, 5, tzinfo=UTC)
    releases = moved(moved(releases, DAYS[1], "2026-03-02.0", published_at=later), DAYS[2])
    before = {day: release.before(releases, day) for day in DAYS}
    named = {day: row and row["release_id"] for day, row in before.items()}
    assert named == dict(zip(DAYS, [None, "2026-03-01.a", "2026-03-02.0", "2026-03-03.a"], strict=True))


def test_a_refused_release_is_nothing_to_compare_with(none_yet):
    rows = [row | {"state": "refused"} for row in moved(none_yet, DAYS[0]).to_pylist()]
    assert release.before(pa.Table.from_pylist(rows, schema=none_yet.schema), DAYS[1]) is None


def test_what_is_not_touched_stays_as_it_was(none_yet):
    first = moved(none_yet, DAYS[0], versions={"similar": 1, "feeds": 2, "candidates": 3})
    kept = moved(first, DAYS[1]).to_pylist()[0]
    before = first.to_pylist()[0]
    assert dict(kept.pop("tables")) == dict(before.pop("tables"))
    assert kept | {"state": "live"} == before


def test_times_are_kept_in_utc(none_yet):
    berlin = datetime(2026, 3, 2, 1, tzinfo=timezone(timedelta(hours=2)))
    assert moved(none_yet, DAYS[0], published_at=berlin)["published_at"][0].as_py() == datetime(
        2026, 3, 1, 23, tzinfo=UTC
    )


def test_the_same_inputs_give_the_same_id_and_others_another():
    ours = release.release_id(DAYS[0], "settings", "manifest")
    assert ours == release.release_id(DAYS[0], "settings", "manifest")
    others = {
        release.release_id(DAYS[1], "settings", "manifest"),
        release.release_id(DAYS[0], "other", "manifest"),
        release.release_id(DAYS[0], "settings", "other"),
        release.release_id(DAYS[0], "settingsm", "anifest"),
    }
    assert ours not in others
    assert len(others) == 4


def test_an_id_begins_with_its_day_and_is_a_plain_id():
    ours = release.release_id(DAYS[0], "x")
    assert ours.startswith("2026-03-01.")
    assert re.match(ID_PATTERN, ours)
