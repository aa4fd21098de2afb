"""Factors that know what videos are about: neighbours by content stand in the matrix as viewers of their own.

Each video's neighbours by the cosine of their vectors, with rows that add up to one, are the matrix P. Below the values
of the viewers stand rows `own·I + near·P`: one pseudo-viewer per video, who watched it and what is like it. The fit
then draws alike videos together as it does those that the same viewers watch; after it, each video's factors move by
`spread` towards the mean of its neighbours': Y + spread·P Y. A video that nobody met so gets factors from its
neighbours alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from foryou.models import topk, whitening
from foryou.models.sources import Vectors, as_table


@dataclass(frozen=True)
class Weights:
    own: float
    near: float
    spread: float


def unit_vectors(kinds: Sequence[NDArray[np.floating]], dimensions: int = 256) -> NDArray[np.float32]:
    """Vectors of several kinds, each [videos, its length], whitened, side by side, each kind and the whole of length 1.

    A row of zeros is a video without a vector of this kind, and stays so.
    """
    parts = [_whitened(kind, dimensions) for kind in kinds]
    whole = np.hstack(parts)
    lengths = np.linalg.norm(whole, axis=1, keepdims=True)
    return np.divide(whole, lengths, out=np.zeros_like(whole), where=lengths > 0).astype(np.float32)


def _whitened(kind: NDArray[np.floating], dimensions: int) -> NDArray[np.float64]:
    given = np.any(kind, axis=1)
    if not given.any():
        return np.zeros((len(kind), 0))
    white = whitening.whitened(kind[given].astype(np.float32), dimensions)
    lengths = np.linalg.norm(white, axis=1, keepdims=True)
    found = np.zeros((len(kind), white.shape[1]))
    found[given] = np.divide(white, lengths, out=np.zeros_like(white), where=lengths > 0)
    return found


def neighbours(vectors: NDArray[np.float32], k: int, least: float, threads: int = 1) -> sparse.csr_matrix:
    """P, [videos, videos]: of each video its k nearest whose cosine is above `least`, weighted by it, rows of sum 1."""
    videos = len(vectors)
    own = np.arange(videos + 1, dtype=np.int64), np.arange(videos, dtype=np.int32)
    ids, cosines = topk.top_k(vectors, vectors, k, seen_indptr=own[0], seen_indices=own[1], threads=threads)
    weights = np.where((ids >= 0) & (cosines > least), cosines, 0)
    sums = weights.sum(axis=1, keepdims=True, dtype=np.float64)
    evened = np.divide(weights, sums, out=np.zeros(weights.shape), where=sums > 0).astype(np.float32)
    return as_table((np.where(weights > 0, ids, -1), evened), videos)


def with_pseudo_viewers(values: sparse.csr_matrix, near: sparse.csr_matrix, weights: Weights) -> sparse.csr_matrix:
    """The values with a row below them for every video."""
    same = sparse.identity(values.shape[1], np.float32, "csr")
    pseudo_viewers = weights.own * same + weights.near * near
    return sparse.vstack([values, pseudo_viewers], format="csr", dtype=np.float32)


def spread(fitted: Vectors, viewers: int, near: sparse.csr_matrix, weights: Weights) -> Vectors:
    """The factors of the first `viewers`, and those of the videos moved towards their neighbours'."""
    moved = fitted.videos + np.float32(weights.spread) * (near @ fitted.videos)
    return Vectors(fitted.viewers[:viewers], np.ascontiguousarray(moved, np.float32))
