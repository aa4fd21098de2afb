"""Interactions: how points age, add up and are scaled."""

from __future__ import annotations

import random
from datetime import timedelta
from operator import itemgetter

import pytest

from foryou import tables
from foryou.signals import interactions
from rows import DAY, rows


def view(video, points, age_days=0, viewer=0):
    return {"viewer": viewer, "video": video, "points": float(points), "day": DAY - timedelta(age_days)}


def build(views, chosen, folder, parts=2):
    """All rows of the table that is built of the views."""
    added = interactions.add_up(views, DAY, chosen.interactions, parts, folder).collect()
    unit = interactions.unit(added)
    built = (interactions.build(part, [each.path for each in added], unit) for part in range(len(added)))
    return [row for part in built for block in part for row in block.to_pylist()]


@pytest.fixture
def strengths(spark, chosen, tmp_path):
    """The strengths of the given views, by viewer and video."""

    def of(*given):
        built = build(rows(spark, tables.VIEWS, *given), chosen, tmp_path)
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


def test_strength_does_not_depend_on_the_order_or_the_split_of_the_views(spark, chosen, tmp_path):
    draw = random.Random(3)
    given = [view(draw.randrange(5), draw.uniform(-20, 38), draw.randrange(28), draw.randrange(4)) for _ in range(300)]
    table = rows(spark, tables.VIEWS, *given)
    draw.shuffle(given)
    other = rows(spark, tables.VIEWS, *given).repartition(7)
    one, two = build(table, chosen, tmp_path), build(other, chosen, tmp_path, parts=5)
    by_pair = itemgetter("viewer", "video")
    assert sorted(one, key=by_pair) == sorted(two, key=by_pair)
    assert len(one) == 20


def test_the_last_day_of_a_pair_is_kept_and_others_are_left_alone(spark, chosen, tmp_path):
    given = [view(0, 8, 3), view(0, 8, 1), view(1, 8, 2)]
    built = build(rows(spark, tables.VIEWS, *given), chosen, tmp_path)
    assert {row["video"]: (DAY - row["last_day"]).days for row in built} == {0: 1, 1: 2}


def test_without_anything_liked_there_is_no_scale_and_nothing_is_liked(strengths):
    assert strengths(view(0, -2), view(1, 0)) == {(0, 0): 0.0, (0, 1): 0.0}
    assert strengths() == {}
