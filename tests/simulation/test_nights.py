"""A simulated night is a night: the same jobs, the same feeds."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from tiny_world import TINY

from foryou import steps, tables
from foryou.contract import Table
from foryou.night import Night
from foryou.platform.job import Run
from foryou.platform.lake import Lake
from foryou.simulation import given, loop, nights
from foryou.simulation.memory_lake import MemoryLake
from foryou.sources.world import begin, generate
from foryou.sources.world_days import draw_controls, draw_lines

CALM = replace(TINY, days=2, events=5_000, known_viewers=1.0)  # nobody without an account, whose id would be a digest

NOT_SIMULATED = {
    "events",
    "rejected_events",
    "checks",
    "releases",
    "sign_ups",
}
"""Tables of steps before `views` and after the feeds."""
OTHERWISE = {
    "viewers": {"device"},  # nobody watches on a device without an account
    "models": {"model_version", "mlflow_run_id", "sha256"},  # nobody will look for a simulated model
    "evaluations": {"model_version"},
}
"""Columns that may differ."""


def rows(lake: Lake | MemoryLake, table: Table, day: date) -> list[str]:
    """The rows of a day as text, in order."""
    names = [name for name in table.column_names if name not in OTHERWISE.get(table.name, ())]
    return sorted(map(str, lake.arrow(table, names, days=[day]).to_pylist()))


def test_a_simulated_night_leaves_the_tables_of_a_real_one(tmp_path, spark, chosen):
    generate(CALM, tmp_path / "landing")
    real = Night(tmp_path / "landing", Lake(tmp_path / "lake", spark), chosen)
    world, state, rngs = begin(CALM)
    simulated, before = MemoryLake(tmp_path), loop.NOTHING
    for number, rng in enumerate(rngs):
        day = CALM.first_day + timedelta(days=number)
        lines, active = draw_lines(world, state, number, rng)
        controls = draw_controls(world, number, active, rng)
        given.give_day(simulated, world, number, given.Day(lines, before, state.follows, controls), chosen)
        before = lines
        nights.run(simulated, day, chosen, nights.steps_of_a_night())
        real.run(day)
        held = [table for table in tables.ALL if not table.published and table.name not in NOT_SIMULATED]
        assert {table.name for table in held if rows(simulated, table, day) != rows(real.lake, table, day)} == set()
    assert by_ids(simulated, day) == by_ids(real.lake, day)
    assert len(by_ids(simulated, day)) > 80


def by_ids(lake: Lake | MemoryLake, day: date) -> dict[str, list[str]]:
    """The feeds of a day in the words of the log."""
    viewer_ids, video_ids = (lake.arrow(ids) for ids in (tables.VIEWER_IDS, tables.VIDEO_IDS))
    viewers = dict(zip(viewer_ids["viewer"].to_pylist(), viewer_ids["viewer_id"].to_pylist(), strict=True))
    videos = dict(zip(video_ids["video"].to_pylist(), video_ids["video_id"].to_pylist(), strict=True))
    lists = lake.arrow(tables.FEEDS, ["viewer", "videos"], days=[day]).to_pylist()
    return {viewers[row["viewer"]]: [videos[video] for video in row["videos"]] for row in lists}


def test_every_step_between_views_and_publishing_is_simulated():
    simulated = nights.steps_of_a_night()
    assert {"build_interactions", "train_factors", "build_popular", "build_candidates", "build_feeds"} <= set(simulated)
    assert set(simulated) < set(steps.BY_NAME)
    assert "build_feeds" not in nights.steps_of_a_night(["build_feeds"])


def test_a_simulated_model_is_kept_nowhere(tmp_path, chosen):
    told = nights._untracked(tmp_path, TINY.first_day, faults=[], npz=tmp_path)
    assert told.model_version == f"simulated/{TINY.first_day}"
    assert nights._untracked(tmp_path, TINY.first_day, faults=["collapsed"]).model_version is None
    assert Run.record_training.__module__ == "foryou.platform.tracking"
    assert not (tmp_path / "_mlflow").exists()
