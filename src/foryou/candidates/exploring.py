"""Videos under test, drawn for each viewer: who gets to see what nobody knows yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foryou.candidates import draws, thompson
from foryou.models.matrices import Rows
from foryou.settings import Candidates
from foryou.tables import POLICIES

Floats = NDArray[np.float32]

_LEAST_ODDS = -20.0
"""Logarithm of the least odds beside the best: what is added up and taken off again keeps its digits."""


@dataclass(frozen=True)
class Tests:
    """Videos under test whose turn it is, dense ids rising; by viewer group, and last for everybody.

    `room` [groups + 1, tests] is how many impressions the tests still want; `log_cdfs` [groups + 1, tests, nodes] are
    the posteriors of their rates of good watches (`thompson.log_cdfs`); `newness` [tests] are logarithms of odds.
    """

    videos: NDArray[np.int32]
    room: Floats
    log_cdfs: Floats
    newness: Floats


@dataclass(frozen=True)
class Drawn:
    """Up to `explored` videos of each viewer, in turn: `videos` [viewers, explored], padded with -1.

    `chances` [viewers, explored, 1 + policies] has the probability of each draw and then those that it would have had
    by each of `tables.POLICIES`, all given the turns before; 0 for padding.
    """

    videos: NDArray[np.int32]
    chances: Floats


def tests(distribution: pa.Table, stages: tuple[str, ...], groups: int, newness: Floats) -> Tests:
    """The videos in one of the `stages` whose turn it is; `newness` by dense id.

    The audience of a test is stratified: each group that it is open to owes an equal part of the impressions wanted, so
    a group that has given its part sees the video no more.
    """
    under_test = pa.compute.is_in(distribution["stage"], pa.array(stages))
    rows = distribution.filter(pa.compute.and_(under_test, distribution["in_turn"])).sort_by("video")
    given = np.array(rows["group_impressions"].to_pylist(), np.float64).reshape(rows.num_rows, groups)
    open_to = np.zeros((rows.num_rows, groups), bool)
    lists = rows["groups"].combine_chunks()
    open_to[np.repeat(np.arange(rows.num_rows), lists.value_lengths().to_numpy()), lists.flatten().to_numpy()] = True
    share = rows["wanted"].to_numpy()[:, None] / np.maximum(1, open_to.sum(axis=1, keepdims=True))
    missing = np.where(open_to, np.maximum(0, share - given), 0).T
    alphas, betas = (_by_group(rows[name], rows.num_rows, groups) for name in ("alphas", "betas"))
    logs = np.stack([thompson.log_cdfs(alphas[group], betas[group]) for group in (*range(1, groups + 1), 0)])
    videos = rows["video"].to_numpy().astype(np.int32)
    room = np.vstack([missing, missing.sum(axis=0)]).astype(np.float32)
    return Tests(videos, room, logs, newness[videos])


def _by_group(lists: pa.ChunkedArray, rows: int, groups: int) -> NDArray[np.float64]:
    """Everybody's, then each group's: [1 + groups, rows]."""
    return np.array(lists.to_pylist(), np.float64).reshape(rows, 1 + groups).T


def draw(
    of: Tests,
    viewers: NDArray[np.int32],
    tastes: Sequence[Floats],
    group: NDArray[np.int32],
    left_out: Rows,
    eligible: NDArray[np.bool_],
    seed: int,
    settings: Candidates,
) -> Drawn:
    """Each viewer's videos under test, up to `explored` different ones in turn, and the probability of each.

    Drawn are those that are eligible, wanted of the viewer's `group` [viewers], not drawn before and not in the
    viewer's row of `left_out`; a viewer of no group (-1) is asked for all groups. Of n of these, i has the probability

    `evenly / n + (1 - evenly) · (t · w_i P_i / sum of w P + (1 - t) · w_i / sum of w)`

    with w the room of its test times the odds of the viewer's taste, P the probability that its rate is the greatest
    (Thompson 1933), t `exploring_thompson_share` and evenly `exploring_even_share`. `tastes` [viewers, tests] are
    logarithms of odds by the whole taste and by content alone. Draws depend on the seed and the viewer alone.
    """
    room = np.where(eligible[of.videos], of.room, 0).astype(np.float64)
    rises = np.diff(of.log_cdfs)
    posteriors = (of.log_cdfs, rises, np.ascontiguousarray(rises.transpose(0, 2, 1)))
    odds = (_odds(tastes[0]), _odds(tastes[1]), _odds(of.newness[None])[0])
    asked = (viewers, group, left_out.indptr, left_out.indices)
    drawn = np.full((len(viewers), settings.explored), -1, np.int32)
    chances = np.zeros((*drawn.shape, 1 + len(POLICIES)), np.float32)
    shares = (settings.exploring_even_share, settings.exploring_thompson_share)
    sums = _sums(of.log_cdfs, room, settings.explored)
    draws.draw(of.videos, room, posteriors, sums, odds, asked, shares, np.uint64(seed), drawn, chances)
    return Drawn(drawn, chances)


def _odds(logs: Floats) -> Floats:
    """Odds beside each row's best."""
    return np.exp(np.maximum(logs - logs.max(axis=1, keepdims=True, initial=-np.inf), _LEAST_ODDS))


def _sums(logs: Floats, room: NDArray[np.float64], explored: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of each group the sums of the logarithms over its tests [groups + 1, nodes], and how much of it turns can take.

    That is at most the sum of the least of them: a viewer has no more than `explored` turns.
    """
    logs = np.where(room[:, :, None] > 0, logs, 0)
    taken = min(explored, logs.shape[1])
    least = np.partition(logs, taken - 1, axis=1)[:, :taken] if taken else logs
    return logs.sum(axis=1, dtype=np.float64), least.sum(axis=1, dtype=np.float64)
