"""Arms beside one another: each measure with its interval over seeds, paired differences, the way to the oracle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Values = NDArray[np.float64]
"""One value a seed."""


@dataclass(frozen=True)
class Measure:
    """`over` divided by `under`, or `over` alone; `better` is 1 where more is better, -1 where less is, else 0."""

    name: str
    doc: str
    over: str
    under: str = ""
    better: int = 1
    percent: bool = True

    def of(self, row: Mapping[str, float]) -> float:
        if not self.under:
            return float(row[self.over])
        return float(row[self.over] / row[self.under]) if row[self.under] else float("nan")


MEASURES = (
    Measure("good_rate", "good watches per play", "good", "plays"),
    Measure("good", "good watches over all nights", "good", percent=False),
    Measure("expected", "true chance of a good watch per play, out of context", "affinity", "plays"),
    Measure("watched_s", "seconds watched per session", "watched_s", "sessions", percent=False),
    Measure("first_exits", "new viewers' first sessions left in boredom", "first_exits", "first_sessions", -1),
    Measure("second_good", "good watches per play of new viewers' second sessions", "second_good", "second_plays"),
    Measure("found", "good new videos found (posterior clear)", "found", "good_new"),
    Measure("impressions", "impressions of good new videos for each one found", "spent", "found", -1, False),
    Measure("repeats", "plays of a video shown before", "repeats", better=-1, percent=False),
    Measure("entropy", "bits of topics per viewer", "entropy", "mixed_viewers", 0, False),
    Measure("videos", "videos played at all", "videos_played", better=0, percent=False),
    Measure("small", "plays of the smaller half of creators", "plays_small", "plays", 0),
    Measure("large", "plays of the largest tenth of creators", "plays_large", "plays", 0),
)
BY_NAME = {measure.name: measure for measure in MEASURES}
ON_THE_WAY = ("good", "good_rate", "second_good")
"""Measures whose way from popularity to the oracle is told."""

PLOTTED = ("good_rate", "watched_s", "expected")
"""Measures that are drawn night by night."""

Cell = dict[str, float | None]
"""A value with the ends of its 95 % interval, which takes two seeds."""


def summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What came out of the runs of one world: rows have `seed`, `arm`, `nights` and `total`.

    `arms`: each measure of each arm; `nights`: those that are drawn, by night; `way`: how far `foryou` is from
    popularity to the oracle, in percent; `without`: what leaving out a part changes, in percent of `foryou`.
    """
    by_arm: dict[str, list[Mapping[str, Any]]] = {}
    for row in sorted(rows, key=lambda row: row["seed"]):
        by_arm.setdefault(row["arm"], []).append(row)
    totals = {arm: [row["total"] for row in of_arm] for arm, of_arm in by_arm.items()}
    values = {arm: {m.name: _each(m, of_arm) for m in MEASURES} for arm, of_arm in totals.items()}
    return {
        "arms": {arm: {name: interval(each) for name, each in of.items()} for arm, of in values.items()},
        "nights": {arm: {name: _by_night(name, of_arm) for name in PLOTTED} for arm, of_arm in by_arm.items()},
        "way": {name: _way(values, name) for name in ON_THE_WAY if {"foryou", "popularity", "oracle"} <= set(values)},
        "without": {
            arm: {name: _change(values["foryou"][name], of[name]) for name in of if BY_NAME[name].better}
            for arm, of in values.items()
            if arm.startswith("without ") and "foryou" in values
        },
    }


def interval(each: Values) -> Cell:
    """The mean over seeds with its 95 % t-interval; seeds without a value are left out."""
    held = each[np.isfinite(each)]
    if not len(held):
        return {"value": None, "low": None, "high": None}
    mean = float(held.mean())
    if len(held) < 2:
        return {"value": mean, "low": None, "high": None}
    half = float(stats.t.ppf(0.975, len(held) - 1) * held.std(ddof=1) / np.sqrt(len(held)))
    return {"value": mean, "low": mean - half, "high": mean + half}


def _each(measure: Measure, totals: Sequence[Mapping[str, float]]) -> Values:
    return np.array([measure.of(total) for total in totals])


def _way(values: Mapping[str, Mapping[str, Values]], name: str) -> Cell:
    """Percent of the way from popularity to the oracle, seed by seed."""
    ours, low, high = (values[arm][name] for arm in ("foryou", "popularity", "oracle"))
    with np.errstate(divide="ignore", invalid="ignore"):
        return interval(100 * (ours - low) / (high - low))


def _change(whole: Values, without: Values) -> Cell:
    """The paired difference in percent of the whole system's mean."""
    base = np.nanmean(whole) if np.isfinite(whole).any() else np.nan
    with np.errstate(divide="ignore", invalid="ignore"):
        return interval(100 * (without - whole) / base)


def _by_night(name: str, rows: Sequence[Mapping[str, Any]]) -> list[Cell]:
    """The measure of each night."""
    of = BY_NAME[name].of
    return [interval(np.array([of(row["nights"][night]) for row in rows])) for night in range(len(rows[0]["nights"]))]
