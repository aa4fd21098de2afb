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
from foryou.evaluation.public_split import Split
from foryou.models import content_graph, families, graph
from foryou.models.families import Family, Pairs, Point, Size
from foryou.models.topk import Ints, Lists

Told = Callable[[str], None]

LENGTH = 200
"""Items that each source lists, and over which its scores are standardised (DESIGN §7, blend)."""

DEPTH = 5
"""Searches, and the choice of sources, go by NDCG at k plus that at so many times k, where more hits leave less to
chance."""

TRIALS, TABLE_TRIALS = 16, 10
"""Points tried of a family of factors, and of any other."""

STEPS = 8
SEARCH_WORK, FINAL_WORK = 6e9, 1.5e10
"""Pairs x factors x rounds that all searches, and all final fits, may come to: about one minute and two on 2 cores."""

WALK_WORK, LINEAR_WORK = 2e10, 4e10
"""Products that an item walk, and the lists of a linear model, may add up."""
SEARCH_FACTORS, ROUNDS = 64, 10
SEARCHED_USERS, SELECTING_USERS = 8_000, 12_000
NEIGHBOURS, LEAST_COSINE = 10, 0.05
WIDTHS = (64, 96, 128, 192, 256)
MOST_POINTS = 3


@dataclass(frozen=True)
class Plan:
    """How much is tried and fitted: pairs in a search, final factors, points of each family of factors fitted."""

    searched_pairs: int
    factors: int
    points: int

    @classmethod
    def of(cls, pairs: int, factor_families: int) -> Plan:
        each = SEARCH_WORK / (TRIALS * factor_families * SEARCH_FACTORS * ROUNDS)
        affordable = FINAL_WORK / (factor_families * pairs * ROUNDS)
        points = max(1, min(MOST_POINTS, int(affordable // WIDTHS[-1])))
        factors = max((width for width in WIDTHS if width <= affordable / points), default=WIDTHS[0])
        return cls(int(min(pairs, each)), factors, points)


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
    items: int
    notes: list[str]
    seconds: float
    peak_gib: float


@dataclass(frozen=True)
class _Bench:
    """A split at work: `users` are all that have pairs to judge by."""

    split: Split
    users: NDArray[np.int64]
    k: int
    told: Told
    threads: int
    seed: int


def run(split: Split, k: int, told: Told, threads: int = 2, seed: int = 1) -> Result:
    """Search, fit, choose and blend; `told` hears what is going on."""
    began = time.perf_counter()
    bench = _Bench(split, np.flatnonzero(np.diff((split.valid + split.test).indptr)), k, told, threads, seed)
    known, notes = _known(bench)
    plan = Plan.of(split.train.values.nnz, sum(each.factors for each in known))
    told(f"{split.train.values.nnz:,} pairs; searched on {plan.searched_pairs:,}, fitted with {plan.factors} factors")
    lists: dict[str, Lists] = {}
    sources: dict[str, Measured] = {}
    for name, family, point in _points(bench, known, plan):
        start = time.perf_counter()
        fitted = family.fit(split.train, point, Size(plan.factors, 500, ROUNDS, seed, threads))
        lists[name] = fitted.lists(bench.users, split.train.values, LENGTH, threads)
        sources[name] = _measured(bench, lists[name][0], time.perf_counter() - start, point)
        told(f"{name}: recall@{k} {sources[name].recall:.4f}, NDCG@{k} {sources[name].ndcg:.4f}")
    told("choosing sources on the validation pairs")
    chosen = _chosen(bench, lists)
    blend = _measured(bench, _blended(bench, lists, chosen), 0.0, None)
    peak_gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    items = split.train.values.shape[1]
    return Result(blend, sources, chosen, items, [*split.notes, *notes], time.perf_counter() - began, peak_gib)


def as_json(result: Result, k: int) -> dict[str, Any]:
    """The document of `--json`."""

    def told(measured: Measured) -> dict[str, Any]:
        return {
            "recall": {str(k): measured.recall, "error": measured.recall_error},
            "ndcg": {str(k): measured.ndcg, "error": measured.ndcg_error},
        }

    sources = {
        name: told(each) | {"seconds": each.seconds, "settings": each.point} for name, each in result.sources.items()
    }
    rest = {"chosen": result.chosen.names, "notes": result.notes}
    return {
        "blend": told(result.blend),
        "sources": sources,
        "seconds": result.seconds,
        "peak_gib": result.peak_gib,
    } | rest


def _known(bench: _Bench) -> tuple[list[Family], list[str]]:
    """The families that the data allow, and why others are left out."""
    train = bench.split.train
    costs = {
        "item walk": graph.walk_cost(train.values) / WALK_WORK,
        "linear": float(train.values.nnz) * train.values.shape[1] / LINEAR_WORK,
    }
    known = families.of(train, _contents(bench))
    notes = [
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
    return {
        name: content_graph.neighbours(content_graph.unit_vectors(each), NEIGHBOURS, LEAST_COSINE, bench.threads)
        for name, each in kinds.items()
    }


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
    users = np.flatnonzero(np.diff(pairs.values.indptr))
    judge = _judge(bench, users if len(users) else bench.users, SEARCHED_USERS)
    size = Size(SEARCH_FACTORS, LENGTH, ROUNDS, bench.seed, bench.threads)

    def value(point: Point) -> float:
        ids, _ = family.fit(pairs, point, size).lists(judge.users, pairs.values, DEPTH * bench.k, bench.threads)
        return float(judge.of(ids).mean())

    def told(number: int, value: float) -> None:
        bench.told(f"  {family.name}, trial {number}: {value:.4f}")

    return search.search(family, value, TRIALS if family.factors else TABLE_TRIALS, bench.seed, told)


def _drawn(train: Pairs, pairs: int, seed: int) -> Pairs:
    """The pairs of drawn users, about as many as asked for."""
    if pairs >= train.values.nnz:
        return train
    users = np.random.default_rng(seed).permutation(train.values.shape[0])
    drawn = np.zeros(len(users), bool)
    drawn[users[np.cumsum(np.diff(train.values.indptr)[users]) <= pairs]] = True
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
    """Of those users who have validation pairs; of at most so many, drawn."""
    valid = bench.split.valid
    judged = users[np.diff(valid.indptr)[users] > 0]
    if len(judged) == 0:
        judged = np.flatnonzero(np.diff(valid.indptr))
    if len(judged) > most:
        judged = np.sort(np.random.default_rng(bench.seed).choice(judged, most, replace=False))
    return _Judge(judged, valid[judged], (bench.k, DEPTH * bench.k))


def _chosen(bench: _Bench, lists: dict[str, Lists]) -> selection.Chosen:
    judge = _judge(bench, bench.users, SELECTING_USERS)
    places = np.searchsorted(bench.users, judge.users)
    few = {name: (ids[places], scores[places]) for name, (ids, scores) in lists.items()}
    return selection.forward(few, judge.of, steps=STEPS, k=judge.depths[1], threads=bench.threads)


def _blended(bench: _Bench, lists: dict[str, Lists], chosen: selection.Chosen) -> Ints:
    """The blend's ids; lists that are too short, as of users without training pairs, go on with what is popular."""
    ids, _ = selection.blended(lists, [*chosen.names], LENGTH, bench.threads)
    popular = lists["popular"][0]
    for row in np.flatnonzero((ids[:, : bench.k] < 0).any(axis=1)):
        own = ids[row][ids[row] >= 0]
        rest = popular[row][~np.isin(popular[row], own)]
        ids[row] = np.concatenate([own, rest, np.full(LENGTH, -1, ids.dtype)])[:LENGTH]
    return ids


def _measured(bench: _Bench, ids: Ints, seconds: float, point: Point | None) -> Measured:
    truth = bench.split.test[bench.users]
    found = metrics.per_viewer(ids, truth.indptr, truth.indices, [bench.k])
    of = [intervals.mean_and_error(found[measure][bench.k]) for measure in ("recall", "ndcg")]
    return Measured(*of[0], *of[1], seconds, point)
