"""Exploring: draws follow their weights, and the probabilities told are those that hold."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from foryou.candidates import exploring
from foryou.models import matrices

VIDEOS = 12
ALL = np.ones(VIDEOS, bool)


def nothing_seen(viewers):
    return matrices.Rows(np.zeros(viewers + 1, np.int64), np.empty(0, np.int32), np.empty(0, np.float32))


def some(weights, viewers=1, group=0, seen=None, eligible=ALL, draws=3, seed=1, tastes=None):
    """Draws of `{video: weight}`, equal for both groups but for the second one's halved weights."""
    videos = np.array(sorted(weights), np.int32)
    row = np.array([weights[video] for video in sorted(weights)], np.float32)
    of = exploring.Tests(videos, np.stack([row, row / 2]))
    everybody = np.arange(viewers, dtype=np.int32)
    of_group = np.full(viewers, group, np.int32)
    tastes = np.zeros((viewers, len(videos)), np.float32) if tastes is None else tastes
    return exploring.draw(of, everybody, tastes, of_group, seen or nothing_seen(viewers), eligible, draws, seed)


def test_videos_are_drawn_as_often_as_their_weights_say():
    drawn, chance = some({1: 1, 4: 3, 7: 6}, viewers=20_000, draws=1)
    found = np.bincount(drawn[:, 0], minlength=VIDEOS) / 20_000
    assert found[[1, 4, 7]] == pytest.approx([0.1, 0.3, 0.6], abs=0.015)
    assert chance[:, 0] == pytest.approx(np.array([0, 0.1, 0, 0, 0.3, 0, 0, 0.6])[drawn[:, 0]])


def test_the_chance_of_a_later_turn_is_given_the_earlier_ones():
    drawn, chance = some({1: 1, 4: 3, 7: 6}, viewers=20_000)
    weight = {1: 1, 4: 3, 7: 6}
    first, second = drawn[:, 0], drawn[:, 1]
    assert chance[:, 1] == pytest.approx([weight[b] / (10 - weight[a]) for a, b in zip(first, second, strict=True)])
    after_seven = second[first == 7]
    assert (after_seven == 4).mean() == pytest.approx(0.75, abs=0.02)
    assert chance[:, 2] == pytest.approx(1)


def test_no_video_comes_twice_nor_one_that_was_seen_or_may_not_be_shown():
    seen = matrices.Rows(np.array([0, 2], np.int64), np.array([4, 9], np.int32), np.ones(2, np.float32))
    may = ALL.copy()
    may[1] = False
    drawn, chance = some({1: 1, 4: 3, 7: 6}, seen=seen, eligible=may)
    assert drawn.tolist() == [[7, -1, -1]]
    assert chance.tolist() == [[1, 0, 0]]
    assert some({})[0].tolist() == [[-1, -1, -1]]


def test_a_draw_depends_on_seed_and_viewer_alone():
    weights = dict.fromkeys(range(VIDEOS), 1)
    whole, _ = some(weights, viewers=50)
    of = exploring.Tests(np.arange(VIDEOS, dtype=np.int32), np.ones((2, VIDEOS), np.float32))
    no_taste, group = np.zeros((1, VIDEOS), np.float32), np.array([0], np.int32)
    alone, _ = exploring.draw(of, np.array([33], np.int32), no_taste, group, nothing_seen(1), ALL, 3, 1)
    assert alone[0].tolist() == whole[33].tolist()
    assert some(weights, viewers=50, seed=2)[0].tolist() != whole.tolist()


def test_a_fitting_audience_is_sought_and_nobody_is_left_out():
    tastes = np.tile(np.log([[4.0, 1.0, 1.0]]).astype(np.float32), (20_000, 1))
    drawn, chance = some({1: 1, 4: 1, 7: 2}, viewers=20_000, draws=1, tastes=tastes)
    odds = 0.1 + 0.9 * np.array([2.0, 0.5, 0.5])  # over their mean, and a tenth for everybody
    wanted = odds * [1, 1, 2] / (odds * [1, 1, 2]).sum()
    found = np.bincount(drawn[:, 0], minlength=VIDEOS) / 20_000
    assert found[[1, 4, 7]] == pytest.approx(wanted, abs=0.015)
    assert chance[drawn[:, 0] == 1, 0] == pytest.approx(wanted[0], rel=1e-5)


def test_a_group_that_gave_its_part_sees_the_video_no_more_and_closed_ones_never():
    rows = pa.table(
        {
            "video": pa.array([8, 3, 5], pa.int32()),
            "stage": ["first", "second", "wide"],
            "wanted": [200, 100, 0],
            "groups": pa.array([[0, 1, 2, 3], [1, 2], [0]], pa.list_(pa.int32())),
            "group_impressions": [[50, 20, 0, 60], [0, 10, 0, 0], [0, 0, 0, 0]],
            "in_turn": [True, True, True],
        }
    )
    found = exploring.tests(rows, ("first", "second"), 4)
    assert found.videos.tolist() == [3, 8]
    # A tenth of a group's places is spread evenly over what it may see: half of .1 x (40 + 30) of group 1 for each.
    np.testing.assert_allclose(found.weights.T, [[0, 39.5, 50, 0], [0, 30.5, 50, 0]])
    waiting = rows.set_column(rows.column_names.index("in_turn"), "in_turn", pa.array([False, True, True]))
    assert exploring.tests(waiting, ("first", "second"), 4).videos.tolist() == [3], "whose turn it is not waits"
    assert exploring.tests(rows.slice(0, 0), ("first",), 4).weights.shape == (4, 0)
