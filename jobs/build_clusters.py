"""Clusters videos and viewers by the night's factors; keeps yesterday's numbers and labels them by their tags."""

import pyarrow as pa

from foryou import tables
from foryou.catalogue import clusters
from foryou.contract import Table
from foryou.platform.job import Run, job


def main(run: Run) -> None:
    lake, day = run.lake, run.day
    model_day = lake.arrow(tables.MODELS, ["model_day"], days=[day])["model_day"].to_pylist()
    good = lake.arrow(tables.INTERACTIONS, ["viewer", "video", "good"], days=[day])
    earlier = [held for held in lake.days(tables.CLUSTERS) if held < day]
    found, members = clusters.build(
        _points(run, tables.VIDEO_FACTORS, model_day),
        _points(run, tables.VIEWER_FACTORS, model_day),
        good.filter(good["good"]),
        lake.arrow(tables.VIDEOS, ["video", "tags", "category"], days=[day]),
        lake.arrow(tables.CLUSTERS, days=earlier[-1:]),
        run.settings.clusters,
    )
    lake.replace_day(tables.CLUSTERS, day, found)
    lake.replace_day(tables.VIDEO_CLUSTERS, day, members)
    run.note(**{f"clusters_of_{kind}": _count(found, kind) for kind in tables.CLUSTER_KINDS})


def _points(run: Run, table: Table, model_day: list) -> clusters.Points:
    rows = run.lake.arrow(table, [table.key[0], "factors"], days=model_day)
    return clusters.Points.of(rows[table.key[0]], rows["factors"])


def _count(found: pa.Table, kind: str) -> int:
    return found["kind"].to_pylist().count(kind)


if __name__ == "__main__":
    job(main)
