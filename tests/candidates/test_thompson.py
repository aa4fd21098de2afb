"""The probabilities of a Thompson draw by quadrature, as the kernel takes it, beside draws from the posteriors."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from foryou.candidates import thompson


def chances(logs):
    """The sum that `draws` takes over the intervals, for all videos at once."""
    logs = logs.astype(np.float64)
    whole, rises = logs.sum(axis=0), np.diff(logs)
    gain, rise = np.diff(np.exp(whole)), np.diff(whole)
    return rises @ np.divide(gain, rise, out=np.exp(whole[1:]), where=rise > 1e-6)


def some(seed, videos, viewers=400):
    rng = np.random.default_rng(seed)
    n, mean = 20 + rng.integers(0, viewers, videos), rng.beta(6, 14, videos)
    return n * mean, n * (1 - mean)


@pytest.mark.parametrize(("seed", "videos", "viewers"), [(1, 2, 30), (2, 7, 400), (3, 60, 400), (4, 300, 2_000)])
def test_quadrature_agrees_with_draws_from_the_posteriors(seed, videos, viewers):
    alphas, betas = some(seed, videos, viewers)
    found = chances(thompson.log_cdfs(alphas, betas))
    draws = 40_000
    best = np.random.default_rng(seed).beta(alphas, betas, (draws, videos)).argmax(axis=1)
    share = np.bincount(best, minlength=videos) / draws
    error = np.sqrt(np.maximum(found * (1 - found), 1 / draws) / draws)
    assert found.sum() == pytest.approx(1, abs=1e-3)
    assert np.abs(share - found).max() < 0.002 + 4 * error.max()
    assert (((share - found) / (error + 0.0005)) ** 2).mean() < 2


def test_of_two_videos_it_is_the_integral():
    alphas, betas = np.array([8.0, 30.0]), np.array([22.0, 90.0])
    first, second = (stats.beta(a, b) for a, b in zip(alphas, betas, strict=True))
    exact, _ = integrate.quad(lambda rate: first.pdf(rate) * second.cdf(rate), 0, 1)
    assert chances(thompson.log_cdfs(alphas, betas)) == pytest.approx([exact, 1 - exact], abs=0.001)


def test_equal_posteriors_have_equal_odds_and_one_alone_is_certain():
    assert chances(thompson.log_cdfs(np.full(9, 6.0), np.full(9, 14.0))) == pytest.approx(np.full(9, 1 / 9), abs=1e-4)
    assert chances(thompson.log_cdfs(np.array([6.0]), np.array([14.0]))) == pytest.approx([1], abs=1e-3)
    assert thompson.log_cdfs(np.empty(0), np.empty(0)).shape == (0, thompson.NODES)


def test_of_posteriors_of_all_widths_those_that_cannot_win_do_not():
    alphas, betas = np.array([60_000.0, 12.0, 200.0]), np.array([40_000.0, 28.0, 800.0])  # .6, .3 and .2
    found = chances(thompson.log_cdfs(alphas, betas))
    assert found[0] > 0.99 and found[2] < 1e-6
    assert np.isfinite(thompson.log_cdfs(np.array([1e-3, 1e6]), np.array([1e6, 1e-3]))).all()
