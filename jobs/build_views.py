"""Folds the day's events into one row per viewer and video, with points and label; and into sessions and their ends."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import feather

from foryou import secret, tables
from foryou.catalogue import catalogue
from foryou.contract import Table
from foryou.models import devices, ids, parts
from foryou.platform.job import Run, job
from foryou.settings import Views
from foryou.signals import controls, sessions, views, watch_norms
from foryou.sources import landed_frames, landing

VIEWS_A_PART = 500_000
"""A worker holds the events of one part whole."""


@dataclass(frozen=True)
class Day:
    """What workers need to fold a day: files of events, today's and yesterday's, and the folder of what is looked up.

    `parts` is how many the viewers are dealt out in; `none` are no events, in the columns that are wanted; `until` is
    what resets forget; `awake` names who watched just before midnight.
    """

    day: date
    events: list[str]
    yesterday: list[str]
    parts: int
    none: pa.Table
    until: pa.Table
    awake: pa.Array
    frozen: watch_norms.Floats
    settings: Views
    folder: Path


def main(run: Run) -> None:
    run.lake.require(tables.EVENTS, run.day)
    run.note(new_viewers=run.lake.extend(tables.VIEWER_IDS, run.day, _new_viewers(run)))
    with run.lake.scratch() as folder:
        _leave_what_is_looked_up(run, folder)
        day = _day(run, folder)
        _deal_out(run, day)
        make = partial(_fold, day=day)
        run.note(views=run.lake.replace_parts(tables.VIEWS, run.day, day.parts, make, rows_a_group=100_000))
        _write_beside(run, folder)
        forgotten = [pq.read_table(file) for file in sorted(folder.glob("forgotten-*.parquet"))]
    read = run.lake.arrow(tables.VIEWS, ["viewer", "video", *watch_norms.COUNTED], days=[run.day])
    run.lake.replace_day(tables.WATCH_NORMS, run.day, watch_norms.build(day.frozen, read))
    seen = read.select(["viewer", "video"])
    if any(each.num_rows for each in forgotten):  # seen stays seen
        seen = pa.concat_tables([seen, *forgotten]).group_by(["viewer", "video"]).aggregate([])
    run.lake.replace_day(tables.SEEN, run.day, seen)


# ---- what the workers are given


def _new_viewers(run: Run) -> Callable[[pa.Table], pa.Table]:
    events = run.lake.arrow(tables.EVENTS, ["viewer_id", "happened_at"], days=[run.day])
    met = events.group_by("viewer_id").aggregate([("happened_at", "min")]).rename_columns(["viewer_id", "first_at"])
    if run.day not in run.lake.days(tables.SIGN_UPS):
        return partial(ids.assign, met=met["viewer_id"], name="viewer_id", dense="viewer")
    sign_ups = run.lake.arrow(tables.SIGN_UPS, ["viewer_id", "device", "signed_up_at"], days=[run.day])
    return partial(devices.new_in_events, met=met, sign_ups=sign_ups)


def _forgotten_until(run: Run) -> pa.Table:
    """By name, the moment of a reset up to which events no longer count, of resets that can concern such as landed."""
    days = run.window(run.settings.events.lookback_days + 1)
    asked = run.lake.arrow(tables.CONTROLS, ["viewer_id", "kind", "happened_at"], days=days)
    return controls.forgotten_until(asked, run.lake.arrow(tables.VIEWER_IDS, ["viewer_id", "viewer"]))


def _day(run: Run, folder: Path) -> Day:
    chosen, before = run.settings.views, run.day - timedelta(days=1)
    earlier = run.window(chosen.norm_days + 1)[:-1]
    counts = run.lake.arrow(tables.WATCH_NORMS, ["duration_bucket", "bin", "views"], days=earlier)
    plays = run.lake.arrow(tables.EVENTS, ["viewer_id", "kind", "happened_at"], days=[before])
    return Day(
        run.day,
        run.lake.files(tables.EVENTS, run.day),
        run.lake.files(tables.EVENTS, before) if before in run.lake.days(tables.EVENTS) else [],
        max(run.settings.spark.shuffle_partitions, -(-run.lake.count(tables.EVENTS, [run.day]) // VIEWS_A_PART)),
        run.lake.arrow(tables.EVENTS, list(views.FROM_EVENTS), days=[]),
        _forgotten_until(run),
        sessions.awake_at_midnight(plays, run.day, chosen),
        watch_norms.freeze(counts, chosen),
        chosen,
        folder,
    )


def _leave_what_is_looked_up(run: Run, folder: Path) -> None:
    """The videos' ids, the people, and the pairs of what was posted on the days before."""
    people = views.people(run.lake.arrow(tables.VIEWER_IDS, ["viewer_id", "viewer", "day"]), _viewers(run))
    video_ids = run.lake.arrow(tables.VIDEO_IDS, ["video_id", "video"])
    for name, table in (("people", people), ("video_ids", video_ids)):
        feather.write_feather(table, folder / name, compression="uncompressed")
    days = run.lake.days_until(tables.POSTS, run.day - timedelta(days=1))
    np.save(folder / "posted.npy", np.sort(views.pairs(run.lake.arrow(tables.POSTS, ["viewer", "video"], days=days))))


