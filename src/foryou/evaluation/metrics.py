"""How good rankings are, viewer by viewer, as numpy arrays.

A list is a row of `ids` [viewers, length], best first, padded with -1. Truth is what each viewer turned out to want,
rows `indptr` [viewers + 1] and `indices`, at most once each. Measures by viewer come in the order of viewers, for
those only that can be judged: who that is depends on the truth, not on the ranking, so that two rankings of one day
give arrays that can be subtracted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foryou.models import kernels

Ints = NDArray[np.integer]
Values = NDArray[np.float64]

MEASURES = ("recall", "ndcg", "map", "mrr", "hit_rate")


def per_viewer(ids: Ints, indptr: Ints, indices: Ints, ks: Sequence[int]) -> dict[str, dict[int, Values]]:
    """`[measure][k]`: one value for each viewer of `judged`, of the first k places; n: how much the viewer wanted.

    `recall`: hits / n, n not cut at k (the convention of public splits; a perfect list of k < n has less than 1).
    `ndcg`: sum of 1 / log2(1 + rank) over hits, ranks from 1, over the same of a perfect list (Järvelin and Kekäläinen
    2002). `map`: mean over min(n, k) of the precision at each hit (average precision, cut at k). `mrr`: 1 / rank of the
    first hit, else 0. `hit_rate`: 1 where there is a hit, else 0.
    """
    hits = _hits(ids, indptr, indices)
    found: dict[str, dict[int, Values]] = {measure: {} for measure in MEASURES}
    for k in ks:
        depth, most = min(k, ids.shape[1]), np.minimum(hits.wanted, k)
        hit = hits.place < depth
        at_hits = np.where(hit, 1.0, 0.0)
        found["recall"][k] = hits.sums(at_hits) / hits.wanted
        found["ndcg"][k] = hits.sums(at_hits / np.log2(hits.place + 2.0)) / _ideal(k)[most]
        found["map"][k] = hits.sums(at_hits * hits.nth / (hits.place + 1.0)) / most
        found["mrr"][k] = (at_hits / (hits.place + 1.0))[hits.starts]
        found["hit_rate"][k] = at_hits[hits.starts]
    return found


def judged(indptr: Ints) -> NDArray[np.bool_]:
    """Which viewers have any truth."""
    return np.diff(indptr) > 0


def weighted_hits(ids: Ints, indptr: Ints, indices: Ints, k: int, weights: Values) -> tuple[Values, Values]:
    """Per viewer of `judged` the weight of the truth among the first k, and of all of it.

    weights: one per entry of `indices`, such as 1/propensity. The sum of the former over viewers, over the sum of the
    latter, then estimates the recall on evenly shown videos (self-normalised importance weights).
    Raises ValueError for weights that are not finite or not above 0.
    """
    weight = np.asarray(weights, np.float64)
    if not (weight > 0).all() or not np.isfinite(weight).all():
        raise ValueError("weights must be finite and above 0")
    place, row = _places(ids, indptr, indices), _rows(indptr)
    kept, viewers = judged(indptr), len(indptr) - 1
    found = np.where(place < min(k, ids.shape[1]), weight, 0.0)
    hits, whole = (np.bincount(row, each, viewers).astype(np.float64) for each in (found, weight))
    return hits[kept], whole[kept]


def auc_by_viewer(viewer: Ints, score: NDArray[np.floating], good: NDArray[np.bool_]) -> Values:
    """Per viewer the chance that a good row scores above another one, a tie counting half (Mann and Whitney 1947).

    One entry of the arguments is one exposed video. Viewers as in `viewers_with_both`, ids rising.
    Raises ValueError for scores that are not finite.
    """
    if not np.isfinite(score).all():
        raise ValueError("scores hold values that are not finite")
    order = np.lexsort((score, viewer))
    viewer, score, good = viewer[order], score[order], good[order].astype(bool)
    starts = np.flatnonzero(np.diff(viewer, prepend=viewer[:1] - 1))
    rows = np.diff(np.append(starts, viewer.size))
    ranks = _tied_ranks(viewer, score) - np.repeat(starts, rows)
    positive = np.add.reduceat(good, starts, dtype=np.int64) if starts.size else np.empty(0, np.int64)
    sums = np.add.reduceat(np.where(good, ranks, 0.0), starts) if starts.size else np.empty(0)
    both = (positive > 0) & (positive < rows)
    above = sums[both] - positive[both] * (positive[both] + 1) / 2
    return above / (positive[both] * (rows[both] - positive[both]))


def viewers_with_both(viewer: Ints, good: NDArray[np.bool_]) -> Ints:
    """The viewers with a good row and another one, ids rising: those whom `auc_by_viewer` judges."""
    return np.intersect1d(viewer[good], viewer[~good])


@dataclass(frozen=True)
class _Hits:
    """Entries of the truth by viewer and then by `place` in the list: each viewer's hits come first, best first.

    `nth`: which of its viewer's entries it is, from 1; at a hit, how many hits there are up to it. `starts`: where
    each judged viewer begins; `wanted`: how many entries the viewer has.
    """

    place: Ints
    nth: Ints
    starts: Ints
    wanted: Ints

    def sums(self, values: Values) -> Values:
        return np.add.reduceat(values, self.starts) if self.starts.size else np.empty(0)


def _hits(ids: Ints, indptr: Ints, indices: Ints) -> _Hits:
    place, row = _places(ids, indptr, indices), _rows(indptr)
    kept = judged(indptr)
    wanted, starts = np.diff(indptr)[kept], np.asarray(indptr)[:-1][kept]
    nth = np.arange(1, place.size + 1) - np.repeat(starts, wanted)
    return _Hits(place[np.lexsort((place, row))], nth, starts, wanted)


def _ideal(k: int) -> Values:
    """The gain of a list whose first 0, 1, ... k places are hits."""
    return np.cumsum(np.append(0.0, 1 / np.log2(np.arange(k) + 2.0)))


def _places(ids: Ints, indptr: Ints, indices: Ints) -> Ints:
    """For each entry of the truth its place from 0 in its viewer's list, or the list's length if it is not there."""
    if len(indptr) != len(ids) + 1:
        raise ValueError(f"truth is of {len(indptr) - 1} viewers, lists of {len(ids)}")
    videos = 1 + int(max(ids.max(initial=-1), indices.max(initial=-1)))
    found = np.empty(indices.size, np.int32)
    rows = np.ascontiguousarray(indptr, np.int64), np.ascontiguousarray(indices, np.int32)
    kernels.places(np.ascontiguousarray(ids, np.int32), *rows, videos, found)
    return found


def _rows(indptr: Ints) -> Ints:
    return np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))


def _tied_ranks(viewer: Ints, score: NDArray[np.floating]) -> Values:
    """Ranks from 1 of sorted rows; rows of one viewer and one score share the mean of theirs."""
    new = np.ones(viewer.size, bool)
    new[1:] = (viewer[1:] != viewer[:-1]) | (score[1:] != score[:-1])
    starts = np.flatnonzero(new)
    ends = np.append(starts[1:], viewer.size)
    return np.repeat((starts + 1 + ends) / 2, ends - starts)
