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
from foryou.models import devices, hashing, ids, parts
from foryou.platform.job import Run, job
from foryou.settings import Views
from foryou.signals import controls, sessions, views, watch_norms
from foryou.sources import landed_frames, landing


@dataclass(frozen=True)
class Day:
    """What a worker needs to fold its part of a day: the parts of the events, and the folder of what it looks up.

    `yesterday` has for each part the files in which events of its viewers may lie; `none` are no events, in the columns
    that are wanted; `until` is what resets forget.
    """

    day: date
    events: list[list[str]]
    yesterday: list[list[str]]
    none: pa.Table
    until: pa.Table
    frozen: watch_norms.Floats
    settings: Views
    folder: Path


def main(run: Run) -> None:
    chosen = run.settings.views
    run.lake.require(tables.EVENTS, run.day)
    run.note(new_viewers=run.lake.extend(tables.VIEWER_IDS, run.day, _new_viewers(run)))
    earlier = run.window(chosen.norm_days + 1)[:-1]
    counts = run.lake.arrow(tables.WATCH_NORMS, ["duration_bucket", "bin", "views"], days=earlier)
    frozen = watch_norms.freeze(counts, chosen)
    with run.lake.scratch() as folder:
        events = run.lake.parts(tables.EVENTS, run.day)
        _leave_what_is_looked_up(run, folder, len(events))
        none = run.lake.arrow(tables.EVENTS, list(views.FROM_EVENTS), days=[])
        yesterday = _of_yesterday(run, len(events))
        day = Day(run.day, events, yesterday, none, _forgotten_until(run), frozen, chosen, folder)
        make = partial(_fold, day=day)
        run.note(views=run.lake.replace_parts(tables.VIEWS, run.day, len(events), make, rows_a_group=100_000))
        _write_beside(run, folder)
        forgotten = [pq.read_table(file) for file in sorted(folder.glob("forgotten-*.parquet"))]
    read = run.lake.arrow(tables.VIEWS, ["viewer", "video", *watch_norms.COUNTED], days=[run.day])
    run.lake.replace_day_arrow(tables.WATCH_NORMS, run.day, watch_norms.build(frozen, read))
    seen = read.select(["viewer", "video"])
    if any(each.num_rows for each in forgotten):  # seen stays seen
        seen = pa.concat_tables([seen, *forgotten]).group_by(["viewer", "video"]).aggregate([])
    run.lake.replace_day_arrow(tables.SEEN, run.day, seen)


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


def _of_yesterday(run: Run, count: int) -> list[list[str]]:
    """For each part of today, the files of yesterday with events of its viewers: its own, if there were as many."""
    found = run.lake.parts(tables.EVENTS, run.day - timedelta(days=1))
    return found if len(found) == count else [[file for files in found for file in files]] * count


def _leave_what_is_looked_up(run: Run, folder: Path, count: int) -> None:
    """The videos' ids; the people, in parts; and the pairs of what was posted on the days before."""
    video_ids = run.lake.arrow(tables.VIDEO_IDS, ["video_id", "video"])
    feather.write_feather(video_ids, folder / "video_ids", compression="uncompressed")
    people = views.people(run.lake.arrow(tables.VIEWER_IDS, ["viewer_id", "viewer", "day"]), _viewers(run))
    parts.write(people, _part_of(people, count), count, str(folder / "people"))
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


def _part_of(rows: pa.Table, count: int) -> np.ndarray:
    return parts.of_digests(hashing.of_texts(rows["viewer_id"]), count)


# ---- what a worker does


def _fold(part: int, day: Day) -> Iterator[pa.Table]:
    """The views of the part's viewers; what is beside them is left in the folder, so that events are sorted once."""
    rows, forgotten = _rows(part, day)
    placed = sessions.place(
        views.mark_own(rows, np.load(day.folder / "posted.npy", mmap_mode="r")), day.day, day.settings
    )
    told = sessions.visits(placed, day.day, day.settings)
    beside = {
        tables.POSTS.name: views.posts(placed),
        tables.SESSIONS.name: sessions.build(told, day.settings),
        tables.EXITS.name: sessions.exits(told, day.settings),
        "forgotten": forgotten.select(["viewer", "video"]).group_by(["viewer", "video"]).aggregate([]),
    }
    for name, table in beside.items():
        pq.write_table(table, day.folder / f"{name}-{part:05d}.parquet")
    yield views.build(placed, partial(watch_norms.rank, frozen=day.frozen), day.settings)


def _rows(part: int, day: Day) -> tuple[pa.Table, pa.Table]:
    """The part's dense events, today's that count and yesterday's open plays; and today's that are forgotten."""
    count = len(day.events)
    people, video_ids = parts.read(str(day.folder / "people"), part), feather.read_table(day.folder / "video_ids")
    dense = partial(views.dense, people=people, video_ids=video_ids)
    today, yesterday = _read(day.events[part], day), _read(day.yesterday[part], day)
    of_part = yesterday.filter(pa.array(_part_of(yesterday, count) == part))
    forgotten = controls.forgotten(today, day.until)
    # Who posted what is no taste.
    counted = today.filter(pc.or_(pa.array(~forgotten), pc.equal(today["kind"], "post")))
    still_open = sessions.open_at_midnight(of_part, day.day, day.settings)
    rows = pa.concat_tables([dense(counted, today=True), dense(still_open, today=False)])
    return rows, dense(today.filter(pa.array(forgotten)), today=True)


def _read(files: list[str], day: Day) -> pa.Table:
    read = [pq.ParquetFile(file).read(columns=day.none.column_names).select(day.none.column_names) for file in files]
    return pa.concat_tables([day.none, *read])


# ---- what is beside the views


def _write_beside(run: Run, folder: Path) -> None:
    run.lake.replace_day_arrow(tables.POSTS, run.day, _left(run, folder, tables.POSTS))
    told = _left(run, folder, tables.SESSIONS)
    run.note(sessions=told.num_rows)
    run.lake.replace_day_arrow(tables.SESSIONS, run.day, told)
    run.lake.replace_day_arrow(tables.EXITS, run.day, sessions.add_up(_left(run, folder, tables.EXITS)))


def _left(run: Run, folder: Path, table: Table) -> pa.Table:
    """What all parts left of a table, in the order of its key."""
    rows = pa.concat_tables([pq.read_table(path) for path in sorted(folder.glob(f"{table.name}-*.parquet"))])
    return rows.sort_by([(name, "ascending") for name in table.key])


if __name__ == "__main__":
    job(main)
