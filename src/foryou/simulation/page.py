"""Simulations as one offline HTML page in the style of the night's report: tables first, then plots."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from foryou.report import plots
from foryou.simulation import shown
from foryou.simulation.compared import BY_NAME, PLOTTED, Cell
from foryou.simulation.worlds import WARM_DAYS
from foryou.sources.world import WorldParameters

_OWN = Path(__file__).parent
_REPORT = Path(plots.__file__).parent


def write(result: Mapping[str, Any], path: Path) -> Path:
    """Writes the page whole or not at all, and gives back where it lies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(page(result), encoding="utf-8")
    return part.replace(path).absolute()


def page(result: Mapping[str, Any]) -> str:
    """Equal results give equal text."""
    style = (_REPORT / "page.css").read_text(encoding="utf-8") + (_OWN / "page.css").read_text(encoding="utf-8")
    environment = Environment(
        loader=FileSystemLoader([_OWN, _REPORT]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"plot": plots, "cell": shown.cell, "way": shown.way, "measures": BY_NAME}
    return environment.get_template("simulation.html.j2").render(
        result=result,
        heads=shown.HEADS,
        changed=shown.CHANGED,
        style=Markup(style),  # noqa: S704 - files of ours
        style_digest=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        drawings={name: _drawings(of_world["nights"]) for name, of_world in result["worlds"].items()},
    )


def _drawings(nights: Mapping[str, Mapping[str, list[Cell]]]) -> list[plots.Lines]:
    """One plot a measure, one line an arm; nights stand at the days that their feeds were for."""
    first = WorldParameters.first_day + timedelta(days=WARM_DAYS)
    drawn = []
    for measure in PLOTTED:
        series = {
            arm.replace(" ", "-"): [
                (first + timedelta(days=night), cell["value"], cell["low"], cell["high"])
                for night, cell in enumerate(of_arm[measure])
                if cell["value"] is not None
            ]
            for arm, of_arm in nights.items()
        }
        drawn.append(plots.lines(BY_NAME[measure].doc, series))
    return drawn
