"""Exploring: draws follow their weights and posteriors, and the probabilities told are those that hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from foryou import tables
from foryou.candidates import exploring, thompson
from foryou.models import matrices

VIDEOS = 12
ALL = np.ones(VIDEOS, bool)
GROUPS = 2
OF_RATE = 1 + list(tables.POLICIES).index("thompson")


def nothing_seen(viewers):
    return matrices.Rows(np.zeros(viewers + 1, np.int64), np.empty(0, np.int32), np.empty(0, np.float32))


def given(room, posteriors=None, newness=None):
    """Tests with `{video: room}`, the second group's halved; `{video: (alpha, beta)}`, by default alike for all."""
    videos = np.array(sorted(room), np.int32)
    row = np.array([room[video] for video in sorted(room)], np.float32)
    alphas, betas = np.array([(posteriors or {}).get(video, (6.0, 14.0)) for video in sorted(room)]).reshape(-1, 2).T
    logs = np.stack([thompson.log_cdfs(alphas, betas)] * (GROUPS + 1))
    new = np.zeros(len(videos), np.float32) if newness is None else newness
    return exploring.Tests(videos, np.stack([row, row / 2, row * 1.5]), logs, new)


@pytest.fixture
def some(chosen):
    """Draws for so many viewers, in one group, of tests given as `given` has them."""

    def of(room, posteriors=None, *, viewers=1, group=0, seen=None, eligible=ALL, draws=3, seed=1, **changed):
        taste, content = changed.pop("taste", None), changed.pop("content", None)
        tests = given(room, posteriors, changed.pop("newness", None))
        none = np.zeros(len(tests.videos), np.float32)
        tastes = [np.tile(none if each is None else each, (viewers, 1)) for each in (taste, content)]
        everybody = np.arange(viewers, dtype=np.int32)
        asked = (np.full(viewers, group, np.int32), seen or nothing_seen(viewers), eligible, seed)
        section = replace(chosen.candidates, explored=draws, **({"exploring_thompson_share": 1.0} | changed))
        return exploring.draw(tests, everybody, tastes, *asked, section)

    return of


def mixed(by_rate, of):
    """A tenth goes evenly to all `of` them."""
    return 0.1 / of + 0.9 * np.asarray(by_rate)


def test_videos_are_drawn_as_often_as_their_room_says_where_nothing_else_tells_them_apart(some):
    found = some({1: 1, 4: 3, 7: 6}, viewers=20_000, draws=1)
    wanted = dict(zip((1, 4, 7), mixed([0.1, 0.3, 0.6], 3), strict=True))
    counts = np.bincount(found.videos[:, 0], minlength=VIDEOS) / 20_000
    assert counts[[1, 4, 7]] == pytest.approx([*wanted.values()], abs=0.015)
    assert found.chances[:, 0, 0] == pytest.approx([wanted[video] for video in found.videos[:, 0].tolist()], abs=1e-4)


def test_the_chance_of_a_later_turn_is_given_the_earlier_ones(some):
    found = some({1: 1, 4: 3, 7: 6}, viewers=20_000)
    weight = {1: 1, 4: 3, 7: 6}
    first, second = found.videos[:, 0], found.videos[:, 1]
    wanted = [mixed(weight[b] / (10 - weight[a]), 2) for a, b in zip(first, second, strict=True)]
    assert found.chances[:, 1, 0] == pytest.approx(wanted, abs=1e-4)
    assert (second[first == 7] == 4).mean() == pytest.approx(mixed(0.75, 2), abs=0.02)
    assert found.chances[:, 2, 0] == pytest.approx(1, abs=1e-5)


POSTERIORS = {1: (8.0, 32.0), 3: (15.0, 35.0), 4: (9.0, 11.0), 6: (90.0, 210.0), 8: (6.0, 14.0), 9: (24.0, 36.0)}


