"""A simulated night is a night: the same jobs, the same feeds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pyarrow as pa
from simulation.tiny import TINY

from foryou import steps, tables
from foryou.night import Night
from foryou.platform.job import Run
from foryou.platform.lake import Lake
from foryou.simulation import given, nights
from foryou.simulation.memory_lake import MemoryLake
from foryou.sources.world import begin, generate
from foryou.sources.world_days import draw_controls, draw_lines

CALM = replace(TINY, days=2, events=5_000, known_viewers=1.0)  # nobody without an account, whose id would be a digest


def by_ids(lake: Lake | MemoryLake, table, day) -> dict[str, list[str]]:
    """The lists of a day in the words of the log."""
    viewer_ids, video_ids = (lake.arrow(ids) for ids in (tables.VIEWER_IDS, tables.VIDEO_IDS))
    viewers = dict(zip(viewer_ids["viewer"].to_pylist(), viewer_ids["viewer_id"].to_pylist(), strict=True))
    videos = dict(zip(video_ids["video"].to_pylist(), video_ids["video_id"].to_pylist(), strict=True))
    lists: pa.Table = lake.arrow(table, ["viewer", "videos"], days=[day])
    return {viewers[row["viewer"]]: [videos[video] for video in row["videos"]] for row in lists.to_pylist()}


def test_a_simulated_night_and_a_real_one_give_the_same_feeds(tmp_path, spark, chosen):
    generate(CALM, tmp_path / "landing")
    real = Night(tmp_path / "landing", Lake(tmp_path / "lake", spark), chosen)
    world, state, rngs = begin(CALM)
    simulated = MemoryLake(tmp_path)
    for number, rng in enumerate(rngs):
        day = CALM.first_day + timedelta(days=number)
        lines, active = draw_lines(world, state, number, rng)
        given_day = given.Day(lines, state.follows, draw_controls(world, number, active, rng))
        given.give_day(simulated, world, number, given_day, chosen)
        real.run(day)
        for table in (table for name in nights.ON_SPARK for table in steps.BY_NAME[name].writes):
            simulated.replace_day_arrow(table, day, real.lake.arrow(table, days=[day]).drop_columns("day"))
        nights.run(simulated, day, chosen, nights.steps_of_a_night())
        for table in (tables.CANDIDATES, tables.FEEDS):
            assert by_ids(simulated, table, day) == by_ids(real.lake, table, day)
        assert len(by_ids(simulated, tables.FEEDS, day)) > 80


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
