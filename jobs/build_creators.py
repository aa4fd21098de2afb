"""Rates creators by how their videos do, and says who watches them."""

import pyarrow as pa

from foryou import tables
from foryou.catalogue import creators, roster
from foryou.platform.job import Run, job


def main(run: Run) -> None:
    lake, day, chosen = run.lake, run.day, run.settings.creators
    for table in (tables.VIDEOS, tables.VIDEO_STATS, tables.INTERACTIONS):
        lake.require(table, day)
    given = roster.Given(
        videos=lake.arrow(tables.VIDEOS, roster.VIDEOS, days=[day]),
        stats=lake.arrow(tables.VIDEO_STATS, roster.STATS, days=[day]),
        views=lake.arrow(tables.VIEWS, roster.VIEWS, days=run.window(chosen.window_days)),
        interactions=lake.arrow(tables.INTERACTIONS, ["viewer", "video", "good"], days=[day]),
        viewers=lake.arrow(tables.VIEWERS, ["viewer", "country"], days=[day]),
        follows=lake.arrow(tables.FOLLOWS, ["creator_id"], days=[day]),
        trends=lake.arrow(tables.TRENDS, ["country", "kind", "name", "z"], days=[day]),
        profiles=lake.arrow(tables.VIEWER_PROFILES, ["viewer", "cluster"], days=[day]),
        before=_before(run),
        reported=run.settings.views.points_report,
    )
    rows = creators.build(given, day, chosen)
    lake.replace_day(tables.CREATORS, day, rows)
    run.note(creators=rows.num_rows)


def _before(run: Run) -> pa.Table:
    """The creators as the night before left them, for what a night has to remember."""
    earlier = [held for held in run.lake.days(tables.CREATORS) if held < run.day]
    return run.lake.arrow(tables.CREATORS, roster.BEFORE, days=earlier[-1:])


if __name__ == "__main__":
    job(main)
