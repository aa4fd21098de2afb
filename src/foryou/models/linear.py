"""Videos predicted from each other, linearly, with no video predicting itself: EASE (Steck 2019), in closed form.

With G = R'R + regularization·I and P its inverse, the weights are `-P[i, j] / P[j, j]`, 0 on the diagonal, and scores
are a viewer's row of R times them. All of them matter, also those below 0, so the table is dense: for catalogues of up
to about ten thousand videos.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from foryou.models import topk
from foryou.models.sources import left_out
from foryou.models.topk import Floats, Lists

VIDEOS_AT_MOST = 12_000
_VIEWERS_AT_ONCE = 1024


@dataclass(frozen=True)
class Linear:
    """`viewers` [viewers, videos], sparse, and dense `weights` [videos, videos]."""

    viewers: sparse.csr_matrix
    weights: Floats

    def lists(self, rows: NDArray[np.integer], seen: sparse.csr_matrix, k: int, threads: int = 1) -> Lists:
        """As `sources.Vectors.lists`; who watched nothing gets nothing."""
        found = topk.empty_lists(len(rows), k)
        for first in range(0, len(rows), _VIEWERS_AT_ONCE):
            some = rows[first : first + _VIEWERS_AT_ONCE]
            for whole, part in zip(found, self._block(some, seen[some], k, threads), strict=True):
                whole[first : first + len(some)] = part
        unknown = np.diff(self.viewers.indptr)[rows] == 0
        found[0][unknown], found[1][unknown] = -1, -np.inf
        return found

    def _block(self, rows: NDArray[np.integer], seen: sparse.csr_matrix, k: int, threads: int) -> Lists:
        return topk.top_k_sparse(
            np.zeros(len(rows) + 1, np.int64),
            np.empty(0, np.int32),
            np.empty(0, np.float32),
            sparse.csr_matrix((1, self.weights.shape[1]), dtype=np.float32),
            k,
            **left_out(seen),
            base=np.asarray(self.viewers[rows] @ self.weights, np.float32),
            threads=threads,
        )


def ease(values: sparse.csr_matrix, regularization: float) -> Linear:
    """Raises ValueError where rounding leaves no inverse."""
    gram = (values.T @ values).astype(np.float32).toarray(order="F")
    gram[np.diag_indices_from(gram)] += np.float32(regularization)
    factor, failed = linalg.lapack.spotrf(gram, lower=1, overwrite_a=1)
    inverse, singular = linalg.lapack.spotri(factor, lower=1, overwrite_c=1)
    if failed or singular:
        raise ValueError(f"a regularization of {regularization} is too small for these values")
    inverse = np.tril(inverse)
    inverse += np.tril(inverse, -1).T
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return Linear(values, np.ascontiguousarray(weights, np.float32))
