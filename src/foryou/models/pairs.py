"""Scores of single pairs from two sparse matrices: what a ranking says of videos that were shown."""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"
# numba infers the types of kernels from their first call; the typed signatures are those of the callers.

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import sparse

from foryou.models.matrices import Rows
from foryou.models.topk import in_threads

_PAIRS_AT_ONCE = 65_536
_THREADS = 2


def products(rows: Rows, matrix: sparse.csr_matrix, row: NDArray[np.integer], column: NDArray[np.integer]) -> NDArray:
    """The entries of rows [viewers, heads] x matrix [heads, videos] at the pairs (row, column), float64.

    Both are walked head by head in rising order, so a pair's score does not depend on the others asked for.
    Raises ValueError where the two do not fit together.
    """
    if len(rows.indices) and rows.indices.max() >= matrix.shape[0]:
        raise ValueError(f"rows have a head {rows.indices.max()}, the matrix has {matrix.shape[0]}")
    of_column = matrix.tocsc()
    of_column.sort_indices()
    found = np.zeros(len(row))
    left = rows.indptr, rows.indices, rows.values
    right = of_column.indptr.astype(np.int64), of_column.indices, of_column.data.astype(np.float32)

    def work(first: int, last: int) -> None:
        _products(*left, *right, row[first:last], column[first:last], found[first:last])

    in_threads(work, len(row), _PAIRS_AT_ONCE, _THREADS)
    return found


@njit(cache=True, nogil=True)
def _products(indptr, indices, values, other_indptr, other_indices, other_values, row, column, found):
    """found[n] = row[n] of the one · row column[n] of the other; indices rise within rows."""
    for n in range(row.size):
        i, i_end = indptr[row[n]], indptr[row[n] + 1]
        j, j_end = other_indptr[column[n]], other_indptr[column[n] + 1]
        total = 0.0
        while i < i_end and j < j_end:
            if indices[i] == other_indices[j]:
                total += np.float64(values[i]) * np.float64(other_values[j])
                i += 1
                j += 1
            elif indices[i] < other_indices[j]:
                i += 1
            else:
                j += 1
        found[n] = total
