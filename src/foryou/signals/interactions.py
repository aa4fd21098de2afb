"""Interactions: the signed strength between viewers and videos as of a day."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foryou.settings import Interactions

COLUMNS = ["viewer", "video", "points", "good", "day"]
"""What is read of `views`."""

_UNITS = 1_000_000
"""Aged points are added as whole millionths: a sum of floats would depend on the order of the rows."""


def build(views: pa.Table, day: date, settings: Interactions) -> pa.Table:
    """One row per viewer and video met inside the window, by viewer, then video; `views` holds the window's days.

    strength = `sum(points · 0.5^(age / half-life))`, divided by the mean of the positive sums of all pairs, so that
    settings mean the same on every data set (DESIGN §7); without anything liked nothing has a strength. `last_day` is
    the last on which they met, `good` says whether some day's watch was a good one.

    Sorting pairs and adding up stretches takes half the time of a hash table of them: nearly every pair comes once.
    """
    pair = views["viewer"].to_numpy().astype(np.int64) << 32 | views["video"].to_numpy()
    order = np.argsort(pair)
    pair = pair[order]
    first = np.flatnonzero(np.diff(pair, prepend=-1))
    met = views["day"].cast(pa.int32()).to_numpy()
    units = _add(_aged(views["points"].to_numpy(), met, day, settings.half_life_days)[order], first)
    return pa.table(
        {
            "viewer": (pair[first] >> 32).astype(np.int32),
            "video": pair[first].astype(np.int32),
            "strength": _scaled(units),
            "last_day": pa.array(np.maximum.reduceat(met[order], first) if len(first) else met).cast(pa.date32()),
            "good": np.logical_or.reduceat(views["good"].to_numpy()[order], first) if len(first) else first > 0,
        }
    )


def _aged(points: NDArray[np.float32], met: NDArray[np.int32], day: date, half_life: float) -> NDArray[np.int64]:
    """Points in whole millionths, halved with every half-life since."""
    age_days = (day - date(1970, 1, 1)).days - met
    halved = np.power(0.5, np.arange(age_days.max(initial=0) + 1) / half_life)
    return np.rint(points * halved[age_days] * _UNITS).astype(np.int64)


def _add(values: NDArray[np.int64], first: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.add.reduceat(values, first) if len(first) else values


def _scaled(units: NDArray[np.int64]) -> NDArray[np.float32]:
    positive = units[units > 0]
    unit = positive.sum() / len(positive) if len(positive) else np.inf
    return (units / unit).astype(np.float32)
