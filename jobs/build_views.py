"""Folds the day's events into one row per viewer and video, with dense ids, points and the good-watch label."""

from functools import partial

from foryou import tables
from foryou.models import ids
from foryou.platform.job import Run, job
from foryou.signals import views


def main(run: Run) -> None:
    events = run.lake.read_day(tables.EVENTS, run.day)
    fresh = partial(ids.assign, met=events, name="viewer_id", dense="viewer")
    run.note(new_viewers=run.lake.extend(tables.VIEWER_IDS, run.day, fresh))
    viewer_ids, video_ids = run.lake.read(tables.VIEWER_IDS), run.lake.read(tables.VIDEO_IDS)
    built = views.build(events, viewer_ids, video_ids, run.settings.views)
    run.note(views=run.lake.replace_day(tables.VIEWS, run.day, built))
    run.lake.replace_day(tables.SEEN, run.day, run.lake.read_day(tables.VIEWS, run.day).select("viewer", "video"))


if __name__ == "__main__":
    job(main)
