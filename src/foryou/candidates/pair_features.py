"""What trees look at of a viewer and a video, as of one night."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import Field, dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foryou import tables
from foryou.models import matrices
from foryou.models.reranker import FEATURES

Ints = NDArray[np.int32]
Floats = NDArray[np.float32]

ACCOUNTS = ("language", "country")
_SIDES = ("viewer_accounts", "video_accounts")
_OF_VIDEOS = ["video", "uploaded_at", "duration_ms"]


@dataclass(frozen=True)
class Known:
    """As of one night, by dense ids; nan and -1: not known.

    Of viewers and videos: `units` of factors and of content, codes of `language` and `country`, the same for both. Of
    viewers: how many videos they met. Of videos: the `centroid` [videos, factors] of their cluster, and what is named.
    """

    viewer_factors: Floats
    video_factors: Floats
    centroid: Floats
    viewer_contents: Floats
    video_contents: Floats
    viewer_accounts: dict[str, Ints]
    video_accounts: dict[str, Ints]
    met: Floats
    log_multiplier: Floats
    quality: Floats
    age_days: Floats
    duration_s: Floats

    @classmethod
    def open(cls, folder: Path) -> Known:
        """What `save` left, mapped."""
        found: dict[str, Any] = {each.name: matrices.shared(folder, f"known_{each.name}") for each in _plain()}
        for side in _SIDES:
            found[side] = {name: matrices.shared(folder, f"known_{side}_{name}") for name in ACCOUNTS}
        return cls(**found)

    def save(self, folder: Path) -> None:
        found = {f"known_{each.name}": getattr(self, each.name) for each in _plain()}
        found |= {f"known_{side}_{name}": getattr(self, side)[name] for side in _SIDES for name in ACCOUNTS}
        matrices.share(folder, found)


def _plain() -> list[Field[Any]]:
    return [each for each in fields(Known) if each.name not in _SIDES]


@dataclass(frozen=True)
class Standing:
    """Of pairs in the viewers' candidates: score, rank from 1, how far its leading part stands out, source bits.

    Of pairs that are in no list: nan, and bits -1.
    """

    score: Floats
    rank: Floats
    lead_by: Floats
    sources: Ints


def features(known: Known, viewer: Ints, video: Ints, listed: Standing) -> Floats:
    """[pairs, FEATURES] of the pairs; see `reranker.FEATURES`."""
    columns = {
        "score": listed.score,
        "rank": listed.rank,
        "lead_by": listed.lead_by,
        "factor_cosine": _cosines(known.viewer_factors, known.video_factors, viewer, video),
        "content_cosine": _cosines(known.viewer_contents, known.video_contents, viewer, video),
        "cluster_cosine": _cosines(known.viewer_factors, known.centroid, viewer, video),
        "log_multiplier": known.log_multiplier[video],
        "quality": known.quality[video],
        "age_days": known.age_days[video],
        "duration_s": known.duration_s[video],
        "videos_met": known.met[viewer],
    }
    for bit, name in enumerate(tables.TASTES):
        columns[f"found_by_{name}"] = np.where(listed.sources >= 0, listed.sources >> bit & 1, np.nan)
    for name, of_viewers in known.viewer_accounts.items():
        columns[f"same_{name}"] = _same(of_viewers[viewer], known.video_accounts[name][video])
    return np.stack([columns[name].astype(np.float32) for name in FEATURES], axis=1)


def as_of(arrow: Callable[..., pa.Table], day: date, n_viewers: int, log_multiplier: Floats) -> Known:
    """All of it as the night of a day left it; `arrow(table, columns, days=[day])` reads a working table.

    log_multiplier [videos]: what each video's creator is worth.
    """
    n_videos = len(log_multiplier)
    videos = arrow(tables.VIDEOS, [*_OF_VIDEOS, *ACCOUNTS], days=[day])
    viewers = arrow(tables.VIEWERS, ["viewer", *ACCOUNTS], days=[day])
    profiles = arrow(tables.VIEWER_PROFILES, ["viewer", "content_taste", "events"], days=[day])
    content = arrow(tables.CONTENT, ["video", "embedding"], days=[day])
    stats = arrow(tables.VIDEO_STATS, ["video", "quality"], days=[day])
    accounts = {name: codes(viewers, videos, name, (n_viewers, n_videos)) for name in ACCOUNTS}
    return Known(
        **_factors(arrow, day, n_viewers, n_videos),
        centroid=_centroids(arrow, day, n_videos),
        viewer_contents=units(matrices.dense_given(profiles["viewer"], profiles["content_taste"], n_viewers)),
        video_contents=units(matrices.dense_given(content["video"], content["embedding"], n_videos)),
        viewer_accounts={name: of[0] for name, of in accounts.items()},
        video_accounts={name: of[1] for name, of in accounts.items()},
        met=np.nan_to_num(by_id(profiles["viewer"], profiles["events"], n_viewers)),
        log_multiplier=log_multiplier,
        quality=by_id(stats["video"], stats["quality"], n_videos),
        age_days=age_days(videos["video"], videos["uploaded_at"], day, n_videos),
        duration_s=by_id(videos["video"], videos["duration_ms"], n_videos, 1_000),
    )


def _factors(
    arrow: Callable[..., pa.Table], day: date, n_viewers: int, n_videos: int
) -> dict[str, NDArray[np.float32]]:
    model_day = arrow(tables.MODELS, ["model_day"], days=[day])["model_day"][0].as_py()
    viewers = arrow(tables.VIEWER_FACTORS, ["viewer", "factors"], days=[model_day])
    warm = arrow(tables.VIDEO_FACTORS, ["video", "factors"], days=[model_day])
    videos = pa.concat_tables([warm, arrow(tables.COLD_FACTORS, ["video", "factors"], days=[day])])
    return {
        "viewer_factors": units(matrices.dense(viewers["viewer"], viewers["factors"], n_viewers)),
        "video_factors": units(matrices.dense(videos["video"], videos["factors"], n_videos)),
    }


def _centroids(arrow: Callable[..., pa.Table], day: date, height: int) -> NDArray[np.float32]:
    """Of each video the direction of its cluster."""
    clusters = arrow(tables.CLUSTERS, ["kind", "cluster", "centroid"], days=[day])
    clusters = clusters.filter(pc.equal(clusters["kind"], "videos")).combine_chunks()
    of = arrow(tables.VIDEO_CLUSTERS, ["video", "cluster"], days=[day])
    place = pc.index_in(of["cluster"], clusters["cluster"])
    return units(matrices.dense_given(of["video"], clusters["centroid"].take(place), height))


def units(vectors: Floats) -> Floats:
    """The rows at unit length; nan where there is nothing."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, lengths, out=np.full_like(vectors, np.nan), where=lengths > 0)


