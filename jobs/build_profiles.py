"""Tells of each viewer its genres, cluster and group, languages, and how mixed its taste is."""

from foryou import tables
from foryou.platform.job import Run, job
from foryou.viewers import content_tastes, places, profiles


def main(run: Run) -> None:
    lake, day = run.lake, run.day
    model_day = lake.arrow(tables.MODELS, ["model_day"], days=[day])["model_day"].to_pylist()
    interactions = lake.arrow(tables.INTERACTIONS, ["viewer", "video", "strength", "good"], days=[day])
    rows = profiles.build(
        interactions,
        lake.arrow(tables.VIDEOS, ["video", "category", "language"], days=[day]),
        lake.arrow(tables.VIEWERS, ["viewer", "language"], days=[day]),
        places.Taste(
            lake.arrow(tables.VIEWER_FACTORS, ["viewer", "factors"], days=model_day),
            lake.arrow(tables.CLUSTERS, ["kind", "cluster", "group", "centroid"], days=[day]),
        ),
        run.settings.profiles,
    )
    content = lake.arrow(tables.CONTENT, ["video", "embedding"], days=[day])
    taste = content_tastes.of_viewers(rows["viewer"].to_numpy(), interactions, content, run.settings.profiles)
    rows = rows.append_column("content_taste", taste)
    lake.replace_day(tables.VIEWER_PROFILES, day, rows)
    run.note(profiles=rows.num_rows, without_cluster=rows["cluster"].null_count)


if __name__ == "__main__":
    job(main)
