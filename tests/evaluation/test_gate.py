"""Who may take the champion's place: known answers, and how often an equal or a worse one gets through."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from foryou.evaluation import gate

VIEWERS = 4_000


@pytest.fixture
def settings(chosen):
    return replace(chosen.evaluation, min_slice_viewers=100)


def champion(seed=0, viewers=VIEWERS):
    return np.random.default_rng(seed).uniform(0.4, 0.8, viewers)


def noisy(values, better=0.0, noise=0.05, seed=1):
    """Another model: `better` by a share, and otherwise now better, now worse."""
    return values * (1 + better) + np.random.default_rng(seed).normal(0, noise, len(values))


def first(count):
    return np.arange(VIEWERS) < count


def outcomes(decision):
    return {row.slice: row.outcome for row in decision.rows}


def test_the_same_model_passes_overall_and_in_every_slice(settings):
    found = gate.decide(champion(), champion(), {"new": first(500), "old": ~first(500)}, settings)
    assert found.accepted and found.why.startswith("not worse: overall: +0.0%")
    assert outcomes(found) == dict.fromkeys(("overall", "new", "old"), gate.PASSED)


def test_an_equal_model_nearly_always_passes_and_one_that_is_two_percent_worse_never(settings):
    slices = {str(n): np.arange(VIEWERS) % 5 == n for n in range(5)}
    equal = [gate.decide(champion(n), noisy(champion(n), seed=n), slices, settings).accepted for n in range(100)]
    worse = [gate.decide(champion(n), noisy(champion(n), -0.02, seed=n), slices, settings).accepted for n in range(40)]
    assert sum(equal) >= 95 and sum(worse) == 0


def test_one_that_just_loses_what_is_allowed_passes_once_in_twenty(settings):
    found = [gate.decide(champion(n), noisy(champion(n), -0.01, seed=n + 1), {}, settings).accepted for n in range(400)]
    assert 8 <= sum(found) <= 34


def test_five_percent_worse_is_refused_with_the_figures(settings):
    found = gate.decide(champion(), noisy(champion(), -0.05), {}, settings)
    assert not found.accepted
    assert found.why.startswith("refused: overall: -5.") and "wanted above -1.0%" in found.why
    (row,) = found.rows
    assert row.low < row.difference < row.high < row.least < 0


def test_a_slice_that_is_worse_alone_refuses_a_model_that_is_better_overall(settings):
    better = noisy(champion(), 0.02)
    better[first(400)] = noisy(champion(), -0.06)[first(400)]
    slices = {"new": first(400), "others": ~first(400)}
    assert gate.decide(champion(), better, {}, settings).accepted
    found = gate.decide(champion(), better, slices, settings)
    assert not found.accepted and "new: -" in found.why and "others" not in found.why
    assert outcomes(found) == {"overall": gate.PASSED, "new": gate.FAILED, "others": gate.PASSED}


def test_tiny_slices_do_not_decide_however_bad(settings):
    other = champion()
    other[first(40)] = 0
    found = gate.decide(champion(), other, {"tiny": first(40)}, replace(settings, gate_loss_share=0.05))
    assert found.accepted and set(outcomes(found)) == {"overall"}


def test_a_noisy_slice_refuses_only_what_is_worse_beyond_doubt(settings):
    slices, base, loud = {"loud": first(150)}, champion(), champion()
    loud[first(150)] = noisy(base, noise=0.3)[first(150)]
    found = gate.decide(base, loud, slices, settings)
    assert found.accepted and outcomes(found)["loud"] == gate.UNTOLD
    loud[first(150)] -= 0.2
    settings = replace(settings, gate_loss_share=0.05)
    assert outcomes(gate.decide(base, loud, slices, settings)) == {"overall": gate.PASSED, "loud": gate.FAILED}


def test_too_few_viewers_overall_refuse(settings):
    found = gate.decide(champion(viewers=40), noisy(champion(viewers=40), noise=0.3), {}, settings)
    assert not found.accepted and "overall" in found.why
    for viewers in (0, 1):
        assert "nobody" in gate.decide(champion(viewers=viewers), champion(viewers=viewers), {}, settings).why


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_refuse_on_either_side(settings, bad):
    broken = champion()
    broken[3] = bad
    for sides in ((champion(), broken), (broken, champion())):
        found = gate.decide(*sides, {}, settings)
        assert not found.accepted and "not finite" in found.why


def test_values_of_other_viewers_are_an_error(settings):
    with pytest.raises(ValueError, match="same viewers"):
        gate.decide(champion(), champion()[1:], {}, settings)
    with pytest.raises(ValueError, match="same viewers"):
        gate.decide(champion(), champion(), {"new": np.ones(3, bool)}, settings)


def test_a_champion_that_finds_nothing_is_beaten_by_its_equal(settings):
    nothing = np.zeros(VIEWERS)
    assert gate.decide(nothing, nothing, {}, settings).accepted


def test_weights_make_it_a_pooled_ratio(settings):
    """A tenth of the viewers hold nearly all of the weight, and there the challenger is worse."""
    weights = np.where(first(400), 100.0, 0.1)
    other = champion() * np.where(first(400), 0.95, 1.05)
    assert gate.decide(champion(), other, {}, settings).accepted
    found = gate.decide(champion(), other, {}, settings, weights)
    assert not found.accepted
    assert found.rows[0].champion == pytest.approx((weights * champion()).sum() / weights.sum())


def test_holm_asks_most_of_the_clearest():
    levels = gate.holm(np.array([0.2, 0.001, 0.03]), 0.06)
    assert levels == pytest.approx([0.06, 0.02, 0.03])


def test_bounds_of_slices_widen_with_their_number(settings):
    other, half = noisy(champion()), first(VIEWERS // 2)
    alone = gate.decide(champion(), other, {"a": half}, settings).rows[1]
    beside = gate.decide(champion(), other, {"a": half, "b": ~half}, settings).rows[1:]
    assert min(row.low - row.difference for row in beside) < alone.low - alone.difference
    assert alone == gate.decide(champion(), other, {"a": half}, settings).rows[1]
