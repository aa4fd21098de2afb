"""Intervals by the bootstrap: how often they hold the truth, and that all of a draw is weighed alike."""

from __future__ import annotations

import numpy as np
import pytest

from foryou.evaluation import intervals

NAN = float("nan")


def test_a_mean_and_its_error_by_hand():
    assert intervals.mean_and_error(np.array([1.0, 3.0])) == pytest.approx((2, 1))
    assert intervals.mean_and_error(np.array([1.0])) == pytest.approx((1, NAN), nan_ok=True)
    assert intervals.mean_and_error(np.empty(0)) == pytest.approx((NAN, NAN), nan_ok=True)


def test_an_interval_is_that_of_the_normal_approximation_where_viewers_are_many():
    values = np.random.default_rng(0).normal(5, 2, 2000)
    mean, error = intervals.mean_and_error(values)
    value, low, high = intervals.interval(values, seed=1, draws=4000)
    assert value == mean
    assert (low, high) == pytest.approx((mean - 1.96 * error, mean + 1.96 * error), abs=error / 8)


def test_nineteen_of_twenty_intervals_hold_the_true_difference():
    rng = np.random.default_rng(0)
    held = 0
    for seed in range(200):
        _, low, high = intervals.interval(rng.normal(0.3, 0.5, 80), seed=seed, draws=200)
        held += low <= 0.3 <= high
    assert 180 <= held <= 198


def test_nineteen_of_twenty_intervals_hold_the_true_ratio():
    """Viewers with larger weights have hits more often, so the ratio is no mean of the viewers' own ratios."""
    rng, held = np.random.default_rng(1), 0
    for seed in range(200):
        below = rng.uniform(1, 5, 100)
        _, low, high = intervals.ratio_interval(below * (rng.random(100) < below / 10), below, seed=seed, draws=200)
        held += low <= (31 / 3) / 3 / 10 <= high
    assert 180 <= held <= 198


def test_the_same_seed_gives_the_same_whatever_is_held_at_a_time(monkeypatch):
    above, below = np.random.default_rng(2).uniform(0, 1, (2, 7, 3))
    whole = intervals.resampled(above, below, seed=5, draws=50)
    monkeypatch.setattr(intervals, "_CELLS", 21)
    np.testing.assert_array_equal(intervals.resampled(above, below, seed=5, draws=50), whole)
    assert (intervals.resampled(above, below, seed=6, draws=50) != whole).any()


def test_rankings_are_weighed_alike_so_a_constant_difference_has_no_spread():
    one = np.random.default_rng(3).normal(0, 10, 50)
    drawn = intervals.resampled(np.stack([one, one + 1], axis=1), np.ones((50, 2)), seed=1, draws=100)
    np.testing.assert_allclose(drawn[:, 1] - drawn[:, 0], 1)


def test_one_viewer_or_none_has_no_interval():
    assert intervals.interval(np.array([0.5]), seed=1) == pytest.approx((0.5, NAN, NAN), nan_ok=True)
    assert intervals.interval(np.empty(0), seed=1) == pytest.approx((NAN, NAN, NAN), nan_ok=True)


def test_draws_of_a_slice_in_which_nobody_is_are_left_out():
    """Of two viewers a draw has neither with the chance exp(-2)."""
    drawn = intervals.resampled(np.array([[1.0], [0.0]]), np.ones((2, 1)), seed=1, draws=500)
    assert 30 < np.isnan(drawn).sum() < 110
    assert intervals.ends(drawn)[:, 0].tolist() == [0, 1]


def test_columns_are_of_the_viewers_who_have_a_value_there():
    columns = np.array([[1.0, NAN, NAN], [2.0, 4.0, NAN], [6.0, 8.0, NAN]])
    first, second, none = intervals.mean_intervals(columns, seed=1)
    assert first == pytest.approx(intervals.interval(columns[:, 0], seed=1))
    assert second[0] == 6 and 4 <= second[1] < second[2] <= 8
    assert none == pytest.approx((NAN, NAN, NAN), nan_ok=True)


def test_values_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="not finite"):
        intervals.interval(np.array([1.0, NAN]), seed=1)
