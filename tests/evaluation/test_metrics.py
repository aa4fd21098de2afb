"""Each measure beside loops over a tiny input, and answers known by hand."""

from __future__ import annotations

from math import log2

import numpy as np
import pytest

from foryou.evaluation import metrics


def drawn(seed, viewers=12, videos=30, length=8):
    """Lists of differing lengths and truth of differing sizes, some of it empty."""
    rng = np.random.default_rng(seed)
    ids = np.array([rng.permutation(videos)[:length] for _ in range(viewers)], np.int32)
    ids[np.arange(length) >= rng.integers(0, length + 1, (viewers, 1))] = -1
    truth = [rng.choice(videos, rng.integers(0, 6), replace=False) for _ in range(viewers)]
    indptr = np.cumsum([0, *map(len, truth)])
    return ids, indptr, np.concatenate(truth).astype(np.int32), truth, rng


@pytest.mark.parametrize("seed", range(5))
def test_auc_is_the_share_of_pairs_in_the_right_order(seed):
    rng = np.random.default_rng(seed)
    viewer, score, good = rng.integers(0, 9, 60), rng.integers(0, 4, 60) / 4, rng.random(60) < 0.4
    wanted, judged = [], []
    for one in range(9):
        ups, downs = score[(viewer == one) & good], score[(viewer == one) & ~good]
        if ups.size and downs.size:
            judged.append(one)
            wanted.append(np.mean([(u > d) + 0.5 * (u == d) for u in ups for d in downs]))
    np.testing.assert_allclose(metrics.auc_by_viewer(viewer, score, good), wanted)
    assert metrics.viewers_with_both(viewer, good).tolist() == judged


def test_auc_of_nobody_is_empty_and_a_score_that_is_not_finite_is_refused():
    none = np.empty(0, int)
    assert metrics.auc_by_viewer(none, none.astype(float), none.astype(bool)).size == 0
    assert metrics.auc_by_viewer(np.zeros(2, int), np.arange(2.0), np.ones(2, bool)).size == 0
    with pytest.raises(ValueError, match="not finite"):
        metrics.auc_by_viewer(np.zeros(1, int), np.array([np.nan]), np.ones(1, bool))


@pytest.mark.parametrize("k", [1, 3, 8, 20])
@pytest.mark.parametrize("seed", range(3))
def test_recall_ndcg_and_hit_rate_agree_with_loops(seed, k):
    ids, indptr, indices, truth, rng = drawn(seed)
    weights = rng.uniform(0.5, 9, indices.size)
    recalls, weighted, gains, hits, hit_weight = [], [], [], [], 0.0
    for row, wanted in enumerate(truth):
        if not len(wanted):
            continue
        shown = [video for video in ids[row, :k] if video >= 0]
        weight = dict(zip(wanted, weights[indptr[row] : indptr[row + 1]], strict=True))
        got = [video for video in shown if video in weight]
        recalls.append(len(got) / len(wanted))
        weighted.append(sum(weight[video] for video in got) / sum(weight.values()))
        hit_weight += sum(weight[video] for video in got)
        best = sum(1 / log2(rank + 1) for rank in range(1, min(k, len(wanted)) + 1))
        gains.append(sum(1 / log2(rank + 1) for rank, video in enumerate(shown, 1) if video in weight) / best)
        hits.append(float(bool(got)))
    np.testing.assert_allclose(metrics.recall(ids, indptr, indices, k), recalls)
    np.testing.assert_allclose(metrics.recall(ids, indptr, indices, k, weights), weighted)
    np.testing.assert_allclose(metrics.ndcg(ids, indptr, indices, k), gains)
    np.testing.assert_allclose(metrics.hit_rate(ids, indptr, indices, k), hits)
    pooled = metrics.pooled_recall(ids, indptr, indices, k, weights)
    assert pooled == pytest.approx(hit_weight / weights.sum())


def test_a_perfect_list_scores_one_and_a_hit_in_second_place_is_worth_less():
    truth = (np.array([0, 1]), np.array([4]))
    assert metrics.ndcg(np.array([[4, 7]]), *truth, 2).tolist() == [1.0]
    assert metrics.ndcg(np.array([[7, 4]]), *truth, 2) == pytest.approx([1 / log2(3)])


def test_truth_of_other_viewers_or_with_impossible_weights_is_refused():
    with pytest.raises(ValueError, match="2 viewers, lists of 1"):
        metrics.recall(np.array([[1]]), np.array([0, 1, 2]), np.array([1, 1]), 1)
    with pytest.raises(ValueError, match="above 0"):
        metrics.recall(np.array([[1]]), np.array([0, 1]), np.array([1]), 1, np.array([0.0]))


def test_coverage_counts_each_video_once_within_the_depth():
    assert metrics.coverage(np.array([[1, 2, 5], [1, 3, -1]]), 10, 2) == 0.3


def test_novelty_is_higher_where_few_have_looked():
    views = np.array([98, 0])  # with one added to each: shares .99 and .01
    assert metrics.novelty(np.array([[0, -1]]), views, 2) == pytest.approx(-log2(0.99))
    assert metrics.novelty(np.array([[0, 1]]), views, 2) == pytest.approx(-(log2(0.99) + log2(0.01)) / 2)


@pytest.mark.parametrize("seed", range(3))
def test_gini_is_half_the_relative_mean_difference(seed):
    ids, *_ = drawn(seed)
    counts = np.bincount(ids[:, :5][ids[:, :5] >= 0], minlength=40)
    differences = np.abs(counts[:, None] - counts)
    assert metrics.gini(ids, 40, 5) == pytest.approx(differences.mean() / 2 / counts.mean())


def test_gini_is_zero_when_all_are_shown_alike():
    assert metrics.gini(np.array([[0, 1], [2, 3]]), 4, 2) == pytest.approx(0)


def test_an_interval_by_hand():
    mean, low, high = metrics.mean_interval(np.array([1.0, 3.0]))
    assert (mean, low, high) == pytest.approx((2, 2 - 1.96, 2 + 1.96))


def test_nineteen_of_twenty_intervals_hold_the_true_difference():
    rng = np.random.default_rng(0)
    held = 0
    for seed in range(200):
        noise = rng.normal(0, 1, 80)
        _, low, high = metrics.paired_interval(noise + rng.normal(0.3, 0.5, 80), noise, seed=seed, draws=200)
        held += low <= 0.3 <= high
    assert 180 <= held <= 198


def test_the_paired_interval_is_narrow_where_viewers_differ_more_than_rankings():
    rng = np.random.default_rng(0)
    viewers = rng.normal(0, 10, 500)
    better = viewers + rng.normal(0.2, 0.1, 500)
    mean, low, high = metrics.paired_interval(better, viewers, seed=1)
    assert low > 0.15
    assert (mean, low, high) == metrics.paired_interval(better, viewers, seed=1)
    with pytest.raises(ValueError, match="same viewers"):
        metrics.paired_interval(better, viewers[1:], seed=1)