def test_chances_agree_with_draws_from_the_posteriors_also_after_earlier_turns(some):
    found = some(dict.fromkeys(POSTERIORS, 1.0), POSTERIORS, viewers=30_000, draws=3)
    rng = np.random.default_rng(1)
    firsts = [(), *((video,) for video in (4, 9, 8))]
    for before in firsts:
        left = [video for video in POSTERIORS if video not in before]
        rates = rng.beta(*np.array([POSTERIORS[video] for video in left]).T, (100_000, len(left)))
        simulated = np.bincount(rates.argmax(axis=1), minlength=len(left)) / 100_000
        turn, told = len(before), {}
        here = (found.videos[:, : len(before)] == np.array(before, np.int32)).all(axis=1)
        for video in left:
            drawn = here & (found.videos[:, turn] == video)
            told[video] = found.chances[drawn, turn]
            assert np.ptp(told[video][:, 0]) < 1e-6, "one probability for all who stand where they stand"
        chance, of_rate = (np.array([told[video][0, column] for video in left]) for column in (0, OF_RATE))
        error = np.sqrt(simulated * (1 - simulated) / 100_000)
        assert of_rate.sum() == pytest.approx(1, abs=1e-3) and chance.sum() == pytest.approx(1, abs=1e-5)
        assert (np.abs(of_rate - simulated) < 4 * error + 0.001).all()
        assert chance == pytest.approx(mixed(simulated, len(left)), abs=0.005)
        share = np.array([len(told[video]) for video in left]) / here.sum()
        assert (np.abs(share - chance) < 4 * np.sqrt(chance * (1 - chance) / here.sum())).all()


def test_room_and_taste_weigh_beside_the_rate(some):
    room, taste = dict(zip(POSTERIORS, (1, 2, 3, 4, 5, 6), strict=True)), np.log([1, 3, 2, 1, 4, 2]).astype(np.float32)
    weight = np.exp(taste) * [*room.values()]
    plain = some(dict.fromkeys(POSTERIORS, 1.0), POSTERIORS, viewers=20_000, draws=1)
    rate = np.array([plain.chances[plain.videos[:, 0] == video, 0, OF_RATE][0] for video in POSTERIORS])
    for share in (0.0, 0.4, 1.0):
        found = some(room, POSTERIORS, viewers=5_000, draws=1, taste=taste, exploring_thompson_share=share)
        by_rate, by_room = weight * rate / (weight @ rate), weight / weight.sum()
        wanted = mixed(share * by_rate + (1 - share) * by_room, 6)
        place = np.searchsorted([*POSTERIORS], found.videos[:, 0])
        assert found.chances[:, 0, 0] == pytest.approx(wanted[place], rel=1e-3)


def test_what_other_policies_would_have_done_is_told_turn_by_turn(some):
    taste, content, newness = (np.log(np.array(each, np.float32)) for each in ([1, 2, 5], [4, 1, 1], [1, 2, 4]))
    found = some({1: 1, 4: 3, 7: 6}, viewers=500, taste=taste, content=content, newness=newness)
    place = np.searchsorted([1, 4, 7], found.videos)
    names = ["drawn", *tables.POLICIES]
    for name, logs in (("evenly", np.zeros(3)), ("taste", taste), ("content", content), ("newest", newness)):
        odds = np.exp(logs)[place]
        left = odds[:, ::-1].cumsum(axis=1)[:, ::-1]
        np.testing.assert_allclose(found.chances[:, :, names.index(name)], odds / left, rtol=1e-5)


def test_no_video_comes_twice_nor_one_that_was_seen_or_may_not_be_shown(some):
    seen = matrices.Rows(np.array([0, 2], np.int64), np.array([4, 9], np.int32), np.ones(2, np.float32))
    may = ALL.copy()
    may[1] = False
    found = some({1: 1, 4: 3, 7: 6}, {1: (90.0, 10.0)}, seen=seen, eligible=may)
    assert found.videos.tolist() == [[7, -1, -1]]
    assert found.chances[0, 0, 0] == pytest.approx(1, abs=1e-5) and not found.chances[0, 1:].any()
    assert some({}).videos.tolist() == [[-1, -1, -1]]


