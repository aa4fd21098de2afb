"""The kinds of sources that can be fitted to pairs alone, each with what there is to choose and where to begin.

A family turns pairs and a point of its space into a fitted source. Searches over the space are `evaluation.search`'s;
the first point is where they begin, and a fair choice without any.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from foryou.models import content_graph, graph, ials, linear, sequences
from foryou.models.sources import Fitted, Through, Vectors

Point = Mapping[str, float]


@dataclass(frozen=True)
class Range:
    """From `low` to `high`; `first` is where a search begins; by ratios rather than differences if `by_ratio`."""

    low: float
    high: float
    first: float
    by_ratio: bool = False


@dataclass(frozen=True)
class Pairs:
    """Who watched what: `values` [viewers, videos]; `age` of each of them in [0, 1], 0 the newest, if times are known;
    `order` is each value's place in its viewer's history, 0 the newest."""

    values: sparse.csr_matrix
    age: NDArray[np.float32] | None = None
    order: NDArray[np.int32] | None = None

    def of(self, viewers: NDArray[np.bool_]) -> Pairs:
        """Only what these viewers watched; the others' rows are empty, so ids stay."""
        kept = np.repeat(viewers, np.diff(self.values.indptr))
        counts = np.where(viewers, np.diff(self.values.indptr), 0)
        indptr = np.concatenate([[0], np.cumsum(counts)])
        values = sparse.csr_matrix((self.values.data[kept], self.values.indices[kept], indptr), self.values.shape)
        return Pairs(
            values,
            None if self.age is None else self.age[kept],
            None if self.order is None else self.order[kept],
        )

    def aged(self, half_life: float) -> sparse.csr_matrix:
        """The values, halved every `half_life` of the whole time."""
        if self.age is None:
            return self.values
        data = (self.values.data * 0.5 ** (self.age / half_life)).astype(np.float32)
        return sparse.csr_matrix((data, self.values.indices, self.values.indptr), self.values.shape)


@dataclass(frozen=True)
class Size:
    """How large a fit may be: `factors` of a model, `keep` entries in a row of a table, and of a truncated
    decomposition at most so many `directions`."""

    factors: int
    keep: int
    directions: int = 512
    rounds: int = 10
    seed: int = 1
    threads: int = 1


@dataclass(frozen=True)
class Family:
    name: str
    space: dict[str, Range]
    fit: Callable[[Pairs, Point, Size], Fitted]
    fixed: dict[str, float] = field(default_factory=dict)
    factors: bool = False
    """Whether its cost is that of factors."""

    def around(self, point: Point) -> Family:
        """The family where `point`, found for another one, says where to begin and what needs no search again."""
        shared = {name: point[name] for name in self.space if name in point}
        begun = {name: replace(each, first=shared.get(name, each.first)) for name, each in self.space.items()}
        free = {name: each for name, each in begun.items() if name not in shared or name == "regularization"}
        if "regularization" in shared:
            near = shared["regularization"]
            free["regularization"] = Range(near / 1.6, near * 1.6, near, by_ratio=True)
        return replace(self, space=free, fixed={name: each for name, each in shared.items() if name not in free})


_HALF_LIFE = {"half_life": Range(0.05, 4.0, 1.0, by_ratio=True)}
_LOSS = {
    "unseen": Range(0.001, 1.0, 0.02, by_ratio=True),
    "regularization": Range(0.1, 1.0, 0.33, by_ratio=True),
    "frequency_power": Range(0.4, 1.2, 0.9),
}
_NEAR = {
    "own": Range(0.3, 6.0, 2.0, by_ratio=True),
    "near": Range(0.1, 4.0, 1.0, by_ratio=True),
    "spread": Range(0.0, 1.5, 0.5),
}
_WALK = {"start": Range(0.2, 1.2, 0.5), "middle": Range(0.0, 1.2, 1.0), "end": Range(-0.4, 0.8, -0.1)}
_SVD = {"width": Range(16, 512, 128, by_ratio=True), "end": Range(-0.3, 0.6, 0.2)}
_LINEAR = {"regularization": Range(10, 2000, 200, by_ratio=True)}
_SEQUENCE = {
    "start": Range(0.2, 1.2, 0.7),
    "end": Range(-0.2, 0.8, 0.2),
    "recency": Range(0.3, 0.99, 0.8),
}