def _viewers(run: Run) -> pa.Table:
    """What is known of viewers as of the day.

    A day made up for later has no snapshot in the lake: it is read as it landed, so that the tables do not depend on
    how the day was built.
    """
    columns = ["viewer_id", "device_class", "country", "signed_up_at"]
    if run.day in run.lake.days(tables.VIEWERS):
        return run.lake.arrow(tables.VIEWERS, columns, days=[run.day])
    landed = landing.check_day(run.landing, run.day)
    work = partial(catalogue.viewers_of, day=run.day, salt=secret.salt())
    viewers = landed_frames.worked(run.lake.spark, landed, "viewers", work, catalogue.row(tables.VIEWERS)).toArrow()
    return catalogue.once(viewers, tables.VIEWERS).select(columns)


# ---- what a worker does


def _deal_out(run: Run, day: Day) -> None:
    """Has the workers leave of each file of events its dense rows, dealt out so that all of a viewer are in one part.

    By the dense id: a device and the account that it became are one viewer, under two names.
    """
    count = len(day.events) + len(day.yesterday)
    frame = run.lake.spark.range(0, count, 1, count)
    frame.mapInArrow(partial(_dealt, day=day), "rows bigint").collect()


def _dealt(numbers: Iterator[pa.RecordBatch], day: Day) -> Iterator[pa.RecordBatch]:
    for number in (number for batch in numbers for number in batch.column(0).to_pylist()):
        rows = _today(number, day) if number < len(day.events) else _still_open(number - len(day.events), day)
        path = str(day.folder / f"{number:05d}.dealt")
        parts.write(rows, rows["viewer"].to_numpy() % day.parts, day.parts, path)
        yield pa.RecordBatch.from_pydict({"rows": [rows.num_rows]})


def _today(number: int, day: Day) -> pa.Table:
    """The dense events of a file that count; those that are forgotten are left in the folder."""
    events = _read(day.events[number], day)
    forgotten = controls.forgotten(events, day.until)
    seen = _dense(events.filter(pa.array(forgotten)), day, today=True).group_by(["viewer", "video"]).aggregate([])
    pq.write_table(seen, day.folder / f"forgotten-{number:05d}.parquet")
    # Who posted what is no taste.
    counted = events.filter(pc.or_(pa.array(~forgotten), pc.equal(events["kind"], "post")))
    return _dense(counted, day, today=True)


def _still_open(number: int, day: Day) -> pa.Table:
    """The dense plays of a file of yesterday, of sessions that may go on."""
    plays = sessions.plays_of(_read(day.yesterday[number], day), day.awake, day.day)
    return _dense(plays, day, today=False)


def _read(file: str, day: Day) -> pa.Table:
    names = day.none.column_names
    return pa.concat_tables([day.none, pq.ParquetFile(file).read(columns=names).select(names)])


def _dense(events: pa.Table, day: Day, *, today: bool) -> pa.Table:
    people, video_ids = (feather.read_table(day.folder / name, memory_map=True) for name in ("people", "video_ids"))
    return views.dense(events, people, video_ids, today=today)


def _fold(part: int, day: Day) -> Iterator[pa.Table]:
    """The views of the part's viewers; what is beside them is left in the folder, so that events are sorted once."""
    rows = pa.concat_tables([parts.read(str(file), part) for file in sorted(day.folder.glob("*.dealt"))])
    posted = np.load(day.folder / "posted.npy", mmap_mode="r")
    placed = sessions.place(views.mark_own(rows, posted), day.day, day.settings)
    told = sessions.visits(placed, day.day, day.settings)
    beside = {
        tables.POSTS: views.posts(placed),
        tables.SESSIONS: sessions.build(told, day.settings),
        tables.EXITS: sessions.exits(told, day.settings),
    }
    for table, found in beside.items():
        pq.write_table(found, day.folder / f"{table.name}-{part:05d}.parquet")
    yield views.build(placed, partial(watch_norms.rank, frozen=day.frozen), day.settings)


# ---- what is beside the views


def _write_beside(run: Run, folder: Path) -> None:
    run.lake.replace_day(tables.POSTS, run.day, _left(run, folder, tables.POSTS))
    told = _left(run, folder, tables.SESSIONS)
    run.note(sessions=told.num_rows)
    run.lake.replace_day(tables.SESSIONS, run.day, told)
    run.lake.replace_day(tables.EXITS, run.day, sessions.add_up(_left(run, folder, tables.EXITS)))


def _left(run: Run, folder: Path, table: Table) -> pa.Table:
    """What all parts left of a table, in the order of its key."""
    rows = pa.concat_tables([pq.read_table(path) for path in sorted(folder.glob(f"{table.name}-*.parquet"))])
    return rows.sort_by([(name, "ascending") for name in table.key])


if __name__ == "__main__":
    job(main)
