"""Shares of dot products beside the whole that they add up to."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix, random_array

from foryou.models import factors, shares, training

ALPHA = 3.0


def fitted(iterations, seed=0):
    rng = np.random.default_rng(seed)
    drawn = random_array((80, 50), density=0.15, format="csr", rng=rng, dtype=np.float32)
    drawn.data = (rng.choice([-1, 1, 1], drawn.nnz) * (0.1 + 2 * drawn.data)).astype(np.float32)
    values = training.values(csr_matrix(drawn), alpha=ALPHA)
    return values, factors.fit(values, factors=6, iterations=iterations, regularization=2.0, seed=1)


def split(values, found, viewer, video, regularization=2.0):
    watched = values[viewer]
    y = found.video_factors.astype(np.float64)
    strengths = np.sign(watched.data) * (np.abs(watched.data) - 1) / ALPHA
    row = training.explained(strengths, {"alpha": ALPHA, "regularization": regularization})
    return shares.of_factors(
        y[video], y[watched.indices], row.pulls, row.extra, y.T @ y, a0=row.a0, regularization=row.regularization
    )


def test_shares_add_up_to_the_score_of_factors_that_are_fitted_to_the_end():
    values, found = fitted(iterations=80)
    for viewer in range(10):
        for video in (0, 17, 49):
            score = float(found.viewer_factors[viewer] @ found.video_factors[video])
            assert split(values, found, viewer, video).sum() == pytest.approx(score, abs=0.01)


def test_the_shares_are_those_of_the_equations_written_out():
    """A share is what the score loses when one pull goes, all else left as it is."""
    values, found = fitted(iterations=3)
    y, row = found.video_factors.astype(np.float64), values[4]
    confidence = np.ones(values.shape[1])
    confidence[row.indices] = np.abs(row.data)
    left = (y.T * confidence) @ y + 2.0 * np.eye(6)
    given = split(values, found, 4, 11)
    for place, (video, value) in enumerate(zip(row.indices, row.data, strict=True)):
        preferred = np.zeros(values.shape[1])
        preferred[video] = max(value, 0)
        assert given[place] == pytest.approx(y[11] @ np.linalg.solve(left, y.T @ preferred), abs=1e-6)


def test_a_dislike_pulls_to_nothing():
    values, found = fitted(iterations=5)
    for viewer in range(20):
        assert not split(values, found, viewer, 3)[values[viewer].data < 0].any()


def test_a_weight_of_all_pairs_and_a_regularisation_of_the_viewers_own_are_taken():
    """iALS as Rendle et al. (2021) write it: `sum over watched (1 - xy)^2 + a0 sum over all (xy)^2 + lambda |x|^2`."""
    rng = np.random.default_rng(2)
    y, a0, regularization = rng.normal(size=(30, 4)), 0.01, 0.7
    watched = np.array([1, 5, 9])
    wanted = np.linalg.solve(a0 * y.T @ y + y[watched].T @ y[watched] + regularization * np.eye(4), y[watched].sum(0))
    ones = np.ones(3)
    given = shares.of_factors(y[20], y[watched], ones, ones, y.T @ y, a0=a0, regularization=regularization)
    assert given.sum() == pytest.approx(wanted @ y[20])


def test_content_shares_are_strength_times_likeness():
    rng = np.random.default_rng(3)
    watched, strengths, vector = rng.normal(size=(7, 5)), rng.normal(size=7), rng.normal(size=5)
    given = shares.of_content(vector, watched, strengths)
    assert given.sum() == pytest.approx((strengths @ watched) @ vector)
    assert given[2] == pytest.approx(strengths[2] * watched[2] @ vector)
