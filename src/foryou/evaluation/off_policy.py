"""What other ways to draw videos under test would have earned, in the places kept for exploring alone.

Nothing is said of other places: only there is it known with what probability each video was shown. What is asked is
how often a view would have been a good watch, had each draw alone been made the other way, the draws before it in the
same list having come out as they did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foryou.settings import Evaluation
from foryou.tables import EXPLORED, POLICIES

Values = NDArray[np.float64]

MEASURES = ("off_policy_snips", "off_policy_effective_views", "off_policy_max_weight")
DRAWN = ("viewer", "exploring", "propensities", *(f"propensities_{policy}" for policy in POLICIES))
"""What is read of `candidates`."""
VIEWED = ("viewer", "video", "good", "own", "propensity")
"""What is read of `views`."""
_CLOSE = 1e-3
"""How far a probability that came back with an event may be from the one that was told: logs round."""


@dataclass(frozen=True)
class Estimate:
    """The rate of good watches with its 95 % interval, how many views of equal weight would tell as much, and the
    greatest weight of a view."""

    value: float
    low: float
    high: float
    effective_views: float
    max_weight: float


def explored(views: pa.Table, drawn: pa.Table) -> pa.Table:
    """One row per view that one of the draws led to: whether it was good, and the probability by each policy.

    `views` are of one day, `drawn` the candidates of the night before. A view counts if it came back with the
    probability of its draw: neither a search, nor another release's list, nor anybody else's random places.
    """
    views = views.filter(pc.and_(pc.is_valid(views["propensity"]), pc.invert(views["own"])))
    drawn = drawn.filter(pc.is_valid(drawn[DRAWN[-1]]))  # an earlier version told nothing of other policies
    lists = drawn["exploring"].combine_chunks()
    viewer = np.repeat(drawn["viewer"].to_numpy(), lists.value_lengths().to_numpy())
    pair = pa.array(viewer.astype(np.int64) << 32 | lists.flatten().to_numpy())
    asked = views["viewer"].to_numpy().astype(np.int64) << 32 | views["video"].to_numpy()
    place = pc.index_in(pa.array(asked), pair)
    views, place = views.filter(pc.is_valid(place)), place.drop_null()
    chances = {name: drawn[name].combine_chunks().flatten().take(place) for name in DRAWN[2:]}
    told, came_back = (
        column.to_numpy().astype(np.float64) for column in (chances["propensities"], views["propensity"])
    )
    found = {"viewer": views["viewer"], "video": views["video"], "good": views["good"], "propensity": told}
    found |= {policy: chances[f"propensities_{policy}"] for policy in POLICIES}
    return pa.table(found).filter(pa.array(np.abs(came_back - told) <= _CLOSE * told))


def evaluate(rows: pa.Table, settings: Evaluation) -> list[dict[str, Any]]:
    """Rows for `evaluations` from those that `explored` gave on several days: three measures of each policy.

    None of a policy whose views weigh no more than `min_effective_views` equal ones.
    """
    viewer, good = rows["viewer"].to_numpy(), rows["good"].to_numpy().astype(np.float64)
    shown = rows["propensity"].to_numpy().astype(np.float64)
    weights = (np.ones(len(good)), *(rows[policy].to_numpy() / shown for policy in POLICIES))
    found = {ranking: snips(viewer, good, each) for ranking, each in zip(EXPLORED, weights, strict=True)}
    viewers = np.count_nonzero(np.bincount(viewer))
    return [
        {"ranking": ranking, "viewers": viewers} | row
        for ranking, each in found.items()
        if each is not None and each.effective_views >= settings.min_effective_views
        for row in _told(each)
    ]


def _told(each: Estimate) -> Sequence[dict[str, Any]]:
    value, effective, most = MEASURES
    return (
        {"measure": value, "value": each.value, "low": each.low, "high": each.high},
        {"measure": effective, "value": each.effective_views, "low": None, "high": None},
        {"measure": most, "value": each.max_weight, "low": None, "high": None},
    )


def snips(viewer: NDArray[np.integer], good: Values, weights: Values) -> Estimate | None:
    """Self-normalised inverse propensity scores (Swaminathan and Joachims 2015): `sum of w·good / sum of w`.

    One entry a view, `viewer` its dense id; its weight is the policy's probability over that with which it was shown,
    and none is cut. The interval is linearised, `w·(good - value)` added up by viewer, since views of one viewer are
    alike. None without two viewers, or without weight.
    """
    total = float(weights.sum())
    people = np.count_nonzero(np.bincount(viewer))
    if people < 2 or total <= 0:
        return None
    value = float(weights @ good) / total
    rest = np.bincount(viewer, weights * (good - value))
    half = 1.96 * float(np.sqrt(rest @ rest * people / (people - 1))) / total
    low, high = max(0.0, value - half), min(1.0, value + half)
    return Estimate(value, low, high, total**2 / float(weights @ weights), float(weights.max()))
