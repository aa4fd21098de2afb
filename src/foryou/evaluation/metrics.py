"""How good rankings and lists are, as numpy arrays.

A list is a row of `ids` [viewers, length], best first, padded with -1. Truth is what each viewer turned out to want,
rows `indptr` [viewers + 1] and `indices`, at most once each. Measures by viewer come in the order of viewers, for
those only that can be judged: who that is depends on the truth, not on the ranking, so that two rankings of one day
give arrays that can be subtracted.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foryou.models import kernels

Ints = NDArray[np.integer]
Values = NDArray[np.float64]
Interval = tuple[float, float, float]
"""Value, and the lower and upper end of its 95 % interval."""


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


def _tied_ranks(viewer: Ints, score: NDArray[np.floating]) -> Values:
    """Ranks from 1 of sorted rows; rows of one viewer and one score share the mean of theirs."""
    new = np.ones(viewer.size, bool)
    new[1:] = (viewer[1:] != viewer[:-1]) | (score[1:] != score[:-1])
    starts = np.flatnonzero(new)
    ends = np.append(starts[1:], viewer.size)
    return np.repeat((starts + 1 + ends) / 2, ends - starts)


def recall(ids: Ints, indptr: Ints, indices: Ints, k: int, weights: Values | None = None) -> Values:
    """Per viewer with truth, the share of the truth that is among the first k.

    weights: one per entry of `indices`, such as 1/propensity; then the share is one of weight.
    """
    found, weight = _weighted_hits(ids, indptr, indices, k, weights)
    judged, whole = _judged(indptr), _row_sums(weight, indptr)
    return _row_sums(found, indptr)[judged] / whole[judged]


def pooled_recall(ids: Ints, indptr: Ints, indices: Ints, k: int, weights: Values | None = None) -> float:
    """The share of all truth, or of its weight, among the first k: rows count, not viewers; nan without truth.

    With weights 1/propensity it estimates the recall on evenly shown videos (self-normalised importance weights).
    """
    found, weight = _weighted_hits(ids, indptr, indices, k, weights)
    return float(found.sum() / weight.sum()) if weight.size else float("nan")


def ndcg(ids: Ints, indptr: Ints, indices: Ints, k: int) -> Values:
    """Per viewer with truth: discounted gain of the first k over the best possible (Järvelin and Kekäläinen 2002).

    Gain 1 for each hit, discount 1 / log2(1 + rank), ranks from 1.
    """
    place = _places(ids, indptr, indices)
    depth = min(k, ids.shape[1])
    gains = np.where(place < depth, 1 / np.log2(place + 2.0), 0.0)
    ideal = np.cumsum(np.append(0.0, 1 / np.log2(np.arange(k) + 2.0)))
    judged, wanted = _judged(indptr), np.diff(indptr)
    return _row_sums(gains, indptr)[judged] / ideal[np.minimum(wanted[judged], k)]


def hit_rate(ids: Ints, indptr: Ints, indices: Ints, k: int) -> Values:
    """Per viewer with truth, 1 if any of it is among the first k, else 0."""
    found, _ = _weighted_hits(ids, indptr, indices, k, None)
    return (_row_sums(found, indptr)[_judged(indptr)] > 0).astype(np.float64)


def coverage(ids: Ints, videos: int, k: int) -> float:
    """The share of the `videos` that could be shown which at least one of the lists shows among its first k."""
    return np.unique(_shown(ids, k)).size / videos if videos else 0.0


def novelty(ids: Ints, views: Ints, k: int) -> float:
    """Mean self-information, in bits, of the videos shown: -log2 of a video's share of `views` [videos], one added
    to each so that a video nobody viewed has a finite one (Zhou et al. 2010)."""
    bits = -np.log2((views + 1.0) / (views + 1.0).sum())
    shown = _shown(ids, k)
    return float(bits[shown].mean()) if shown.size else float("nan")


def gini(ids: Ints, videos: int, k: int) -> float:
    """How unevenly the first k places are shared out among all `videos`: 0 evenly, towards 1 all to one."""
    counts = np.sort(np.bincount(_shown(ids, k), minlength=videos))
    if counts.sum() == 0:
        return float("nan")
    ranks = np.arange(1, counts.size + 1)
    return float(2 * (ranks * counts).sum() / (counts.size * counts.sum()) - (counts.size + 1) / counts.size)


def mean_interval(values: Values) -> Interval:
    """Mean over viewers with its 95 % interval by the normal approximation; one viewer has no interval (nan)."""
    mean = float(values.mean())
    half = 1.96 * float(values.std(ddof=1)) / values.size**0.5 if values.size > 1 else float("nan")
    return mean, mean - half, mean + half


def paired_interval(challenger: Values, champion: Values, *, seed: int, draws: int = 1000) -> Interval:
    """Mean of challenger - champion over viewers, with its 95 % bootstrap interval (percentiles; Efron 1979).

    Raises ValueError where the two are not of the same viewers, or of none.
    """
    if challenger.shape != champion.shape or challenger.size == 0:
        raise ValueError(f"wanted values of the same viewers, found {challenger.shape} and {champion.shape}")
    difference, rng = challenger - champion, np.random.default_rng(seed)
    means = [difference[rng.integers(0, difference.size, difference.size)].mean() for _ in range(draws)]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(difference.mean()), float(low), float(high)


def _places(ids: Ints, indptr: Ints, indices: Ints) -> Ints:
    """For each entry of the truth its place from 0 in its viewer's list, or the list's length if it is not there."""
    if len(indptr) != len(ids) + 1:
        raise ValueError(f"truth is of {len(indptr) - 1} viewers, lists of {len(ids)}")
    videos = 1 + int(max(ids.max(initial=-1), indices.max(initial=-1)))
    found = np.empty(indices.size, np.int32)
    rows = np.ascontiguousarray(indptr, np.int64), np.ascontiguousarray(indices, np.int32)
    kernels.places(np.ascontiguousarray(ids, np.int32), *rows, videos, found)
    return found


def _weighted_hits(ids: Ints, indptr: Ints, indices: Ints, k: int, weights: Values | None) -> tuple[Values, Values]:
    """Per entry of the truth its weight if it is among the first k, else 0; and its weight."""
    weight = np.ones(indices.size) if weights is None else np.asarray(weights, np.float64)
    if not (weight > 0).all() or not np.isfinite(weight).all():
        raise ValueError("weights must be finite and above 0")
    return np.where(_places(ids, indptr, indices) < min(k, ids.shape[1]), weight, 0.0), weight


def _judged(indptr: Ints) -> NDArray[np.bool_]:
    return np.diff(indptr) > 0


def _row_sums(values: Values, indptr: Ints) -> Values:
    rows = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    return np.bincount(rows, values, minlength=len(indptr) - 1).astype(np.float64)


def _shown(ids: Ints, k: int) -> Ints:
    first = ids[:, :k]
    return first[first >= 0]
