"""The nights of statistics, trends and creators on small lakes: twice is once, nothing is nothing, and no Spark."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from pathlib import Path

import pytest

from foryou import tables
from foryou.platform.lake import Lake
from rows import DAY, arrow_rows, ran

JOBS = ("build_video_stats", "build_trends", "build_creators", "build_popular")
WRITTEN = (tables.VIDEO_STATS, tables.EXIT_RATES, tables.TRENDS, tables.TRENDING, tables.CREATORS, tables.POPULAR)
READ = (tables.VIEWS, tables.INTERACTIONS, tables.VIDEOS, tables.VIEWERS, tables.FOLLOWS, tables.EXITS, tables.POSTS)


def no_spark():
    raise AssertionError("these jobs need no Spark")


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path / "lake", no_spark)


def fill(lake, table, *given, day=DAY):
    lake.replace_day(table, day, arrow_rows(table, *given).drop(["day"]))


def run_all(lake, chosen):
    for job in JOBS:
        ran(job, Path("/nowhere"), lake, chosen)
    return {table.name: lake.arrow(table, days=[DAY]).to_pylist() for table in WRITTEN}


def a_small_platform(lake, day=DAY):
    uploaded = datetime.combine(day, time(8)) - timedelta(4)
    videos = [
        {"video": n, "video_id": f"v{n}", "creator_id": f"c{n % 2}", "sound_id": f"s{n}", "tags": [f"t{n}"]}
        | {"uploaded_at": uploaded, "duration_ms": 9_000, "moderation": "auto_ok", "shown": True, "for_all": True}
        for n in range(3)
    ]
    fill(lake, tables.VIDEOS, *videos, day=day)
    people = [{"viewer": n, "viewer_id": f"u{n}", "country": "US", "language": "en"} for n in range(12)]
    fill(lake, tables.VIEWERS, *people, day=day)
    fill(lake, tables.FOLLOWS, {"viewer_id": "u1", "creator_id": "c1"}, day=day)
    fill(lake, tables.POSTS, {"viewer": 0, "video": 0}, day=day - timedelta(4))
    left = {"device_class": "web", "country": "US", "sessions": 150, "exits": 15}
    for ago in (0, 5, 9):
        fill(lake, tables.EXITS, left | {"video": 2}, day=day - timedelta(ago))
    for ago in range(5):
        number = 12 if ago == 0 else 1
        views = [{"viewer": n, "video": n % 2, "good": True, "completion": 0.5} for n in range(12)]
        views += [{"viewer": n, "video": 2, "completion": 0.9} for n in range(number)]
        fill(lake, tables.VIEWS, *views, day=day - timedelta(ago))
    met = [{"viewer": n, "video": n % 2, "good": True, "last_day": day} for n in range(12)]
    met += [{"viewer": n, "video": 2, "last_day": day} for n in range(12)]
    fill(lake, tables.INTERACTIONS, *met, day=day)


def test_a_small_night_without_spark_twice_is_once(lake, chosen):
    a_small_platform(lake)
    first = run_all(lake, chosen)
    assert {(row["country"], row["kind"], row["name"]) for row in first["trends"]} == {
        (country, kind, name) for country in ("*", "US") for kind, name in (("tag", "t2"), ("sound", "s2"))
    }
    assert [row["video"] for row in first["trending"]] == [2, 2]
    assert [(row["video"], row["viewers"], row["good"], row["exits"]) for row in first["video_stats"]] == [
        (0, 5, 5, 0),  # one of six posted it
        (1, 6, 6, 0),
        (2, 12, 0, 30),
    ]
    assert [(row["country"], row["sessions"]) for row in first["exit_rates"]] == [("*", 300), ("US", 300)] * 2
    assert [(row["creator_id"], row["followers"], row["stage"]) for row in first["creators"]] == [
        ("c0", 0, "new"),
        ("c1", 1, "new"),
    ]
    assert run_all(lake, chosen) == first


def test_a_night_of_which_nothing_is_known_writes_nothing_and_does_not_fail(lake, chosen):
    for table in READ:
        fill(lake, table)
    # A day without rows is none: what the steps before always leave is one row each.
    fill(lake, tables.VIDEOS, {"video": 0, "video_id": "v0"})
    fill(lake, tables.VIEWS, {"viewer": 0, "video": 0})
    fill(lake, tables.INTERACTIONS, {"viewer": 0, "video": 0})
    found = run_all(lake, chosen)
    assert {name: len(rows) for name, rows in found.items() if rows} == {"video_stats": 1}


def test_the_next_night_remembers_the_last(lake, chosen):
    before = DAY - timedelta(1)
    a_small_platform(lake, before)
    for job in JOBS:
        ran(job, Path("/nowhere"), lake, chosen, day=before)
    a_small_platform(lake)
    bad = {"video": 0, "video_id": "v0", "creator_id": "c0", "moderation": "rejected"}
    fill(lake, tables.VIDEOS, bad, {"video": 1, "video_id": "v1", "creator_id": "c1"})
    row = run_all(lake, chosen)["creators"][0]
    assert (row["rejected"], row["rejected_on"], row["videos"]) == ([0], [DAY], 0)
    kept = lake.arrow(tables.CREATORS, ["creator_id", "authority"], days=[before]).sort_by("creator_id")
    assert row["authority"] == kept["authority"][0].as_py()
