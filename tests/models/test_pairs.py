"""Scores of single pairs against the whole product."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from foryou.models import pairs
from foryou.models.matrices import Rows


def rows_of(matrix):
    found = sparse.csr_matrix(matrix.astype(np.float32))
    found.sort_indices()
    return Rows(found.indptr.astype(np.int64), found.indices.astype(np.int32), found.data)


def test_each_pair_is_an_entry_of_the_product():
    rng = np.random.default_rng(1)
    left = sparse.random(40, 30, 0.2, random_state=rng, dtype=np.float32).toarray()
    right = sparse.random(30, 50, 0.2, random_state=rng, dtype=np.float32).toarray()
    row, column = rng.integers(0, 40, 500).astype(np.int32), rng.integers(0, 50, 500).astype(np.int32)
    found = pairs.products(rows_of(left), sparse.csr_matrix(right), row, column)
    np.testing.assert_allclose(found, (left.astype(float) @ right.astype(float))[row, column], rtol=1e-6)


def test_no_pairs_have_no_scores_and_a_head_too_many_is_refused():
    none = np.zeros(0, np.int32)
    assert len(pairs.products(rows_of(np.ones((2, 2))), sparse.csr_matrix(np.ones((2, 2))), none, none)) == 0
    with pytest.raises(ValueError, match="a head 2, the matrix has 2"):
        pairs.products(rows_of(np.ones((2, 3))), sparse.csr_matrix(np.ones((2, 2))), none, none)
