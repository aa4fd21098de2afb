"""What each video that somebody watched gives to a score: dot products split into the pairs behind them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


def of_factors(
    video: Floats,
    watched: Floats,
    pulls: Floats,
    extra: Floats,
    gram: Floats,
    *,
    a0: float,
    regularization: float,
) -> NDArray[np.float64]:
    """What each watched video gives to a score of alternating least squares, [watched]; together they are the score.

    A viewer's factors x minimise `a0 sum over all (x y)^2 + sum over watched (...) + regularization |x|^2`, so
    `x = W^-1 sum_i pulls_i y_i` with `W = a0 gram + sum_i extra_i y_i y_i' + regularization I`, and the score of
    `video` is `sum_i pulls_i y_i' W^-1 video` (Hu, Koren and Volinsky 2008, section 5). video [factors], watched
    [watched, factors], gram [factors, factors] = Y'Y of all videos. Factors that were fitted in few rounds are not
    quite this minimum: what is missing to their own dot product is no share of anything.
    """
    y = watched.astype(np.float64)
    normal = a0 * gram + (y.T * extra) @ y + regularization * np.eye(len(gram))
    return np.asarray(pulls * (y @ np.linalg.solve(normal, video.astype(np.float64))), np.float64)


def of_content(vector: Floats, watched: Floats, strengths: Floats) -> NDArray[np.float64]:
    """What each watched video gives to a content score, [watched]: strength x likeness; together they are the score."""
    return np.asarray(strengths * (watched.astype(np.float64) @ vector), np.float64)
