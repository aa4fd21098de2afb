"""Folds the day's events into one row per viewer and video, with points and label; and into sessions and their ends."""

from datetime import timedelta
from functools import partial

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from foryou import tables
from foryou.catalogue import catalogue
from foryou.models import ids
from foryou.platform.job import Run, job
from foryou.signals import sessions, views, watch_norms
from foryou.sources import landed_frames, landing


def main(run: Run) -> None:
    events = run.lake.read_day(tables.EVENTS, run.day)
    fresh = partial(ids.assign, met=events, name="viewer_id", dense="viewer")
    run.note(new_viewers=run.lake.extend(tables.VIEWER_IDS, run.day, fresh))
    # Uses: the views, the sessions.
    placed = _placed(run, events).cache()
    try:
        _write_views(run, placed)
        _write_sessions(run, placed)
    finally:
        placed.unpersist()
    run.lake.replace_day_arrow(tables.SEEN, run.day, _of_the_day(run, ["viewer", "video"]))


def _placed(run: Run, events: DataFrame) -> DataFrame:
    """The day's dense events, and yesterday's plays of sessions still open, each in its place in time."""
    chosen, known = run.settings.views, (run.lake.read(tables.VIEWER_IDS), run.lake.read(tables.VIDEO_IDS))
    dense = views.dense(events, *known)
    run.note(posts=run.lake.replace_day(tables.POSTS, run.day, views.posts(dense)))
    yesterday = run.lake.read(tables.EVENTS, days=[run.day - timedelta(days=1)]).drop("day")
    before = views.dense(sessions.open_at_midnight(yesterday, run.day, chosen), *known)
    posts = run.lake.read(tables.POSTS, days=run.lake.days_until(tables.POSTS, run.day))
    own = partial(views.mark_own, posts=posts)
    return sessions.place(own(dense), own(before), run.day, chosen)


def _write_views(run: Run, placed: DataFrame) -> None:
    """Writes the views, ranked by the norms of the days before, and the norms with the day's own counts."""
    chosen = run.settings.views
    earlier = run.window(chosen.norm_days + 1)[:-1]
    counts = run.lake.arrow(tables.WATCH_NORMS, ["duration_bucket", "bin", "views"], days=earlier)
    frozen = watch_norms.freeze(counts, chosen)
    ranked = watch_norms.rank(views.fold(placed), run.lake.spark.createDataFrame(frozen))
    run.note(views=run.lake.replace_day(tables.VIEWS, run.day, views.build(ranked, chosen)))
    watched = _of_the_day(run, ["plays", "watched_ms", "duration_ms", "own"])
    run.lake.replace_day_arrow(tables.WATCH_NORMS, run.day, watch_norms.build(frozen, watched))


def _write_sessions(run: Run, placed: DataFrame) -> None:
    chosen = run.settings.views
    # Uses: the sessions, the exits.
    visits = sessions.visits(placed, _people(run), run.day, chosen).cache()
    try:
        run.note(sessions=run.lake.replace_day(tables.SESSIONS, run.day, sessions.build(visits)))
        run.lake.replace_day(tables.EXITS, run.day, sessions.exits(visits, chosen))
    finally:
        visits.unpersist()


def _people(run: Run) -> DataFrame:
    """One row per viewer: since when the lake and the platform know them, device and country as of the day.

    A day made up for later has no snapshot in the lake: it is read as it landed, so that the tables do not depend on
    how the day was built.
    """
    if run.day in run.lake.days(tables.VIEWERS):
        viewers = run.lake.read_day(tables.VIEWERS, run.day)
    else:
        landed = landing.check_day(run.landing, run.day)
        judged = catalogue.judge_viewers(landed_frames.read(run.lake.spark, landed, "viewers"), run.day)
        viewers = catalogue.sound(judged, catalogue.repeats(judged))
    met = run.lake.read(tables.VIEWER_IDS).select("viewer_id", "viewer", F.col("day").alias("first_met"))
    known = viewers.select("viewer_id", "device_class", "country", "signed_up_at")
    return met.join(known, on="viewer_id", how="left").drop("viewer_id")


def _of_the_day(run: Run, columns: list[str]) -> pa.Table:
    return run.lake.arrow(tables.VIEWS, columns, days=[run.day])


if __name__ == "__main__":
    job(main)
