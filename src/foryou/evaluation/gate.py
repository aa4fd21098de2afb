"""Whether a challenger may take the champion's place: only where it is not worse (DESIGN §7, judging).

A test of non-inferiority on paired differences: overall and in every slice the lower bound of challenger less champion
must lie above a small loss. Bounds are `difference ± z · error`, errors of the Poisson bootstrap.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from foryou.evaluation import intervals
from foryou.settings import Evaluation

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]

PASSED, FAILED, UNTOLD = "passed", "failed", "too few to tell"
OVERALL = "overall"
_EQUAL_PASSES = 0.9
"""A slice decides where an equal challenger would pass with at least this chance; in others noise alone refuses it."""


@dataclass(frozen=True)
class Row:
    """One slice: what came out, means of both, their `difference` with its one-sided bounds, the `least` allowed."""

    slice: str
    outcome: str
    viewers: int
    champion: float
    challenger: float
    difference: float
    low: float
    high: float
    least: float

    def told(self) -> str:
        """The row in words; shares are of the champion's mean."""
        of = self.champion or 1.0
        return (
            f"{self.slice}: {self.difference / of:+.1%} ({self.low / of:+.1%} to {self.high / of:+.1%}), "
            f"wanted above {self.least / of:+.1%}, {self.viewers:,} viewers"
        )


@dataclass(frozen=True)
class Decision:
    """Whether the challenger is accepted, `why` in words, and the table it rests on: overall first, then slices."""

    accepted: bool
    why: str
    rows: tuple[Row, ...] = ()


def decide(
    champion: Values,
    challenger: Values,
    slices: Mapping[str, Mask],
    settings: Evaluation,
    weights: Values | None = None,
) -> Decision:
    """Judges values of the same viewers [viewers]: AUC, recall, ...; larger is better.

    weights: what each viewer counts; ones if not given. For a pooled ratio give hits / whole as the values and whole as
    the weights (`metrics.weighted_hits`). Slices of fewer than `min_slice_viewers` are left out; those that are too
    noisy to tell the loss allowed refuse only a challenger that is worse beyond doubt. Bounds of slices are Holm's
    (1979): the clearest of m slices at `gate_chance / m`, the last at `gate_chance`.
    Raises ValueError where the arguments are of different viewers.
    """
    counts = np.ones(len(champion)) if weights is None else weights
    if any(each.shape != champion.shape for each in (challenger, counts, *slices.values())):
        raise ValueError(f"wanted values of the same viewers, found {champion.shape} and {challenger.shape}")
    if not all(np.isfinite(each).all() for each in (champion, challenger, counts)):
        return Decision(False, "refused: there are values that are not finite")
    if np.count_nonzero(counts) < 2:
        return Decision(False, "refused: there is nobody to judge by")
    kept = {name: of for name, of in slices.items() if (of & (counts > 0)).sum() >= settings.min_slice_viewers}
    parts = {OVERALL: np.ones(len(champion), bool)} | kept
    rows = _rows(champion, challenger, counts, parts, settings)
    failed = [row for row in rows if row.outcome != PASSED and (row.outcome == FAILED or row.slice == OVERALL)]
    if failed:
        return Decision(False, f"refused: {'; '.join(row.told() for row in failed)}", rows)
    return Decision(True, f"not worse: {rows[0].told()}", rows)


def holm(chances: Values, level: float) -> Values:
    """The level at which each of the tests is held, by their chances under the null: level / m for the least, ..."""
    levels = np.empty(len(chances))
    levels[np.argsort(chances, kind="stable")] = level / np.arange(len(chances), 0, -1)
    return levels


def _rows(
    champion: Values, challenger: Values, counts: Values, parts: Mapping[str, Mask], settings: Evaluation
) -> tuple[Row, ...]:
    weight = np.stack([*parts.values()], axis=1) * counts[:, None]
    means = [(weight * each[:, None]).sum(axis=0) / weight.sum(axis=0) for each in (champion, challenger)]
    difference = means[1] - means[0]
    drawn = intervals.resampled(weight * (challenger - champion)[:, None], weight, seed=settings.seed)
    error = np.nanstd(drawn, axis=0, ddof=1)
    shares = np.full(len(parts), settings.gate_slice_loss_share)
    shares[0] = settings.gate_loss_share
    least = -shares * np.abs(means[0])
    levels = np.array([settings.gate_chance, *holm(_chances(difference - least, error)[1:], settings.gate_chance)])
    z = np.array([NormalDist().inv_cdf(1 - level) for level in levels])
    outcomes = _outcomes(difference, error, least, z)
    viewers = np.count_nonzero(weight, axis=0).tolist()
    numbers = np.stack([*means, difference, difference - z * error, difference + z * error, least], axis=1).tolist()
    return tuple(
        Row(name, outcome, count, *of)
        for name, outcome, count, of in zip(parts, outcomes, viewers, numbers, strict=True)
    )


def _chances(above: Values, error: Values) -> Values:
    """How likely a difference that far above what is allowed is, if it truly were just not allowed."""
    return np.array([1 - NormalDist(0, max(sigma, 1e-300)).cdf(x) for x, sigma in zip(above, error, strict=True)])


def _outcomes(difference: Values, error: Values, least: Values, z: Values) -> list[str]:
    passed = difference - z * error >= least
    able = (z + NormalDist().inv_cdf(_EQUAL_PASSES)) * error <= -least
    worse = difference + z * error < 0
    return [str(each) for each in np.select([passed, able | worse], [PASSED, FAILED], UNTOLD)]
