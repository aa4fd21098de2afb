"""A simulated day's log as the dense events that `build_views` has of a landed one, and what it makes of them."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from foryou import tables
from foryou.settings import Views
from foryou.signals import sessions, views, watch_norms
from foryou.signals.controls import FORGETTING
from foryou.simulation.memory_lake import MemoryLake
from foryou.sources.world_days import World
from foryou.sources.world_lines import KIND, KINDS, LOGGED_FIGURES, Lines
from foryou.sources.world_parameters import DAY_MS

_OF_EVENTS = pa.schema(
    [
        ("viewer", pa.int32()),
        ("video", pa.int32()),
        ("happened_at", pa.timestamp("us", "UTC")),
        ("event_id", pa.int64()),
        ("kind", pa.string()),
        ("watched_ms", pa.int32()),
        ("duration_ms", pa.int32()),
        ("propensity", pa.float64()),
        ("since", pa.date32()),
        ("device_class", pa.string()),
        ("country", pa.string()),
        ("named", pa.bool_()),
        ("today", pa.bool_()),
    ]
)


def fold(
    lake: MemoryLake, world: World, day: date, lines: Lines, before: Lines, controls: pl.DataFrame, settings: Views
) -> None:
    """Leaves the day's `posts`, `views`, `watch_norms`, `sessions`, `exits` and `seen`; `before` is yesterday's log.

    The same functions as in `jobs/build_views.py`, with all viewers in one part.
    """
    people = _people(lake, world)
    forgotten = lines.at_ms <= _forgotten_until(world, controls)[lines.viewer]
    counted = lines.take(~forgotten | (lines.kind == KIND["post"]))  # who posted what is no taste
    open_plays = _open_at_midnight(before, day, settings)
    parts = [_events(counted, world, people, today=True), _events(open_plays, world, people, today=False)]
    placed = sessions.place(views.mark_own(pa.concat_tables(parts), _posted_before(lake, day)), day, settings)
    told = sessions.visits(placed, day, settings)
    lake.replace_day(tables.POSTS, day, views.posts(placed))
    lake.replace_day(tables.SESSIONS, day, sessions.build(told, settings))
    lake.replace_day(tables.EXITS, day, sessions.exits(told, settings))
    days = [day - timedelta(days=back) for back in range(1, settings.norm_days + 1)]
    counts = lake.arrow(tables.WATCH_NORMS, ["duration_bucket", "bin", "views"], days=days)
    frozen = watch_norms.freeze(counts, settings)
    built = views.build(placed, partial(watch_norms.rank, frozen=frozen), settings)
    lake.replace_day(tables.VIEWS, day, built)
    lake.replace_day(tables.WATCH_NORMS, day, watch_norms.build(frozen, built))
    pair = np.unique(lines.viewer.astype(np.int64) << 32 | lines.video)  # seen stays seen
    seen = pa.table({"viewer": (pair >> 32).astype(np.int32), "video": pair.astype(np.int32)})
    lake.replace_day(tables.SEEN, day, seen)


def _events(lines: Lines, world: World, people: pa.Table, *, today: bool) -> pa.Table:
    """The lines as dense events, numbered in the order of time as the log's ids are."""
    lines = lines.take(np.argsort(lines.at_ms, kind="stable"))
    other = lines.kind != KIND["play"]
    propensity = pl.Series(lines.propensity.astype(np.float64)).round_sig_figs(LOGGED_FIGURES).to_numpy()
    duration = world.videos.duration_ms[lines.video].astype(np.int32)
    columns = {
        "viewer": lines.viewer,
        "video": lines.video,
        "happened_at": pa.array(lines.at_ms * 1_000).cast(pa.timestamp("us", "UTC")),
        "event_id": np.arange(len(lines)),
        "kind": pa.array(KINDS).take(pa.array(lines.kind)),
        "watched_ms": pa.array(lines.watched_ms, mask=other),
        "duration_ms": pa.array(duration, mask=other),
        "propensity": pa.array(propensity, mask=np.isnan(propensity)),
        "named": np.zeros(len(lines), bool),
        "today": np.full(len(lines), today),
    }
    of_viewer = people.take(pa.array(lines.viewer))
    columns |= {name: of_viewer[name].combine_chunks() for name in ("since", "device_class", "country")}
    return pa.table({field.name: columns[field.name] for field in _OF_EVENTS}, schema=_OF_EVENTS)


def _people(lake: MemoryLake, world: World) -> pa.Table:
    """For each viewer of the world: since when the lake or the platform knows them, device and country."""
    met = pl.DataFrame(lake.arrow(tables.VIEWER_IDS, ["viewer", "day"])).rename({"day": "met"})
    people = world.viewers.frame.with_row_index("viewer").with_columns(pl.col("viewer").cast(pl.Int32))
    both = people.join(met, on="viewer", how="left", maintain_order="left")
    since = pl.min_horizontal("met", pl.col("signed_up_at").dt.date()).alias("since")
    return both.select(since, "device_class", "country").to_arrow()


def _posted_before(lake: MemoryLake, day: date) -> NDArray[np.int64]:
    days = lake.days_until(tables.POSTS, day - timedelta(days=1))
    return views.pairs(lake.arrow(tables.POSTS, ["viewer", "video"], days=days))


def _open_at_midnight(before: Lines, day: date, settings: Views) -> Lines:
    """The plays of the day before of viewers whose session may go on."""
    start_ms = (day - date(1970, 1, 1)).days * DAY_MS
    plays = before.take((before.kind == KIND["play"]) & (before.at_ms >= start_ms - DAY_MS))
    late = plays.viewer[plays.at_ms >= start_ms - settings.session_gap_min * 60_000]
    return plays.take(np.isin(plays.viewer, late))


def _forgotten_until(world: World, controls: pl.DataFrame) -> NDArray[np.int64]:
    """The moment of each viewer's last reset of the day (milliseconds since 1970), up to which lines do not count."""
    resets = controls.filter(pl.col("kind").is_in(FORGETTING)).with_columns(at=pl.col("happened_at").dt.epoch("ms"))
    until = np.full(len(world.viewers), -1, np.int64)
    viewer = resets["viewer_id"].str.slice(1).cast(pl.Int64).to_numpy()
    np.maximum.at(until, viewer, resets["at"].to_numpy())
    return until
