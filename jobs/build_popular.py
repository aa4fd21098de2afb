"""Ranks what each segment watches to the end, lately."""

from foryou import tables
from foryou.feeds import popular
from foryou.platform.job import Run, job


def main(run: Run) -> None:
    chosen = run.settings.popular
    run.lake.require(tables.VIEWS, run.day)
    views = run.lake.read(tables.VIEWS, days=run.window(chosen.window_days))
    viewers = run.lake.read(tables.VIEWERS, days=[run.day]).drop("day")  # none where nobody signs up
    videos = run.lake.read_day(tables.VIDEOS, run.day)
    run.lake.replace_day(tables.POPULAR, run.day, popular.build(views, viewers, videos, run.day, chosen))


if __name__ == "__main__":
    job(main)
