"""Folds all controls so far into what holds for each viewer, and the refused videos into what they tire of."""

from datetime import date, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from foryou import tables
from foryou.platform.job import Run, job
from foryou.signals import viewer_controls


def main(run: Run) -> None:
    lake, day = run.lake, run.day
    controls = lake.arrow(tables.CONTROLS, days=lake.days_until(tables.CONTROLS, day))
    held = viewer_controls.build(controls, lake.arrow(tables.VIEWER_IDS, ["viewer_id", "viewer"]))
    lake.replace_day(tables.VIEWER_CONTROLS, day, held)
    tired = _tired(run, held)
    lake.replace_day(tables.FATIGUE, day, tired)
    run.note(held=held.num_rows, tired=tired.num_rows)


def _tired(run: Run, held: pa.Table) -> pa.Table:
    """The fatigue of the night before, and the views since then: of all days that can matter where there was none."""
    lake, day, chosen = run.lake, run.day, run.settings.viewer_controls
    before = _night_before(run) or day - timedelta(days=chosen.hidden_days + chosen.fading_days)
    days = [each for each in lake.days_until(tables.VIEWS, day) if each > before]
    views = lake.arrow(tables.VIEWS, ["viewer", "video", "day", "points"], days=days)
    # Only views of these two bands have so few points, whatever else was done.
    refused = views.filter(pc.less_equal(views["points"], run.settings.views.points_not_interested))
    videos = lake.arrow(tables.VIDEOS, ["video", "creator_id", "sound_id", "tags"], days=[day])
    known = lake.arrow(tables.FATIGUE, days=[before]).drop_columns("day")
    return viewer_controls.tired(known, refused.drop_columns("points"), videos, held, day, chosen)


def _night_before(run: Run) -> date | None:
    """The last night that got as far as a model, and so past this step: what it left, if only nothing, is whole."""
    return max((day for day in run.lake.days(tables.MODELS) if day < run.day), default=None)


if __name__ == "__main__":
    job(main)
