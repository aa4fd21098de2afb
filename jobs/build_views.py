"""Folds the day's events into one row per viewer and video, with points and label; and into sessions and their ends."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark import TaskContext
from pyspark.sql import DataFrame

from foryou import secret, tables
from foryou.catalogue import catalogue
from foryou.contract import Table
from foryou.models import devices, ids
from foryou.platform.job import Run, job
from foryou.settings import Views
from foryou.signals import controls, sessions, views, watch_norms
from foryou.sources import landed_frames, landing

EVENTS_A_PART = 500_000
"""A worker holds one part whole."""


def main(run: Run) -> None:
    chosen = run.settings.views
    events = run.lake.read_day(tables.EVENTS, run.day)
    run.note(new_viewers=run.lake.extend(tables.VIEWER_IDS, run.day, _new_viewers(run, events)))
    until = _forgotten_until(run)
    counted = events
    if until:  # who posted what is no taste
        posted = controls.before(events, until).where("kind = 'post'")
        counted = controls.after(events, until).unionByName(posted)
    earlier = run.window(chosen.norm_days + 1)[:-1]
    counts = run.lake.arrow(tables.WATCH_NORMS, ["duration_bucket", "bin", "views"], days=earlier)
    frozen = watch_norms.freeze(counts, chosen)
    with run.lake.scratch() as folder:
        work = partial(_work, day=run.day, frozen=frozen, settings=chosen, folder=folder)
        built = _of_viewers(run, counted).mapInArrow(work, views.ROW)
        run.note(views=run.lake.replace_day(tables.VIEWS, run.day, built))
        _write_beside(run, folder)
    read = run.lake.arrow(tables.VIEWS, ["viewer", "video", *watch_norms.COUNTED], days=[run.day])
    run.lake.replace_day_arrow(tables.WATCH_NORMS, run.day, watch_norms.build(frozen, read))
    seen = read.select(["viewer", "video"])
    if until:  # seen stays seen
        forgotten = views.dense(
            controls.before(events, until), _people(run), run.lake.read(tables.VIDEO_IDS), today=True
        )
        before = forgotten.select("viewer", "video").toArrow().cast(seen.schema)
        seen = pa.concat_tables([seen, before]).group_by(["viewer", "video"]).aggregate([])
    run.lake.replace_day_arrow(tables.SEEN, run.day, seen)


def _new_viewers(run: Run, events: DataFrame) -> Callable[[DataFrame], DataFrame]:
    if run.day not in run.lake.days(tables.SIGN_UPS):
        return partial(ids.assign, met=events, name="viewer_id", dense="viewer")
    sign_ups = run.lake.read(tables.SIGN_UPS, days=[run.day])
    return partial(devices.new_in_events, events=events, sign_ups=sign_ups)


def _forgotten_until(run: Run) -> DataFrame | None:
    """By name, the moment of a reset up to which events no longer count; None if no such event can have landed."""
    days = run.window(run.settings.events.lookback_days + 1)
    asked = run.lake.arrow(tables.CONTROLS, ["viewer_id", "kind", "happened_at"], days=days)
    viewer_ids = run.lake.arrow(tables.VIEWER_IDS, ["viewer_id", "viewer"])
    until = controls.forgotten_until(asked, viewer_ids)
    return run.lake.spark.createDataFrame(until) if until.num_rows else None


def _of_viewers(run: Run, events: DataFrame) -> DataFrame:
    """What views rest on, each viewer's rows in one part: the day's events, yesterday's open plays, earlier posts."""
    dense = partial(views.dense, people=_people(run), video_ids=run.lake.read(tables.VIDEO_IDS))
    yesterday = run.lake.read(tables.EVENTS, days=[run.day - timedelta(days=1)])
    open_plays = sessions.open_at_midnight(yesterday, run.day, run.settings.views)
    days = run.lake.days_until(tables.POSTS, run.day - timedelta(days=1))
    rows = dense(events, today=True).unionByName(dense(open_plays, today=False))
    if days:
        posts = views.posted(run.lake.read(tables.POSTS, days=days))
        rows = rows.unionByName(posts, allowMissingColumns=True)
    parts = max(run.settings.spark.shuffle_partitions, -(-run.lake.count(tables.EVENTS, [run.day]) // EVENTS_A_PART))
    return rows.repartition(parts, "viewer")


def _people(run: Run) -> DataFrame:
    """One row per viewer, as of the day.

    A day made up for later has no snapshot in the lake: it is read as it landed, so that the tables do not depend on
    how the day was built.
    """
    if run.day in run.lake.days(tables.VIEWERS):
        viewers = run.lake.read_day(tables.VIEWERS, run.day)
    else:
        landed = landing.check_day(run.landing, run.day)
        work = partial(catalogue.viewers_of, day=run.day, salt=secret.salt())
        landed_ones = landed_frames.worked(run.lake.spark, landed, "viewers", work, catalogue.row(tables.VIEWERS))
        viewers = run.lake.spark.createDataFrame(catalogue.once(landed_ones.toArrow(), tables.VIEWERS))
    return views.people(run.lake.read(tables.VIEWER_IDS), viewers)


def _work(
    batches: Iterator[pa.RecordBatch], day: date, frozen: watch_norms.Floats, settings: Views, folder: Path
) -> Iterator[pa.RecordBatch]:
    """The views of some viewers; what is beside them is left in the folder, so that events are sorted only once."""
    found = list(batches)
    if not found:
        return
    placed = sessions.place(views.mark_own(pa.Table.from_batches(found)), day, settings)
    told = sessions.visits(placed, day, settings)
    part = TaskContext.get().partitionId()  # a task tried again writes over what it left
    for table, rows in (
        (tables.POSTS, views.posts(placed)),
        (tables.SESSIONS, sessions.build(told, settings)),
        (tables.EXITS, sessions.exits(told, settings)),
    ):
        pq.write_table(rows, folder / f"{table.name}-{part}.parquet")
    yield from views.build(placed, partial(watch_norms.rank, frozen=frozen), settings).to_batches()


def _write_beside(run: Run, folder: Path) -> None:
    run.lake.replace_day_arrow(tables.POSTS, run.day, _left(run, folder, tables.POSTS))
    told = _left(run, folder, tables.SESSIONS)
    run.note(sessions=told.num_rows)
    run.lake.replace_day_arrow(tables.SESSIONS, run.day, told)
    run.lake.replace_day_arrow(tables.EXITS, run.day, sessions.add_up(_left(run, folder, tables.EXITS)))


def _left(run: Run, folder: Path, table: Table) -> pa.Table:
    """What all parts left of a table, in the order of its key; empty if there is none."""
    parts = [pq.read_table(path) for path in sorted(folder.glob(f"{table.name}-*.parquet"))]
    rows = pa.concat_tables(parts) if parts else run.lake.arrow(table, days=[]).drop(["day"])
    return rows.sort_by([(name, "ascending") for name in table.key])


if __name__ == "__main__":
    job(main)
