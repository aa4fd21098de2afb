"""What is smaller than the night before stops the night: the lake is small and made by hand, and no Spark runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from foryou import tables
from foryou.platform.job import Run, main_of
from foryou.platform.lake import Lake
from published import no_spark, publish
from rows import DAY, arrow_rows

BEFORE = DAY - timedelta(days=1)


@pytest.fixture
def run(tmp_path, chosen):
    return Run("any", DAY, tmp_path / "landing", Lake(tmp_path / "lake", no_spark), chosen)


def of_job(name, function):
    """A function of a job's file."""
    return main_of(name).__globals__[function]


def write(run, table, day, *rows):
    run.lake.replace_day(table, day, arrow_rows(table, *rows).drop(["day"]))


def failed(outcomes):
    return {outcome.expectation for outcome in outcomes if not outcome.passed and outcome.gates}


@pytest.mark.parametrize(
    ("videos", "viewers", "wanted"),
    [
        (20, 40, set()),
        (19, 40, {"videos are as many as before"}),
        (4, 0, {"videos are as many as before", "viewers are as many as before"}),
    ],
)
def test_a_snapshot_of_less_than_half_the_one_before_stops_the_night(run, videos, viewers, wanted):
    write(run, tables.VIDEOS, BEFORE, *[{"video": n, "video_id": f"v{n}"} for n in range(40)])
    write(run, tables.VIDEOS, BEFORE - timedelta(days=1), *[{"video": n, "video_id": f"v{n}"} for n in range(90)])
    write(run, tables.VIEWERS, BEFORE, *[{"viewer": n, "viewer_id": f"u{n}"} for n in range(40)])
    write(run, tables.FOLLOWS, BEFORE, *[{"viewer_id": f"u{n}", "creator_id": "c"} for n in range(19)])
    run.note(videos=videos, viewers=viewers, follows=0)  # 19 follows are too few to compare
    outcomes = of_job("build_catalogue", "as_before")(run)
    assert failed(outcomes) == wanted
    assert outcomes[0].observed == f"{videos} rows, 40 on {BEFORE}"


def test_the_first_snapshot_has_nothing_to_be_held_against(run):
    run.note(videos=1, viewers=0, follows=0)
    assert failed(of_job("build_catalogue", "as_before")(run)) == set()


@pytest.mark.parametrize(("half_empty", "wanted"), [(3, set()), (4, {"feeds are as full as before"})])
def test_feeds_that_are_emptier_than_those_of_the_release_before_stop_the_night(run, half_empty, wanted):
    run.settings = replace(run.settings, feeds=replace(run.settings.feeds, length=4))
    publish(run.lake.root, BEFORE, feeds={"u1": [("v1", 1.0, 1, "like_you", 1.0, None)]})
    for day, short in ((BEFORE, 1), (DAY, half_empty), (DAY + timedelta(days=1), 0)):
        lists = [{"viewer": n, "videos": [1] if n < short else [1, 2, 3]} for n in range(10)]
        write(run, tables.FEEDS, day, *lists)
    assert failed([of_job("publish", "full_enough")(run)]) == wanted


def test_without_a_release_before_any_feeds_will_do(run):
    write(run, tables.FEEDS, DAY, {"viewer": 1, "videos": []})
    write(run, tables.FEEDS, BEFORE, {"viewer": 1, "videos": [1] * 100})  # of a night that was refused
    outcome = of_job("publish", "full_enough")(run)
    assert outcome.passed and outcome.observed.endswith("none before")
