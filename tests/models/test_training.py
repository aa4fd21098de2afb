"""From strengths to what the model learns from, how strongly it is held back, and who may end at zero."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from foryou.models import training


@pytest.fixture
def strengths():
    """Two tastes: four viewers like the first three videos and skip the last, four the other way round."""
    likes = np.kron(np.eye(2), np.ones((4, 3)))
    likes[likes == 0] = -0.2
    return sparse.csr_matrix(np.hstack([likes, np.full((8, 1), -1.0)]), dtype=np.float32)


def test_a_dislike_weighs_more_than_an_unseen_video_and_keeps_its_sign():
    given = sparse.csr_matrix(np.array([[2.0, -0.01, 0.0]], np.float32))
    assert training.values(given, 10).toarray()[0] == pytest.approx([21.0, -1.1, 0.0])


def test_regularization_is_a_share_of_what_a_row_has_however_many_rows_there_are(strengths):
    once = training.regularization(training.values(strengths, 40), 0.2)
    assert once == pytest.approx(0.2 * (24 * 41 + 24 * 9 + 8 * 41) / np.sqrt(8 * 7))
    thrice = sparse.block_diag([strengths, sparse.csr_matrix((5, 5)), strengths, strengths]).tocsr()
    assert training.regularization(training.values(thrice, 40), 0.2) == pytest.approx(once)
    assert training.regularization(sparse.csr_matrix((3, 3), dtype=np.float32), 0.2) == 0


def test_two_tastes_are_told_apart_and_who_is_only_disliked_may_end_at_zero(strengths, chosen):
    settings = replace(chosen.factors, factors=4)
    fitted = training.fit(strengths, None, settings)
    scores = fitted.viewer_factors @ fitted.video_factors.T
    assert (scores[:4, :3] > 0.5).all() and (scores[:4, 3:6] < 0.3).all() and (np.abs(scores[:, 6]) < 0.1).all()
    assert training.faults(fitted, strengths, None, settings) == []
    wiped = replace(fitted, video_factors=np.zeros_like(fitted.video_factors))
    assert "100% of the rows with data are zero" in training.faults(wiped, strengths, None, settings)[0]