def test_masked_videos_are_never_drawn_and_the_others_have_all_the_odds(some):
    rng = np.random.default_rng(3)
    viewers, room = 3_000, dict.fromkeys(range(VIDEOS), 1.0) | {5: 0.0}
    posteriors = {video: tuple(rng.uniform(5, 50, 2)) for video in range(VIDEOS)}
    hidden = rng.random((viewers, VIDEOS)) < 0.3
    row, column = np.nonzero(hidden)
    seen = matrices.rows(*(pa.chunked_array([pa.array(each, pa.int32())]) for each in (row, column)), None, viewers)
    may = np.arange(VIDEOS) != 2
    found = some(room, posteriors, viewers=viewers, seen=seen, eligible=may, draws=VIDEOS)
    for viewer in range(viewers):
        allowed = [video for video in range(VIDEOS) if video not in (2, 5) and not hidden[viewer, video]]
        drawn = found.videos[viewer]
        assert sorted(drawn[drawn >= 0].tolist()) == allowed
        assert found.chances[viewer, : len(allowed), 0].min(initial=1) > 0.1 / VIDEOS - 1e-6


def test_a_draw_depends_on_seed_and_viewer_alone(some, chosen):
    room = dict.fromkeys(range(VIDEOS), 1.0)
    whole = some(room, viewers=50)
    no_taste, group = [np.zeros((1, VIDEOS), np.float32)] * 2, np.array([0], np.int32)
    section = replace(chosen.candidates, explored=3, exploring_thompson_share=1.0)
    asked = (no_taste, group, nothing_seen(1), ALL, 1, section)
    alone = exploring.draw(given(room), np.array([33], np.int32), *asked)
    assert alone.videos[0].tolist() == whole.videos[33].tolist()
    assert alone.chances[0].tolist() == whole.chances[33].tolist()
    assert some(room, viewers=50, seed=2).videos.tolist() != whole.videos.tolist()


def test_a_fitting_audience_is_sought_and_nobody_is_left_out(some):
    found = some({1: 1, 4: 1, 7: 2}, viewers=20_000, draws=1, taste=np.log([4.0, 1.0, 1.0]).astype(np.float32))
    wanted = mixed(np.array([4, 1, 2]) / 7, 3)
    counts = np.bincount(found.videos[:, 0], minlength=VIDEOS) / 20_000
    assert counts[[1, 4, 7]] == pytest.approx(wanted, abs=0.015)
    assert found.chances[found.videos[:, 0] == 1, 0, 0] == pytest.approx(wanted[0], abs=1e-4)


def test_a_group_that_gave_its_part_sees_the_video_no_more_and_closed_ones_never():
    rows = pa.table(
        {
            "video": pa.array([8, 3, 5], pa.int32()),
            "stage": ["first", "second", "wide"],
            "wanted": [200, 100, 0],
            "groups": pa.array([[0, 1, 2, 3], [1, 2], [0]], pa.list_(pa.int32())),
            "group_impressions": [[50, 20, 0, 60], [0, 10, 0, 0], [0, 0, 0, 0]],
            "alphas": [[6.0, 6.0, 6.0, 6.0, 9.0], [8.0] * 5, [1.0] * 5],
            "betas": [[14.0] * 5, [12.0] * 5, [1.0] * 5],
            "in_turn": [True, True, True],
        }
    )
    newness = np.arange(9, dtype=np.float32)
    found = exploring.tests(rows, ("first", "second"), 4, newness)
    assert found.videos.tolist() == [3, 8] and found.newness.tolist() == [3, 8]
    np.testing.assert_allclose(found.room.T, [[0, 40, 50, 0, 90], [0, 30, 50, 0, 80]])
    betas = np.array([12.0, 14.0])
    fourth, everybody = (thompson.log_cdfs(np.array([8.0, alpha]), betas) for alpha in (9.0, 6.0))
    np.testing.assert_array_equal(found.log_cdfs[3:], [fourth, everybody])
    waiting = rows.set_column(rows.column_names.index("in_turn"), "in_turn", pa.array([False, True, True]))
    assert exploring.tests(waiting, ("first", "second"), 4, newness).videos.tolist() == [3], (
        "whose turn it is not waits"
    )
    assert exploring.tests(rows.slice(0, 0), ("first",), 4, newness).room.shape == (5, 0)
