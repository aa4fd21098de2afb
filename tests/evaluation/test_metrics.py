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


def average_precision(shown, wanted, k):
    hits = [rank for rank, video in enumerate(shown, 1) if video in wanted]
    return sum(nth / rank for nth, rank in enumerate(hits, 1)) / min(k, len(wanted))


@pytest.mark.parametrize("seed", range(3))
def test_every_measure_at_every_depth_agrees_with_loops(seed):
    ids, indptr, indices, truth, _ = drawn(seed)
    found = metrics.per_viewer(ids, indptr, indices, (1, 3, 8, 20))
    assert list(found) == list(metrics.MEASURES)
    for k in (1, 3, 8, 20):
        rows = [([v for v in ids[row, :k] if v >= 0], set(wanted)) for row, wanted in enumerate(truth) if len(wanted)]
        ranks = [[rank for rank, video in enumerate(shown, 1) if video in wanted] for shown, wanted in rows]
        best = [sum(1 / log2(rank + 1) for rank in range(1, min(k, len(wanted)) + 1)) for _, wanted in rows]
        by_loops = {
            "recall": [len(hits) / len(wanted) for hits, (_, wanted) in zip(ranks, rows, strict=True)],
            "ndcg": [sum(1 / log2(r + 1) for r in hits) / most for hits, most in zip(ranks, best, strict=True)],
            "map": [average_precision(shown, wanted, k) for shown, wanted in rows],
            "mrr": [1 / hits[0] if hits else 0 for hits in ranks],
            "hit_rate": [float(bool(hits)) for hits in ranks],
        }
        for measure, wanted in by_loops.items():
            np.testing.assert_allclose(found[measure][k], wanted, err_msg=f"{measure}@{k}")
    assert metrics.judged(indptr).tolist() == [len(wanted) > 0 for wanted in truth]


@pytest.mark.parametrize("k", [1, 3, 8, 20])
def test_weighted_hits_agree_with_loops(k):
    ids, indptr, indices, truth, rng = drawn(1)
    weights = rng.uniform(0.5, 9, indices.size)
    hits, whole = [], []
    for row, wanted in enumerate(truth):
        weight = dict(zip(wanted, weights[indptr[row] : indptr[row + 1]], strict=True))
        if weight:
            hits.append(sum(weight.get(video, 0) for video in ids[row, :k]))
            whole.append(sum(weight.values()))
    np.testing.assert_allclose(metrics.weighted_hits(ids, indptr, indices, k, weights), [hits, whole])


def test_measures_known_by_hand():
    """Wanted 4 and 5, shown 7, 4, 8, 5: hits at the ranks 2 and 4."""
    found = metrics.per_viewer(np.array([[7, 4, 8, 5]]), np.array([0, 2]), np.array([4, 5]), (2, 4))
    assert found["recall"][2] == found["recall"][4] / 2 == 0.5
    assert found["map"][4] == pytest.approx((1 / 2 + 2 / 4) / 2)
    assert found["mrr"][4] == 0.5
    assert found["ndcg"][4] == pytest.approx((1 / log2(3) + 1 / log2(5)) / (1 + 1 / log2(3)))


def test_of_more_wanted_than_places_a_perfect_list_has_the_share_that_fits():
    found = metrics.per_viewer(np.array([[1, 2]]), np.array([0, 4]), np.array([1, 2, 3, 4]), (2,))
    assert [found[measure][2].tolist() for measure in metrics.MEASURES] == [[0.5], [1], [1], [1], [1]]


def test_nobody_with_truth_gives_nothing_and_empty_lists_hit_nothing():
    found = metrics.per_viewer(np.zeros((2, 0), np.int32), np.zeros(3, int), np.empty(0, int), (10,))
    assert all(found[measure][10].size == 0 for measure in metrics.MEASURES)
    assert metrics.per_viewer(np.zeros((1, 0), np.int32), np.array([0, 1]), np.array([3]), (10,))["ndcg"][10] == 0


def test_truth_of_other_viewers_or_with_impossible_weights_is_refused():
    with pytest.raises(ValueError, match="2 viewers, lists of 1"):
        metrics.per_viewer(np.array([[1]]), np.array([0, 1, 2]), np.array([1, 1]), (1,))
    for weight in (0.0, np.inf, np.nan):
        with pytest.raises(ValueError, match="above 0"):
            metrics.weighted_hits(np.array([[1]]), np.array([0, 1]), np.array([1]), 1, np.array([weight]))
