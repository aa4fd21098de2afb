"""Folds the day's events into one row per viewer and video, with points and label; and into sessions and their ends."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from foryou import secret, tables
from foryou.catalogue import catalogue
from foryou.models import devices, ids
from foryou.platform.job import Run, job
from foryou.signals import controls, sessions, views, watch_norms
from foryou.sources import landed_frames, landing


def main(run: Run) -> None:
    events = run.lake.read_day(tables.EVENTS, run.day)
    run.note(new_viewers=run.lake.extend(tables.VIEWER_IDS, run.day, _new_viewers(run, events)))
    until = _forgotten_until(run)
    # Uses: the views, the sessions.
    placed = _placed(run, events, controls.after(events, until) if until else events).cache()
    try:
        _write_views(run, placed)
        _write_sessions(run, placed)
    finally:
        placed.unpersist()
    seen = _of_the_day(run, ["viewer", "video"])
    if until:  # seen stays seen
        known = run.lake.read(tables.VIEWER_IDS), run.lake.read(tables.VIDEO_IDS)
        forgotten = views.pairs(controls.before(events, until), *known).toArrow()
        seen = pa.concat_tables([seen, forgotten.cast(seen.schema)]).group_by(["viewer", "video"]).aggregate([])
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


def _placed(run: Run, events: DataFrame, counted: DataFrame) -> DataFrame:
    """The day's dense events that count, and yesterday's plays of sessions still open, each in its place in time."""
    chosen, known = run.settings.views, (run.lake.read(tables.VIEWER_IDS), run.lake.read(tables.VIDEO_IDS))
    run.note(posts=run.lake.replace_day(tables.POSTS, run.day, views.posts(views.dense(events, *known))))
    yesterday = run.lake.read(tables.EVENTS, days=[run.day - timedelta(days=1)]).drop("day")
    before = views.dense(sessions.open_at_midnight(yesterday, run.day, chosen), *known)
    posts = run.lake.read(tables.POSTS, days=run.lake.days_until(tables.POSTS, run.day))
    own = partial(views.mark_own, posts=posts)
    return sessions.place(own(views.dense(counted, *known)), own(before), run.day, chosen)


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
        judged = catalogue.judge_viewers(landed_frames.read(run.lake.spark, landed, "viewers"), run.day, secret.salt())
        viewers = catalogue.sound(judged, catalogue.repeats(judged))
    met = run.lake.read(tables.VIEWER_IDS).select("viewer_id", "viewer", F.col("day").alias("first_met"))
    known = viewers.select("viewer_id", "device_class", "country", "signed_up_at")
    named = met.join(known, on="viewer_id", how="left")
    # Who began on a device has two names; only the account's says anything.
    told = [F.max(name).alias(name) for name in ("device_class", "country", "signed_up_at")]
    return named.groupBy("viewer").agg(F.min("first_met").alias("first_met"), *told)


def _of_the_day(run: Run, columns: list[str]) -> pa.Table:
    return run.lake.arrow(tables.VIEWS, columns, days=[run.day])


if __name__ == "__main__":
    job(main)
