"""Spherical k-means: points are directions, and near means a large cosine.

Factors are judged by their dot product, and their length says how much is known of a viewer or how popular a video
is, not what it is about: by Euclid's distance most points fall into one cluster around zero (docs/decisions/0012).

Every cosine is summed factor by factor in float32 and every centroid row by row in float64, whatever the machine's
BLAS and the number of threads, so that equal points in equal order give the same bits.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"
# numba infers the types of kernels from their first call; the typed signatures are those of the callers.

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from foryou.models.topk import in_threads

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

THREADS = 2
_POINTS_AT_ONCE = 8_192
_SEED_POINTS = 20_000
"""Seeds are drawn among so many points at most: more of them cost time and change no cluster."""
_SEED_TRIES = 4
_STILL = 0.005
"""The fit ends when fewer than this share of the points change their cluster in a round."""


@dataclass(frozen=True)
class Fitted:
    """centroids [k, width] of unit length; of each point its cluster [points], the least of equally near ones."""

    centroids: Floats
    clusters: Ints

    @property
    def sizes(self) -> NDArray[np.int64]:
        return np.bincount(self.clusters, minlength=len(self.centroids))


def directions(points: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """The points that have a direction, at unit length, and which rows they are; a point at zero has none."""
    lengths = np.sqrt(np.einsum("ij,ij->i", points, points, dtype=np.float64))
    rows = np.flatnonzero(lengths > 1e-12)
    return (points[rows] / lengths[rows, None]).astype(np.float32), rows


def fit(points: Floats, k: int, *, seed: int, iterations: int, start: Floats | None = None) -> Fitted:
    """k clusters of directions (`points` [n, width], unit length) by Lloyd's rounds from k-means++ seeds.

    start: yesterday's centroids. All are kept where k allows, else those of the most points; where k asks for more,
    seeds are added. A cluster that loses all its points begins again at the point that its own centroid fits worst.
    Fewer clusters come back where fewer points differ.
    (Arthur and Vassilvitskii 2007, Dhillon and Modha 2001.)
    Raises ValueError for values that are not finite and for k out of [1, n].
    """
    if not 1 <= k <= len(points) or not np.isfinite(points).all():
        raise ValueError(f"wanted k of 1 to {len(points)} finite points, found {k}")
    centroids = _begun(points, k, np.random.default_rng(seed), start)
    clusters, cosines = nearest(points, centroids)
    for _ in range(iterations):
        centroids = _moved(points, clusters, cosines, centroids)
        before = clusters
        clusters, cosines = nearest(points, centroids)
        if (clusters != before).sum() < max(1, _STILL * len(points)):
            break
    return _held(Fitted(centroids, clusters))


def evenly(points: Floats, k: int, *, seed: int, iterations: int, start: Floats | None = None) -> Fitted:
    """As `fit`, but no cluster holds more than its share of the points, rounded up: for a few points, not thousands.

    Each round deals the points out by the Hungarian method, so that the cosines add up to most (Malinen and Fränti
    2014).
    """
    centroids, clusters = _begun(points, k, np.random.default_rng(seed), start), np.full(len(points), -1, np.int32)
    places = np.repeat(np.arange(len(centroids), dtype=np.int32), -(-len(points) // len(centroids)))
    for _ in range(iterations):
        near, before = cosines(points, centroids), clusters
        clusters = places[linear_sum_assignment(near[:, places], maximize=True)[1]]
        if (clusters == before).all():
            break
        sums = np.zeros(centroids.shape)
        _add_up(points, clusters, sums)
        centroids = _at_unit_length(sums, centroids)
    return _held(Fitted(centroids, clusters))


def nearest(points: Floats, centroids: Floats) -> tuple[Ints, Floats]:
    """Of each point the nearest centroid, the least of equally near ones, and the cosine to it."""
    clusters, best = np.zeros(len(points), np.int32), np.zeros(len(points), np.float32)
    turned = np.ascontiguousarray(centroids.T)

    def work(first: int, last: int) -> None:
        _nearest(points[first:last], turned, clusters[first:last], best[first:last])

    in_threads(work, len(points), _POINTS_AT_ONCE, THREADS)
    return clusters, best


def cosines(points: Floats, centroids: Floats) -> Floats:
    """The cosine of every point to every centroid, [points, k]."""
    found, turned = np.zeros((len(points), len(centroids)), np.float32), np.ascontiguousarray(centroids.T)

    def work(first: int, last: int) -> None:
        _cosines(points[first:last], turned, found[first:last])

    in_threads(work, len(points), _POINTS_AT_ONCE, THREADS)
    return found


def numbers(centroids: Floats, before: Floats, before_numbers: Ints) -> Ints:
    """The numbers that today's clusters take over from yesterday's, so that the cosines add up to most.

    One to one, by the Hungarian method (Kuhn 1955); a cluster left over takes the least number that is free today
    and was free yesterday. Without yesterday, or with another width of factors, numbers count from 0.
    """
    found = np.full(len(centroids), -1, np.int32)
    if len(before) and before.shape[1] == centroids.shape[1]:
        today, yesterday = linear_sum_assignment(cosines(centroids, before), maximize=True)
        found[today] = before_numbers[yesterday]
        taken = set(before_numbers.tolist())
    else:
        taken = set()
    free = (number for number in range(len(centroids) + len(taken)) if number not in taken)
    return np.array([number if number >= 0 else next(free) for number in found.tolist()], np.int32)


def _begun(points: Floats, k: int, rng: np.random.Generator, start: Floats | None) -> Floats:
    if start is None or not len(start) or start.shape[1] != points.shape[1]:
        return _seeded(points, k, rng, points[:0])
    if len(start) <= k:
        return _seeded(points, k, rng, start)
    sizes = np.bincount(nearest(points, start)[0], minlength=len(start))
    return start[np.sort(np.argsort(-sizes, kind="stable")[:k])]


def _seeded(points: Floats, k: int, rng: np.random.Generator, given: Floats) -> Floats:
    """`given` and further points up to k, each the best of a few tries drawn by its distance to what is there."""
    some = (
        points[np.sort(rng.choice(len(points), _SEED_POINTS, replace=False))] if len(points) > _SEED_POINTS else points
    )
    found = given if len(given) else some[rng.integers(0, len(some), 1)]
    away = _away(nearest(some, found)[1])
    while len(found) < k and away.sum() > 0:
        drawn = np.searchsorted(np.cumsum(away), rng.random(_SEED_TRIES) * away.sum(), side="right")
        tries = some[np.minimum(drawn, len(some) - 1)]
        left = np.minimum(away[:, None], _away(cosines(some, tries)))
        best = int(left.sum(axis=0).argmin())
        found, away = np.concatenate([found, tries[best : best + 1]]), left[:, best]
    return np.ascontiguousarray(found)


def _away(cosine: Floats) -> NDArray[np.float64]:
    """Half the squared distance of two directions; what rounding leaves of the same direction is none."""
    away = 1.0 - cosine.astype(np.float64)
    return np.where(away < 1e-6, 0.0, away)


def _moved(points: Floats, clusters: Ints, cosine: Floats, old: Floats) -> Floats:
    """The direction of the mean of each cluster's points; an empty one goes to a point that fits its own worst."""
    sums = np.zeros(old.shape)
    _add_up(points, clusters, sums)
    moved = _at_unit_length(sums, old)
    empty = np.flatnonzero(np.bincount(clusters, minlength=len(old)) == 0)
    moved[empty] = points[np.argsort(cosine, kind="stable")[: len(empty)]]
    return moved


