"""Plots as plain geometry: numbers in, coordinates out; the page draws them as SVG in its own colours.

All coordinates are in the units of a drawing WIDTH wide and HEIGHT high, with y growing downwards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import floor, isfinite, log10

from foryou.report.words import number, short_number

WIDTH, HEIGHT = 360, 170
LEFT, RIGHT, TOP, BOTTOM = 44, 352, 12, 146
_ENOUGH_TICKS = 4
_WIDEST = 48


@dataclass(frozen=True)
class Mark:
    """A tick: where it stands along its axis, and what is written there."""

    at: float
    label: str


@dataclass(frozen=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    label: str
    last: bool


@dataclass(frozen=True)
class Bars:
    title: str
    bars: tuple[Bar, ...]
    ticks: tuple[Mark, ...]
    days: tuple[Mark, ...]


@dataclass(frozen=True)
class Line:
    """One ranking over the days: `path` and `band` are SVG path data, `dots` its nights."""

    name: str
    path: str
    band: str
    dots: tuple[tuple[float, float, str], ...]
    newest: str


@dataclass(frozen=True)
class Lines:
    title: str
    lines: tuple[Line, ...]
    ticks: tuple[Mark, ...]
    days: tuple[Mark, ...]


Point = tuple[date, float, float | None, float | None]
"""A day, the value and the ends of its interval, if it has one."""


def bars(title: str, values: Mapping[date, int]) -> Bars:
    """One bar a day, from zero; days without a value between the first and the last stay empty."""
    days = sorted(values)
    span = (days[-1] - days[0]).days + 1
    step = (RIGHT - LEFT) / span
    steps = ticks(0, max(1, *values.values()))
    top = max(steps[-1], *values.values())
    drawn = tuple(
        _bar(day, values[day], LEFT + step * (day - days[0]).days, step, top, day == days[-1]) for day in days
    )
    marks = tuple(Mark(bar.x + bar.width / 2, f"{day:%m-%d}") for bar, day in zip(drawn, days, strict=True))
    return Bars(title, drawn, _levels(steps, 0, top, short_number), _few(marks))


def lines(title: str, series: Mapping[str, Sequence[Point]]) -> Lines:
    """One line per name over the days, with a band where there are intervals."""
    points = [point for line in series.values() for point in line]
    days = sorted({point[0] for point in points})
    ends = [end for _, *numbers in points for end in numbers if end is not None and isfinite(end)]
    steps = ticks(min(ends), max(ends))
    low, high = min(min(ends), steps[0]), max(max(ends), steps[-1])
    places = {day: _across(day, days) for day in days}
    drawn = tuple(_line(name, sorted(line), places, low, high) for name, line in series.items())
    marks = tuple(Mark(places[day], f"{day:%m-%d}") for day in days)
    digits = max(1, -floor(log10(steps[1] - steps[0]) + 1e-9))
    return Lines(title, drawn, _levels(steps, low, high, lambda value: f"{value:.{digits}f}"), _few(marks))


def ticks(low: float, high: float) -> list[float]:
    """Two to six round numbers (1, 2 or 5 times a power of ten apart) that enclose low and high.

    >>> ticks(0, 87)
    [0.0, 50.0, 100.0]
    """
    if high <= low:
        low, high = low - 0.05, high + 0.05
    raw = (high - low) / _ENOUGH_TICKS
    power = 10.0 ** floor(log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * (1 - 1e-9))
    first, last = floor(low / step + 1e-9), -floor(-high / step + 1e-9)
    return [round(place * step, 10) for place in range(first, last + 1)]


def _bar(day: date, value: int, x: float, step: float, top: float, last: bool) -> Bar:
    """A bar in the middle of its day's part of the width: over three quarters of it, unless that looks like a wall."""
    y, width = _up(value, 0, top), min(step * 0.76, _WIDEST)
    return Bar(_r(x + (step - width) / 2), y, _r(width), _r(BOTTOM - y), f"{day}: {value:,}", last)


def _line(name: str, points: Sequence[Point], places: Mapping[date, float], low: float, high: float) -> Line:
    at = [(places[day], _up(value, low, high)) for day, value, _, _ in points]
    with_band = [point for point in points if point[2] is not None and point[3] is not None]
    upper = [(places[day], _up(end or 0.0, low, high)) for day, _, _, end in with_band]
    lower = [(places[day], _up(end or 0.0, low, high)) for day, _, end, _ in with_band]
    dots = tuple((x, y, f"{name}, {point[0]}: {_told(point)}") for (x, y), point in zip(at, points, strict=True))
    band = _path([*upper, *reversed(lower)]) + "Z" if len(with_band) > 1 else ""
    return Line(name, _path(at), band, dots, number(points[-1][1]))


def _told(point: Point) -> str:
    _, value, low, high = point
    return number(value) if low is None or high is None else f"{number(value)} ({number(low)} to {number(high)})"


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in points)


def _across(day: date, days: Sequence[date]) -> float:
    """Where a day stands between the first and the last; in the middle if there is only one."""
    span = (days[-1] - days[0]).days
    share = (day - days[0]).days / span if span else 0.5
    return _r(LEFT + 10 + share * (RIGHT - LEFT - 20))


def _up(value: float, low: float, high: float) -> float:
    return _r(BOTTOM - (value - low) / (high - low) * (BOTTOM - TOP))


def _levels(steps: Sequence[float], low: float, high: float, told: Callable[[float], str]) -> tuple[Mark, ...]:
    return tuple(Mark(_up(value, low, high), told(value)) for value in steps)


def _few(marks: Sequence[Mark]) -> tuple[Mark, ...]:
    """So many of the marks that their labels do not touch; always the last one."""
    stride = -(-len(marks) // 5)
    return tuple(reversed(marks[::-1][::stride]))


def _r(value: float) -> float:
    return round(value, 2)
