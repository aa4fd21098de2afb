"""The last look before the pointer moves: what no list may hold."""

from __future__ import annotations

from collections.abc import Callable

import numba
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foryou.models.matrices import Rows

FAULTS = ("seen before", "that may not be shown", "twice", "without a finite score", "blocked")


Flags = NDArray[np.bool_]
Blocked = Callable[[NDArray[np.int32]], Rows]


def faults(
    lists: pa.Table, seen: Rows, blocked: Blocked, *, shown: Flags, for_all: Flags, adult: Flags, length: int
) -> dict[str, int]:
    """How many items of the lists are at fault, by kind, and how many lists are shorter than `length`.

    `lists` has one row per viewer: `viewer`, `videos`, `scores`. `blocked` gives, for some viewers, the videos that
    they muted, blocked or lately refused. `shown` and `for_all` say by video which may be shown to adults and which to
    everybody; `adult` says by viewer who is one.
    """
    found = np.zeros(len(FAULTS), np.int64)
    short = 0
    for batch in lists.to_batches(max_chunksize=50_000):
        videos = batch["videos"]
        offsets = videos.offsets.to_numpy()
        first, last = offsets[0], offsets[-1]
        scores = batch["scores"].flatten().to_numpy()
        viewers = batch["viewer"].to_numpy()
        own, unwanted = seen.of(viewers), blocked(viewers)
        short += int((np.diff(offsets) < length).sum())
        listed = (offsets - first, videos.flatten().to_numpy(), np.isfinite(scores))
        masks = (own.indptr, own.indices, unwanted.indptr, unwanted.indices)
        found += _count(*listed, *masks, shown, for_all, adult[viewers])
        if last - first != len(scores):
            raise ValueError("videos and scores of a list differ in number")
    return dict(zip(FAULTS, found.tolist(), strict=True)) | {"short": short}


def half_empty(lists: pa.Table, length: int) -> float:
    """The share of the lists, in [0, 1], that have fewer than half of `length` videos; 0 without lists.

    Somewhat shorter ones are usual where people have seen most of a small catalogue.
    """
    found = pc.sum(pc.less(pc.list_value_length(lists["videos"]), length / 2)).as_py() or 0
    return found / max(lists.num_rows, 1)


@numba.njit(cache=True)
def _count(  # type: ignore[no-untyped-def]
    offsets, videos, finite, seen_indptr, seen_indices, blocked_indptr, blocked_indices, shown, for_all, adult
):
    counts = np.zeros(5, np.int64)
    seen_by = np.full(shown.shape[0], -1, np.int64)
    blocked_by = np.full(shown.shape[0], -1, np.int64)
    listed_by = np.full(shown.shape[0], -1, np.int64)
    for row in range(offsets.shape[0] - 1):
        for i in range(seen_indptr[row], seen_indptr[row + 1]):
            seen_by[seen_indices[i]] = row
        for i in range(blocked_indptr[row], blocked_indptr[row + 1]):
            blocked_by[blocked_indices[i]] = row
        for i in range(offsets[row], offsets[row + 1]):
            video = videos[i]
            counts[0] += seen_by[video] == row
            counts[1] += not (for_all[video] or (adult[row] and shown[video]))
            counts[2] += listed_by[video] == row
            counts[3] += not finite[i]
            counts[4] += blocked_by[video] == row
            listed_by[video] = row
    return counts
