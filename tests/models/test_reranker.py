"""Trees over exposed rows: they find what a rule hides in the features, and give the same bits again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from foryou.evaluation import metrics
from foryou.models import reranker
from foryou.models.reranker import FEATURES

QUALITY, SCORE, LANGUAGE = (FEATURES.index(name) for name in ("quality", "score", "same_language"))


@pytest.fixture
def settings(chosen):
    return replace(chosen.reranker, trees=20, min_leaf_rows=20)


def exposed(seed, rows=2_000, told_by=QUALITY, sure=0.9):
    """Groups of ten; a row is mostly good where the feature `told_by` is above a half."""
    rng = np.random.default_rng(seed)
    features = rng.random((rows, len(FEATURES))).astype(np.float32)
    good = (features[:, told_by] > 0.5) == (rng.random(rows) < sure)
    return features, good, np.ones(rows, np.float32), np.arange(rows) // 10


def auc(model, features, good, _, group):
    return metrics.auc_by_viewer(group, reranker.scores(model, features), good).mean()


def test_what_tells_good_from_not_is_found_and_named(settings):
    model = reranker.fit(*exposed(1), settings)
    assert auc(model, *exposed(2)) > 0.85
    told = reranker.importances(model)
    assert next(iter(told)) == "quality" and told["quality"] > 0.7
    assert sum(told.values()) == pytest.approx(1) and set(told) == set(FEATURES)


def test_the_same_rows_in_any_order_of_groups_give_the_same_model(settings):
    features, good, weight, group = exposed(1)
    model = reranker.fit(features, good, weight, group, settings)
    assert reranker.fit(features, good, weight, group, settings) == model
    turned = np.argsort(group % 7, kind="stable")
    other = reranker.fit(features[turned], good[turned], weight[turned], group[turned], settings)
    np.testing.assert_array_equal(reranker.scores(other, features), reranker.scores(model, features))


def test_a_score_hangs_on_no_other_row(settings):
    model, features = reranker.fit(*exposed(1), settings), exposed(2)[0]
    whole = reranker.scores(model, features)
    np.testing.assert_array_equal(
        np.concatenate([reranker.scores(model, part) for part in (features[:7], features[7:])]), whole
    )


def test_rows_that_weigh_more_are_heard_more(settings):
    """Some groups say that quality is good, the others that it is bad; the weights decide."""
    features, good, _, group = exposed(1)
    against = group % 3 == 0
    good = np.where(against, ~good, good)
    for heavy, wanted in ((against, 0.0), (~against, 1.0)):
        model = reranker.fit(features, good, np.where(heavy, 20, 1).astype(np.float32), group, settings)
        assert abs(auc(model, *exposed(2)) - wanted) < 0.3


def test_account_settings_move_a_score_by_so_much_at_most(settings):
    """Language alone tells what is good; swapping it moves each score by the bound, not more."""
    model = reranker.fit(*exposed(1, told_by=LANGUAGE), replace(settings, account_share=0.1))
    features = exposed(2)[0]
    other = features.copy()
    other[:, LANGUAGE] = 1 - other[:, LANGUAGE]
    plain = features.copy()
    plain[:, [FEATURES.index(name) for name in reranker.ACCOUNT]] = np.nan
    moved = np.abs(reranker.scores(model, features) - reranker.scores(model, plain))
    assert moved.max() <= model.account_bound + 1e-9
    assert (
        np.abs(reranker.scores(model, features) - reranker.scores(model, other)).max() <= 2 * model.account_bound + 1e-9
    )


def test_what_is_not_known_is_no_error(settings):
    features, good, weight, group = exposed(1)
    features[::3, SCORE] = np.nan
    assert np.isfinite(reranker.scores(reranker.fit(features, good, weight, group, settings), features)).all()


def test_rows_that_cannot_teach_are_refused(settings):
    features, good, weight, group = exposed(1, rows=40)
    with pytest.raises(ValueError, match="no group"):
        reranker.fit(features, np.ones(40, bool), weight, group, settings)
    for bad in (0.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="weights above 0"):
            reranker.fit(features, good, np.full(40, bad, np.float32), group, settings)
    features[3, 2] = np.inf
    with pytest.raises(ValueError, match="infinities"):
        reranker.fit(features, good, weight, group, settings)
