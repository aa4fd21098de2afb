"""Views made with numpy are those that Spark makes of the same log."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
from simulation.tiny import TINY

from foryou import tables
from foryou.settings import Settings
from foryou.signals import views as with_spark
from foryou.simulation import views
from foryou.sources.world import begin
from foryou.sources.world_days import draw_lines
from foryou.sources.world_lines import Lines, join, lines_of, records


def _log() -> tuple[object, Lines]:
    """A day of a tiny world, with more done about its videos than people do."""
    world, state, rngs = begin(replace(TINY, known_viewers=1.0))  # nobody without an account
    lines, _ = draw_lines(world, state, 0, rngs[0])
    rng = np.random.default_rng(1)
    pieces = [lines]
    for kind in ("play", "like", "unlike", "follow", "unfollow", "not_interested", "report", "share"):
        some = lines.take(rng.integers(0, len(lines), 60))
        watched = some.watched_ms if kind == "play" else 0
        pieces.append(lines_of(kind, some.at_ms + rng.integers(0, 3, 60), some.viewer, some.video, watched_ms=watched))
    return world, join(pieces)


def test_views_of_a_day_are_those_that_spark_makes_of_its_events(spark, chosen: Settings, tmp_path: Path):
    world, lines = _log()
    landed = records(lines, world.viewers, world.videos, "e")
    events = landed.with_columns(pl.col("happened_at").str.to_datetime(time_zone="UTC")).drop("pauses", "device_id")
    events.drop("at_ms").write_parquet(tmp_path / "events.parquet")
    ids = {}
    for name, frame in (("viewer", world.viewers.frame), ("video", world.videos.frame)):
        numbered = frame.select(f"{name}_id", pl.int_range(frame.height, dtype=pl.Int32).alias(name))
        numbered.write_parquet(tmp_path / f"{name}.parquet")
        ids[name] = spark.read.parquet(str(tmp_path / f"{name}.parquet"))
    read = spark.read.parquet(str(tmp_path / "events.parquet"))
    wanted = with_spark.build(read, ids["viewer"], ids["video"], chosen.views).toArrow()
    names = [name for name in tables.VIEWS.column_names if name != "day"]
    ours = views.build(lines, world.videos.duration_ms, chosen.views).select(names)
    order = [("viewer", "ascending"), ("video", "ascending")]
    ours, wanted = ours.sort_by(order), wanted.select(names).sort_by(order)
    for name in names:
        assert ours[name].cast(pa.float64()).to_pylist() == wanted[name].cast(pa.float64()).to_pylist(), name


def test_a_day_without_lines_has_no_views(chosen: Settings):
    none = np.empty(0, np.int64)
    assert views.build(lines_of("play", none, none, none), none, chosen.views).num_rows == 0
