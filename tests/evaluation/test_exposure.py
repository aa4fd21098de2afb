"""What lists show together, beside loops over a tiny input and answers known by hand."""

from __future__ import annotations

from itertools import combinations
from math import log2

import numpy as np
import pytest

from foryou.evaluation import exposure


def test_coverage_counts_each_video_once_within_the_depth():
    assert exposure.coverage(np.array([[1, 2, 5], [1, 3, -1]]), 10, 2) == 0.3
    assert exposure.coverage(np.empty((0, 2), int), 0, 2) == 0


def test_novelty_is_higher_where_few_have_looked():
    views = np.array([98, 0])  # with one added to each: shares .99 and .01
    lists = np.array([[0, -1], [0, 1], [-1, -1]])
    wanted = [-log2(0.99), -(log2(0.99) + log2(0.01)) / 2, np.nan]
    assert exposure.novelty(lists, views, 2) == pytest.approx(wanted, nan_ok=True)
    assert exposure.novelty(lists, views, 1) == pytest.approx([-log2(0.99)] * 2 + [np.nan], nan_ok=True)


@pytest.mark.parametrize("seed", range(3))
def test_diversity_agrees_with_a_loop_over_pairs(seed):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(30, 4)).astype(np.float32)
    vectors[rng.random(30) < 0.3] = 0
    ids = np.array([rng.permutation(30)[:9] for _ in range(8)], np.int32)
    ids[np.arange(9) >= rng.integers(0, 10, (8, 1))] = -1
    wanted = []
    for row in ids[:, :6]:
        held = [vectors[video] / np.linalg.norm(vectors[video]) for video in row if video >= 0 and vectors[video].any()]
        wanted.append(np.mean([1 - one @ other for one, other in combinations(held, 2)]) if len(held) > 1 else np.nan)
    np.testing.assert_allclose(exposure.diversity(ids, vectors, 6), wanted, atol=1e-6)


def test_lists_of_one_thing_have_no_diversity_and_of_opposites_the_most():
    vectors = np.array([[1, 0], [3, 0], [0, 2], [-1, 0]])
    lists = np.array([[0, 1], [0, 2], [0, 3]])
    assert exposure.diversity(lists, vectors, 2) == pytest.approx([0, 1, 2])


def test_gini_is_half_the_relative_mean_difference():
    counts = np.random.default_rng(0).integers(0, 9, 40)
    assert exposure.gini(counts) == pytest.approx(np.abs(counts[:, None] - counts).mean() / 2 / counts.mean())


def test_gini_is_zero_for_equals_and_near_one_for_a_single_winner():
    assert exposure.gini(np.array([3, 3, 3])) == pytest.approx(0)
    assert exposure.gini(np.array([0, 0, 0, 4])) == pytest.approx(0.75)
    assert exposure.gini(np.array([1, 3])) == pytest.approx(0.25)
    assert exposure.gini(np.zeros(5)) == 0


def test_a_video_is_counted_once_a_list_within_the_depth():
    assert exposure.times_shown(np.array([[1, 2, 0], [1, -1, -1]]), 4, 2).tolist() == [0, 2, 1, 0]
