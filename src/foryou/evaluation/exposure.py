"""What lists show, taken together: how much of the catalogue, how new, how alike, how evenly.

A list is a row of `ids` [viewers, length], best first, padded with -1; all measures are of the first k places.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Ints = NDArray[np.integer]
Values = NDArray[np.float64]


def coverage(ids: Ints, videos: int, k: int) -> float:
    """The share of the `videos` that could be shown which at least one of the lists shows (catalogue coverage)."""
    return np.unique(_shown(ids, k)).size / videos if videos else 0.0


def novelty(ids: Ints, views: Ints, k: int) -> Values:
    """Per list: mean self-information, in bits, of its videos: `-log2(share of views)`; nan for an empty list.

    One is added to each of `views` [videos], so that a video nobody viewed has a finite one (Zhou et al. 2010).
    """
    bits = -np.log2((views + 1.0) / (views + 1.0).sum())
    shown = ids[:, :k] >= 0
    return _over(np.where(shown, bits[ids[:, :k]], 0.0).sum(axis=1), shown.sum(axis=1))


def diversity(ids: Ints, vectors: NDArray[np.floating], k: int) -> Values:
    """Per list: mean over pairs of its videos of `1 - cosine` (Ziegler et al. 2005); nan without a pair.

    vectors [videos, n], zero where there is none: such videos are left out. Of n unit vectors the cosines of all
    ordered pairs sum to `|sum of vectors|^2 - n`, so no pair is looked at.
    """
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    units = np.divide(vectors, lengths, out=np.zeros(vectors.shape, np.float32), where=lengths > 0)
    first = ids[:, :k]
    able = (first >= 0) & (lengths[:, 0] > 0)[first]
    count = able.sum(axis=1)
    held = sparse.csr_matrix(
        (np.ones(count.sum(), np.float32), first[able], np.append(0, np.cumsum(count))), shape=(len(ids), len(vectors))
    )
    squares = np.square(held @ units).sum(axis=1, dtype=np.float64)
    return 1 - _over(squares - count, count * (count - 1))


def gini(counts: NDArray[np.number]) -> float:
    """0 where all have the same, near 1 where one has all: `sum((2 i - n - 1) x_i) / (n · sum(x))`, x rising."""
    rising = np.sort(counts.astype(np.float64))
    n, total = len(rising), rising.sum()
    return float(((2 * np.arange(1, n + 1) - n - 1) * rising).sum() / (n * total)) if total > 0 else 0.0


def times_shown(ids: Ints, videos: int, k: int) -> Ints:
    """[videos]: in how many lists each is."""
    return np.bincount(_shown(ids, k), minlength=videos)


def _over(above: Values, below: Ints) -> Values:
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)


def _shown(ids: Ints, k: int) -> Ints:
    first = ids[:, :k]
    return first[first >= 0]
