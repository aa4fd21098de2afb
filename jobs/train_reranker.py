"""Learns from earlier days which candidates are watched well, and judges it beside the blend on the day's."""

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foryou import tables
from foryou.candidates import exposed
from foryou.catalogue.creators import log_multipliers
from foryou.evaluation import reranked
from foryou.models import matrices, reranker
from foryou.platform.job import Run, job


def main(run: Run) -> None:
    lake, days = run.lake, run.window(run.settings.reranker.days + 1)[:-1]
    before = [day for day in lake.days(tables.CANDIDATES) if day < run.day]
    today = _exposures(run, before[-1]) if before else lake.arrow(tables.EXPOSURES, days=[]).drop(["day"])
    lake.replace_day(tables.EXPOSURES, run.day, today)
    earlier = lake.arrow(tables.EXPOSURES, days=[day for day in lake.days(tables.EXPOSURES) if day in days])
    row = reranked.NOTHING | _decided(run, earlier, today)
    row |= {"days": len(pc.unique(earlier["day"])), "rows": earlier.num_rows}
    lake.replace_day(tables.RERANKERS, run.day, pa.Table.from_pylist([row]))
    run.note(**{name: row[name] for name in ("state", "why", "days", "rows")})


def _decided(run: Run, earlier: pa.Table, today: pa.Table) -> dict[str, Any]:
    """What of a row of `rerankers` can be told."""
    chosen = run.settings.reranker
    if earlier.num_rows < chosen.min_rows:
        return {"why": f"{earlier.num_rows:,} rows of earlier days to learn from, wanted {chosen.min_rows:,}"}
    model = reranker.fit(*_columns(earlier), chosen)
    features, good, _, group = _columns(today)
    return reranked.decide(model, features, good, group, run.settings.evaluation)


def _columns(rows: pa.Table) -> tuple[NDArray[Any], NDArray[np.bool_], NDArray[Any], NDArray[np.int64]]:
    """Features, good, weight, and a group that is one viewer's day."""
    features = rows["features"].combine_chunks().flatten().to_numpy().reshape(rows.num_rows, len(reranker.FEATURES))
    group = rows["group"].to_numpy().astype(np.int64)
    if "day" in rows.column_names:
        group |= rows["day"].cast(pa.int32()).to_numpy().astype(np.int64) << 32
    return features, rows["good"].to_numpy(zero_copy_only=False), rows["weight"].to_numpy(), group


def _exposures(run: Run, before: date) -> pa.Table:
    """What a draw of the day's viewers met of the candidates of the night before, and at random."""
    lake, chosen = run.lake, run.settings.reranker
    n_viewers = lake.arrow(tables.VIEWER_IDS, ["viewer"]).num_rows
    n_videos = lake.arrow(tables.VIDEO_IDS, ["video"]).num_rows
    views = lake.arrow(tables.VIEWS, ["viewer", "video", "good", "propensity", "own"], days=[run.day])
    drawn = exposed.draw(views, run.day, chosen)
    met = matrices.rows(drawn["viewer"], drawn["video"], None, n_viewers)
    listed = exposed.standing(lake.files(tables.CANDIDATES, before), met)
    return exposed.rows(drawn, listed, _known(run, before, n_viewers, n_videos), chosen)


def _known(run: Run, before: date, n_viewers: int, n_videos: int) -> exposed.Known:
    """All of it as the night before left it."""
    lake = run.lake
    videos = lake.arrow(tables.VIDEOS, [*_OF_VIDEOS, *_ACCOUNT], days=[before])
    viewers = lake.arrow(tables.VIEWERS, ["viewer", *_ACCOUNT], days=[before])
    profiles = lake.arrow(tables.VIEWER_PROFILES, ["viewer", "content_taste", "events"], days=[before])
    content = lake.arrow(tables.CONTENT, ["video", "embedding"], days=[before])
    stats = lake.arrow(tables.VIDEO_STATS, ["video", "quality"], days=[before])
    creators = lake.arrow(tables.CREATORS, ["creator_id", "multiplier"], days=[before])
    accounts = {name: exposed.codes(viewers, videos, name, (n_viewers, n_videos)) for name in _ACCOUNT}
    return exposed.Known(
        **_factors(run, before, n_viewers, n_videos),
        centroid=_centroids(run, before, n_videos),
        viewer_contents=exposed.units(matrices.dense_given(profiles["viewer"], profiles["content_taste"], n_viewers)),
        video_contents=exposed.units(matrices.dense_given(content["video"], content["embedding"], n_videos)),
        viewer_accounts={name: of[0] for name, of in accounts.items()},
        video_accounts={name: of[1] for name, of in accounts.items()},
        met=np.nan_to_num(exposed.by_id(profiles["viewer"], profiles["events"], n_viewers)),
        log_multiplier=log_multipliers(creators, videos, n_videos),
        quality=exposed.by_id(stats["video"], stats["quality"], n_videos),
        age_days=exposed.age_days(videos["video"], videos["uploaded_at"], before, n_videos),
        duration_s=exposed.by_id(videos["video"], videos["duration_ms"], n_videos, 1_000),
    )


def _factors(run: Run, before: date, n_viewers: int, n_videos: int) -> dict[str, NDArray[np.float32]]:
    lake = run.lake
    model_day = lake.arrow(tables.MODELS, ["model_day"], days=[before])["model_day"][0].as_py()
    viewers = lake.arrow(tables.VIEWER_FACTORS, ["viewer", "factors"], days=[model_day])
    warm = lake.arrow(tables.VIDEO_FACTORS, ["video", "factors"], days=[model_day])
    videos = pa.concat_tables([warm, lake.arrow(tables.COLD_FACTORS, ["video", "factors"], days=[before])])
    return {
        "viewer_factors": exposed.units(matrices.dense(viewers["viewer"], viewers["factors"], n_viewers)),
        "video_factors": exposed.units(matrices.dense(videos["video"], videos["factors"], n_videos)),
    }


def _centroids(run: Run, before: date, height: int) -> NDArray[np.float32]:
    """Of each video the direction of its cluster."""
    clusters = run.lake.arrow(tables.CLUSTERS, ["kind", "cluster", "centroid"], days=[before])
    clusters = clusters.filter(pc.equal(clusters["kind"], "videos")).combine_chunks()
    of = run.lake.arrow(tables.VIDEO_CLUSTERS, ["video", "cluster"], days=[before])
    place = pc.index_in(of["cluster"], clusters["cluster"])
    return exposed.units(matrices.dense_given(of["video"], clusters["centroid"].take(place), height))


_ACCOUNT = ["language", "country"]
_OF_VIDEOS = ["video", "creator_id", "uploaded_at", "duration_ms"]

if __name__ == "__main__":
    job(main)
