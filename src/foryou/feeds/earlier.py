"""What viewers met in their lists of the days before: what they watched last there, and what they passed over."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import numba
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foryou.models import matrices
from foryou.models.matrices import Rows


@dataclass(frozen=True)
class Served:
    """A day of watching: the `feeds` that were live then (`viewer`, `videos`), and who `watched` which videos."""

    feeds: pa.Table
    watched: Rows


def served_on(day: date, held: Iterable[date]) -> date | None:
    """Which night's feeds were live on a day: those of the last night before it; None without one."""
    return max((night for night in held if night < day), default=None)


def watched_on(interactions: pa.Table, day: date, height: int) -> Rows:
    """Who watched what on a day and not since; `interactions` has `viewer`, `video`, `last_day`."""
    of_day = interactions.filter(pc.equal(interactions["last_day"], pa.scalar(day)))
    return matrices.rows(of_day["viewer"], of_day["video"], None, height)


def last_days(day: date, count: int) -> list[date]:
    """So many days up to and with `day`, the newest first."""
    return [day - timedelta(days=back) for back in range(count)]


def look_back(days: Iterable[Served], height: int, places: int) -> tuple[NDArray[np.int32], Rows]:
    """What viewers watched last, [viewers, places], newest last and -1 before; and what they passed over, how often.

    `days` are the newest first. Of the last list of which a viewer watched something, the end of that counts. Whoever
    watched n videos on a day has come by the first n places of the list, if no further: what stands there and was not
    watched was passed over, once for each such day. Who did not come passed over nothing.
    """
    watched, found = np.full((height, places), -1, np.int32), [np.empty(0, np.int64)]
    for day in days:
        feeds, indptr, indices = _lists(day.feeds), day.watched.indptr, day.watched.indices
        _ends(*feeds, indptr, indices, watched)
        found.append(_passed(*feeds, indptr, indices))
    pairs, times = np.unique(np.concatenate(found), return_counts=True)
    counts = np.bincount(pairs >> 32, minlength=height)
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return watched, Rows(indptr, (pairs & 0xFFFFFFFF).astype(np.int32), times.astype(np.float32))


def _lists(feeds: pa.Table) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Viewers, where the list of each begins, all videos."""
    lists = feeds["videos"].combine_chunks()
    return feeds["viewer"].to_numpy(), lists.offsets.to_numpy(), lists.flatten().to_numpy()


@numba.njit(cache=True)
def _among(watched, video):  # type: ignore[no-untyped-def]
    at = np.searchsorted(watched, video)
    return at < watched.size and watched[at] == video


@numba.njit(cache=True)
def _ends(viewers, offsets, videos, indptr, indices, ends):  # type: ignore[no-untyped-def]
    """Fills the rows of `ends` that are empty, from their right."""
    for row in range(viewers.size):
        watched = indices[indptr[viewers[row]] : indptr[viewers[row] + 1]]
        free = ends.shape[1]
        if free == 0 or watched.size == 0 or ends[viewers[row], free - 1] >= 0:
            continue
        for at in range(offsets[row + 1] - 1, offsets[row] - 1, -1):
            if free > 0 and _among(watched, videos[at]):
                free -= 1
                ends[viewers[row], free] = videos[at]


@numba.njit(cache=True)
def _passed(viewers, offsets, videos, indptr, indices):  # type: ignore[no-untyped-def]
    """Pairs as viewer · 2^32 + video."""
    found, count = np.empty(videos.size, np.int64), 0
    for row in range(viewers.size):
        watched = indices[indptr[viewers[row]] : indptr[viewers[row] + 1]]
        for at in range(offsets[row], min(offsets[row + 1], offsets[row] + watched.size)):
            if not _among(watched, videos[at]):
                found[count] = np.int64(viewers[row]) << 32 | videos[at]
                count += 1
    return found[:count].copy()
