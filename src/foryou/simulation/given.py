"""What the Spark steps of a night would have left in the lake, for a simulated day: catalogue, people, views."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from foryou import tables
from foryou.contract import Table
from foryou.settings import Settings
from foryou.simulation import logged
from foryou.simulation.memory_lake import MemoryLake
from foryou.sources.world_days import World, follow_records
from foryou.sources.world_lines import Lines

SHOWN_MODERATION = ("auto_ok", "human_ok")
CHILDREN = "13-17"


@dataclass(frozen=True)
class Day:
    """What happened on a day: its log and that of the day before, the follows after it, the controls used."""

    lines: Lines
    before: Lines
    follows: pl.DataFrame
    controls: pl.DataFrame


def give_day(lake: MemoryLake, world: World, number: int, day: Day, settings: Settings) -> None:
    """The tables of day `number` that the jobs after `views` read; dense ids are places in the world."""
    _give_catalogue(lake, world, number)
    lake.replace_day(tables.FOLLOWS, day_of(world, number), follow_records(world, day.follows).to_arrow())
    lake.replace_day(tables.CONTROLS, day_of(world, number), day.controls.to_arrow())
    give_views(lake, world, number, day, settings)


def give_views(lake: MemoryLake, world: World, number: int, day: Day, settings: Settings) -> None:
    """What `build_views` makes of the day, as these settings have it."""
    logged.fold(lake, world, day_of(world, number), day.lines, day.before, day.controls, settings.views)


def _give_catalogue(lake: MemoryLake, world: World, number: int) -> None:
    """Videos and viewers as of the end of the day, and the dense ids of the new ones."""
    day = day_of(world, number)
    videos, viewers = _videos(world, number), _viewers(world, number)
    for table, ids, rows in (
        (tables.VIDEOS, tables.VIDEO_IDS, videos),
        (tables.VIEWERS, tables.VIEWER_IDS, viewers),
    ):
        lake.replace_day(table, day, rows)
        known = lake.arrow(ids, ["day"]).num_rows
        lake.replace_day(ids, day, rows.select(list(ids.column_names[1:])).slice(known))


def day_of(world: World, number: int) -> date:
    return world.parameters.first_day + timedelta(days=number)


def _videos(world: World, number: int) -> pa.Table:
    rows = world.videos.snapshot(number).to_arrow()
    shown = pc.and_(pc.equal(rows["status"], "live"), pc.is_in(rows["moderation"], pa.array(SHOWN_MODERATION)))
    found = {
        "video": np.arange(rows.num_rows, dtype=np.int32),
        "shown": shown,
        "for_all": pc.and_(shown, pc.equal(rows["audience"], "all")),
        "copy_of": _first_of_hash(rows["content_hash"]),
    }
    return _as_landed(tables.VIDEOS, rows, found)


def _first_of_hash(hashes: pa.ChunkedArray) -> np.ndarray:
    """The least place of the same hash."""
    _, first, which = np.unique(hashes.to_numpy(), return_index=True, return_inverse=True)
    return first[which].astype(np.int32)


def _viewers(world: World, number: int) -> pa.Table:
    rows = world.viewers.frame.head(world.viewers.known(number)).to_arrow()
    # An unknown age is not grown up.
    adult = pc.fill_null(pc.not_equal(rows["age_band"], CHILDREN), False)
    return _as_landed(tables.VIEWERS, rows, {"viewer": np.arange(rows.num_rows, dtype=np.int32), "adult": adult})


def _as_landed(table: Table, rows: pa.Table, found: dict[str, object]) -> pa.Table:
    """The columns of the contract out of the landed ones, nulls where the world has none, and what was `found`."""
    for name, values in found.items():
        rows = rows.append_column(name, pa.chunked_array([values]) if isinstance(values, pa.Array) else _column(values))
    names = [name for name in table.column_names if name != "day"]
    missing = [name for name in names if name not in rows.column_names]
    for name in missing:
        rows = rows.append_column(name, pa.nulls(rows.num_rows))
    return rows.select(names)


def _column(values: object) -> pa.ChunkedArray:
    return values if isinstance(values, pa.ChunkedArray) else pa.chunked_array([pa.array(values)])
