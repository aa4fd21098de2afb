"""Finds the tags, sounds and challenges that rise, by country, and the best videos of them."""

from foryou import tables
from foryou.catalogue import trending, trends
from foryou.platform.job import Run, job


def main(run: Run) -> None:
    lake, chosen = run.lake, run.settings.trends
    for table in (tables.VIEWS, tables.VIDEOS, tables.VIDEO_STATS):
        lake.require(table, run.day)
    views = lake.arrow(tables.VIEWS, trends.VIEWS, days=run.window(chosen.window_days + 1))
    viewers = lake.arrow(tables.VIEWERS, ["viewer", "country"], days=[run.day])
    videos = lake.arrow(tables.VIDEOS, trends.VIDEOS, days=[run.day])
    rising = trends.build(views, viewers, videos, run.day, chosen)
    lake.replace_day(tables.TRENDS, run.day, rising)
    stats = lake.arrow(tables.VIDEO_STATS, ["video", "quality"], days=[run.day])
    today = lake.arrow(tables.VIEWS, ["viewer", "video"], days=[run.day])
    listed = trending.build(rising, today, viewers, videos, stats, chosen)
    lake.replace_day(tables.TRENDING, run.day, listed)
    run.note(trends=rising.num_rows)


if __name__ == "__main__":
    job(main)
