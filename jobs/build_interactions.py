"""Ages and adds up the points of the window: the matrix that models learn from."""

from foryou import tables
from foryou.platform.job import Run, job
from foryou.signals import interactions, viewer_controls


def main(run: Run) -> None:
    chosen = run.settings.interactions
    run.lake.require(tables.VIEWS, run.day)
    views = run.lake.arrow(tables.VIEWS, interactions.COLUMNS, days=run.window(chosen.window_days))
    held = run.lake.arrow(tables.VIEWER_CONTROLS, days=[run.day])
    rows = interactions.build(viewer_controls.remembered(views, held), run.day, chosen)
    run.lake.replace_day(tables.INTERACTIONS, run.day, rows)
    run.note(interactions=rows.num_rows)


if __name__ == "__main__":
    job(main)
