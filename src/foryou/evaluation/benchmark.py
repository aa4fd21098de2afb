"""The product's sources on a public split: searched on its validation pairs, fitted to its training pairs, blended.

Every item is ranked, those of a user's training pairs left out; users with test pairs are judged. One procedure for all
splits: how much is tried, and how large models are, follows from counts, never from the clock or the name of a split.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from foryou.evaluation import intervals, metrics, search, selection
from foryou.evaluation.budget import LENGTH, Budget, Plan
from foryou.evaluation.public_split import Split
from foryou.models import content_graph, families
from foryou.models.families import Family, Pairs, Point, Size
from foryou.models.topk import Ints, Lists

Told = Callable[[str], None]

DEPTH = 5
"""Searches, and the choice of sources, go by NDCG at k plus that at so many times k, where more hits leave less to
chance."""

KEEP = 500
"""Entries in a row of a final table."""

NEIGHBOURS, LEAST_COSINE = 10, 0.05
MASKED = "items of train"
PRODUCTION = Budget()
_USERS_AT_ONCE = 8192


@dataclass(frozen=True)
class Measured:
    """Means over users with test pairs, with their standard errors; of a source also what it was fitted with."""

    recall: float
    recall_error: float
    ndcg: float
    ndcg_error: float
    seconds: float = 0.0
    point: Point | None = None


@dataclass(frozen=True)
class Result:
    blend: Measured
    sources: dict[str, Measured]
    chosen: selection.Chosen
    users: int
    """Users judged: those with test pairs."""
    items: int
    """Items ranked."""
    notes: list[str]
    seconds: float
    peak_gib: float


@dataclass(frozen=True)
class _Bench:
    """A split at work."""

    split: Split
    k: int
    told: Told
    budget: Budget
    threads: int
    seed: int

    @property
    def items(self) -> int:
        return self.split.test.shape[1]


def run(split: Split, k: int, told: Told, budget: Budget = PRODUCTION, threads: int = 2, seed: int = 1) -> Result:
    """Search, fit, choose and blend; `told` hears what is going on. The figures do not depend on `threads`."""
    began = time.perf_counter()
    bench = _Bench(split, k, told, budget, threads, seed)
    judge = _judge(bench, np.arange(split.valid.shape[0]), budget.selecting_users)
    users = np.union1d(judge.users, _with_pairs(split.test))
    known, notes = _known(bench)
    plan = Plan.of(budget, split.train.values.nnz, len(users), sum(each.factors for each in known))
    told(f"{split.train.values.nnz:,} pairs; searched on {plan.searched_pairs:,}, fitted with {plan.factors} factors")
    lists: dict[str, Lists] = {}
    sources: dict[str, Measured] = {}
    for name, family, point in _points(bench, known, plan):
        start = time.perf_counter()
        fitted = family.fit(split.train, point, Size(plan.factors, KEEP, budget.rounds, seed, threads))
        lists[name] = fitted.lists(users, split.train.values, LENGTH, threads)
        sources[name] = _measured(bench, users, lists[name][0], time.perf_counter() - start, point)
        told(f"{name}: recall@{k} {sources[name].recall:.4f}, NDCG@{k} {sources[name].ndcg:.4f}")
    told("choosing sources on the validation pairs")
    chosen = _chosen(bench, users, lists, judge)
    blend = _measured(bench, users, _blended(bench, lists, chosen), 0.0, None)
    peak_gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    judged, seconds = len(_with_pairs(split.test)), time.perf_counter() - began
    return Result(blend, sources, chosen, judged, bench.items, [*split.notes, *notes], seconds, peak_gib)


def as_json(result: Result, k: int) -> dict[str, Any]:
    """The document of `--json`; what too few users leave open is null."""

    def told(measured: Measured) -> dict[str, Any]:
        recall_error, ndcg_error = (
            None if np.isnan(error) else error for error in (measured.recall_error, measured.ndcg_error)
        )
        return {
            "recall": {str(k): measured.recall},
            "ndcg": {str(k): measured.ndcg},
            "standard_errors": {"recall": {str(k): recall_error}, "ndcg": {str(k): ndcg_error}},
        }

    return {
        "blend": told(result.blend) | {"chosen": result.chosen.names},
        "sources": {
            name: told(each) | {"seconds": each.seconds, "settings": each.point}
            for name, each in result.sources.items()
        },
        "seconds": result.seconds,
        "peak_gib": result.peak_gib,
        "users": result.users,
        "universe": f"{result.items} items",
        "masked": MASKED,
        "notes": result.notes,
    }


def _known(bench: _Bench) -> tuple[list[Family], list[str]]:
    """The families that the data allow, and why others are left out."""
    train = bench.split.train
    contents = _contents(bench)
    costs = bench.budget.costs(train.values)
    known = families.of(train, {name: near for name, near in contents.items() if near.nnz})
    notes = [f"content, {name} left out: no two items are alike" for name, near in contents.items() if not near.nnz]
    notes += [
        f"{each.name} left out: it would cost {costs[each.name]:.1f} times what is allowed"
        for each in known
        if costs.get(each.name, 0) > 1
    ]
    return [each for each in known if costs.get(each.name, 0) <= 1], notes


def _contents(bench: _Bench) -> dict[str, sparse.csr_matrix]:
    """Neighbours by all kinds of vectors together, and by each of several alone."""
    vectors = bench.split.vectors
    kinds = {"all": vectors} if vectors else {}
    if len(vectors) > 1:
        kinds |= {f"vectors {number}": (each,) for number, each in enumerate(vectors, 1)}
    dimensions = bench.budget.dimensions(bench.items, max(1, len(vectors)))
    units = ((name, content_graph.unit_vectors(each, dimensions)) for name, each in kinds.items())
    return {name: content_graph.neighbours(unit, NEIGHBOURS, LEAST_COSINE, bench.threads) for name, unit in units}


def _points(bench: _Bench, known: list[Family], plan: Plan) -> Iterator[tuple[str, Family, Point]]:
    """Of each family the points to fit, with a name for each; families of factors begin where the first one ended."""
    pairs = _drawn(bench.split.train, plan.searched_pairs, bench.seed)
    begun: Point = {}
    for family in known:
        own = family.around(begun) if begun and family.factors else family
        tried = _searched(bench, own, pairs)
        begun = begun or tried[0][1]
        for place, (_, point) in enumerate(tried[: plan.points if family.factors else 1], 1):
            yield (family.name if place == 1 else f"{family.name} ({place})"), own, point


def _searched(bench: _Bench, family: Family, pairs: Pairs) -> list[search.Tried]:
    judge = _judge(bench, _with_pairs(pairs.values), bench.budget.searched_users)
    size = Size(bench.budget.search_factors, LENGTH, bench.budget.rounds, bench.seed, bench.threads)

    def value(point: Point) -> float:
        ids, _ = family.fit(pairs, point, size).lists(judge.users, pairs.values, DEPTH * bench.k, bench.threads)
        return float(judge.of(ids).mean())

    def told(number: int, value: float) -> None:
        bench.told(f"  {family.name}, trial {number}: {value:.4f}")

    return search.search(family, value, bench.budget.trials_of(family, bench.items), bench.seed, told)


def _drawn(train: Pairs, pairs: int, seed: int) -> Pairs:
    """The pairs of drawn users, about as many as asked for; users with a tenth of that and more come last."""
    if pairs >= train.values.nnz:
        return train
    counts = np.diff(train.values.indptr)
    users = np.random.default_rng(seed).permutation(len(counts))
    users = users[np.argsort(counts[users] > pairs / 10, kind="stable")]
    drawn = np.zeros(len(users), bool)
    drawn[users[np.cumsum(counts[users]) - counts[users] < pairs]] = True
    return train.of(drawn)


@dataclass(frozen=True)
class _Judge:
    """Judges lists of `users` by their validation pairs."""

    users: NDArray[np.int64]
    truth: sparse.csr_matrix
    depths: tuple[int, int]

    def of(self, ids: Ints) -> NDArray[np.float64]:
        found = metrics.per_viewer(ids, self.truth.indptr, self.truth.indices, self.depths)["ndcg"]
        return found[self.depths[0]] + found[self.depths[1]]


def _judge(bench: _Bench, users: NDArray[np.int64], most: int) -> _Judge:
    """Of those users who have validation pairs, or of all that have where none of them does; drawn if too many."""
    every = _with_pairs(bench.split.valid)
    judged = np.intersect1d(users, every)
    judged = judged if len(judged) else every
    if len(judged) > most:
        judged = np.sort(np.random.default_rng(bench.seed).choice(judged, most, replace=False))
    return _Judge(judged, bench.split.valid[judged], (bench.k, DEPTH * bench.k))


def _with_pairs(values: sparse.csr_matrix) -> NDArray[np.int64]:
    return np.flatnonzero(np.diff(values.indptr))


def _chosen(bench: _Bench, users: NDArray[np.int64], lists: dict[str, Lists], judge: _Judge) -> selection.Chosen:
    """By the lists of the judge's users, who are among `users`."""
    places = np.searchsorted(users, judge.users)
    few = {name: (ids[places], scores[places]) for name, (ids, scores) in lists.items()}
    return selection.forward(few, judge.of, steps=bench.budget.steps, k=judge.depths[1], threads=bench.threads)


