"""Content vectors in few dimensions: what videos are about, short enough to add up for every viewer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import svds
from threadpoolctl import threadpool_limits

Vectors = NDArray[np.float32]

_MOST_CELLS = 2**22
"""Up to so many cells a dense decomposition is as fast, and it takes any number of directions."""


def embed(content: sparse.csr_matrix, dimensions: int) -> Vectors:
    """[videos, at most `dimensions`]: content vectors [videos, tokens] in their leading singular directions.

    Dot products are those of the best approximation of that rank (Eckart and Young 1936), so long vectors say more
    than short ones. A video of which nothing is known has zeros. One thread, so that every sum has one order.
    """
    used = content[:, np.flatnonzero(np.bincount(content.indices, minlength=content.shape[1]))]
    width = min(dimensions, *used.shape)
    if width == 0:
        return np.zeros((content.shape[0], 0), np.float32)
    with threadpool_limits(1, user_api="blas"):
        if used.shape[0] * used.shape[1] <= _MOST_CELLS or width == min(used.shape):
            left, lengths, _ = np.linalg.svd(used.toarray(), full_matrices=False)
        else:
            start = np.random.default_rng(0).standard_normal(min(used.shape))
            left, lengths, _ = svds(used, width, v0=start)
    best = np.argsort(-lengths, kind="stable")[:width]
    return np.ascontiguousarray(left[:, best] * lengths[best], np.float32)