def of(pairs: Pairs, contents: Mapping[str, sparse.csr_matrix]) -> list[Family]:
    """Those that the data allow: with `contents` (neighbours by name of what they are by), with times."""
    aging = {} if pairs.age is None else _HALF_LIFE
    found = [Family("factors", _LOSS | aging, _factors, factors=True)]
    found += [
        Family(f"content factors, {name}", _LOSS | _NEAR | aging, _content_factors(near), factors=True)
        for name, near in contents.items()
    ]
    found += [
        Family("item walk", _WALK, _item_walk),
        Family("svd", _SVD, _svd),
        Family("popular", aging, popular),
    ]
    if pairs.values.shape[1] <= linear.VIDEOS_AT_MOST:
        found.append(Family("linear", _LINEAR, _linear))
    if pairs.order is not None:
        found.append(Family("sequence", _SEQUENCE, _sequence))
    return found


def first(family: Family) -> dict[str, float]:
    """Where a search over the family begins."""
    return {name: each.first for name, each in family.space.items()}


def _loss(values: sparse.csr_matrix, point: Point, size: Size) -> ials.Loss:
    powers = point["unseen"], point["regularization"], point["frequency_power"]
    return ials.Loss.of_share(values, *powers, size.seed)


def _factors(pairs: Pairs, point: Point, size: Size) -> Vectors:
    values = pairs.aged(point.get("half_life", np.inf))
    return _fitted(values, _loss(values, point, size), size)


def _fitted(values: sparse.csr_matrix, loss: ials.Loss, size: Size) -> Vectors:
    found = ials.fit(values, loss, factors=size.factors, iterations=size.rounds, seed=size.seed, threads=size.threads)
    return Vectors(*found)


def _content_factors(near: sparse.csr_matrix) -> Callable[[Pairs, Point, Size], Vectors]:
    def fit(pairs: Pairs, point: Point, size: Size) -> Vectors:
        values = pairs.aged(point.get("half_life", np.inf))
        weights = content_graph.Weights(point["own"], point["near"], point["spread"])
        whole = content_graph.with_pseudo_viewers(values, near, weights)
        found = _fitted(whole, _loss(values, point, size), size)
        return content_graph.spread(found, values.shape[0], near, weights)

    return fit


def _item_walk(pairs: Pairs, point: Point, size: Size) -> Through:
    walk = graph.Walk(point["start"], point["middle"], point["end"])
    return graph.item_walk(pairs.values, walk, size.keep, size.threads)


def _svd(pairs: Pairs, point: Point, size: Size) -> Vectors:
    return graph.svd_vectors(pairs.values, min(round(point["width"]), size.directions), point["end"], size.seed)


def _linear(pairs: Pairs, point: Point, size: Size) -> linear.Linear:
    return linear.ease(pairs.values, point["regularization"])


def popular(pairs: Pairs, point: Point, size: Size) -> Vectors:
    """One list for all: what was watched, by how many and how lately; what nobody watched comes last.

    As vectors of length one, as a search for the best then ends after a few videos of the whole catalogue.
    """
    values = pairs.aged(point.get("half_life", np.inf))
    return Vectors(np.ones((values.shape[0], 1), np.float32), np.asarray(values.sum(axis=0), np.float32).reshape(-1, 1))


def _sequence(pairs: Pairs, point: Point, size: Size) -> Through:
    if pairs.order is None:
        raise ValueError("a sequence needs times")
    weights = sequences.Weights(point["start"], point["end"], point["recency"])
    return sequences.transitions(pairs.values, pairs.order, weights, size.keep, size.threads)
