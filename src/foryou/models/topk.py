"""The exact k best videos of each viewer, by factors or by a sparse matrix.

Scores are computed a tile of videos at a time, so memory does not grow with viewers x videos, and selection happens
while the tile is still in the cache. Videos are visited by falling length of their factors: a viewer is done as soon
as |viewer| x |video| cannot reach its k-th score any more (Cauchy-Schwarz), and high scores come early.

BLAS sums one and the same pair differently in different places of a block. Therefore its scores only preselect, with
a margin wider than any rounding; the survivors are scored again in float64 in a fixed order, and these scores decide.
So a viewer's list is the same bits whatever the block, the tile, the threads, the neighbours or the machine.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from foryou.models import kernels

Ints = NDArray[np.int32]
Floats = NDArray[np.float32]
Lists = tuple[Ints, Floats]
"""Ids [viewers, k] and scores [viewers, k], best first, equal scores by lower id, padded with -1 and -inf."""

VIEWERS_AT_ONCE = 2048
"""Viewers whose lists grow side by side; a gathered tile of videos serves all of them."""


def top_k(
    viewer_factors: Floats,
    video_factors: Floats,
    k: int,
    *,
    seen_indptr: NDArray[np.int64],
    seen_indices: Ints,
    eligible: NDArray[np.bool_] | None = None,
    threads: int = 1,
    tile: int = 2048,
    block: int = 512,
) -> Lists:
    """The k unseen, eligible videos of largest dot product for each viewer; see `Lists` for the form.

    viewer_factors [viewers, factors], video_factors [videos, factors]: float32, may be read-only maps of files.
    seen_indptr [viewers + 1], seen_indices: per viewer the videos to leave out, in any order. eligible [videos].
    A viewer whose factors are all zero is one we know nothing of: its row stays empty.
    Raises ValueError for shapes that do not fit together, for values that are not finite, and for factors so large
    that a score would overflow.
    """
    viewers, videos = _factors(viewer_factors, "viewer"), _factors(video_factors, "video")
    if viewers.shape[1] != videos.shape[1]:
        raise ValueError(f"viewers have {viewers.shape[1]} factors, videos {videos.shape[1]}")
    seen = _csr(seen_indptr, seen_indices, len(viewers), len(videos))
    lists = empty_lists(len(viewers), k)
    queue = _queue(videos, _eligible(eligible, len(videos)))
    viewer_norms = _norms(viewers)
    if viewer_norms.max(initial=0.0) * queue.norms.max(initial=0.0) > 1e38:
        raise ValueError("factors are so large that a score would overflow float32")

    wanted = max(1, min(k, queue.ids.size))

    def work(first: int, last: int) -> None:
        growing = _Growing.start(viewers[first:last], viewer_norms[first:last], queue, wanted)
        own = _seen_places(seen, first, last, queue)
        _visit(growing, queue, videos, wanted, own, tile, block)
        ids, scores = (part[first:last, :wanted] for part in lists)
        kernels.finish(*growing.state, growing.viewers, videos, ids, scores)

    with threadpool_limits(1, user_api="blas"):
        in_threads(work, len(viewers), min(VIEWERS_AT_ONCE, -(-len(viewers) // threads)), threads)
    return lists


def top_k_sparse(
    indptr: NDArray[np.int64],
    indices: Ints,
    data: Floats,
    matrix: csr_matrix,
    k: int,
    *,
    seen_indptr: NDArray[np.int64],
    seen_indices: Ints,
    base: Floats | None = None,
    eligible: NDArray[np.bool_] | None = None,
    above: float = -np.inf,
    threads: int = 1,
) -> Lists:
    """The k best unseen, eligible videos of each viewer by score = the viewer's signed row x `matrix`, plus `base`.

    indptr, indices, data: the viewers' rows (CSR) over heads, such as liked videos, segments or tokens. matrix
    [heads, videos] (CSR): how much each head speaks for a video. Sums run in float64 in the order of the rows, then
    are rounded to float32.
    Only videos that a row reaches are listed, and only those that score more than `above`; a `base` [viewers, videos],
    such as a dense part of the score, reaches all of them.
    Raises ValueError for shapes that do not fit together and for values that are not finite.
    """
    viewers, (heads, videos) = len(indptr) - 1, matrix.shape
    added = np.empty((viewers, 0), np.float32) if base is None else np.ascontiguousarray(base, np.float32)
    if not all(np.isfinite(values).all() for values in (data, matrix.data, added)):
        raise ValueError("the viewers' rows, the matrix or the base hold values that are not finite")
    if added.shape not in ((viewers, 0), (viewers, videos)):
        raise ValueError(f"a base of shape {added.shape} for {viewers} viewers and {videos} videos")
    rows = (*_csr(indptr, indices, viewers, heads), _plain(data))
    seen = _csr(seen_indptr, seen_indices, viewers, videos)
    of_heads = (*_csr(matrix.indptr, matrix.indices, heads, videos), _plain(matrix.data))
    allowed, lists = _eligible(eligible, videos), empty_lists(viewers, k)

    def work(first: int, last: int) -> None:
        kernels.multiply(rows, of_heads, added, seen, allowed, above, first, last, *lists)

    in_threads(work, viewers, VIEWERS_AT_ONCE, threads)
    return lists


@dataclass(frozen=True)
class _Queue:
    """Eligible videos in the order of visiting: ids and norms, falling, and the place of each video id or -1."""

    ids: Ints
    norms: NDArray[np.float64]
    place: Ints


def _queue(videos: Floats, eligible: NDArray[np.bool_]) -> _Queue:
    norms = _norms(videos)
    ids = np.flatnonzero(eligible).astype(np.int32)
    ids = ids[np.argsort(-norms[ids], kind="stable")]
    place = np.full(len(videos), -1, np.int32)
    place[ids] = np.arange(ids.size, dtype=np.int32)
    return _Queue(ids, norms[ids], place)


@dataclass(frozen=True)
class _Growing:
    """The unfinished lists of some viewers, one row each; see `kernels.collect`.

    `bounds` [viewers, 2] are the largest possible score |u| · |v| and the slack, the error bound of a float32 dot
    product summed in any order: factors · 2^-24 · |u| · |v|, and its rounding.
    """

    viewers: Floats
    norms: NDArray[np.float64]
    near: Floats
    near_ids: Ints
    sizes: NDArray[np.int64]
    floors: Floats
    bounds: Floats

    @classmethod
    def start(cls, viewers: Floats, norms: NDArray[np.float64], queue: _Queue, k: int) -> _Growing:
        """Empty lists, with room for what a floor that is not quite current lets through."""
        n, factors = viewers.shape
        reach = norms * queue.norms.max(initial=0.0) * (1 + 1e-6)
        slack = (factors + 8) * 2.0**-24 * reach + 1e-36
        room = 2 * k + 8 * kernels.STRIDE
        return cls(
            viewers,
            norms,
            np.empty((n, room), np.float32),
            np.empty((n, room), np.int32),
            np.zeros(n, np.int64),
            np.full(n, kernels.LOWEST),
            np.column_stack([reach + slack, slack]).astype(np.float32),
        )

    @property
    def state(self) -> tuple[Floats, Ints, NDArray[np.int64], Floats, Floats]:
        return self.near, self.near_ids, self.sizes, self.floors, self.bounds


def _visit(
    growing: _Growing,
    queue: _Queue,
    videos: Floats,
    k: int,
    seen: tuple[NDArray[np.int64], Ints, NDArray[np.int64]],
    tile: int,
    block: int,
) -> None:
    """Score tile after tile for the viewers that are not done yet."""
    scores = np.empty(block * tile, np.float32)
    active = np.flatnonzero(growing.norms > 0)
    for start in range(0, queue.ids.size, tile):
        reach = growing.norms[active] * queue.norms[start] * (1 + 1e-6) + growing.bounds[active, 1]
        active = active[reach >= growing.floors[active]]
        if active.size == 0:
            return
        ids = queue.ids[start : start + tile]
        factors = videos[ids].T
        for first in range(0, active.size, block):
            rows = active[first : first + block]
            tile_scores = scores[: rows.size * ids.size].reshape(rows.size, ids.size)
            whole = rows.size == rows[-1] + 1 - rows[0]
            np.matmul(
                growing.viewers[rows[0] : rows[-1] + 1] if whole else growing.viewers[rows], factors, out=tile_scores
            )
            kernels.mask_seen(tile_scores, rows, *seen, start)
            kernels.collect(tile_scores, ids, rows, k, *growing.state, growing.viewers, videos)


def _seen_places(
    seen: tuple[NDArray[np.int64], Ints], first: int, last: int, queue: _Queue
) -> tuple[NDArray[np.int64], Ints, NDArray[np.int64]]:
    """Per viewer of [first, last): offsets, sorted places in the queue of what it has seen, and a cursor."""
    indptr = seen[0][first : last + 1]
    places = np.empty(indptr[-1] - indptr[0], np.int32)
    kernels.seen_positions(indptr, seen[1], queue.place, places)
    return indptr, places, indptr[:-1] - indptr[0]


def _factors(values: Floats, whose: str) -> Floats:
    if values.ndim != 2 or values.dtype != np.float32:
        raise ValueError(f"{whose} factors: wanted float32 [rows, factors], found {values.dtype} {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError(f"{whose} factors hold values that are not finite")
    return _plain(values)


def _plain(values: Floats) -> Floats:
    """The same values as numba knows them: float32, row after row, no subclass such as a map of a file."""
    return np.ascontiguousarray(values, np.float32).view(np.ndarray)


def _norms(values: Floats) -> NDArray[np.float64]:
    return np.sqrt(np.einsum("ij,ij->i", values, values, dtype=np.float64))


def _csr(indptr: NDArray[np.int64], indices: Ints, viewers: int, videos: int) -> tuple[NDArray[np.int64], Ints]:
    if indptr.shape != (viewers + 1,) or np.any(np.diff(indptr) < 0) or indptr[-1] > indices.size:
        raise ValueError(f"offsets must rise over {viewers + 1} places in {indices.size} entries")
    if indices.size and (indices.min() < 0 or indices.max() >= videos):
        raise ValueError(f"videos must have ids in [0, {videos})")
    return np.ascontiguousarray(indptr, np.int64), np.ascontiguousarray(indices, np.int32).view(np.ndarray)


def _eligible(eligible: NDArray[np.bool_] | None, videos: int) -> NDArray[np.bool_]:
    if eligible is None:
        return np.ones(videos, bool)
    if eligible.shape != (videos,) or eligible.dtype != bool:
        raise ValueError(f"eligible: wanted {videos} booleans, found {eligible.dtype} {eligible.shape}")
    return eligible


def empty_lists(viewers: int, k: int) -> Lists:
    if k < 1:
        raise ValueError(f"k must be at least 1, found {k}")
    return np.full((viewers, k), -1, np.int32), np.full((viewers, k), -np.inf, np.float32)


def in_threads(work: Callable[[int, int], None], rows: int, step: int, threads: int) -> None:
    """Call `work(first, last)` for stretches of `step` rows; the kernels inside let go of the interpreter's lock."""
    starts = range(0, rows, max(step, 1))
    if threads == 1:
        for start in starts:
            work(start, min(start + step, rows))
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda start: work(start, min(start + step, rows)), starts))