def _at_unit_length(sums: NDArray[np.float64], old: Floats) -> Floats:
    """The directions of sums; the old one where points pull in opposite directions, or there are none."""
    lengths = np.sqrt((sums**2).sum(axis=1, keepdims=True))
    return np.where(lengths > 1e-9, sums / np.maximum(lengths, 1e-9), old).astype(np.float32)


def _held(found: Fitted) -> Fitted:
    """Without clusters that hold nothing, of which there are some where fewer than k points differ."""
    held = found.sizes > 0
    place = np.cumsum(held, dtype=np.int32) - np.int32(1)
    return Fitted(found.centroids[held], place[found.clusters])


@njit(cache=True, nogil=True)
def _nearest(points, turned, clusters, best):
    """Row by row the column of `turned` [width, k] with the largest dot product, and that product."""
    width, k = turned.shape
    sums = np.empty(k, np.float32)
    for row in range(points.shape[0]):
        sums[:] = np.float32(0.0)
        for factor in range(width):
            value = points[row, factor]
            for column in range(k):  # columns side by side: each sum keeps its order, and eight run at a time
                sums[column] += value * turned[factor, column]
        place = 0
        for column in range(1, k):
            if sums[column] > sums[place]:
                place = column
        clusters[row] = place
        best[row] = sums[place]


@njit(cache=True, nogil=True)
def _cosines(points, turned, found):
    """found [points, k] = points · turned, summed as `_nearest` does."""
    width, k = turned.shape
    for row in range(points.shape[0]):
        for factor in range(width):
            value = points[row, factor]
            for column in range(k):
                found[row, column] += value * turned[factor, column]


@njit(cache=True, nogil=True)
def _add_up(points, clusters, sums):
    """Adds each point to the row of its cluster."""
    for row in range(points.shape[0]):
        for factor in range(points.shape[1]):
            sums[clusters[row], factor] += points[row, factor]