def by_id(ids: pa.ChunkedArray, values: pa.ChunkedArray, height: int, unit: float = 1.0) -> Floats:
    """A column, in multiples of `unit`, as an array by dense id; nan for null and for ids without a row."""
    found = np.full(height, np.nan, np.float32)
    found[ids.to_numpy()] = pc.fill_null(pc.cast(values, pa.float64()), np.nan).to_numpy() / unit
    return found


def age_days(ids: pa.ChunkedArray, uploaded_at: pa.ChunkedArray, day: date, height: int) -> Floats:
    """Days since the upload, by dense id."""
    return (day - date(1970, 1, 1)).days - by_id(ids, uploaded_at.cast(pa.date32()).cast(pa.int32()), height)


def codes(viewers: pa.Table, videos: pa.Table, name: str, heights: tuple[int, int]) -> tuple[Ints, Ints]:
    """Numbers of the texts in the column `name`, the same on both sides, by dense id; -1: not known."""
    names = pc.unique(pa.chunked_array([*viewers[name].chunks, *videos[name].chunks], pa.string()).drop_null())
    sides = ((viewers["viewer"], viewers[name], heights[0]), (videos["video"], videos[name], heights[1]))
    one, other = (by_id(ids, pc.index_in(texts, names), height) for ids, texts, height in sides)
    return np.nan_to_num(one, nan=-1).astype(np.int32), np.nan_to_num(other, nan=-1).astype(np.int32)


def _cosines(of_viewers: Floats, of_videos: Floats, viewer: Ints, video: Ints) -> Floats:
    """nan where one of the two has no vector."""
    if of_viewers.shape[1] != of_videos.shape[1]:
        return np.full(len(viewer), np.nan, np.float32)
    found: Floats = np.einsum("ij,ij->i", of_viewers[viewer], of_videos[video])
    return found


def _same(one: Ints, other: Ints) -> Floats:
    return np.where((one >= 0) & (other >= 0), one == other, np.nan).astype(np.float32)
