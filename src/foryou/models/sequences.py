"""What is watched after what: a table of transitions, asked with what a viewer watched last.

Of a viewer's history in order, each video leads to the `REACH` that come next, with weight 1 / steps between. Sums over
viewers, divided by powers of how often the one leads on and the other is led to, are the table; a viewer's row holds
its last `RECENT` videos, the newest 1, each before it `recency` times as much.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from foryou.models import topk
from foryou.models.graph import power
from foryou.models.sources import Through, as_table

REACH = 5
RECENT = 50


@dataclass(frozen=True)
class Weights:
    """`start` and `end` are the powers, `recency` what a step back in time costs."""

    start: float
    end: float
    recency: float


def transitions(
    values: sparse.csr_matrix, order: NDArray[np.int32], weights: Weights, keep: int, threads: int = 1
) -> Through:
    """order: each value's place in its viewer's history, 0 the newest. The `keep` largest of each row are kept."""
    led = _counted(values, order)
    out, into = (np.asarray(led.sum(axis=axis), np.float64).ravel() for axis in (1, 0))
    lists = topk.top_k_sparse(
        led.indptr.astype(np.int64),
        led.indices,
        led.data * np.repeat(power(out, -weights.start).astype(np.float32), np.diff(led.indptr)),
        sparse.diags(power(into, -weights.end).astype(np.float32), format="csr"),
        max(1, min(keep, values.shape[1])),
        seen_indptr=np.zeros(values.shape[1] + 1, np.int64),
        seen_indices=np.empty(0, np.int32),
        threads=threads,
    )
    recent = order < RECENT
    row = np.repeat(np.arange(values.shape[0]), np.diff(values.indptr))[recent]
    worth = (weights.recency ** order[recent]).astype(np.float32)
    asked = sparse.csr_matrix((worth, (row, values.indices[recent])), shape=values.shape)
    return Through(asked, as_table(lists, values.shape[1]))


def _counted(values: sparse.csr_matrix, order: NDArray[np.int32]) -> sparse.csr_matrix:
    """[videos, videos]: how often the one was led to by the other; never itself, as a viewer has a video once."""
    viewer = np.repeat(np.arange(values.shape[0], dtype=np.int64), np.diff(values.indptr))
    history = values.indices[np.argsort(viewer << 32 | order, kind="stable")]
    led = sparse.csr_matrix((values.shape[1],) * 2, dtype=np.float32)
    for steps in range(1, REACH + 1):
        same = viewer[steps:] == viewer[:-steps]  # rows of one viewer stand together, in any order
        later, earlier = history[:-steps][same], history[steps:][same]
        ones = np.full(len(later), 1 / steps, np.float32)
        led = led + sparse.csr_matrix((ones, (earlier, later)), shape=led.shape)
    return led
