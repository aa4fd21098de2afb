"""Interactions: how points age, add up and are scaled."""

from __future__ import annotations

import random
from datetime import timedelta

import pyarrow as pa
import pytest

from foryou.signals import interactions
from rows import DAY

TYPES = {"viewer": pa.int32(), "video": pa.int32(), "points": pa.float32(), "good": pa.bool_(), "day": pa.date32()}


def view(video, points, age_days=0, viewer=0, good=False):
    return {"viewer": viewer, "video": video, "points": points, "good": good, "day": DAY - timedelta(age_days)}


def build(chosen, *views):
    return interactions.build(pa.Table.from_pylist(list(views), pa.schema(TYPES)), DAY, chosen.interactions)


@pytest.fixture
def strengths(chosen):
    """The strengths of the given views, by viewer and video."""

    def of(*given):
        built = build(chosen, *given).to_pylist()
        found = {(row["viewer"], row["video"]): row["strength"] for row in built}
        assert len(found) == len(built)
        return found

    return of


def test_points_halve_with_the_half_life_and_add_up(strengths, chosen):
    half_life = int(chosen.interactions.half_life_days)
    found = strengths(view(0, 8), view(1, 8, half_life), view(2, 8, 2 * half_life), view(3, 2), view(3, 4, half_life))
    assert [found[0, video] / found[0, 0] for video in range(4)] == pytest.approx([1, 0.5, 0.25, 0.5])


def test_the_mean_of_positive_strengths_is_one_whatever_the_scale_of_points(strengths):
    def given(scale):
        return [view(0, 9 * scale), view(1, 3 * scale), view(2, -6 * scale), view(3, 0)]

    found = strengths(*given(1))
    assert list(map(found.get, [(0, 0), (0, 1), (0, 2), (0, 3)])) == pytest.approx([1.5, 0.5, -1.0, 0.0])
    assert strengths(*given(10)) == found


def test_a_dislike_outweighs_an_older_like(strengths):
    found = strengths(view(0, 8, 20), view(0, -10), view(1, 1))
    assert found[0, 0] < 0


def test_strength_does_not_depend_on_the_order_of_the_views(chosen):
    draw = random.Random(3)
    given = [view(draw.randrange(5), draw.uniform(-20, 38), draw.randrange(28), draw.randrange(4)) for _ in range(300)]
    one = build(chosen, *given)
    draw.shuffle(given)
    assert build(chosen, *given).equals(one)
    assert one.num_rows == 20


def test_the_last_day_of_a_pair_and_whether_it_was_ever_watched_well_are_kept(chosen):
    built = build(chosen, view(0, 8, 3, good=True), view(0, -2, 1), view(1, 8, 2)).to_pylist()
    assert [((DAY - row["last_day"]).days, row["good"]) for row in built] == [(1, True), (2, False)]


def test_without_anything_liked_there_is_no_scale_and_nothing_is_liked(strengths):
    assert strengths(view(0, -2), view(1, 0)) == {(0, 0): 0.0, (0, 1): 0.0}
    assert strengths() == {}
