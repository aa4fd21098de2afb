"""Sources that walk the graph of viewers and videos: from video to video, and its leading directions.

With R the positive values [viewers, videos], and Du, Di the degrees of viewers and videos on a diagonal, the item walk
is `W = Di^-a R' Du^-b R Di^-c` (P3alpha and RP3beta are of this family: Cooper et al. 2014, Paudel et al. 2017), and a
viewer's scores are its row of R times W. Its counterpart in few dimensions: the truncated singular value decomposition
of `Du^-.25 R Di^-.5`, whose right vectors V give the scores `R Di^-.5 V V' Di^c`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.extmath import randomized_svd
from threadpoolctl import threadpool_limits

from foryou.models import topk
from foryou.models.sources import Through, Vectors, as_table


@dataclass(frozen=True)
class Walk:
    """How a walk weighs the degrees: `start` is a, `middle` b, `end` c."""

    start: float
    middle: float
    end: float


def walk_cost(values: sparse.csr_matrix) -> int:
    """Products that the item walk adds up: the sum of the squares of the viewers' degrees."""
    return int((np.diff(values.indptr).astype(np.int64) ** 2).sum())


def item_walk(values: sparse.csr_matrix, walk: Walk, keep: int, threads: int = 1) -> Through:
    """W with the `keep` largest entries of each row, none on the diagonal; its rows by video, as are its columns."""
    given = (values > 0).astype(np.float32)
    of_viewers, of_videos = _degrees(given)
    there = (_scaled(power(of_videos, -walk.start)) @ given.T @ _scaled(power(of_viewers, -walk.middle))).tocsr()
    back = (given @ _scaled(power(of_videos, -walk.end))).tocsr()
    videos = values.shape[1]
    lists = topk.top_k_sparse(
        there.indptr.astype(np.int64),
        there.indices,
        there.data,
        back,
        max(1, min(keep, videos - 1)),
        seen_indptr=np.arange(videos + 1, dtype=np.int64),
        seen_indices=np.arange(videos, dtype=np.int32),
        threads=threads,
    )
    return Through(values, as_table(lists, videos))


def _scaled(by: NDArray[np.float64]) -> sparse.dia_matrix:
    return sparse.diags(by.astype(np.float32))


def _degrees(values: sparse.csr_matrix) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many entries each viewer, and each video, has."""
    of_videos = np.bincount(values.indices, minlength=values.shape[1])
    return np.diff(values.indptr).astype(np.int64), of_videos.astype(np.int64)


def power(degrees: NDArray[Any], exponent: float) -> NDArray[np.float64]:
    """degrees^exponent, and 0 where there is no degree."""
    known = np.where(degrees > 0, degrees, 1).astype(np.float64)
    return np.where(degrees > 0, known**exponent, 0.0)


def svd_vectors(values: sparse.csr_matrix, factors: int, end: float, seed: int) -> Vectors:
    """Vectors of viewers and videos from the truncated decomposition; `end` is c, above 0 for what is popular."""
    of_viewers, of_videos = _degrees(values)
    narrowed = values @ _scaled(power(of_videos, -0.5))
    with threadpool_limits(1, user_api="blas"):
        evened = _scaled(power(of_viewers, -0.25)) @ narrowed
        width = max(1, min(factors, min(values.shape) // 4))  # with more, scores give back what was given
        _, _, right = randomized_svd(evened, width, n_iter=2, random_state=seed)
        directions = np.ascontiguousarray(right.T, np.float32)
        viewers = narrowed @ directions
    return Vectors(viewers.astype(np.float32), (directions * power(of_videos, end)[:, None]).astype(np.float32))
