"""What the Spark steps of a night would have left in the lake, for a simulated day: catalogue, people, views."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foryou import tables
from foryou.contract import Table
from foryou.settings import Settings, Views
from foryou.signals import watch_norms
from foryou.simulation import sessions, views
from foryou.simulation.memory_lake import MemoryLake
from foryou.sources.world_days import World, follow_records
from foryou.sources.world_lines import KIND, Lines, join
from foryou.sources.world_parameters import DAY_MS

SHOWN_MODERATION = ("auto_ok", "human_ok")
CHILDREN = "13-17"
FORGETTING = ("reset_feed", "erase")


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
    lake.replace_day_arrow(tables.FOLLOWS, day_of(world, number), follow_records(world, day.follows).to_arrow())
    lake.replace_day_arrow(tables.CONTROLS, day_of(world, number), day.controls.to_arrow())
    give_views(lake, world, number, day.lines, day.before, day.controls, settings)


def give_views(
    lake: MemoryLake, world: World, number: int, lines: Lines, before: Lines, controls: pl.DataFrame, settings: Settings
) -> None:
    """What `build_views` makes of the lines of a day, and of the sessions still open of the day `before`."""
    day, start, chosen = day_of(world, number), world.parameters.day_start_ms(number), settings.views
    posted = np.unique(views.pairs(*(_of_kind(lines, "post", name) for name in ("viewer", "video"))))
    lake.replace_day_arrow(tables.POSTS, day, _pairs_table(posted))
    own = lake.arrow(tables.POSTS, ["viewer", "video"])
    own_pairs = np.unique(views.pairs(own["viewer"].to_numpy(), own["video"].to_numpy()))
    counted = lines.take(lines.at_ms > _forgotten_until(world, controls)[lines.viewer])
    open_still = sessions.open_at_midnight(before, start, chosen)
    whole = join([open_still, counted])
    timely = np.append(np.full(len(open_still), start - DAY_MS), np.full(len(counted), start))
    placed = sessions.place(whole, timely, chosen)
    frozen = watch_norms.freeze(_norms_before(lake, day, chosen), chosen)
    durations = world.videos.duration_ms
    built = views.build(counted, placed.take(slice(len(open_still), None)), own_pairs, durations, frozen, chosen)
    lake.replace_day_arrow(tables.VIEWS, day, built)
    lake.replace_day_arrow(tables.SEEN, day, _pairs_table(np.unique(views.pairs(lines.viewer, lines.video))))
    lake.replace_day_arrow(tables.WATCH_NORMS, day, watch_norms.build(frozen, built))
    is_own = np.isin(views.pairs(whole.viewer, whole.video), own_pairs)
    told = sessions.build(whole, placed, is_own, _people(lake, world, number), start, chosen)
    for table, rows in zip((tables.SESSIONS, tables.EXITS), told, strict=True):
        lake.replace_day_arrow(table, day, rows.to_arrow())


def _of_kind(lines: Lines, kind: str, name: str) -> NDArray[np.int32]:
    found: NDArray[np.int32] = getattr(lines, name)[lines.kind == KIND[kind]]
    return found


def _pairs_table(pairs: NDArray[np.int64]) -> pa.Table:
    return pa.table({"viewer": (pairs >> 32).astype(np.int32), "video": pairs.astype(np.int32)})


def _forgotten_until(world: World, controls: pl.DataFrame) -> NDArray[np.int64]:
    """The moment of each viewer's last reset of the day (milliseconds since 1970), up to which lines do not count."""
    resets = controls.filter(pl.col("kind").is_in(FORGETTING)).with_columns(at=pl.col("happened_at").dt.epoch("ms"))
    until = np.full(len(world.viewers), -1, np.int64)
    viewer = resets["viewer_id"].str.slice(1).cast(pl.Int64).to_numpy()
    np.maximum.at(until, viewer, resets["at"].to_numpy())
    return until


def _norms_before(lake: MemoryLake, day: date, settings: Views) -> pa.Table:
    days = [day - timedelta(days=back) for back in range(1, settings.norm_days + 1)]
    return lake.arrow(tables.WATCH_NORMS, ["duration_bucket", "bin", "views"], days=days)


def _people(lake: MemoryLake, world: World, number: int) -> pl.DataFrame:
    """Since when each viewer is known, device and country."""
    met = pl.from_arrow(lake.arrow(tables.VIEWER_IDS, ["viewer", "day"])).rename({"day": "first_met"})  # type: ignore[union-attr]
    known = world.viewers.frame.head(world.viewers.known(number)).with_row_index("viewer")
    told = known.select(pl.col("viewer").cast(pl.Int32), "device_class", "country", "signed_up_at")
    return told.join(met, on="viewer", how="left")


def _give_catalogue(lake: MemoryLake, world: World, number: int) -> None:
    """Videos and viewers as of the end of the day, and the dense ids of the new ones."""
    day = day_of(world, number)
    videos, viewers = _videos(world, number), _viewers(world, number)
    for table, ids, rows in (
        (tables.VIDEOS, tables.VIDEO_IDS, videos),
        (tables.VIEWERS, tables.VIEWER_IDS, viewers),
    ):
        lake.replace_day_arrow(table, day, rows)
        known = lake.arrow(ids, ["day"]).num_rows
        lake.replace_day_arrow(ids, day, rows.select(list(ids.column_names[1:])).slice(known))


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
