"""Ages and adds up the points of the window: the matrix that models learn from."""

from foryou import tables
from foryou.platform.job import Run, job
from foryou.signals import interactions


def main(run: Run) -> None:
    run.lake.require(tables.VIEWS, run.day)
    views = run.lake.read(tables.VIEWS, days=run.window(run.settings.interactions.window_days))
    built = interactions.build(views, run.day, run.settings.interactions)
    run.note(interactions=run.lake.replace_day(tables.INTERACTIONS, run.day, built))
    run.lake.spark.catalog.clearCache()


if __name__ == "__main__":
    job(main)
