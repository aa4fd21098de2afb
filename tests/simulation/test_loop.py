"""The closed loop in a tiny world: who knows more does better, the same seeds give the same figures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tiny_world import NIGHTS, TINY, WARM_DAYS

from foryou import tables
from foryou.simulation import arms, given, loop
from foryou.simulation.arms import Arm
from foryou.simulation.simulate import arms_of
from foryou.simulation.watching import watch
from foryou.sources.world_lines import KIND


@pytest.fixture(scope="module")
def rows(chosen):
    """All arms, and the system without what counts against a taste, in a tiny world."""
    found = loop.run(TINY, arms_of(["negatives"], chosen), NIGHTS, WARM_DAYS, chosen)
    return {row["arm"]: row for row in found}


def good_rate(row) -> float:
    return row["total"]["good"] / row["total"]["plays"]


def test_the_oracle_does_better_than_the_night_and_the_night_better_than_chance(rows):
    assert good_rate(rows["oracle"]) > 1.2 * good_rate(rows["foryou"])
    assert rows["foryou"]["total"]["affinity"] / rows["foryou"]["total"]["plays"] > 1.05 * (
        rows["random"]["total"]["affinity"] / rows["random"]["total"]["plays"]
    )


def test_nothing_is_shown_twice(rows):
    assert {row["total"]["repeats"] for row in rows.values()} == {0}


def test_every_arm_has_the_same_visitors(rows):
    for name in ("sessions", "slots", "first_sessions"):
        assert len({row["total"][name] for row in rows.values()}) == 1
    assert all(len(row["nights"]) == NIGHTS for row in rows.values())


def test_leaving_out_what_counts_against_a_taste_changes_what_is_shown(rows):
    assert rows["without negatives"]["total"] != rows["foryou"]["total"]


def test_the_same_seed_gives_the_same_figures_and_another_one_others(rows, chosen):
    only = [Arm("foryou", "foryou", chosen)]
    assert loop.run(TINY, only, NIGHTS, WARM_DAYS, chosen) == [rows["foryou"]]
    other = replace(TINY, seed=4)
    assert loop.run(other, only[:1], 1, WARM_DAYS, chosen)[0]["nights"][0] != rows["foryou"]["nights"][0]


def test_no_arm_lists_what_was_seen_or_may_not_be_shown_or_is_a_copy(chosen, tmp_path):
    world, lake, _, _ = loop.warm_up(TINY, WARM_DAYS, chosen, tmp_path)
    videos = world.videos.snapshot(WARM_DAYS - 1)
    shown = videos.select((videos["status"] == "live") & videos["moderation"].is_in(["auto_ok", "human_ok"]))
    shown = np.append(shown.to_series().to_numpy(), np.zeros(len(world.videos) - videos.height, bool))
    seen = lake.arrow(tables.SEEN)
    pairs = set(zip(seen["viewer"].to_pylist(), seen["video"].to_pylist(), strict=True))
    last = given.day_of(world, WARM_DAYS - 1)
    copy_of = lake.arrow(tables.VIDEOS, ["copy_of"], days=[last])["copy_of"].to_numpy()
    for arm in arms_of([], chosen):
        own = lake.copy(tmp_path)
        lists = arms.publish(arm, own, world, WARM_DAYS - 1, 1).videos
        viewer, place = np.nonzero(lists >= 0)
        video = lists[viewer, place]
        assert shown[video].all(), arm.name
        assert not (world.viewers.minor[viewer] & world.videos.adult[video]).any(), arm.name
        assert not pairs & set(zip(viewer.tolist(), video.tolist(), strict=True)), arm.name
        fed = np.isin(viewer, own.arrow(tables.FEEDS)["viewer"].to_numpy())  # the others get what is popular as it is
        listed = fed | (arm.kind != "foryou")
        groups = set(zip(viewer[listed].tolist(), copy_of[video[listed]].tolist(), strict=True))
        assert len(groups) == listed.sum(), arm.name
        assert ((lists >= 0)[:, 1:] <= (lists >= 0)[:, :-1]).all(), "no gaps"


def test_the_oracle_lists_by_the_true_chance(chosen, tmp_path):
    world, lake, _, _ = loop.warm_up(TINY, WARM_DAYS, chosen, tmp_path)
    lists = arms.publish(Arm("oracle", "oracle", chosen), lake, world, WARM_DAYS - 1, 1).videos
    viewer = int(np.flatnonzero(lists[:, -1] >= 0)[0])
    odds = world.taste_on(WARM_DAYS)[viewer] @ world.videos.appeal[lists[viewer]].T
    assert (np.diff(odds) <= 1e-6).all()


def test_what_was_drawn_comes_back_with_its_probability(chosen, tmp_path):
    world, lake, state, days = loop.warm_up(TINY, WARM_DAYS, chosen, tmp_path)
    arm, yesterday, shown = Arm("foryou", "foryou", chosen), days[-1], {}
    for number in range(WARM_DAYS, WARM_DAYS + NIGHTS):
        lists = arms.publish(arm, lake, world, number - 1, 1)
        answers = watch(world, number, loop._visits(world, number), lists, state.follows)
        day = given.day_of(world, number)
        shown[day] = int((~np.isnan(answers.lines.propensity) & (answers.lines.kind == KIND["play"])).sum())
        yesterday = given.Day(answers.lines, yesterday.lines, answers.follows, loop._visits(world, number).controls)
        given.give_day(lake, world, number, yesterday, chosen)
    arms.publish(arm, lake, world, WARM_DAYS + NIGHTS - 1, 1)
    for day, plays in shown.items():
        found = lake.arrow(tables.EXPLORATIONS, days=[day])
        assert 0.8 * plays <= found.num_rows <= plays, "second plays of a video are no second view"
        assert np.min(found["propensity"]) > 0 and np.max(found["thompson"]) <= 1
    assert sum(shown.values()) > 50
