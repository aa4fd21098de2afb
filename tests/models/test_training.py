"""From strengths to what the model learns from, how strongly it is held back, and who may end at zero."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from foryou.errors import ContractBroken
from foryou.models import shares, training
from foryou.settings import SOLVERS


@pytest.fixture
def strengths():
    """Two tastes: four viewers like the first three videos and skip the last, four the other way round."""
    likes = np.kron(np.eye(2), np.ones((4, 3)))
    likes[likes == 0] = -0.2
    return sparse.csr_matrix(np.hstack([likes, np.full((8, 1), -1.0)]), dtype=np.float32)


def test_a_dislike_weighs_more_than_an_unseen_video_and_keeps_its_sign():
    given = sparse.csr_matrix(np.array([[2.0, -0.01, 0.0]], np.float32))
    assert training.values(given, 10).toarray()[0] == pytest.approx([21.0, -1.1, 0.0])


def test_two_tastes_are_told_apart_and_who_is_only_disliked_may_end_at_zero(strengths, chosen):
    for solver in SOLVERS:
        settings = replace(chosen.factors, factors=4, solver=solver, regularization_share=0.1)
        fitted = training.fit(strengths, training.loss(strengths, settings), None, settings)
        scores = fitted.viewer_factors @ fitted.video_factors.T
        assert (scores[:4, :3] > 0.5).all() and (scores[:4, 3:6] < 0.3).all() and (np.abs(scores[:, 6]) < 0.1).all()
        assert training.faults(fitted, strengths, None, settings) == []
        wiped = replace(fitted, video_factors=np.zeros_like(fitted.video_factors))
        assert "100% of the rows with data are zero" in training.faults(wiped, strengths, None, settings)[0]


def drawn(viewers=120, videos=90, seed=3):
    """A few hundred strengths of both signs, of four tastes."""
    rng = np.random.default_rng(seed)
    same = rng.integers(0, 4, viewers)[:, None] == rng.integers(0, 4, videos)
    known = rng.random(same.shape) < 0.15
    return sparse.csr_matrix(np.where(known, np.where(same, 1.0, -0.3), 0).astype(np.float32))


def test_both_solvers_rank_alike_with_one_regularisation_for_all(chosen):
    """Their losses differ in how near to 1 a watched pair is drawn, not in what they learn."""
    strengths, found = drawn(), {}
    for solver in SOLVERS:
        settings = replace(chosen.factors, factors=8, iterations=30, solver=solver, frequency_power=0.0)
        fitted = training.fit(strengths, training.loss(strengths, settings), None, settings)
        found[solver] = (fitted.viewer_factors @ fitted.video_factors.T).ravel()
    assert np.corrcoef(*found.values())[0, 1] > 0.98


def test_a_warm_fit_of_few_rounds_ends_near_the_cold_one_and_takes_in_who_came_since(chosen):
    strengths = drawn()
    settings = replace(chosen.factors, factors=8, iterations=40, warm_iterations=5)
    wanted = training.loss(strengths, settings)
    before = training.fit(strengths[:100, :80], training.loss(strengths[:100, :80], settings), None, settings)
    warm = training.fit(strengths, wanted, (before.viewer_factors, before.video_factors), settings)
    cold = training.fit(strengths, wanted, None, settings)
    scores = [(each.viewer_factors @ each.video_factors.T).ravel() for each in (warm, cold)]
    assert np.corrcoef(*scores)[0, 1] > 0.97
    assert np.array_equal(warm.viewer_factors.any(axis=1), cold.viewer_factors.any(axis=1))
    assert warm.viewer_factors[100:].any(axis=1).sum() > 15


@pytest.mark.parametrize("solver", SOLVERS)
def test_what_explains_a_score_is_the_viewers_row_of_the_fit(chosen, solver):
    strengths = drawn()
    settings = replace(chosen.factors, factors=8, iterations=60, solver=solver)
    wanted = training.loss(strengths, settings)
    fitted = training.fit(strengths, wanted, None, settings)
    told = training.parameters(strengths, wanted, settings)
    own = strengths[7]
    row = training.explained(own.data.astype(np.float64), told)
    videos = fitted.video_factors.astype(np.float64)
    given = shares.of_factors(
        videos[5], videos[own.indices], row.pulls, row.extra, videos.T @ videos, a0=row.a0,
        regularization=row.regularization,
    )  # fmt: skip
    assert given.sum() == pytest.approx(float(fitted.viewer_factors[7] @ fitted.video_factors[5]), abs=0.02)
    assert (given != 0).any()


def test_an_unknown_solver_is_refused(chosen):
    with pytest.raises(ContractBroken, match=r"factors\.solver as one of ials, implicit; found 'als'"):
        replace(chosen.factors, solver="als")
