"""The search of a family's space: its own beginning first, the best first, nothing twice by chance."""

from __future__ import annotations

import pytest

from foryou.evaluation.search import search
from foryou.models.families import Family, Range

SPACE = {"width": Range(1, 100, 10, by_ratio=True), "end": Range(-1.0, 1.0, 0.25)}


def family(**space):
    return Family("any", space, lambda pairs, point, size: None, fixed={"kept": 7.0})


def tried(of, judge, trials=12, seed=1):
    told = []
    return search(of, judge, trials, seed, lambda number, value: told.append((number, value))), told


def near_half(point):
    return -abs(point["end"] - 0.5)


def test_the_familys_own_beginning_is_tried_first_with_what_is_fixed():
    asked = []
    tried(family(**SPACE), lambda point: asked.append(point) or 0.0)
    assert len(asked) == 12 and asked[0] == {"width": 10, "end": 0.25, "kept": 7.0}
    assert all(1 <= each["width"] <= 100 and -1 <= each["end"] <= 1 and each["kept"] == 7 for each in asked)


def test_points_come_best_first_and_no_worse_than_the_beginning():
    found, told = tried(family(**SPACE), near_half)
    values = [value for value, _ in found]
    assert values == sorted(values, reverse=True) and values[0] >= -0.25
    assert [number for number, _ in told] == list(range(1, 13))
    assert found[0][1].keys() == {"width", "end", "kept"}


def test_equal_arguments_try_equal_points_and_another_seed_others():
    assert tried(family(**SPACE), near_half) == tried(family(**SPACE), near_half)
    assert tried(family(**SPACE), near_half)[0] != tried(family(**SPACE), near_half, seed=2)[0]


def test_where_all_points_are_equal_the_beginning_is_the_best():
    found, _ = tried(family(**SPACE), lambda point: 0.0)
    assert found[0][1]["end"] == 0.25


def test_a_family_without_a_choice_is_tried_once():
    found, told = tried(family(), lambda point: 0.5)
    assert found == [(0.5, {"kept": 7.0})] and told == [(1, 0.5)]


def test_a_fault_of_the_judge_is_no_trial_but_a_fault():
    with pytest.raises(ZeroDivisionError):
        tried(family(**SPACE), lambda point: 1 / 0)
