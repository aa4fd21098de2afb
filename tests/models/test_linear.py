"""The linear model beside its definition: each video predicted from the others by ridge regression."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from foryou.models.linear import ease


def watched(seed=1, viewers=30, videos=12, share=0.3):
    values = (np.random.default_rng(seed).random((viewers, videos)) < share).astype(np.float32)
    return sparse.csr_matrix(values)


@pytest.mark.parametrize("regularization", [0.5, 10.0, 500.0])
def test_each_column_is_the_ridge_regression_of_its_video_on_all_others(regularization):
    values = watched()
    found = ease(values, regularization).weights
    dense = values.toarray().astype(float)
    for video in range(dense.shape[1]):
        others = np.delete(np.arange(dense.shape[1]), video)
        gram = dense[:, others].T @ dense[:, others] + regularization * np.eye(len(others))
        wanted = np.linalg.solve(gram, dense[:, others].T @ dense[:, video])
        np.testing.assert_allclose(found[others, video], wanted, rtol=1e-3, atol=1e-5)
        assert found[video, video] == 0


def test_lists_are_the_best_unseen_of_the_viewers_row_times_the_weights():
    values = watched(viewers=2100)  # more than one block
    model = ease(values, 5.0)
    rows = np.array([2, 5, 2099])
    ids, scores = model.lists(rows, values, 4)
    exact = (values[rows] @ model.weights).astype(float)
    exact[values[rows].toarray() > 0] = -np.inf
    best = np.argsort(-exact, axis=1, kind="stable")[:, :4]
    np.testing.assert_array_equal(ids, best)
    np.testing.assert_allclose(scores, np.take_along_axis(exact, best, axis=1), rtol=1e-6)
    every = model.lists(np.arange(2100), values, 4, threads=3)
    np.testing.assert_array_equal(every[0][rows], ids)


def test_who_watched_nothing_gets_nothing_rather_than_the_lowest_ids():
    values = sparse.vstack([watched(), sparse.csr_matrix((1, 12))], format="csr")
    ids, scores = ease(values.astype(np.float32), 5.0).lists(np.array([30]), values, 4)
    assert (ids == -1).all() and np.isneginf(scores).all()


def test_what_has_no_inverse_is_refused():
    with pytest.raises(ValueError, match="too small"):
        ease(sparse.csr_matrix(np.ones((3, 3), np.float32)), 0.0)


def test_one_video_predicts_nothing():
    assert ease(sparse.csr_matrix(np.ones((2, 1), np.float32)), 1.0).weights.tolist() == [[0.0]]
