"""Who watches a creator's videos well, and what rises where they are."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foryou.models import matrices

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_CREATORS_AT_ONCE = 20_000
"""Bounds the memory of a product of creators and rising tags."""


def clusters(
    creator: Ints, viewer: Ints, profiles: pa.Table, creators: int, most: int, fewest: int
) -> tuple[pa.Array, pa.Array]:
    """The viewer clusters that a creator's good watches come from, most first, and the share of each: lists.

    `creator`, `viewer`: one entry per good watch. Viewers without a profile (`viewer`, `cluster`) do not count; of
    fewer good watches than `fewest` nothing is told, as it would be of single people.
    """
    profiles = profiles.filter(profiles["cluster"].is_valid())
    own = profiles["viewer"].to_numpy()
    cluster_of = np.full(1 + max(viewer.max(initial=-1), own.max(initial=-1)), -1, np.int64)
    cluster_of[own] = profiles["cluster"].to_numpy()
    cluster = cluster_of[viewer]
    width = 1 + int(cluster_of.max(initial=0))
    pair, count = np.unique((creator * width + cluster)[cluster >= 0], return_counts=True)
    of, cluster = pair // width, pair % width
    total = np.bincount(of, count, minlength=creators)[of]
    share = count / total
    order = np.lexsort((cluster, -count, of))
    near = order[(np.arange(len(of)) - np.searchsorted(of, of) < most) & (total >= fewest)]
    return _lists(of[near], cluster[near].astype(np.int32), creators), _lists(
        of[near], share[near].astype(np.float32), creators
    )


def countries(creator: Ints, viewer: Ints, viewers: pa.Table, names: list[str], creators: int) -> Floats:
    """The share of a creator's good watches that each of the named countries has: [creator, country]."""
    own = viewers["viewer"].to_numpy()
    place = np.full(1 + max(viewer.max(initial=-1), own.max(initial=-1)), len(names))
    place[own] = pc.fill_null(pc.index_in(viewers["country"], pa.array(names, pa.string())), len(names)).to_numpy()
    width = len(names) + 1
    count = np.bincount(creator * width + place[viewer], minlength=creators * width).reshape(creators, width)
    return (count / np.maximum(count.sum(axis=1, keepdims=True), 1))[:, :-1]


def rising_tags(trends: pa.Table, names: list[str], shares: Floats, most: int) -> pa.Array:
    """The tags that rise where a creator's audience is, most first: what to post next.

    A tag, watched or posted, has its z everywhere (`*`) and that of each country times the audience's share there.
    """
    tags = trends.filter(pc.is_in(trends["kind"], pa.array(["tag", "challenge"])))
    words = pa.array(sorted(set(tags["name"].to_pylist())), pa.string())
    place = pc.index_in(tags["country"], pa.array(["*", *names])).to_numpy()
    rise = np.zeros((1 + len(names), len(words)))
    np.add.at(rise, (place, pc.index_in(tags["name"], words).to_numpy()), tags["z"].to_numpy().astype(np.float64))
    blocks = [_best(block @ rise[1:] + rise[0], most) for block in _blocks(shares)]
    best = np.concatenate(blocks) if blocks else np.empty((0, 0), np.int64)
    lists = matrices.lists(best.astype(np.int32), best >= 0)
    return pa.ListArray.from_arrays(lists.offsets, words.take(lists.values))


def _blocks(shares: Floats) -> list[Floats]:
    return [shares[start : start + _CREATORS_AT_ONCE] for start in range(0, len(shares), _CREATORS_AT_ONCE)]


def _best(score: Floats, most: int) -> Ints:
    """The places of each row's highest scores above 0, equal ones in their order; -1 behind them."""
    order = np.argsort(-score, axis=1, kind="stable")[:, :most]
    return np.where(np.take_along_axis(score, order, axis=1) > 0, order, -1)


def _lists(of: Ints, values: NDArray[np.generic], height: int) -> pa.ListArray:
    """Values as lists by the numbers `of`, which rise."""
    offsets = np.searchsorted(of, np.arange(height + 1)).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values))
