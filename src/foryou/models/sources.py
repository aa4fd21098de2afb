"""What every source of candidates comes down to, once fitted: vectors, or rows through a table.

`Vectors`: a score is the dot product of the viewer's row and the video's. `Through`: a score is the viewer's signed row
times a sparse table [heads, videos]; heads are videos it watched, a segment, a country. Both are scored by the kernels
of `topk`, block by block, exactly, with equal scores by lower id.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypedDict

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from foryou.models import topk
from foryou.models.topk import Floats, Ints, Lists


@dataclass(frozen=True)
class Vectors:
    """`viewers` [viewers, factors] and `videos` [videos, factors]."""

    viewers: Floats
    videos: Floats

    def lists(self, rows: NDArray[np.integer], seen: sparse.csr_matrix, k: int, threads: int = 1) -> Lists:
        """The k best unseen videos of the viewers `rows`; `seen` [viewers, videos] is of all viewers."""
        return topk.top_k(self.viewers[rows], self.videos, k, **left_out(seen[rows]), threads=threads)


@dataclass(frozen=True)
class Through:
    """`viewers` [viewers, heads] and `table` [heads, videos], both sparse."""

    viewers: sparse.csr_matrix
    table: sparse.csr_matrix

    def lists(self, rows: NDArray[np.integer], seen: sparse.csr_matrix, k: int, threads: int = 1) -> Lists:
        """As `Vectors.lists`; only videos that a row reaches are listed."""
        heads, out = self.viewers[rows], left_out(seen[rows])
        indptr = heads.indptr.astype(np.int64)
        return topk.top_k_sparse(indptr, heads.indices, heads.data, self.table, k, **out, threads=threads)


class Fitted(Protocol):
    """Anything that lists the k best unseen videos of the viewers `rows`."""

    def lists(self, rows: NDArray[np.integer], seen: sparse.csr_matrix, k: int, threads: int = 1) -> Lists: ...


class LeftOut(TypedDict):
    seen_indptr: NDArray[np.int64]
    seen_indices: Ints


def left_out(seen: sparse.csr_matrix) -> LeftOut:
    """The rows of what viewers have seen, as `topk` is told to leave them out."""
    return {"seen_indptr": seen.indptr.astype(np.int64), "seen_indices": seen.indices}


def as_table(lists: Lists, columns: int) -> sparse.csr_matrix:
    """Lists as the rows of a sparse matrix with so many columns; a row's entries stay in the order of its list."""
    ids, scores = lists
    kept = ids >= 0
    indptr = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
    return sparse.csr_matrix((scores[kept], ids[kept], indptr), shape=(len(ids), columns))
