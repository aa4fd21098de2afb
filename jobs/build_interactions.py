"""Ages and adds up the points of the window: the matrix that models learn from."""

from functools import partial

from foryou import tables
from foryou.platform.job import Run, job
from foryou.signals import interactions


def main(run: Run) -> None:
    chosen = run.settings.interactions
    days = run.window(chosen.window_days)
    run.lake.require(tables.VIEWS, run.day)
    parts = interactions.parts(run.lake.count(tables.VIEWS, days))
    with run.lake.scratch() as folder:
        added = interactions.add_up(run.lake.read(tables.VIEWS, days=days), run.day, chosen, parts, folder).collect()
        build = partial(interactions.build, paths=[part.path for part in added], unit=interactions.unit(added))
        rows = run.lake.replace_parts(tables.INTERACTIONS, run.day, len(added), build, rows_a_group=100_000)
    run.note(interactions=rows)


if __name__ == "__main__":
    job(main)
