"""Predicted factors: a linear map is found again, a ridge as by the normal equations, and nothing comes of nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from scipy import sparse

from foryou.models import cold_factors, ials
from foryou.models.cold_factors import Described

TOKENS, DENSE, FACTORS = 12, 3, 4


@pytest.fixture
def settings(chosen):
    return replace(chosen.cold_factors, regularization=1e-4, iterations=40)


def table(rows):
    """Rows of `content`: `{video: ({token: weight}, [...] or None)}`."""
    return pa.table(
        {
            "video": pa.array([*rows], pa.int32()),
            "dimensions": pa.array([sorted(tokens) for tokens, _ in rows.values()], pa.list_(pa.int32())),
            "weights": pa.array([[t[n] for n in sorted(t)] for t, _ in rows.values()], pa.list_(pa.float32())),
            "dense": pa.array([dense for _, dense in rows.values()], pa.list_(pa.float32())),
        }
    )


def drawn(videos, seed=4, dense=DENSE):
    """Content vectors of many videos, as `Described` and written out, [videos, tokens + dimensions]."""
    draw = np.random.default_rng(seed)
    whole = draw.standard_normal((videos, TOKENS + dense)).astype(np.float32)
    whole[:, :TOKENS] *= draw.random((videos, TOKENS)) < 0.3
    return Described(sparse.csr_matrix(whole[:, :TOKENS]), whole[:, TOKENS:]), whole.astype(np.float64)


def linear(whole, seed=9):
    """Factors that are a linear map of the vectors, with a constant."""
    draw = np.random.default_rng(seed)
    return (whole @ draw.standard_normal((whole.shape[1], FACTORS)) + draw.standard_normal(FACTORS)).astype(np.float32)


@pytest.mark.parametrize("dense", [0, DENSE])
def test_a_linear_map_is_found_again_and_holds_for_videos_that_nobody_met(settings, dense):
    content, whole = drawn(900, dense=dense)
    centred = whole - whole[:800].mean(axis=0)  # the constant is the mean of the factors
    content = Described(
        sparse.csr_matrix(centred[:, :TOKENS].astype(np.float32)), centred[:, TOKENS:].astype(np.float32)
    )
    wanted = linear(centred)
    found = cold_factors.fit(content[np.arange(800)], wanted[:800], settings).of(content[np.arange(800, 900)])
    assert np.allclose(found, wanted[800:], atol=1e-2)


@pytest.mark.parametrize("regularization", [0.5, 20.0])
def test_the_map_is_that_of_the_normal_equations(settings, regularization):
    content, whole = drawn(200)
    wanted = linear(whole) + np.random.default_rng(1).standard_normal((200, FACTORS)).astype(np.float32)
    mean = wanted.mean(axis=0)
    exact = np.linalg.solve(whole.T @ whole + regularization * np.eye(TOKENS + DENSE), whole.T @ (wanted - mean))
    found = cold_factors.fit(content, wanted, replace(settings, regularization=regularization))
    assert np.allclose(found.coefficients, exact, atol=1e-3)
    assert np.allclose(found.of(content), mean + whole @ exact, atol=1e-2)


def test_only_videos_with_content_that_the_model_lacks_are_predicted(settings):
    rows = {n: ({7: 1.0} if n % 2 else {9: 1.0}, None) for n in range(10)}
    rows[3], rows[11] = ({}, None), ({7: 1.0}, None)
    content = Described.of(table(rows), 12)
    matrix = np.zeros((12, 2), np.float32)
    matrix[1::2], matrix[::2] = [1, 0], [0, 1]
    known = np.isin(np.arange(12), [0, 1, 2, 4, 5])
    found = cold_factors.build(content, matrix, known, settings)
    assert found["video"].to_pylist() == [6, 7, 8, 9, 11]  # 3 says nothing, 10 is in no catalogue
    wanted = [[0, 1], [1, 0], [0, 1], [1, 0], [1, 0]]
    assert np.allclose(found["factors"].to_pylist(), wanted, atol=1e-2)


def test_a_lake_without_content_without_factors_or_without_new_videos_predicts_nothing(settings):
    matrix, everything = np.ones((3, 2), np.float32), np.ones(3, bool)
    one = Described.of(table({0: ({5: 1.0}, None)}), 3)
    for content, factors_of, known in (
        (Described.of(table({}), 3), matrix, everything),
        (one, np.zeros((3, 0), np.float32), ~everything),
        (one, matrix, everything),
    ):
        found = cold_factors.build(content, factors_of, known, settings)
        assert found.num_rows == 0 and found.column_names == ["video", "factors"]


def test_dense_parts_lie_beside_tokens(settings):
    content = Described.of(table({0: ({5: 1.0}, None), 2: ({}, [0.5, 2.0])}), 3)
    assert (content.tokens.toarray().tolist(), content.dense.tolist()) == (
        [[1.0], [0.0], [0.0]],
        [[0, 0], [0, 0], [0.5, 2]],
    )
    assert content.says_something().tolist() == [True, False, True]


def test_a_viewer_folded_in_is_where_a_fit_would_put_it():
    draw = np.random.default_rng(6)
    strengths = sparse.csr_matrix(draw.choice([0, 0, 0, 1.0, 2.0, -0.5], (60, 30)).astype(np.float32))
    loss = ials.Loss(0.05, 0.3, 0.9)
    viewers, videos = ials.fit(strengths, loss, factors=FACTORS, iterations=60, seed=1)
    found = cold_factors.fold_in(strengths, videos, loss)
    assert np.allclose(found, viewers, atol=5e-3) and np.abs(found).max() > 0.2


def test_the_same_content_gives_the_same_bits(settings):
    content, whole = drawn(300)
    one, other = (cold_factors.fit(content, linear(whole), settings).of(content) for _ in range(2))
    assert np.array_equal(one, other)
