"""Chooses what newcomers meet first, and where what they watch leads them."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foryou import tables
from foryou.feeds import starters, variants
from foryou.platform.job import Run, job


def main(run: Run) -> None:
    chosen = run.settings.starters
    videos = run.lake.arrow(tables.VIDEOS, ["video", "sound_id", "creator_id", "category"], days=[run.day])
    popular = run.lake.arrow(tables.POPULAR, ["segment", "rank", "video"], days=[run.day])
    height = run.lake.arrow(tables.VIDEO_IDS, ["video"]).num_rows
    stats = run.lake.arrow(tables.VIDEO_STATS, days=[run.day])
    met = run.lake.arrow(tables.INTERACTIONS, ["viewer", "video", "good"], days=[run.day])
    quality = starters.fit_to_start(stats, _clusters_reached(run, met, height), height, chosen)
    names, topics = _topics(run, videos, height)
    pools = starters.pools(popular, quality, videos, topics)
    viewers = run.lake.arrow(tables.VIEWERS, ["viewer", "country", "language", *variants.KINDS], days=[run.day])
    rows = starters.build(pools | variants.pools(pools, met, viewers, chosen), names, chosen)
    run.lake.replace_day(tables.STARTERS, run.day, rows)
    run.note(segments=len(pc.unique(rows["segment"])), slots=rows.num_rows)


def _clusters_reached(run: Run, met: pa.Table, height: int) -> np.ndarray:
    good = met.filter(met["good"])
    profiles = run.lake.arrow(tables.VIEWER_PROFILES, ["viewer", "cluster"], days=[run.day])
    cluster = np.full(run.lake.arrow(tables.VIEWER_IDS, ["viewer"]).num_rows, -1, np.int32)
    cluster[profiles["viewer"].to_numpy()] = pc.fill_null(profiles["cluster"], -1).to_numpy()
    return starters.clusters_reached(good["viewer"].to_numpy(), good["video"].to_numpy(), cluster, height)


def _topics(run: Run, videos: pa.Table, height: int) -> tuple[list[str], np.ndarray]:
    clusters = run.lake.arrow(tables.CLUSTERS, ["kind", "cluster", "label"], days=[run.day])
    of_video = run.lake.arrow(tables.VIDEO_CLUSTERS, ["video", "cluster"], days=[run.day])
    return starters.topics(videos, of_video, clusters.filter(pc.equal(clusters["kind"], "videos")), height)


if __name__ == "__main__":
    job(main)
