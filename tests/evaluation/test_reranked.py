"""When the reranker may be used: only where it is better than the blend beyond doubt."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from foryou.evaluation import reranked
from foryou.models import reranker
from foryou.models.reranker import FEATURES

ROWS = 6_000
GROUP = np.arange(ROWS) // 6
TRUTH = np.random.default_rng(0).random(ROWS)
GOOD = np.random.default_rng(1).random(ROWS) < TRUTH
MET = np.where(GROUP < 300, 3.0, 50.0)


def noisy(noise, seed=2):
    return TRUTH + np.random.default_rng(seed).normal(0, noise, ROWS)


def judged(blended, scores, settings):
    return reranked.judge(GROUP, GOOD, blended, scores, MET, settings)


def test_a_better_order_is_used_and_a_worse_one_is_not(chosen):
    assert judged(noisy(2.0), noisy(0.2), chosen.evaluation).accepted
    found = judged(noisy(0.2), noisy(2.0), chosen.evaluation)
    assert not found.accepted and "overall: -" in found.why


def test_an_equal_order_is_not_used_and_the_reason_says_so(chosen):
    found = judged(noisy(0.5), noisy(0.5), chosen.evaluation)
    assert not found.accepted and found.why.startswith("refused: no better than the blend; overall: +0.0%")


def test_better_for_most_and_worse_for_new_viewers_is_not_used(chosen):
    scores = np.where(MET < 8, noisy(3.0, seed=3), noisy(0.1))
    found = judged(noisy(0.4), scores, chosen.evaluation)
    assert not found.accepted and "new viewers: -" in found.why


@pytest.fixture
def model(chosen):
    features = np.random.default_rng(5).random((2_000, len(FEATURES))).astype(np.float32)
    good = features[:, FEATURES.index("quality")] > 0.5
    settings = replace(chosen.reranker, trees=10, min_leaf_rows=20)
    return reranker.fit(features, good, np.ones(2_000, np.float32), np.arange(2_000) // 10, settings)


def day(told_by):
    """Rows that are good by one feature; every tenth was no candidate."""
    features = np.random.default_rng(6).random((ROWS, len(FEATURES))).astype(np.float32)
    features[:, FEATURES.index("videos_met")] = 50
    features[::10, FEATURES.index("score")] = np.nan
    return features, features[:, FEATURES.index(told_by)] > 0.5


def test_the_row_of_a_used_model_has_its_text_and_what_it_looks_at(model, chosen):
    row = reranked.NOTHING | reranked.decide(model, *day("quality"), GROUP, chosen.evaluation)
    assert row.keys() == reranked.NOTHING.keys()
    assert (row["state"], row["model"], row["features"][0]) == ("used", model.text, "quality")
    assert row["reranked"] > 0.95 > 0.6 > row["blended"] and row["viewers"] > 500


def test_the_row_of_a_refused_one_says_why_and_has_no_model(model, chosen):
    row = reranked.NOTHING | reranked.decide(model, *day("score"), GROUP, chosen.evaluation)
    assert (row["state"], row["model"]) == ("left_out", None) and "refused" in row["why"]
    assert row["blended"] == pytest.approx(1) and row["importances"][0] > 0.5


def test_a_day_without_candidates_decides_nothing(model, chosen):
    features = day("quality")[0][:0]
    row = reranked.decide(model, features, np.empty(0, bool), np.empty(0, int), chosen.evaluation)
    assert "nobody" in row["why"] and "model" not in row
