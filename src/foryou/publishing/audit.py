"""The last look before the pointer moves: what no list may hold."""

from __future__ import annotations

import numba
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foryou.models.matrices import Rows

FAULTS = ("seen", "not eligible", "repeated", "not finite")


Flags = NDArray[np.bool_]


def faults(lists: pa.Table, seen: Rows, *, shown: Flags, for_all: Flags, adult: Flags, length: int) -> dict[str, int]:
    """How many items of the lists are at fault, by kind, and how many lists are shorter than `length`.

    `lists` has one row per viewer: `viewer`, `videos`, `scores`. `shown` and `for_all` say by video which may be shown
    to adults and which to everybody; `adult` says by viewer who is one.
    """
    found = np.zeros(len(FAULTS), np.int64)
    short = 0
    for batch in lists.to_batches(max_chunksize=50_000):
        videos = batch["videos"]
        offsets = videos.offsets.to_numpy()
        first, last = offsets[0], offsets[-1]
        scores = batch["scores"].flatten().to_numpy()
        viewers = batch["viewer"].to_numpy()
        own = seen.of(viewers)
        short += int((np.diff(offsets) < length).sum())
        listed = (offsets - first, videos.flatten().to_numpy(), np.isfinite(scores))
        found += _count(*listed, own.indptr, own.indices, shown, for_all, adult[viewers])
        if last - first != len(scores):
            raise ValueError("videos and scores of a list differ in number")
    return dict(zip(FAULTS, found.tolist(), strict=True)) | {"short": short}


@numba.njit(cache=True)
def _count(offsets, videos, finite, seen_indptr, seen_indices, shown, for_all, adult):  # type: ignore[no-untyped-def]
    counts = np.zeros(4, np.int64)
    seen_by = np.full(shown.shape[0], -1, np.int64)
    listed_by = np.full(shown.shape[0], -1, np.int64)
    for row in range(offsets.shape[0] - 1):
        for i in range(seen_indptr[row], seen_indptr[row + 1]):
            seen_by[seen_indices[i]] = row
        for i in range(offsets[row], offsets[row + 1]):
            video = videos[i]
            counts[0] += seen_by[video] == row
            counts[1] += not (for_all[video] or (adult[row] and shown[video]))
            counts[2] += listed_by[video] == row
            counts[3] += not finite[i]
            listed_by[video] = row
    return counts
