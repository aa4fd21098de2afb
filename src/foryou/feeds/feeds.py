"""Feeds: candidates turned into the list that is shown, no copies, in order, each with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numba
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from foryou import tables
from foryou.feeds import reasons
from foryou.models import matrices
from foryou.models.matrices import Rows
from foryou.settings import Feeds

_SIMILAR = tables.SOURCES.index("similar")
_REASON_OF_SOURCE = np.array([reasons.LIKE_YOU, reasons.SIMILAR_TO, reasons.POPULAR_IN], np.int32)
"""The reason that the leading source gives, in the order of `tables.SOURCES`."""


@dataclass(frozen=True)
class Night:
    """What feeds need beside the candidates: copies of videos, what each viewer liked lately, what is similar."""

    copy_of: NDArray[np.int32]
    liked: Rows
    similar: Rows

    @classmethod
    def open(cls, folder: Path) -> Night:
        return cls(
            matrices.shared(folder, "copy_of"),
            matrices.shared_rows(folder, "liked"),
            matrices.shared_rows(folder, "similar"),
        )

    def save(self, folder: Path) -> None:
        matrices.share(folder, {"copy_of": self.copy_of})
        matrices.share_rows(folder, "liked", self.liked)
        matrices.share_rows(folder, "similar", self.similar)


def build(part: int, files: list[str], folder: Path, settings: Feeds) -> Iterator[pa.Table]:
    """One row per viewer of a file of candidates: up to `length` videos in serving order, with reasons."""
    night = Night.open(folder)
    for batch in pq.ParquetFile(files[part]).iter_batches(batch_size=2_000):
        yield _feeds(pa.Table.from_batches([batch]), night, settings.length)


def _feeds(candidates: pa.Table, night: Night, length: int) -> pa.Table:
    viewers = candidates["viewer"].to_numpy()
    padded = {name: _padded(candidates[name]) for name in ("videos", "scores", "sources", "leads")}
    places = _without_copies(padded["videos"], np.array(night.copy_of), length)
    kept = places >= 0
    chosen = {name: np.take_along_axis(values, np.maximum(places, 0), axis=1) for name, values in padded.items()}
    videos = np.where(kept, chosen["videos"], -1).astype(np.int32)
    leads = chosen["leads"].astype(np.int32)
    liked = night.liked.of(viewers)
    seeds, values = _nearest_liked(
        videos,
        leads == _SIMILAR,
        (liked.indptr, liked.indices, liked.values),
        (np.array(night.similar.indptr), night.similar.indices, night.similar.values),
        len(night.copy_of),
    )
    told = np.where((leads == _SIMILAR) & (seeds < 0), 0, leads)
    return pa.table(
        {
            "viewer": viewers,
            "videos": matrices.lists(videos, kept),
            "scores": matrices.lists(chosen["scores"].astype(np.float32), kept),
            "sources": matrices.lists(chosen["sources"].astype(np.int32), kept),
            "reasons": matrices.lists(_REASON_OF_SOURCE[told], kept),
            "objects": matrices.lists(seeds, kept),
            "values": matrices.lists(np.where(seeds >= 0, values, chosen["scores"]).astype(np.float32), kept),
        }
    )


def _padded(lists: pa.ChunkedArray) -> NDArray[np.generic]:
    """Lists as a matrix as wide as the longest, padded with -1."""
    whole = lists.combine_chunks()
    lengths = np.diff(whole.offsets.to_numpy())
    flat = whole.flatten().to_numpy()
    matrix = np.full((len(lengths), max(1, lengths.max(initial=0))), -1, flat.dtype)
    matrix[np.arange(matrix.shape[1]) < lengths[:, None]] = flat
    return matrix


@numba.njit(cache=True)
def _without_copies(videos, copy_of, length):  # type: ignore[no-untyped-def]
    """Places of the first `length` videos of each row that copy none before them; -1 where there are no more."""
    places = np.full((videos.shape[0], length), -1, np.int64)
    used = np.full(copy_of.shape[0], -1, np.int64)
    for row in range(videos.shape[0]):
        taken = 0
        for place in range(videos.shape[1]):
            video = videos[row, place]
            if video < 0 or taken == length:
                break
            group = copy_of[video]
            if used[group] != row:
                used[group] = row
                places[row, taken] = place
                taken += 1
    return places


@numba.njit(cache=True)
def _nearest_liked(videos, wanted, liked, similar, n_videos):  # type: ignore[no-untyped-def]
    """For each wanted place of each row: the liked video that speaks most for it, and strength x cosine; else -1."""
    seeds = np.full(videos.shape, -1, np.int32)
    values = np.zeros(videos.shape, np.float32)
    place_of = np.full(n_videos, -1, np.int32)
    for row in range(videos.shape[0]):
        for place in range(videos.shape[1]):
            if wanted[row, place] and videos[row, place] >= 0:
                place_of[videos[row, place]] = place
        for i in range(liked[0][row], liked[0][row + 1]):
            seed = liked[1][i]
            for j in range(similar[0][seed], similar[0][seed + 1]):
                place = place_of[similar[1][j]]
                value = liked[2][i] * similar[2][j]
                if place >= 0 and value > values[row, place]:
                    values[row, place] = value
                    seeds[row, place] = seed
        for place in range(videos.shape[1]):
            if videos[row, place] >= 0:
                place_of[videos[row, place]] = -1
    return seeds, values
