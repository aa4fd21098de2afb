"""What other draws would have earned: known answers, which views count, and whether the intervals hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from foryou import tables
from foryou.candidates import exploring, thompson
from foryou.evaluation import off_policy
from foryou.models import matrices

POLICIES = list(tables.POLICIES)


def views(*rows):
    """Rows are (viewer, video, good, propensity, own)."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * 5
    kinds = (pa.int32(), pa.int32(), pa.bool_(), pa.float32(), pa.bool_())
    names = ("viewer", "video", "good", "propensity", "own")
    return pa.table({name: pa.array(each, kind) for name, each, kind in zip(names, columns, kinds, strict=True)})


def drawn(rows):
    """Candidates of `{viewer: {video: propensity}}`; other policies draw each video half as often."""
    lists = {"exploring": [[*each] for each in rows.values()], "propensities": [[*r.values()] for r in rows.values()]}
    halved = [[0.5 * each for each in own] for own in lists["propensities"]]
    floats, ints = pa.list_(pa.float32()), pa.list_(pa.int32())
    columns = {"viewer": pa.array([*rows], pa.int32()), "exploring": pa.array(lists["exploring"], ints)}
    columns["propensities"] = pa.array(lists["propensities"], floats)
    return pa.table(columns | {f"propensities_{policy}": pa.array(halved, floats) for policy in POLICIES})


def test_a_view_counts_that_came_back_with_the_probability_of_its_draw():
    told = drawn({7: {3: 0.25, 4: 0.5}, 9: {3: 1 / 3, 5: 0.2}, 11: {}})
    found = off_policy.explored(
        views(
            (7, 4, True, 0.5, False),
            (9, 3, False, 0.333333, False),  # six figures, as logs have them
            (7, 3, True, None, False),  # found by a search
            (9, 5, True, 0.01, False),  # drawn by something else
            (9, 4, True, 0.5, False),  # somebody else's draw
            (7, 3, True, 0.25, True),  # one's own
            (8, 3, True, 0.25, False),
        ),
        told,
    )
    assert found.select(["viewer", "video", "good"]).to_pylist() == [
        {"viewer": 7, "video": 4, "good": True},
        {"viewer": 9, "video": 3, "good": False},
    ]
    assert found["propensity"].to_pylist() == pytest.approx([0.5, 1 / 3])
    assert found["taste"].to_pylist() == pytest.approx([0.25, 1 / 6])
    assert set(found.column_names) | {"day"} == set(tables.EXPLORATIONS.column_names)
    assert off_policy.explored(views(), told).num_rows == 0
    assert off_policy.explored(views((7, 4, True, 0.5, False)), drawn({})).num_rows == 0
    last = told.column_names.index(off_policy.DRAWN[-1])
    older = told.set_column(last, off_policy.DRAWN[-1], pa.nulls(len(told), pa.list_(pa.float32())))
    assert off_policy.explored(views((7, 4, True, 0.5, False)), older).num_rows == 0


def test_views_weigh_what_the_other_probability_is_over_that_of_the_draw():
    good, weights = np.array([1.0, 0.0, 1.0, 0.0]), np.array([2.0, 2.0, 1.0, 0.0])
    found = off_policy.snips(np.array([1, 2, 3, 4]), good, weights)
    assert found.value == pytest.approx(0.6)
    rest = weights * (good - 0.6)
    half = 1.96 * np.sqrt((rest**2).sum() * 4 / 3) / 5
    assert (found.low, found.high) == pytest.approx((max(0, 0.6 - half), min(1, 0.6 + half)))
    assert (found.effective_views, found.max_weight) == pytest.approx((25 / 9, 2))


def test_views_of_one_viewer_are_no_several_witnesses():
    rng = np.random.default_rng(2)
    good = np.repeat((rng.random(200) < 0.3).astype(float), 3)
    apart = off_policy.snips(np.arange(600), good, np.ones(600))
    together = off_policy.snips(np.repeat(np.arange(200), 3), good, np.ones(600))
    assert together.value == apart.value
    assert (together.high - together.low) / (apart.high - apart.low) == pytest.approx(3**0.5, rel=0.01)


def rows_of(count, weight=1.0):
    rng = np.random.default_rng(1)
    columns = {"viewer": np.arange(count, dtype=np.int32), "good": pa.array(rng.random(count) < 0.3)}
    columns |= {"propensity": np.full(count, 0.25, np.float32)}
    return pa.table(columns | {policy: np.full(count, 0.25 * weight, np.float32) for policy in POLICIES})


def test_nothing_is_said_of_a_policy_whose_views_are_too_few(chosen):
    section = replace(chosen.evaluation, min_effective_views=100)
    assert off_policy.evaluate(rows_of(0), section) == []
    assert off_policy.evaluate(rows_of(99), section) == []
    found = off_policy.evaluate(rows_of(100), section)
    (rankings,) = (column.one_of for column in tables.EVALUATIONS.columns if column.name == "ranking")
    assert {row["ranking"] for row in found} == set(tables.EXPLORED) <= set(rankings)
    assert {row["measure"] for row in found} == set(off_policy.MEASURES)
    assert {row["viewers"] for row in found} == {100}
    seldom = pa.array([0.25] * 50 + [0.0] * 100, pa.float32())
    rare = rows_of(150).set_column(rows_of(1).column_names.index("content"), "content", seldom)
    assert "explored_content" not in {row["ranking"] for row in off_policy.evaluate(rare, section)}
    never = rows_of(150, weight=0.0)
    assert {row["ranking"] for row in off_policy.evaluate(never, section)} == {"explored"}


