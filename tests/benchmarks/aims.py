"""What the product is meant to reach, compared with what was measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from foryou import steps

Result = dict[str, Any]


@dataclass(frozen=True)
class Aim:
    """One aim: what was measured, in words what was wanted, and whether it is met (None: not measured)."""

    name: str
    wanted: str
    found: str
    met: bool | None


def aims(result: Result) -> list[Aim]:
    """The aims of a size, in the order of the page."""
    programs, quality = result["programs"], result.get("quality", {}).get("rankings", {})
    return [*_times(result["size"], programs), *_memory(programs), *_lists(quality), *_quality(quality)]


def step_seconds(program: Result | None, *names: str) -> float | None:
    """Seconds of these steps of a program; None where they were not measured."""
    rows = [row["seconds"] for row in (program or {}).get("steps", []) if row["step"] in names]
    return sum(rows) if rows else None


def _times(size: str, programs: Result) -> list[Aim]:
    night, first = programs.get("night"), programs.get("first_load")
    limits = {"1m": {"night": 45.0}, "10m": {"night": 120.0, "first_load": 300.0, "scoring": 26.0}}.get(size, {})
    stretch = {"10m": {"night": 60.0, "scoring": 16.0}}.get(size, {})
    found = {
        "night": _seconds(night),
        "first_load": _seconds(first),
        "scoring": step_seconds(night, "build_candidates"),
    }
    words = {"night": "a night", "first_load": "first load", "scoring": "scoring (build_candidates)"}
    rows = [_below(words[name], limit, found[name], "s", stretch.get(name)) for name, limit in limits.items()]
    rows += [_longest_later_step(night)] if night else []
    bare = step_seconds(programs.get("bare"), "train")
    limit = round(1.1 * bare, 1) if bare else None
    name = "training (train_factors, with MLflow and writing)"
    return [*rows, _below(name, limit, step_seconds(night, "train_factors"), "s", None)]


FIRST_STEPS = (
    "build_missing_days",
    "build_catalogue",
    "build_events",
    "build_views",
    "build_interactions",
    "build_content",
    "evaluate_factors",
    "train_factors",
    "build_popular",
    "build_candidates",
    "build_feeds",
    "publish",
    "report",
)
"""The steps of the first version; each that came later may cost a tenth of the night."""


def _longest_later_step(night: Result) -> Aim:
    later = {row["step"]: row["seconds"] for row in night["steps"] if row["step"] in _later_steps()}
    longest = max(later, key=lambda name: later[name], default="")
    told = f"the longest later step ({longest})" if longest else "the longest later step"
    return _below(told, round(night["seconds"] / 10, 1), later.get(longest), "s", None)


def _later_steps() -> set[str]:
    return {step.name for step in steps.STEPS} - set(FIRST_STEPS)


def _memory(programs: Result) -> list[Aim]:
    names = [name for name in ("night", "first_load", "night_jobs") if name in programs]
    return [
        _below(f"peak memory, {name.replace('_', ' ')}", 8.0, programs[name]["peak_gib"], "GiB", None) for name in names
    ]


def _lists(quality: Result) -> list[Aim]:
    judged = [name for name in ("ours_feeds", "ours_candidates") if name in quality]
    faults = ("seen", "short_lists", "not_to_be_shown")
    return [
        _below(f"{name}: {fault}".replace("_", " "), 0, quality[name][fault], "", None)
        for name in judged
        for fault in faults
    ]


def _quality(quality: Result) -> list[Aim]:
    rows = []
    for measure in ("truth@20", "truth@100", "recall@20", "recall@100"):
        best = max((quality[name].get(measure, 0.0) for name in ("textbook", "bare") if name in quality), default=None)
        mine = quality.get("ours_feeds", {}).get(measure)
        met = None if best is None or mine is None else mine >= best
        rows.append(Aim(f"{measure} of the feeds", f"at least {_figure(best)} (references)", _figure(mine), met))
    return rows


def _below(name: str, limit: float | None, found: float | None, unit: str, stretch: float | None) -> Aim:
    told = f"at most {_figure(limit)} {unit}".strip() + (f" (stretch {_figure(stretch)})" if stretch else "")
    met = None if limit is None or found is None else found <= limit
    return Aim(name, told, f"{_figure(found)} {unit}".strip(), met)


def _seconds(program: Result | None) -> float | None:
    return program["seconds"] if program else None


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.4f}" if 0 < value < 1 else f"{value:,.1f}".removesuffix(".0")
