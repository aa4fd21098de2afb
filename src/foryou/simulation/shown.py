"""Simulations on the screen: how far they are, and tables of what came out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from foryou.screen import console
from foryou.simulation.compared import BY_NAME, MEASURES, Cell, Measure

HEADS = {"good_rate": "good watches", "good": "all nights", "expected": "true chance", "watched_s": "s a session"} | {
    "first_exits": "first sessions left",
    "second_good": "second sessions good",
    "found": "new ones found",
    "impressions": "views to find one",
    "entropy": "topics, bits",
    "small": "small creators",
}

CHANGED = tuple(measure.name for measure in MEASURES if measure.better and measure.name in HEADS)
"""Measures whose change is told when a part is left out."""


def results(result: Mapping[str, Any]) -> None:
    """One table a world, and under it what leaving out parts changes."""
    for name, of_world in result["worlds"].items():
        console.print(_arms(name, of_world, result))
        for measure, cell in of_world["way"].items():
            console.print(f"  from popularity to the oracle, by {BY_NAME[measure].doc}: {way(cell)}")
        repeats = sum(arm["repeats"]["value"] or 0 for arm in of_world["arms"].values())
        console.print(f"  plays of a video shown before: {repeats:.0f}\n")
        if of_world["without"]:
            console.print(_ablation(name, of_world["without"]))


def _arms(name: str, of_world: Mapping[str, Any], result: Mapping[str, Any]) -> Table:
    title = f"{name} ({of_world['world']}): {result['nights']} nights, {result['seeds']} seeds"
    table = Table(title=title, title_justify="left")
    table.add_column("arm", no_wrap=True)
    for head in HEADS.values():
        table.add_column(head, justify="right")
    for arm, measures in of_world["arms"].items():
        table.add_row(arm, *(cell(BY_NAME[measure], measures[measure]) for measure in HEADS))
    return table


def _ablation(name: str, without: Mapping[str, Mapping[str, Cell]]) -> Table:
    """Differences in percent of the whole system, paired by seed."""
    table = Table(title=f"{name}: what leaving out a part changes, in % of foryou", title_justify="left")
    table.add_column("part", no_wrap=True)
    for measure in CHANGED:
        table.add_column(HEADS[measure], justify="right")
    for arm, changes in without.items():
        table.add_row(arm.removeprefix("without "), *(way(changes[measure]) for measure in CHANGED))
    return table


def cell(measure: Measure, found: Cell) -> str:
    """A value and half the width of its interval: `16.5 % ±0.3`."""
    if found["value"] is None:
        return "–"
    scale = 100 if measure.percent else 1
    digits = 1 if measure.percent or abs(found["value"]) < 1_000 else 0
    half = "" if found["high"] is None else f" ±{scale * (found['high'] - found['value']):,.{digits}f}"  # type: ignore[operator]
    return f"{scale * found['value']:,.{digits}f}{' %' if measure.percent else ''}{half}"


def way(found: Cell) -> str:
    """Percents and half the width of their interval: `+12.3 % ±2.2`."""
    if found["value"] is None:
        return "–"
    half = "" if found["high"] is None else f" ±{found['high'] - found['value']:.1f}"
    return f"{found['value']:+.1f} %{half}"
