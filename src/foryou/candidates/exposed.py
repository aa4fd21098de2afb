"""What viewers were shown on a day, with what the night before knew of each viewer and video: rows to learn from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from foryou import tables
from foryou.models import matrices
from foryou.models.matrices import Rows
from foryou.models.reranker import FEATURES
from foryou.settings import Reranker

Ints = NDArray[np.int32]
Floats = NDArray[np.float32]

LISTED = ("videos", "scores", "sources", "ranks")
"""Columns of `candidates`."""


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


@dataclass(frozen=True)
class Standing:
    """Of pairs in the viewers' candidates: score, rank from 1, rank in the leading source, source bits.

    Of pairs that are in no list: nan, and bits -1.
    """

    score: Floats
    rank: Floats
    lead_rank: Floats
    sources: Ints


def draw(views: pa.Table, day: date, settings: Reranker) -> pa.Table:
    """The day's views of up to `max_viewers` drawn viewers, in order, without those of their own videos."""
    others = views.filter(pc.invert(views["own"])).sort_by([("viewer", "ascending"), ("video", "ascending")])
    rng = np.random.default_rng([settings.seed, day.toordinal()])
    viewers = rng.permutation(np.unique(others["viewer"].to_numpy()))[: settings.max_viewers]
    return others.filter(pc.is_in(others["viewer"], pa.array(viewers, others["viewer"].type)))


def rows(drawn: pa.Table, listed: Standing, known: Known, settings: Reranker) -> pa.Table:
    """Rows of `exposures`: those of the views that were candidates, or shown at random."""
    chance = pc.fill_null(drawn["propensity"], 1.0).to_numpy()
    kept = (listed.sources >= 0) | (chance < 1)
    viewer, video = drawn["viewer"].to_numpy(), drawn["video"].to_numpy()
    group = np.unique(viewer, return_inverse=True)[1][kept].astype(np.int32)
    place = np.arange(len(group)) - np.searchsorted(group, group)
    weight = np.minimum(1 / np.maximum(chance[kept], 1e-9), settings.max_weight)
    return pa.table(
        {
            "group": group,
            "place": place.astype(np.int32),
            "good": drawn["good"].filter(pa.array(kept)),
            "weight": weight.astype(np.float32),
            "features": matrices.vectors(features(known, viewer, video, listed)[kept]),
        }
    )


def features(known: Known, viewer: Ints, video: Ints, listed: Standing) -> Floats:
    """[pairs, FEATURES] of the pairs; see `reranker.FEATURES`."""
    columns = {
        "score": listed.score,
        "rank": listed.rank,
        "lead_rank": listed.lead_rank,
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


def standing(files: list[str], met: Rows) -> Standing:
    """How the entries of `met` [viewers, videos] stand in the candidates of these files, in the entries' order."""
    size, asked = len(met.indices), np.diff(met.indptr) > 0
    score, rank, lead_rank = (np.full(size, np.nan, np.float32) for _ in range(3))
    found = Standing(score, rank, lead_rank, np.full(size, -1, np.int32))
    for file in files:
        for batch in pq.ParquetFile(file).iter_batches(batch_size=2_000, columns=["viewer", *LISTED]):
            viewers = batch.column("viewer").to_numpy()
            kept = np.append(asked, False)[np.minimum(viewers, len(asked))]
            if kept.any():
                _place(pa.Table.from_batches([batch]).filter(pa.array(kept)), viewers[kept], met, found)
    return found


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


def _place(lists: pa.Table, viewers: Ints, met: Rows, found: Standing) -> None:
    """Writes what these lists say of their viewers' entries of `met`."""
    lengths = pc.list_value_length(lists["videos"]).to_numpy()
    own = np.repeat(viewers, lengths).astype(np.int64) << 32 | _flat(lists, "videos")
    order = np.argsort(own)
    counts = met.indptr[viewers + 1] - met.indptr[viewers]
    ends = np.cumsum(counts)
    entry = np.repeat(met.indptr[viewers] - ends + counts, counts) + np.arange(counts.sum())
    asked = np.repeat(viewers, counts).astype(np.int64) << 32 | met.indices[entry]
    place = np.searchsorted(own[order], asked)
    here = np.append(own[order], -1)[place] == asked
    entry, at = entry[here], order[place[here]]
    found.score[entry] = _flat(lists, "scores")[at]
    found.rank[entry] = 1 + at - np.repeat(np.cumsum(lengths) - lengths, lengths)[at]
    found.lead_rank[entry], found.sources[entry] = _flat(lists, "ranks")[at], _flat(lists, "sources")[at]


def _flat(lists: pa.Table, name: str) -> NDArray[Any]:
    return lists[name].combine_chunks().flatten().to_numpy()


def _cosines(of_viewers: Floats, of_videos: Floats, viewer: Ints, video: Ints) -> Floats:
    """nan where one of the two has no vector."""
    if of_viewers.shape[1] != of_videos.shape[1]:
        return np.full(len(viewer), np.nan, np.float32)
    found: Floats = np.einsum("ij,ij->i", of_viewers[viewer], of_videos[video])
    return found


def _same(one: Ints, other: Ints) -> Floats:
    return np.where((one >= 0) & (other >= 0), one == other, np.nan).astype(np.float32)
