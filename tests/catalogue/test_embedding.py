"""Content vectors in few dimensions beside numpy's own decomposition."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from foryou.catalogue import embedding


def content(videos, tokens, each, rank=None, seed=1):
    rng = np.random.default_rng(seed)
    if rank:
        return sparse.csr_matrix(rng.standard_normal((videos, rank)) @ rng.standard_normal((rank, tokens)))
    column = np.concatenate([rng.choice(tokens, each, replace=False) for _ in range(videos)])
    return sparse.csr_matrix((rng.random(len(column)), (np.repeat(np.arange(videos), each), column)), (videos, tokens))


@pytest.mark.parametrize("shape", [(60, 40, 5), (4_000, 3_000, 8)])
def test_products_are_those_of_the_best_approximation(shape):
    vectors = content(*shape)
    found = embedding.embed(vectors, 12).astype(float)
    left, lengths, _ = np.linalg.svd(vectors.toarray(), full_matrices=False) if shape[0] < 100 else (None, None, None)
    if left is not None:
        best = left[:, :12] * lengths[:12]
        np.testing.assert_allclose(found @ found.T, best @ best.T, atol=1e-5)
    squares = sparse.linalg.svds(vectors, 12, return_singular_vectors=False, random_state=3) ** 2
    np.testing.assert_allclose((found**2).sum(axis=0), np.sort(squares)[::-1], rtol=1e-4)
    assert (embedding.embed(vectors, 12) == embedding.embed(vectors, 12)).all()


def test_fewer_directions_than_asked_for_are_kept_as_they_are():
    vectors = content(500, 30, 3)
    found = embedding.embed(vectors, 32)
    assert found.shape == (500, 30)
    np.testing.assert_allclose(found @ found.T, (vectors @ vectors.T).toarray(), atol=1e-4)
    assert embedding.embed(sparse.csr_matrix((5, 100)), 32).shape == (5, 0)
    assert embedding.embed(sparse.csr_matrix((0, 100)), 32).shape == (0, 0)


def test_directions_that_say_nothing_are_zero():
    found = embedding.embed(content(3_000, 2_000, 0, rank=4), 12)
    assert np.isfinite(found).all()
    lengths = np.sqrt((found.astype(float) ** 2).sum(axis=0))
    assert (lengths[4:] < 1e-3 * lengths[0]).all()


def test_a_video_without_content_has_zeros():
    vectors = sparse.vstack([content(300, 80, 4), sparse.csr_matrix((1, 80))], "csr")
    assert not embedding.embed(vectors, 8)[-1].any()
