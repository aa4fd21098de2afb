"""Feeds: candidates and kept places turned into the list that is shown, varied, each video with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from foryou import tables
from foryou.feeds import final_list, grounds, rules
from foryou.feeds.rules import Lists, Past, Videos
from foryou.models import matrices
from foryou.models.matrices import Rows
from foryou.settings import Feeds

_BIT_OF_KEPT = np.array([1 << tables.SOURCES.index(name) for name in tables.KEPT], np.int32)
_OF_CANDIDATES = ("videos", "scores", "sources", "leads", "leads_by")
_ARRAYS = ("copy_of", "labels", "vectors", "watched")


@dataclass(frozen=True)
class Night:
    """What feeds need beside the candidates and the grounds of reasons.

    Of videos: the first of their near copies, `labels` and `vectors` as in `rules.Videos`. Of viewers: what each
    `watched` last [viewers, places] and passed over (`earlier`).
    """

    copy_of: NDArray[np.int32]
    labels: NDArray[np.int32]
    vectors: NDArray[np.int16]
    watched: NDArray[np.int32]
    passed: Rows

    @classmethod
    def open(cls, folder: Path) -> Night:
        read: dict[str, Any] = {name: matrices.shared(folder, name) for name in _ARRAYS}
        return cls(**read, passed=matrices.shared_rows(folder, "passed"))

    def save(self, folder: Path) -> None:
        matrices.share(folder, {name: getattr(self, name) for name in _ARRAYS})
        matrices.share_rows(folder, "passed", self.passed)

    def videos(self) -> Videos:
        """Read whole, once for all the viewers of a part."""
        return Videos(np.array(self.copy_of), np.array(self.labels), np.array(self.vectors))

    def past(self, viewers: NDArray[np.int32]) -> Past:
        passed = self.passed.of(viewers)
        return Past(np.array(self.watched[viewers]), passed.indptr, passed.indices, passed.values)


def build(part: int, files: list[str], folder: Path, settings: Feeds) -> Iterator[pa.Table]:
    """One row per viewer of a file of candidates: up to `length` videos in serving order, with reasons."""
    night, of = Night.open(folder), grounds.Grounds.open(folder)
    videos = night.videos()
    for batch in pq.ParquetFile(files[part]).iter_batches(batch_size=2_000):
        yield _feeds(pa.Table.from_batches([batch]), night, videos, of, settings)


def _feeds(candidates: pa.Table, night: Night, of_videos: Videos, of: grounds.Grounds, settings: Feeds) -> pa.Table:
    viewers = candidates["viewer"].to_numpy()
    given = _padded(candidates["scores"]).astype(np.float32)
    order = _reranked(candidates["reranked"], given.shape)
    columns = {name: np.take_along_axis(_padded(candidates[name]), order, axis=1) for name in _OF_CANDIDATES}
    own = columns["videos"].astype(np.int32)
    kept = _stacked([_padded(candidates[name]) for name in tables.KEPT])
    lists, past = Lists(own, given, kept, candidates["known"].to_numpy()), night.past(viewers)
    chosen, wanted = rules.of_settings(settings), rules.kept_places(settings)
    source, place, relaxed = final_list.fill(lists, wanted, past, of_videos, chosen)
    videos = _taken(own, kept, source, place)
    filled, from_own = videos >= 0, source == 0
    scores = _scores(columns["scores"].astype(np.float32), from_own, place)
    bits, leads, leads_by = (_at(columns[name], place) for name in ("sources", "leads", "leads_by"))
    placed = grounds.Placed(videos, source, scores, bits, leads, leads_by)
    codes, objects, values = grounds.told(of, viewers, placed, settings)
    return pa.table(
        {
            "viewer": viewers,
            "videos": matrices.lists(videos, filled),
            "scores": matrices.lists(scores, filled),
            "sources": matrices.lists(np.where(from_own, bits, _BIT_OF_KEPT[source - 1]), filled),
            "relaxed": matrices.lists(relaxed, filled),
            "reasons": matrices.lists(codes, filled),
            "objects": matrices.lists(objects, filled),
            "values": matrices.lists(values, filled),
            "propensities": matrices.lists(_propensities(candidates, source, place), filled),
        }
    )


def _reranked(places: pa.ChunkedArray, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """[viewers, candidates]: the place of the candidate at each place of the night's order.

    The reranker's order takes on the blend's scores, the highest first: a list's scores stay what they were, and so
    does what variety may cost.
    """
    order = np.tile(np.arange(shape[1]), (shape[0], 1))
    first = _padded(pc.fill_null(places, pa.scalar([], places.type))).astype(np.int64)[:, : shape[1]]
    own = order[:, : first.shape[1]]
    own[first >= 0] = first[first >= 0]
    return order


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
    """The blended score; in a kept place, that of the last own candidate above it, or of the next one, or 0."""
    here = np.where(from_own, np.arange(from_own.shape[1]), -1)
    last = np.maximum.accumulate(here, axis=1)
    first = from_own.argmax(axis=1, keepdims=True)
    scores = np.take_along_axis(_at(own, place), np.where(last >= 0, last, first), axis=1)
    return np.where(from_own.any(axis=1, keepdims=True), scores, 0).astype(np.float32)


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
