"""Whitening: the identity for a covariance, whatever came in, and nothing from nothing."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from foryou.models import whitening


def drawn(rows, seed=5):
    """Vectors of six numbers, stretched and turned, far from the origin, all in a plane of four dimensions."""
    draw = np.random.default_rng(seed)
    return (draw.standard_normal((rows, 4)) * [9, 3, 1, 0.2]) @ draw.standard_normal((4, 6)) + 50


def lists(rows):
    return pa.chunked_array([pa.array(rows, pa.list_(pa.float32()))])


def test_whitened_vectors_have_the_identity_for_a_covariance():
    white = whitening.whitened(drawn(400), 6)
    assert white.shape == (400, 4)  # they differ in four directions only
    assert np.allclose(white.mean(axis=0), 0, atol=1e-8)
    assert np.allclose(white.T @ white / 400, np.eye(4), atol=1e-8)


def test_the_widest_directions_are_kept_and_few_videos_keep_few():
    vectors = drawn(400)
    assert np.allclose(whitening.whitened(vectors, 2), whitening.whitened(vectors, 6)[:, :2])
    assert [whitening.whitened(drawn(rows), 6).shape[1] for rows in (7, 8, 17)] == [0, 1, 2]


def test_turning_and_stretching_all_vectors_changes_no_likeness():
    vectors, other = drawn(200), np.random.default_rng(1).standard_normal((6, 6)) * 3
    one, two = (whitening.whitened(each, 6) for each in (vectors, vectors @ other + 7))
    assert np.allclose(one @ one.T, two @ two.T, atol=1e-6)


def test_the_order_of_rows_changes_nothing(monkeypatch):
    vectors = drawn(300)
    shuffled = np.random.default_rng(2).permutation(300)
    whole = whitening.whitened(vectors, 3)
    assert np.allclose(whitening.whitened(vectors[shuffled], 3), whole[shuffled], atol=1e-9)
    monkeypatch.setattr(whitening, "_ROWS_AT_ONCE", 7)
    assert np.allclose(whitening.whitened(vectors, 3), whole, atol=1e-9)


@pytest.mark.parametrize(
    "broken", [None, [], [1.0] * 5, [1.0] * 7, [float("nan")] * 6, [1.0] * 5 + [float("inf")], [None] * 6]
)
def test_a_row_without_a_sound_vector_is_zero_and_leaves_the_others_as_they_were(broken):
    sound = drawn(100).tolist()
    found = whitening.unit_rows(lists([broken, *sound]), 3)
    assert not found[0].any()
    assert np.array_equal(found[1:], whitening.unit_rows(lists(sound), 3))
    assert np.allclose((found[1:] ** 2).sum(axis=1), 1)


@pytest.mark.parametrize("rows", [[], [None] * 5, [[1.0, 2.0]] * 5, [[1.0, 2.0]] * 50])
def test_no_vectors_too_few_and_all_the_same_say_nothing(rows):
    found = whitening.unit_rows(lists(rows), 3)
    assert len(found) == len(rows) and not found.any()