# ---- worlds whose truth is known

RUNS, VIEWERS, VIDEOS, TURNS, GROUPS = 200, 1_000, 20, 3, 4
STAYS = 0.7
"""Who did not like a video goes on to the next with this probability."""


class World:
    """Videos with a rate in each group and a quality that content tells a part of; viewers come with every look."""

    def __init__(self, seed, section):
        self.rng, self.section = np.random.default_rng([seed, 5]), section
        self.level = self.rng.normal(-1.0, 0.6, (GROUPS, VIDEOS)) + self.rng.normal(0, 0.4, VIDEOS)
        met = self.rng.integers(0, 150, (GROUPS, VIDEOS))
        good = self.rng.binomial(met, sigmoid(self.level))
        logs = np.stack([thompson.log_cdfs(good[g] + 5, met[g] - good[g] + 15) for g in (*range(GROUPS), 0)])
        room = self.rng.integers(20, 200, (GROUPS, VIDEOS))
        whole = np.vstack([room, room.sum(axis=0)]).astype(np.float32)
        newness = np.log(2, dtype=np.float32) * self.rng.integers(0, 6, VIDEOS).astype(np.float32)
        self.tests = exploring.Tests(np.arange(VIDEOS, dtype=np.int32), whole, logs, newness)

    def look(self, viewers):
        """So many viewers and what was drawn for them: group, odds, truth, what each had seen, draws, good, watched."""
        rng = self.rng
        group, match = rng.integers(0, GROUPS, viewers), rng.normal(size=(viewers, VIDEOS))
        truth = sigmoid(self.level[group] + 0.8 * match + 0.4 * rng.normal(size=(viewers, 1)))
        taste, content = ((scale * match + rng.normal(size=match.shape)).astype(np.float32) for scale in (0.8, 0.4))
        seen = rng.random((viewers, VIDEOS)) < 0.1
        row, column = (pa.chunked_array([pa.array(each, pa.int32())]) for each in np.nonzero(seen))
        found = exploring.draw(
            self.tests,
            np.arange(viewers, dtype=np.int32),
            (taste, content),
            group.astype(np.int32),
            matrices.rows(row, column, None, viewers),
            np.ones(VIDEOS, bool),
            int(rng.integers(2**31)),
            replace(self.section, explored=TURNS),
        )
        good = rng.random(found.videos.shape) < np.take_along_axis(truth, found.videos, axis=1)
        stays = np.cumprod(good | (rng.random(good.shape) < STAYS), axis=1).astype(bool)
        watched = np.hstack([np.ones((viewers, 1), bool), stays[:, :-1]])
        odds = {"evenly": np.zeros_like(taste), "taste": taste, "content": content}
        odds["newest"] = np.broadcast_to(self.tests.newness, taste.shape)
        return group, odds, truth, seen, found, good, watched

    def value(self, viewers):
        """By policy the rate that it would have, by what is true, over the turns that `viewers` come to."""
        group, odds, truth, seen, found, _, watched = self.look(viewers)
        left, sums, reached = ~seen, dict.fromkeys(POLICIES, 0.0), watched.sum()
        for turn in range(TURNS):
            for policy in POLICIES:
                chances = self.by_rate(group, left) if policy == "thompson" else np.exp(odds[policy]) * left
                rate = (chances * truth).sum(axis=1) / chances.sum(axis=1)
                sums[policy] += rate[watched[:, turn]].sum() / reached
            left[np.arange(viewers), found.videos[:, turn]] = False
        return sums

    def by_rate(self, group, left):
        """Thompson's probabilities [viewers, videos], from fine sums over the same posteriors."""
        logs, chances = self.tests.log_cdfs.astype(np.float64), np.empty(left.shape)
        for each in range(GROUPS):
            whole = left[group == each] @ logs[each]
            rises = np.diff(logs[each])
            density = np.diff(np.exp(whole)) / np.maximum(np.diff(whole), 1e-12)
            chances[group == each] = left[group == each] * (density @ rises.T)
        return chances


def sigmoid(odds):
    return 1 / (1 + np.exp(-odds))


def test_over_200_worlds_the_intervals_hold_what_is_true_as_often_as_they_say(chosen):
    held = {policy: [] for policy in POLICIES}
    for run in range(RUNS):
        world = World(run, chosen.candidates)
        truth = world.value(3_000)
        *_, found, good, watched = world.look(VIEWERS)
        viewer = np.nonzero(watched)[0]
        for number, policy in enumerate(POLICIES, start=1):
            weights = (found.chances[:, :, number] / found.chances[:, :, 0])[watched].astype(np.float64)
            told = off_policy.snips(viewer, good[watched].astype(np.float64), weights)
            assert told.effective_views >= chosen.evaluation.min_effective_views
            held[policy].append(told.low <= truth[policy] <= told.high)
    shares = {policy: np.mean(each) for policy, each in held.items()}
    assert all(0.90 <= share <= 0.98 for share in shares.values()), shares
