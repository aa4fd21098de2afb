"""Folds the day's events into one row per viewer and video, with dense ids, points and the good-watch label."""

from collections.abc import Callable
from functools import partial

from pyspark.sql import DataFrame

from foryou import tables
from foryou.models import devices, ids
from foryou.platform.job import Run, job
from foryou.signals import controls, views


def main(run: Run) -> None:
    events = run.lake.read_day(tables.EVENTS, run.day)
    run.note(new_viewers=run.lake.extend(tables.VIEWER_IDS, run.day, _new_viewers(run, events)))
    viewer_ids, video_ids = run.lake.read(tables.VIEWER_IDS), run.lake.read(tables.VIDEO_IDS)
    until = _forgotten_until(run)
    counted = controls.after(events, until) if until else events
    built = views.build(counted, viewer_ids, video_ids, run.settings.views)
    run.note(views=run.lake.replace_day(tables.VIEWS, run.day, built))
    seen = run.lake.read_day(tables.VIEWS, run.day).select("viewer", "video")
    if until:
        seen = views.pairs(events, viewer_ids, video_ids)  # seen stays seen
    run.lake.replace_day(tables.SEEN, run.day, seen)


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


if __name__ == "__main__":
    job(main)
