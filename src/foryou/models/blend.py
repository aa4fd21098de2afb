"""One list per viewer out of the lists of several sources."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from foryou.models import kernels
from foryou.models.topk import VIEWERS_AT_ONCE, Floats, Ints, empty_lists, in_threads

PLACE_STEP = 0.001
"""Standard deviations by which each appended video scores less than the one before, so that scores keep the order."""


def blend_lists(
    ids: Sequence[Ints],
    scores: Sequence[Floats],
    k: int,
    *,
    weights: Sequence[float] | None = None,
    deviation_floor: float = 0.001,
    fewest: int = 20,
    threads: int = 1,
) -> tuple[Ints, Floats, Ints]:
    """Blend the sources' lists: ids, scores and source bits, each [viewers, k], best first.

    ids, scores: one pair per source, [viewers, that source's length], padded with id -1. A source z-scores its own
    list of a viewer, its deviation taken as at least `deviation_floor` (in that source's unit); a video it lacks gets
    its lowest z; the z are added with `weights` (equal ones if not given). A source with fewer than `fewest` videos
    for a viewer moves no score: its videos come after the blended ones, in its order, source after source.
    Equal scores go by lower id; padding is id -1, score -inf, bits 0. Bit i of the bits says that source i has it.
    Raises ValueError for shapes that do not fit together, more than 31 sources, a weight below 0, a score that is
    not finite.
    """
    weight = np.ones(len(ids)) if weights is None else np.asarray(weights, np.float64)
    _check(ids, scores, weight, deviation_floor)
    viewers = len(ids[0])
    videos = 1 + max((int(part.max(initial=-1)) for part in ids), default=-1)
    blended = empty_lists(viewers, k)
    sources = np.zeros((viewers, k), np.int32)

    def work(first: int, last: int) -> None:
        some_ids, some_scores = _stacked(ids, scores, first, last)
        out = (blended[0][first:last], blended[1][first:last], sources[first:last])
        kernels.blend(some_ids, some_scores, weight, deviation_floor, fewest, PLACE_STEP, videos, *out)

    in_threads(work, viewers, VIEWERS_AT_ONCE, threads)
    return *blended, sources


def _stacked(ids: Sequence[Ints], scores: Sequence[Floats], first: int, last: int) -> tuple[Ints, Floats]:
    """The sources' lists of the viewers [first, last) as [sources, viewers, longest length]."""
    shape = (len(ids), last - first, max(part.shape[1] for part in ids))
    some_ids, some_scores = np.full(shape, -1, np.int32), np.zeros(shape, np.float32)
    for source, (its_ids, its_scores) in enumerate(zip(ids, scores, strict=True)):
        length = its_ids.shape[1]
        some_ids[source, :, :length] = its_ids[first:last]
        some_scores[source, :, :length] = its_scores[first:last]
    if not np.isfinite(some_scores[some_ids >= 0]).all():
        raise ValueError("a source's score is not finite")
    return some_ids, some_scores


def _check(ids: Sequence[Ints], scores: Sequence[Floats], weights: NDArray[np.float64], deviation_floor: float) -> None:
    if not 1 <= len(ids) <= 31 or len(ids) != len(scores) or len(ids) != len(weights):
        raise ValueError(f"wanted 1 to 31 sources, found {len(ids)} ids, {len(scores)} scores, {len(weights)} weights")
    if any(a.shape != b.shape or a.ndim != 2 or len(a) != len(ids[0]) for a, b in zip(ids, scores, strict=True)):
        raise ValueError("ids and scores of a source must have one shape, and all sources the same viewers")
    if not (np.isfinite(weights).all() and (weights >= 0).all() and deviation_floor > 0):
        raise ValueError("weights must be finite and at least 0, the deviation's floor above 0")
