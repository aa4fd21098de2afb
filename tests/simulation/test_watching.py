"""A day of watching: luck belongs to the viewer and the place, not to what is shown there."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_world import TINY

from foryou.simulation.arms import Published
from foryou.simulation.starting import Walk
from foryou.simulation.watching import draw_visits, watch
from foryou.sources.world import begin
from foryou.sources.world_lines import KIND
from foryou.sources.world_parameters import DAY_MS

DAY = 2


@pytest.fixture(scope="module")
def day():
    world, state, _ = begin(TINY)
    return world, state.follows, draw_visits(world, DAY, np.random.default_rng(1))


def one_list(world, videos) -> Published:
    return Published.plain(np.tile(np.asarray(videos, np.int32), (len(world.viewers), 1)))


def test_what_is_the_same_in_two_arms_is_answered_in_the_same_way(day):
    world, follows, visits = day
    ones, others = np.arange(60), np.r_[np.arange(30), np.arange(100, 130)]  # alike in the first thirty places
    first, second = (watch(world, DAY, visits, one_list(world, videos), follows) for videos in (ones, others))
    place = {answers: {} for answers in ("first", "second")}
    for name, answers in (("first", first), ("second", second)):
        for slot, video, good, ms in zip(
            answers.slot, answers.plays.video, answers.plays.good, answers.plays.watched_ms, strict=True
        ):
            place[name][slot] = (video, good, ms)
    # Until the lists part, a viewer's day is the same; that is so for the first session of each.
    begun = visits.turn[visits.session] == 0
    same = np.flatnonzero(begun & (visits.place < 30))
    assert len(same) > 500
    assert [place["first"].get(slot) for slot in same] == [place["second"].get(slot) for slot in same]
    assert place["first"] != place["second"]


def test_viewers_go_down_their_list_and_see_nothing_twice(day):
    world, follows, visits = day
    videos = np.random.default_rng(2).permutation(150)[:80]
    plays = watch(world, DAY, visits, one_list(world, videos), follows).plays
    for viewer in np.unique(plays.viewer)[:20]:
        watched = plays.video[plays.viewer == viewer]
        assert watched.tolist() == videos[: len(watched)].tolist()


def test_a_session_ends_with_the_list_its_length_or_boredom(day):
    world, follows, visits = day
    answers = watch(world, DAY, visits, one_list(world, np.arange(12)), follows)
    assert np.bincount(answers.plays.viewer).max() == 12
    lengths = np.bincount(answers.plays.session, minlength=len(visits.sessions.viewer))
    assert (lengths <= visits.sessions.length).all()
    long = watch(world, DAY, visits, one_list(world, np.arange(150)), follows)
    last = np.append(long.plays.session[1:] != long.plays.session[:-1], True)
    assert last[long.bored].all()
    whole = np.bincount(long.plays.session, minlength=len(visits.sessions.viewer)) == visits.sessions.length
    taken = np.bincount(long.plays.viewer, minlength=len(world.viewers))
    ended = long.plays.session[last & ~long.bored & (taken[long.plays.viewer] < 150)]
    assert whole[ended].all()


def test_the_log_of_a_day_is_of_that_day_and_in_order(day):
    world, follows, visits = day
    answers = watch(world, DAY, visits, one_list(world, np.arange(100)), follows)
    start = TINY.day_start_ms(DAY)
    people = answers.lines.take(answers.lines.kind != KIND["post"])
    assert ((people.at_ms >= start) & (people.at_ms < start + DAY_MS)).all()
    assert set(np.unique(answers.lines.kind)) >= {KIND["play"], KIND["like"], KIND["exit"]}


def test_a_drawn_place_keeps_its_probability_in_the_log(day):
    world, follows, visits = day
    lists = one_list(world, np.arange(20))
    lists.propensity[:, 4] = 0.25
    lines = watch(world, DAY, visits, lists, follows).lines
    drawn = lines.take((lines.kind == KIND["play"]) & (lines.video == 4) & ~np.isnan(lines.propensity))
    assert len(drawn) and (drawn.propensity == 0.25).all()
    assert np.isnan(lines.propensity[lines.video == 5]).all()


def test_newcomers_walk_on_by_what_they_watched_well(day):
    world, follows, visits = day
    popular = np.arange(100, 140)
    first = [(video, f"t{video % 2}") for video in range(8)]
    slates = {("*:*", ""): first} | {
        ("*:*", path): [(video, path) for video in range(start, start + 8)] for path, start in (("t0", 20), ("t1", 40))
    }
    lists = one_list(world, popular)
    viewers = np.arange(len(world.viewers))
    walk = Walk(slates, ["*:*"] * len(viewers))
    walk.begin(lists.videos, viewers)
    plays = watch(world, DAY, visits, Published(lists.videos, lists.propensity, walk), follows).plays
    led = {"t0": 0, "t1": 0, "popular": 0}
    for viewer in np.unique(plays.viewer):
        watched, good = plays.video[plays.viewer == viewer], plays.good[plays.viewer == viewer]
        assert watched[:8].tolist() == list(range(len(watched[:8])))
        if len(watched) >= 16:
            last = watched[:8][good[:8]]
            path = f"t{last[-1] % 2}" if len(last) else "popular"
            start = {"t0": 20, "t1": 40, "popular": 100}[path]
            assert watched[8:16].tolist() == list(range(start, start + 8))
            led[path] += 1
    assert min(led.values()) > 0
