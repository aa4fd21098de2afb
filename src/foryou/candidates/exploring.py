"""Videos under test, drawn for each viewer: who gets to see what nobody knows yet."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foryou.models.matrices import Rows

_U64 = np.uint64
_GOLDEN, _MIX1, _MIX2 = _U64(0x9E3779B97F4A7C15), _U64(0xBF58476D1CE4E5B9), _U64(0x94D049BB133111EB)


@dataclass(frozen=True)
class Tests:
    """Videos under test, dense ids rising, and what each viewer group's places are worth to them [groups, videos]."""

    videos: NDArray[np.int32]
    weights: NDArray[np.float32]


EVENLY = 0.1
"""The share of the draws that goes evenly to all that are drawn from: so nothing is drawn next to never."""


def tests(distribution: pa.Table, stages: tuple[str, ...], groups: int) -> Tests:
    """The videos in one of the `stages` whose turn it is, weighted by what their tests still want of each group.

    The audience of a test is stratified: each group that it is open to owes an equal part of the impressions wanted, so
    a group that has given its part sees the video no more. `EVENLY` of a group's places goes to all of them alike.
    """
    under_test = pa.compute.is_in(distribution["stage"], pa.array(stages))
    rows = distribution.filter(pa.compute.and_(under_test, distribution["in_turn"])).sort_by("video")
    given = np.array(rows["group_impressions"].to_pylist(), np.float64).reshape(rows.num_rows, groups)
    open_to = np.zeros((rows.num_rows, groups), bool)
    lists = rows["groups"].combine_chunks()
    open_to[np.repeat(np.arange(rows.num_rows), lists.value_lengths().to_numpy()), lists.flatten().to_numpy()] = True
    share = rows["wanted"].to_numpy()[:, None] / np.maximum(1, open_to.sum(axis=1, keepdims=True))
    missing = np.where(open_to, np.maximum(0, share - given), 0).T
    evenly = (missing > 0) / np.maximum(1, (missing > 0).sum(axis=1, keepdims=True))
    weights = (1 - EVENLY) * missing + EVENLY * missing.sum(axis=1, keepdims=True) * evenly
    return Tests(rows["video"].to_numpy().astype(np.int32), weights.astype(np.float32))


def draw(
    of: Tests,
    viewers: NDArray[np.int32],
    tastes: NDArray[np.float32],
    group: NDArray[np.int32],
    left_out: Rows,
    eligible: NDArray[np.bool_],
    draws: int,
    seed: int,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Each viewer's videos under test, up to `draws` different ones in turn, and the probability of each: two arrays.

    A video is drawn in proportion to the weight that the viewer's `group` [viewers] gives it times what the viewer's
    taste adds: `EVENLY + (1 - EVENLY) · exp(tastes)`, over its mean, `tastes` [viewers, tests] being logarithms of
    odds. It is one that is eligible, not drawn before and not in the viewer's row of `left_out`; the probability is
    that of its own turn, given the turns before. A viewer of no group (-1) is asked for all groups. Draws depend on
    the seed and the viewer alone. Padding is -1 and 0.
    """
    weights = np.vstack([of.weights, of.weights.sum(axis=0)]).astype(np.float64)
    weights[:, ~eligible[of.videos]] = 0
    odds = np.exp(tastes - tastes.max(axis=1, keepdims=True, initial=-np.inf), dtype=np.float64)
    odds = EVENLY + (1 - EVENLY) * odds / odds.mean(axis=1, keepdims=True) if odds.size else odds
    return _draw(of.videos, weights, odds, viewers, group, left_out.indptr, left_out.indices, draws, np.uint64(seed))


@numba.njit(cache=True)
def _uniform(seed, viewer, video):  # type: ignore[no-untyped-def]
    """A number in [0, 1) of (seed, viewer, video): splitmix64, so that no draw depends on how the work is cut."""
    state = seed
    for part in (np.uint64(viewer), np.uint64(video)):
        state = (state ^ part) + _GOLDEN
        state = (state ^ (state >> _U64(30))) * _MIX1
        state = (state ^ (state >> _U64(27))) * _MIX2
        state = state ^ (state >> _U64(31))
    return np.float64(state >> _U64(11)) * 2.0**-53


@numba.njit(cache=True)
def _draw(videos, weights, odds, viewers, group, seen_indptr, seen, draws, seed):  # type: ignore[no-untyped-def]
    """An exponential race: the time -log(u) / weight of each video; in the order of their arrival videos are drawn in
    turn, each in proportion to its weight among those left (Efraimidis and Spirakis 2006)."""
    drawn = np.full((viewers.size, draws), -1, np.int32)
    chance = np.zeros((viewers.size, draws), np.float32)
    times, places, won = np.empty(draws), np.empty(draws, np.int64), np.empty(draws)
    for row in range(viewers.size):
        left = weights[group[row]] * odds[row]  # group -1 is the last row: all groups
        for i in range(seen_indptr[row], seen_indptr[row + 1]):
            place = np.searchsorted(videos, seen[i])
            if place < videos.size and videos[place] == seen[i]:
                left[place] = 0
        total, count = 0.0, 0
        for place in range(videos.size):
            if left[place] <= 0:
                continue
            total += left[place]
            time = -np.log(1 - _uniform(seed, viewers[row], videos[place])) / left[place]
            if count == draws and time >= times[count - 1]:
                continue
            count = min(count + 1, draws)
            at = count - 1
            while at > 0 and times[at - 1] > time:
                times[at], places[at], won[at] = times[at - 1], places[at - 1], won[at - 1]
                at -= 1
            times[at], places[at], won[at] = time, place, left[place]
        for turn in range(count):
            drawn[row, turn], chance[row, turn] = videos[places[turn]], min(1.0, won[turn] / total)
            total -= won[turn]
    return drawn, chance
