"""Neighbours by content, and factors that know them."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy import sparse

from foryou.models import content_graph
from foryou.models.content_graph import Weights
from foryou.models.sources import Vectors

KINDS = np.repeat(np.eye(4, dtype=np.float32), 10, axis=0)
"""40 videos of 4 kinds."""


def noisy(seed=1, scale=0.05):
    return (KINDS + np.random.default_rng(seed).normal(0, scale, KINDS.shape)).astype(np.float32)


def test_unit_vectors_are_of_length_one_and_videos_without_any_stay_zero():
    given, other = noisy(), noisy(2)
    given[3], other[3], other[7] = 0, 0, 0
    found = content_graph.unit_vectors([given, other])
    lengths = np.linalg.norm(found, axis=1)
    np.testing.assert_allclose(np.delete(lengths, 3), 1, rtol=1e-6)
    assert lengths[3] == 0 and found.shape[1] <= 8


def test_each_kind_of_vectors_weighs_the_same_whatever_its_scale():
    one, other = noisy(), np.random.default_rng(5).normal(size=KINDS.shape)
    np.testing.assert_allclose(
        content_graph.unit_vectors([one, other]), content_graph.unit_vectors([one, 1e4 * other + 50]), atol=1e-3
    )


@pytest.mark.parametrize("vectors", [np.zeros((40, 3)), np.ones((40, 3)), np.ones((3, 3)), np.zeros((1, 1))])
def test_vectors_that_say_nothing_give_no_neighbours_and_no_warning(vectors):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        unit = content_graph.unit_vectors([vectors.astype(np.float32)])
        near = content_graph.neighbours(unit, 5, 0.05)
    assert near.shape == (len(vectors),) * 2 and near.nnz == 0


def test_neighbours_are_the_nearest_others_weighted_by_cosine_in_rows_of_sum_one():
    vectors = content_graph.unit_vectors([noisy()])
    near = content_graph.neighbours(vectors, 5, 0.05, threads=2)
    cosines = vectors.astype(float) @ vectors.T
    np.fill_diagonal(cosines, -np.inf)
    best = np.argsort(-cosines, axis=1)[:, :5]
    for video, row in enumerate(near.toarray()):
        assert set(np.flatnonzero(row)) == set(best[video])
        np.testing.assert_allclose(
            row[best[video]], cosines[video, best[video]] / cosines[video, best[video]].sum(), rtol=1e-5
        )


def test_of_videos_that_hardly_differ_within_their_kind_neighbours_are_of_ones_own_kind():
    near = content_graph.neighbours(content_graph.unit_vectors([noisy(scale=1e-4)]), 5, 0.05)
    rows, columns = near.nonzero()
    assert near.nnz == 200 and (rows // 10 == columns // 10).all()


def test_nothing_below_the_least_cosine_is_a_neighbour():
    opposite = np.array([[1, 0], [-1, 0], [0, 1], [0.8, 0.6]], np.float32)
    near = content_graph.neighbours(opposite, 3, 0.7)
    assert near.toarray().tolist() == [[0, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0]]


def test_below_the_viewers_stands_a_row_for_every_video():
    values = sparse.csr_matrix(np.array([[1, 0], [1, 1]], np.float32))
    near = sparse.csr_matrix(np.array([[0, 1], [1, 0]], np.float32))
    found = content_graph.with_pseudo_viewers(values, near, Weights(own=3, near=0.5, spread=0))
    assert found.toarray().tolist() == [[1, 0], [1, 1], [3, 0.5], [0.5, 3]]


def test_factors_move_towards_the_neighbours_and_pseudo_viewers_are_dropped():
    fitted = Vectors(np.ones((4, 2), np.float32), np.array([[1, 0], [0, 2]], np.float32))
    near = sparse.csr_matrix(np.array([[0, 1], [0, 0]], np.float32))
    found = content_graph.spread(fitted, 2, near, Weights(own=1, near=1, spread=0.5))
    assert found.viewers.shape == (2, 2)
    assert found.videos.tolist() == [[1, 1], [0, 2]]