def _blended(bench: _Bench, lists: dict[str, Lists], chosen: selection.Chosen) -> Ints:
    """The blend's k best ids; where it has fewer, as for users without training pairs, what is popular follows."""
    ids, _ = selection.blended(lists, [*chosen.names], bench.k, bench.threads)
    short = np.flatnonzero((ids < 0).any(axis=1))
    for first in range(0, len(short), _USERS_AT_ONCE):
        rows = short[first : first + _USERS_AT_ONCE]
        ids[rows] = continued(ids[rows], lists["popular"][0][rows, : bench.k])
    return ids


def continued(ids: Ints, by: Ints) -> Ints:
    """Lists [users, k] padded with -1, continued with what other lists of the users have and they have not."""
    twice = (by[:, :, None] == ids[:, None, :]).any(axis=2)
    both = np.hstack([ids, np.where(twice, -1, by)])
    order = np.argsort(both < 0, axis=1, kind="stable")[:, : ids.shape[1]]
    return np.take_along_axis(both, order, axis=1)


def _measured(bench: _Bench, users: NDArray[np.int64], ids: Ints, seconds: float, point: Point | None) -> Measured:
    truth = bench.split.test[users]
    found = metrics.per_viewer(ids, truth.indptr, truth.indices, [bench.k])
    of = [intervals.mean_and_error(found[measure][bench.k]) for measure in ("recall", "ndcg")]
    return Measured(*of[0], *of[1], seconds, point)
