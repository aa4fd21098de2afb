"""Feeds: candidates and kept places turned into the list that is shown, no copies, each with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from foryou import tables
from foryou.feeds import grounds, places
from foryou.models import matrices
from foryou.settings import Feeds

_BIT_OF_KEPT = np.array([1 << tables.SOURCES.index(name) for name in tables.KEPT], np.int32)


@dataclass(frozen=True)
class Night:
    """What feeds need beside the candidates and the grounds of reasons: copies of videos."""

    copy_of: NDArray[np.int32]

    @classmethod
    def open(cls, folder: Path) -> Night:
        return cls(matrices.shared(folder, "copy_of"))

    def save(self, folder: Path) -> None:
        matrices.share(folder, {"copy_of": self.copy_of})


def build(part: int, files: list[str], folder: Path, settings: Feeds) -> Iterator[pa.Table]:
    """One row per viewer of a file of candidates: up to `length` videos in serving order, with reasons."""
    night, of = Night.open(folder), grounds.Grounds.open(folder)
    for batch in pq.ParquetFile(files[part]).iter_batches(batch_size=2_000):
        yield _feeds(pa.Table.from_batches([batch]), night, of, settings)


def _feeds(candidates: pa.Table, night: Night, of: grounds.Grounds, settings: Feeds) -> pa.Table:
    viewers = candidates["viewer"].to_numpy()
    own = _padded(candidates["videos"]).astype(np.int32)
    kept = _stacked([_padded(candidates[name]) for name in tables.KEPT])
    copy_of, known = np.array(night.copy_of), candidates["known"].to_numpy()
    source, place = places.fill(own, kept, places.kept_places(settings), known, copy_of)
    videos = _taken(own, kept, source, place)
    filled, from_own = videos >= 0, source == 0
    scores = _scores(_padded(candidates["scores"]).astype(np.float32), from_own, place)
    bits, leads, leads_by = (_at(_padded(candidates[name]), place) for name in ("sources", "leads", "leads_by"))
    placed = grounds.Placed(videos, source, scores, bits, leads, leads_by)
    codes, objects, values = grounds.told(of, viewers, placed, settings)
    return pa.table(
        {
            "viewer": viewers,
            "videos": matrices.lists(videos, filled),
            "scores": matrices.lists(scores, filled),
            "sources": matrices.lists(np.where(from_own, bits, _BIT_OF_KEPT[source - 1]), filled),
            "reasons": matrices.lists(codes, filled),
            "objects": matrices.lists(objects, filled),
            "values": matrices.lists(values, filled),
            "propensities": matrices.lists(_propensities(candidates, source, place), filled),
        }
    )


def _taken(
    own: NDArray[np.int32], kept: NDArray[np.int32], source: NDArray[np.int8], place: NDArray[np.int32]
) -> NDArray[np.int32]:
    """The videos that the places were filled with, -1 where empty."""
    videos = np.where(source == 0, _at(own, place), -1)
    for number, videos_of in enumerate(kept):
        videos = np.where(source == 1 + number, _at(videos_of, place), videos)
    return videos.astype(np.int32)


def _at(values: NDArray[Any], place: NDArray[np.int32]) -> NDArray[Any]:
    """Of each row the entries at its places; places beyond the row are those of another list."""
    return np.take_along_axis(values, np.minimum(place, values.shape[1] - 1), axis=1)


def _scores(own: NDArray[np.float32], from_own: NDArray[np.bool_], place: NDArray[np.int32]) -> NDArray[np.float32]:
    """The blended score; at a kept place, that of the last own candidate before it, so that scores never rise."""
    scores = np.where(from_own, _at(own, place), np.inf).astype(np.float32)
    lowest = np.minimum.accumulate(scores, axis=1)
    first = np.where(np.isfinite(own[:, :1]) & from_own.any(axis=1, keepdims=True), own[:, :1], 0)
    return np.where(np.isfinite(lowest), lowest, first).astype(np.float32)


def _propensities(candidates: pa.Table, source: NDArray[np.int8], place: NDArray[np.int32]) -> NDArray[np.float32]:
    """With what probability the video was drawn for its place; 0 where nothing was drawn."""
    drawn = _padded(candidates["propensities"]).astype(np.float32)
    return np.where(source == 1 + tables.KEPT.index("exploring"), _at(drawn, place), 0).astype(np.float32)


def _stacked(lists: list[NDArray[Any]]) -> NDArray[np.int32]:
    """Matrices of the same height as one array [lists, height, the widest's width], padded with -1."""
    stacked = np.full((len(lists), len(lists[0]), max(each.shape[1] for each in lists)), -1, np.int32)
    for number, each in enumerate(lists):
        stacked[number, :, : each.shape[1]] = each
    return stacked


def _padded(lists: pa.ChunkedArray) -> NDArray[np.generic]:
    """Lists as a matrix as wide as the longest, padded with -1."""
    whole = lists.combine_chunks()
    lengths = np.diff(whole.offsets.to_numpy())
    flat = whole.flatten().to_numpy()
    matrix = np.full((len(lengths), max(1, lengths.max(initial=0))), -1, flat.dtype)
    matrix[np.arange(matrix.shape[1]) < lengths[:, None]] = flat
    return matrix
