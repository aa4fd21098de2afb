"""Thompson sampling (1933): a video is shown as often as its rate, drawn from each posterior, is the greatest.

With F the distribution functions of the posteriors, that is `P(i) = integral of prod over j of F_j(x) d log F_i(x)`.
Between two of some nodes the logarithms are taken to rise evenly together. Then the greatest rate lies there with the
probability that the product gains, and is i's with that of its share in the rise of the logarithms' sum. So the
probabilities add up to 1 however few the nodes are, and to leave a video out is to take its logarithms from the sum.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

NODES = 96
"""Of posteriors worth 20 to 2,000 viewers probabilities are within .002 of what ten times as many nodes give."""
_LEAST = -60.0
"""The least logarithm: a product that holds it is nothing beside 1."""
_BELOW, _ABOVE = 4.0, 6.0
"""How many deviations the nodes reach beyond the means: the greatest of many rates lies above them."""


def log_cdfs(alphas: NDArray[np.floating], betas: NDArray[np.floating]) -> NDArray[np.float32]:
    """Logarithms of Beta distribution functions [n] at `NODES` common nodes, rising: [n, nodes], the last one 0.

    Nodes are even in `arcsin(sqrt(rate))`, where every posterior worth m viewers has a deviation of about `1 / (2
    sqrt(m))`, from below the least mean to above the greatest; the last is a rate of 1.
    """
    alphas, betas = np.asarray(alphas, np.float64), np.asarray(betas, np.float64)
    if not len(alphas):
        return np.zeros((0, NODES), np.float32)
    mean = np.arcsin(np.sqrt(alphas / (alphas + betas)))
    deviation = 0.5 / np.sqrt(alphas + betas)
    low = max(0.0, float((mean - _BELOW * deviation).min()))
    high = min(np.pi / 2, float((mean + _ABOVE * deviation).max()))
    rates = np.append(np.sin(np.linspace(low, high, NODES - 1)) ** 2, 1.0)
    with np.errstate(divide="ignore"):
        logs = np.log(betainc(alphas[:, None], betas[:, None], rates))
    return np.maximum(logs, _LEAST).astype(np.float32)
