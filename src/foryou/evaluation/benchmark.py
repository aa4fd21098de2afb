"""The product's sources on a public split: searched on its validation pairs, fitted to its training pairs, blended.

Every item is ranked, those of a user's training pairs left out; users with test pairs are judged. One procedure for all
splits: how much is tried, and how large models are, follows from counts, never from the clock or the name of a split.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from foryou.evaluation import metrics, search, selection
from foryou.evaluation.public_split import Split
from foryou.models import content_graph, families, graph
from foryou.models.families import Family, Pairs, Size
from foryou.models.topk import Ints, Lists

Told = Callable[[str], None]

LENGTH = 200
"""Items that each source lists, and over which its scores are standardised (DESIGN §7, blend)."""
_TRIALS, _TABLE_TRIALS = 16, 10
_SEARCH_WORK, _FINAL_WORK = 6e9, 1.5e10
"""Pairs x factors x rounds that all searches, and all final fits, may come to: about one minute and two on 2 cores."""
_WALK_WORK = 2e10
_SEARCH_FACTORS, _ROUNDS = 64, 10
_SEARCHED_USERS, _SELECTING_USERS = 8_000, 12_000
_NEIGHBOURS, _LEAST_COSINE = 10, 0.05


@dataclass(frozen=True)
class Plan:
    """How much is tried and fitted: pairs for searches, final factors, points of each family that are fitted."""

    searched_pairs: int
    factors: int
    points: int

    @classmethod
    def of(cls, pairs: int, factor_families: int) -> Plan:
        each = _SEARCH_WORK / (_TRIALS * factor_families * _SEARCH_FACTORS * _ROUNDS)
        affordable = _FINAL_WORK / (factor_families * pairs * _ROUNDS)
        points = max(1, min(3, int(affordable // 256)))
        factors = max((width for width in (64, 96, 128, 192, 256) if width <= affordable / points), default=64)
        return cls(int(min(pairs, each)), factors, points)


@dataclass
class Result:
    """What was found: measures of the blend and of each source alone on the test pairs, and of what they were fitted
    with."""

    blend: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, dict[str, Any]] = field(default_factory=dict)
    chosen: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    peak_gib: float = 0.0


def run(split: Split, k: int, told: Told, threads: int = 2, seed: int = 1) -> Result:
    """Search, fit, select and blend; `told` hears what is going on."""
    began, result = time.perf_counter(), Result(notes=list(split.notes))
    contents = _contents(split, threads)
    known = [each for each in families.of(split.train, contents) if _affordable(each, split.train, result.notes)]
    plan = Plan.of(split.train.values.nnz, sum(each.factors for each in known))
    told(f"{split.train.values.nnz:,} pairs; searched on {plan.searched_pairs:,}, fitted with {plan.factors} factors")
    users = np.flatnonzero(np.diff((split.valid + split.test).indptr))
    lists: dict[str, Lists] = {}
    searched = _search_sample(split, plan, seed)
    for family in known:
        for name, point in _points(family, searched, split, plan, k, told, threads, seed).items():
            start = time.perf_counter()
            size = Size(plan.factors, 500, _ROUNDS, seed, threads)
            fitted = family.fit(split.train, point, size)
            lists[name] = fitted.lists(users, split.train.values, LENGTH, threads)
            measures = _measured(lists[name][0], users, split.test, k)
            result.sources[name] = measures | {"seconds": time.perf_counter() - start, "point": point}
            told(f"{name}: {_told(measures, k)}")
    valid = _judge(users, split.valid, k, _SELECTING_USERS, seed)
    few = {name: (ids[valid.places], scores[valid.places]) for name, (ids, scores) in lists.items()}
    chosen = selection.forward(few, valid.of, errors=0.0, most=10, k=k, threads=threads)
    result.chosen = chosen.names
    ids = _filled(selection.blended(lists, [*chosen.names], LENGTH, threads), lists, k, threads)
    result.blend = _measured(ids, users, split.test, k)
    result.counts = {"users": split.train.values.shape[0], "items": split.train.values.shape[1],
                     "train": split.train.values.nnz, "valid": split.valid.nnz, "test": split.test.nnz}
    result.seconds = time.perf_counter() - began
    result.peak_gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return result


def _contents(split: Split, threads: int) -> dict[str, sparse.csr_matrix]:
    """Neighbours by all kinds of vectors together, and by each of several alone."""
    kinds = {"all": split.vectors} if split.vectors else {}
    if len(split.vectors) > 1:
        kinds |= {f"kind {number}": (each,) for number, each in enumerate(split.vectors, 1)}
    return {
        name: content_graph.neighbours(content_graph.unit_vectors(each), _NEIGHBOURS, _LEAST_COSINE, threads)
        for name, each in kinds.items()
    }


def _affordable(family: Family, train: Pairs, notes: list[str]) -> bool:
    cost = graph.walk_cost(train.values)
    if family.name == "item walk" and cost > _WALK_WORK:
        notes.append(f"item walk left out: {cost:.1e} products, more than {_WALK_WORK:.0e}")
        return False
    return True


def _points(
    family: Family, train: Pairs, split: Split, plan: Plan, k: int, told: Told, threads: int, seed: int
) -> dict[str, dict[str, float]]:
    """The best points of the family by name."""
    judged = np.flatnonzero(np.diff(split.valid.indptr) * np.diff(train.values.indptr))
    if not len(judged):
        judged = np.flatnonzero(np.diff(split.valid.indptr))
    valid = _judge(judged, split.valid, k, _SEARCHED_USERS, seed)
    size = Size(_SEARCH_FACTORS, 200, _ROUNDS, seed, threads)

    def judge(point: families.Point) -> float:
        fitted = family.fit(train, point, size)
        return float(valid.of(fitted.lists(judged[valid.places], train.values, k, threads)[0]).mean())

    trials = _TRIALS if family.factors else _TABLE_TRIALS
    tried = search.search(family, judge, trials, seed, lambda number, value: told(f"  {family.name} {number}: {value:.4f}"))
    best = tried[: plan.points if family.factors else 1]
    return {family.name if not place else f"{family.name} {place + 1}": point for place, (_, point) in enumerate(best)}


def _search_sample(split: Split, plan: Plan, seed: int) -> Pairs:
    """The pairs of so many users, drawn, that they are about as many as planned."""
    if plan.searched_pairs >= split.train.values.nnz:
        return split.train
    users = np.random.default_rng(seed).permutation(split.train.values.shape[0])
    pairs = np.cumsum(np.diff(split.train.values.indptr)[users])
    drawn = np.zeros(len(users), bool)
    drawn[users[pairs <= plan.searched_pairs]] = True
    return split.train.of(drawn)


@dataclass(frozen=True)
class _Judge:
    """Judges lists of some users, who stand at `places` of the users that it was made of."""

    places: NDArray[np.int64]
    truth: sparse.csr_matrix
    k: int

    def of(self, ids: Ints) -> NDArray[np.float64]:
        found = metrics.per_viewer(ids, self.truth.indptr, self.truth.indices, [self.k])
        return found["recall"][self.k] + found["ndcg"][self.k]


def _judge(users: NDArray[np.int64], truth: sparse.csr_matrix, k: int, most: int, seed: int) -> _Judge:
    """Of those of `users` who have a truth; of at most so many, drawn."""
    places = np.flatnonzero(np.diff(truth.indptr)[users])
    if len(places) > most:
        places = np.sort(np.random.default_rng(seed).choice(places, most, replace=False))
    return _Judge(places, truth[users[places]], k)


def _filled(blended: Lists, lists: Mapping[str, Lists], k: int, threads: int) -> Ints:
    """Lists that are too short go on with what is popular."""
    ids, scores = blended
    places = np.where(ids >= 0, LENGTH - np.arange(ids.shape[1], dtype=np.float32), 0).astype(np.float32)
    both = {"blended": (ids, places), "popular": lists["popular"]}
    short = (ids[:, :k] < 0).any(axis=1)
    found = ids[:, :k].copy()
    for row in np.flatnonzero(short):
        own = ids[row][ids[row] >= 0]
        more = both["popular"][0][row]
        joined = np.concatenate([own, more[~np.isin(more, own)]])[:k]
        found[row, : len(joined)] = joined
    return found


def _measured(ids: Ints, users: NDArray[np.int64], truth: sparse.csr_matrix, k: int) -> dict[str, Any]:
    own = truth[users]
    kept = np.diff(own.indptr) > 0
    found = metrics.per_viewer(ids[kept], own[kept].indptr, own[kept].indices, [k])
    return {
        measure: {str(k): float(found[measure][k].mean()), "error": selection._error(found[measure][k])}
        for measure in ("recall", "ndcg")
    }


def _told(measures: Mapping[str, Any], k: int) -> str:
    return ", ".join(f"{name}@{k} {each[str(k)]:.4f}" for name, each in measures.items())
