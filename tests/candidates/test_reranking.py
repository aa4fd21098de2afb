"""The trees' order of the first candidates: what they learned, and what moves it as it moves the blend."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from foryou.candidates import reranking
from foryou.candidates.pair_features import ACCOUNTS, Known
from foryou.models import reranker
from foryou.models.matrices import Rows

VIDEOS = 40
NOTHING_FADES = Rows(np.zeros(3, np.int64), np.empty(0, np.int32), np.empty(0, np.float32))


@pytest.fixture(scope="module")
def trees(chosen):
    """A model that learned one thing: of two videos the longer one is watched well."""
    rng = np.random.default_rng(1)
    features = np.full((4_000, len(reranker.FEATURES)), np.nan, np.float32)
    duration = rng.uniform(5, 60, 4_000)
    features[:, reranker.FEATURES.index("duration_s")] = duration
    good = rng.random(4_000) < duration / 65
    group = np.repeat(np.arange(400), 10)
    settings = replace(chosen.reranker, min_leaf_rows=50)
    return reranker.fit(features, good, np.ones(4_000, np.float32), group, settings)


@pytest.fixture
def known():
    one = np.full((VIDEOS, 1), np.nan, np.float32)
    none = {name: np.full(VIDEOS, -1, np.int32) for name in ACCOUNTS}
    nothing = np.full(VIDEOS, np.nan, np.float32)
    duration_s = np.linspace(5, 60, VIDEOS).astype(np.float32)
    return Known(one, one, one, one, one, none, none, nothing, nothing, nothing, nothing, duration_s)


def first(*lists):
    ids = np.array(lists, np.int32)
    scores = np.where(ids >= 0, -np.arange(ids.shape[1]), -np.inf).astype(np.float32)
    return ids, scores, np.ones_like(ids), np.zeros_like(ids)


def in_order(by, lists, multipliers=None, fading=NOTHING_FADES):
    worth = np.zeros(VIDEOS, np.float32) if multipliers is None else multipliers
    return reranking.order(by, np.array([0, 1]), lists, worth, fading)


def test_what_the_trees_learned_to_be_better_comes_first_and_short_lists_stay_short(trees, known):
    by = reranking.Reranker(trees, known)
    places = in_order(by, first([3, 39, 20, 10], [35, 2, -1, -1]))
    assert places.tolist() == [[1, 2, 3, 0], [0, 1, -1, -1]]


def test_a_creator_out_of_favour_and_what_a_viewer_tires_of_stand_back(trees, known):
    by = reranking.Reranker(trees, known)
    lists = first([3, 39, 20, 10], [3, 39, 20, 10])
    penalised = np.zeros(VIDEOS, np.float32)
    penalised[39] = -9
    assert in_order(by, lists, penalised)[:, -1].tolist() == [1, 1]
    tired_of_20 = Rows(np.array([0, 0, 1]), np.array([20], np.int32), np.array([-9.0], np.float32))
    places = in_order(by, lists, fading=tired_of_20)
    assert places[0].tolist() == [1, 2, 3, 0] and places[1, -1] == 2


def test_a_list_does_not_depend_on_those_beside_it_and_a_model_survives_its_files(trees, known, tmp_path):
    by = reranking.Reranker(trees, known)
    assert reranking.Reranker.open(tmp_path) is None
    by.save(tmp_path)
    lists = first([3, 39, 20, 10], [7, 8, 30, 1])
    whole = in_order(reranking.Reranker.open(tmp_path), lists)
    alone = reranking.order(
        by, np.array([1]), tuple(each[1:] for each in lists), np.zeros(VIDEOS, np.float32),
        Rows(np.zeros(2, np.int64), np.empty(0, np.int32), np.empty(0, np.float32)),
    )  # fmt: skip
    assert np.array_equal(whole[1:], alone)
