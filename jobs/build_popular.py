"""Ranks what each segment watches to the end, lately."""

import pyarrow.compute as pc

from foryou import tables
from foryou.feeds import popular
from foryou.platform.job import Run, job


def main(run: Run) -> None:
    chosen = run.settings.popular
    for table in (tables.VIEWS, tables.VIDEOS):
        run.lake.require(table, run.day)
    views = run.lake.arrow(tables.VIEWS, popular.COLUMNS, days=run.window(chosen.window_days))
    viewers = run.lake.arrow(tables.VIEWERS, ["viewer", "country", "language"], days=[run.day])
    videos = run.lake.arrow(tables.VIDEOS, ["video", "for_all"], days=[run.day])
    on_its_way = run.lake.arrow(tables.DISTRIBUTION, ["video", "stage"], days=[run.day])
    narrow = on_its_way.filter(pc.not_equal(on_its_way["stage"], "wide"))["video"]
    videos = videos.filter(pc.invert(pc.is_in(videos["video"], narrow.combine_chunks())))
    run.lake.replace_day(tables.POPULAR, run.day, popular.build(views, viewers, videos, run.day, chosen))


if __name__ == "__main__":
    job(main)
