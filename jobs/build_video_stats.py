"""Rates every video by those who watched it, and how often sessions end with it."""

from foryou import tables
from foryou.catalogue import video_stats
from foryou.platform.job import Run, job


def main(run: Run) -> None:
    lake, chosen = run.lake, run.settings.video_stats
    for table in (tables.INTERACTIONS, tables.VIDEOS):
        lake.require(table, run.day)
    interactions = lake.arrow(tables.INTERACTIONS, video_stats.INTERACTIONS, days=[run.day])
    videos = lake.arrow(tables.VIDEOS, ["video", "duration_ms"], days=[run.day])
    posts = lake.arrow(tables.POSTS, ["viewer", "video"], days=lake.days_until(tables.POSTS, run.day))
    exits = lake.arrow(tables.EXITS, video_stats.EXITS, days=run.window(chosen.exit_window_days))
    stats = video_stats.build(interactions, posts, exits, videos, chosen)
    lake.replace_day(tables.VIDEO_STATS, run.day, stats)
    lake.replace_day(tables.EXIT_RATES, run.day, video_stats.exit_rates(exits, chosen))
    run.note(videos_rated=stats.num_rows)


if __name__ == "__main__":
    job(main)
