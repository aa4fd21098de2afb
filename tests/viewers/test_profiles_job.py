"""The jobs of clusters and profiles on a real night, on an empty lake, and run twice."""

from __future__ import annotations

import shutil
from datetime import timedelta

import pytest

from foryou import tables
from foryou.platform.lake import Lake
from rows import DAY, ran

JOBS = ("build_clusters", "build_profiles")
WRITTEN = (tables.CLUSTERS, tables.VIDEO_CLUSTERS, tables.VIEWER_PROFILES)


@pytest.fixture
def copied(nights, tmp_path, spark):
    shutil.copytree(nights.lake.root, tmp_path / "copied")
    return Lake(tmp_path / "copied", spark)


def written(lake, day):
    return {table.name: lake.arrow(table, days=[day]).sort_by(table.key[0]).to_pylist() for table in WRITTEN}


def test_every_viewer_of_the_window_has_a_profile_and_every_video_a_row(nights):
    day = nights.lake.days(tables.CLUSTERS)[-1]
    found = written(nights.lake, day)
    met = set(nights.lake.arrow(tables.INTERACTIONS, ["viewer"], days=[day])["viewer"].to_pylist())
    assert [row["viewer"] for row in found["viewer_profiles"]] == sorted(met)
    landed = set(nights.lake.arrow(tables.VIDEOS, ["video"], days=[day])["video"].to_pylist())
    assert {row["video"] for row in found["video_clusters"]} >= landed
    clusters = {(row["kind"], row["cluster"]) for row in found["clusters"]}
    assert {("viewers", row["cluster"]) for row in found["viewer_profiles"] if row["cluster"] is not None} <= clusters
    assert {("groups", row["group"]) for row in found["viewer_profiles"] if row["group"] is not None} <= clusters


def test_a_second_run_leaves_what_the_first_left(copied, nights, chosen):
    day = copied.days(tables.CLUSTERS)[-1]
    first = written(copied, day)
    for name in JOBS:
        ran(name, nights.landing, copied, chosen, day)
    assert written(copied, day) == first


def test_an_empty_lake_has_neither_clusters_nor_profiles(lake, chosen, tmp_path):
    for name in JOBS:
        ran(name, tmp_path, lake, chosen)
    assert written(lake, DAY) == {table.name: [] for table in WRITTEN}
    assert written(lake, DAY - timedelta(days=1)) == {table.name: [] for table in WRITTEN}
