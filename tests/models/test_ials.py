"""The fit beside the equations that it solves, with few values and with many, and what does not change it."""

from __future__ import annotations

import numpy as np
import pytest
from implicit.cpu.als import AlternatingLeastSquares
from scipy import sparse

from foryou.models import ials


def signed(viewers, videos, density, seed=0):
    rng = np.random.default_rng(seed)
    drawn = sparse.random_array((viewers, videos), density=density, format="csr", rng=rng, dtype=np.float32)
    drawn.data = (rng.choice([-1, 1, 1], drawn.nnz) * (0.2 + drawn.data)).astype(np.float32)
    return sparse.csr_matrix(drawn)


def solved(values, fixed, loss):
    """Each row's least squares written out."""
    fixed, regularization = fixed.astype(np.float64), loss.of_rows(values)
    found = []
    for row, weight in zip(values.toarray(), regularization, strict=True):
        confidence = np.abs(row)
        left = loss.unseen * fixed.T @ fixed + (fixed.T * confidence) @ fixed + weight * np.eye(fixed.shape[1])
        found.append(np.linalg.solve(left, fixed.T @ (confidence * (row > 0))))
    return np.array(found)


def whole_loss(values, viewers, videos, loss):
    scores, dense = viewers @ videos.T, values.toarray()
    given = (np.abs(dense) * ((dense > 0) - scores) ** 2).sum() + loss.unseen * (scores**2).sum()
    rows = (loss.of_rows(values) * (viewers**2).sum(axis=1)).sum()
    return given + rows + (loss.of_rows(values.T.tocsr()) * (videos**2).sum(axis=1)).sum()


@pytest.mark.parametrize("density", [0.03, 0.6], ids=["a system of a few unknowns", "conjugate gradients"])
def test_half_a_round_solves_every_viewers_least_squares(density):
    values, loss = signed(40, 200, density), ials.Loss(0.05, 0.3, 0.8)
    assert (np.diff(values.indptr) > ials.EXACT_UP_TO).any() == (density > 0.5)
    videos = np.random.default_rng(1).standard_normal((200, 16), np.float32)
    found = np.zeros((40, 16), np.float32)
    for _ in range(4):
        found = ials.half_round(values, videos, found, loss.of_rows(values), loss.unseen)
    np.testing.assert_allclose(found, solved(values, videos, loss), rtol=2e-3, atol=2e-4)


def test_every_half_round_lowers_the_loss():
    values, loss = signed(60, 80, 0.3), ials.Loss(0.1, 0.05, 1.0)
    viewers, videos = ials.fit(values, loss, factors=8, iterations=1, seed=1)
    turned, reached = values.T.tocsr(), [whole_loss(values, viewers, videos, loss)]
    for _ in range(4):
        viewers = ials.half_round(values, videos, viewers, loss.of_rows(values), loss.unseen)
        reached.append(whole_loss(values, viewers, videos, loss))
        videos = ials.half_round(turned, viewers, videos, loss.of_rows(turned), loss.unseen)
        reached.append(whole_loss(values, viewers, videos, loss))
    assert (np.diff(reached) < 1e-4 * reached[0]).all() and reached[-1] < 0.99 * reached[0]


def test_without_frequencies_a_half_round_is_that_of_implicit():
    """Its loss has (1 - x·y)^2 once for each pair, so a preference there is 1 + a0 / c here, and factors scale."""
    values = sparse.csr_matrix((signed(50, 60, 0.2) > 0).astype(np.float32) * np.float32(2.0))
    videos = np.random.default_rng(2).standard_normal((60, 8), np.float32)
    model = AlternatingLeastSquares(8, regularization=3.0, iterations=1, use_cg=False, num_threads=1)
    model.item_factors = videos
    theirs = model.recalculate_user(np.arange(50), values + sparse.csr_matrix((values > 0).astype(np.float32)))
    ours = ials.half_round(values, videos, np.zeros((50, 8), np.float32), np.full(50, 3.0, np.float32), 1.0)
    np.testing.assert_allclose(ours * (1 + 1 / 2), theirs, rtol=1e-3, atol=1e-4)


def test_any_number_of_threads_gives_the_same_bits():
    values = signed(600, 300, 0.1)
    one, three = (
        ials.fit(values, ials.Loss(0.02, 0.1), factors=8, iterations=2, seed=3, threads=threads) for threads in (1, 3)
    )
    assert all(np.array_equal(*both) for both in zip(one, three, strict=True))


def test_who_has_no_value_ends_at_zero_and_a_new_video_begins_with_noise():
    values = sparse.csr_matrix(np.array([[1, 1, 0], [0, 0, 0], [0, 1, 1]], np.float32))
    start = np.ones((3, 2), np.float32), np.array([[1, 0], [0, 1], [0, 0]], np.float32)
    viewers, videos = ials.fit(values, ials.Loss(0.1, 0.01), factors=2, iterations=3, seed=1, start=start)
    assert not viewers[1].any() and videos[2].any()
    alone = sparse.csr_matrix(np.array([[1, 0]], np.float32))
    assert not ials.fit(alone, ials.Loss(0.1, 0.01), factors=2, iterations=1, seed=1)[1][1].any()


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_values_and_starts_that_are_not_finite_or_do_not_fit_are_refused(broken):
    values, loss = signed(5, 6, 0.5), ials.Loss(0.1, 0.1)
    start = np.zeros((5, 2), np.float32), np.full((6, 2), broken, np.float32)
    with pytest.raises(ValueError, match="not finite"):
        ials.fit(values, loss, factors=2, iterations=1, seed=1, start=start)
    values.data[0] = broken
    with pytest.raises(ValueError, match="not finite"):
        ials.fit(values, loss, factors=2, iterations=1, seed=1)
    with pytest.raises(ValueError, match=r"a start of shapes \(5, 2\) and \(5, 2\), wanted \[\(5, 2\), \(6, 2\)\]"):
        ials.fit(signed(5, 6, 0.5), loss, factors=2, iterations=1, seed=1, start=(start[0], start[0]))


def test_regularisation_grows_with_what_is_known_of_a_row():
    values = sparse.csr_matrix(np.array([[2, -1], [0, 0]], np.float32))
    assert ials.Loss(0.5, 3.0, 1.0).of_rows(values) == pytest.approx([3 * (1 + 3), 3 * 1])
    assert ials.Loss(0.5, 3.0, 0.0).of_rows(values) == pytest.approx([3, 3])


def test_at_the_full_share_as_many_directions_as_stated_are_left(monkeypatch):
    """Ten blocks of tastes of falling size: each is a direction, and the loss lets those above the share live."""
    monkeypatch.setattr(ials, "DIRECTIONS", 5)
    blocks = sparse.block_diag([np.ones((size, size)) for size in range(30, 10, -2)]).tocsr().astype(np.float32)
    values = sparse.csr_matrix(blocks)
    left = {}
    for share in (0.9, 1.1):
        loss = ials.Loss.of_share(values, 1e-4, share, 0.0, seed=1)
        viewers, videos = ials.fit(values, loss, factors=16, iterations=300, seed=1)
        left[share] = int((np.linalg.svd(viewers @ videos.T)[1] > 0.05).sum())
    assert left == {0.9: 6, 1.1: 3} or (left[0.9] >= 5 > left[1.1])
