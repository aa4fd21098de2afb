"""Upstream vectors made comparable: whitened by principal components, so that no direction that all share counts."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_ROWS_A_DIMENSION = 8
"""With fewer videos to a dimension than this, the directions kept would be chance."""
_FLATTEST = 1e-6
"""Directions whose variance is a smaller share of the largest hold rounding, not meaning."""
_ROWS_AT_ONCE = 16_384


def unit_rows(vectors: pa.ChunkedArray, dimensions: int) -> Floats:
    """The whitened vectors at unit length, [rows, up to `dimensions`]; zero for rows without one.

    A vector of another length than most, or with a number that is not finite, is none.
    """
    given, matrix = _matrix(vectors)
    if len(given) == 0:
        return np.zeros((len(vectors), 0))
    white = whitened(matrix, dimensions)
    lengths = np.sqrt((white**2).sum(axis=1, keepdims=True))
    found = np.zeros((len(vectors), white.shape[1]))
    found[given] = white / np.where(lengths > 0, lengths, 1.0)
    return found


def whitened(matrix: NDArray[np.floating], dimensions: int) -> Floats:
    """The rows of `matrix` [n, d] in their first `k` principal components, each of variance 1 over the rows.

    `k` is at most `dimensions`, an eighth of n, and the number of directions in which the rows differ at all.
    Components come by falling variance; each points where its largest coefficient is positive.
    """
    mean = matrix.mean(axis=0, dtype=np.float64)
    covariance = _covariance(matrix, mean)
    values, directions = np.linalg.eigh(covariance)
    most = min(dimensions, len(matrix) // _ROWS_A_DIMENSION)
    kept = [i for i in np.argsort(-values, kind="stable")[:most] if values[i] > _FLATTEST * values.max() > 0]
    chosen = directions[:, kept]
    largest = np.abs(chosen).argmax(axis=0)
    chosen = chosen * np.sign(chosen[largest, np.arange(len(kept))])
    return (matrix - mean) @ (chosen / np.sqrt(values[kept]))


def _covariance(matrix: NDArray[np.floating], mean: Floats) -> Floats:
    """In float64, some rows at a time: a catalogue of vectors twice over would not fit in memory."""
    total = np.zeros((matrix.shape[1], matrix.shape[1]))
    for start in range(0, len(matrix), _ROWS_AT_ONCE):
        some = matrix[start : start + _ROWS_AT_ONCE] - mean
        total += some.T @ some
    return total / max(1, len(matrix))


def _matrix(vectors: pa.ChunkedArray) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The rows that have a usable vector, and these vectors."""
    lengths = pc.fill_null(pc.list_value_length(vectors), 0).to_numpy()
    usual = int(np.bincount(lengths[lengths > 0]).argmax()) if lengths.any() else 0
    rows = np.flatnonzero((lengths == usual) & (lengths > 0))
    flat = pc.list_flatten(vectors.take(pa.array(rows))).to_numpy().astype(np.float32)
    matrix = flat.reshape(len(rows), usual)
    sound = np.isfinite(matrix).all(axis=1)
    return rows[sound], matrix[sound]
