"""How much what videos are about should weigh beside who watches them: asked of what was watched today."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foryou.settings import Evaluation

Sides = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Rows of viewers [viewers, n] and of videos [videos, n]: a score is their dot product."""

RANKING, MEASURE = "taste", "content_weight"
MOST = 1.5
"""Content that is worth more than that has no factors beside it that are worth a blend."""
_WIDEST = 1.0
"""A wider interval than that says nothing."""


def content_weight(views: pa.Table, factors: Sides, contents: Sides, settings: Evaluation) -> list[dict[str, Any]]:
    """One row with the weight, its 95 % interval and the viewers it rests on; none where the day does not tell.

    Least squares within viewers, `good = level of the viewer + a x (score by factors) + b x (score by content)`, over
    the views of up to `max_viewers` viewers; the weight is b / a, within [0, 1.5]. What was shown was chosen by these
    very scores: that does not bias a and b, as it does an AUC of each sum (decision 0023). Scores of both kinds are of
    one scale (`taste.of_one_scale`), as those of the lists are, which add them with the weight.
    """
    viewer, video = views["viewer"].to_numpy(), views["video"].to_numpy()
    known: NDArray[np.bool_] = np.logical_and(factors[0].any(axis=1), contents[0].any(axis=1))
    asked = _asked(viewer, known, settings)
    viewer, video = viewer[asked], video[asked]
    good = views["good"].to_numpy(zero_copy_only=False)[asked].astype(np.float64)
    scores = [_within(viewer, _products(sides, viewer, video)) for sides in (factors, contents)]
    viewers = len(np.unique(viewer))
    found = _ratio(np.stack(scores, axis=1), _within(viewer, good), viewers)
    if found is None:
        return []
    value, half = found
    ends = {"value": value, "low": value - half, "high": value + half}
    of = {"ranking": RANKING, "measure": MEASURE, "slice": None, "viewers": viewers}
    return [of | {name: float(np.clip(end, 0, MOST)) for name, end in ends.items()}]


def _asked(viewer: NDArray[np.int32], known: NDArray[np.bool_], settings: Evaluation) -> NDArray[np.bool_]:
    """The views of a seeded choice of the viewers who have a taste of both kinds and more than one view."""
    able = np.flatnonzero(known & (np.bincount(viewer, minlength=len(known)) > 1))
    if len(able) > settings.max_viewers:
        able = np.random.default_rng(settings.seed).choice(able, settings.max_viewers, replace=False)
    chosen = np.zeros(len(known), bool)
    chosen[able] = True
    return chosen[viewer]


def _products(sides: Sides, viewer: NDArray[np.int32], video: NDArray[np.int32]) -> NDArray[np.float64]:
    return np.einsum("ij,ij->i", sides[0][viewer], sides[1][video]).astype(np.float64)


def _within(viewer: NDArray[np.int32], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The values less their viewer's mean."""
    counts = np.maximum(1, np.bincount(viewer))
    return values - (np.bincount(viewer, values) / counts)[viewer] if len(values) else values


def _ratio(scores: NDArray[np.float64], good: NDArray[np.float64], viewers: int) -> tuple[float, float] | None:
    """b / a and half its 95 % interval by the delta method; None where they cannot be told."""
    free = len(good) - viewers - 2
    gram = scores.T @ scores
    if free < 1 or np.linalg.matrix_rank(gram) < 2:
        return None
    a, b = slopes = np.linalg.solve(gram, scores.T @ good)
    rest = good - scores @ slopes
    spread = np.linalg.inv(gram) * (rest @ rest / free)
    if a <= 0:
        return None
    ratio = b / a
    half = 1.96 * np.sqrt(spread[1, 1] - 2 * ratio * spread[0, 1] + ratio**2 * spread[0, 0]) / a
    return (ratio, half) if 2 * half <= _WIDEST else None
