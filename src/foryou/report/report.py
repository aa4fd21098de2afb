"""The night's report: one HTML page that needs nothing but itself, for whoever is woken at night."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from foryou import tables
from foryou.plain_text import plain_text
from foryou.report import plots, status, tiles, words
from foryou.report.facts import Facts, Rows

_FOLDER = Path(__file__).parent
_PLOTTED = ("auc_exposed", "recall@100", "ndcg@100", "recall@20", "ndcg@20")
"""Measures worth a plot, most trusted first; the first three that are there get one."""
DEPTH = 20
_RANKINGS = ("factors", "popularity", "baseline")
_COUNTED = {"events": "Sound events", "views": "Views", "viewers": "Viewers served"}
_RELEASES = 10


def page(facts: Facts) -> str:
    """The report of a night as HTML; equal facts give equal text, and nothing in them can act as markup."""
    style = (_FOLDER / "page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    found, judged = status.status(facts), measures(facts, _RANKINGS)
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            facts=facts,
            style=Markup(style),  # noqa: S704 - a file of ours
            style_digest=digest,
            status=found,
            live=live(facts.releases),
            steps=status.ran(facts),
            tiles=tiles.tiles(facts, judged),
            lines_read=tiles.lines_read(facts),
            bad_lines=tiles.bad_lines(facts),
            rejected=_rejected(facts),
            measures=judged,
            slices=_slices(facts),
            explored=_explored(facts),
            cold_measures=measures(facts, ("predicted", "content")),
            quality_plots=_quality_plots(facts.evaluations),
            count_plots=[plots.bars(_COUNTED[name], days) for name, days in facts.counts.items() if days],
            checks=sorted_checks(facts.checks),
            releases=_newest(facts.releases),
            leads=_leads(facts),
            clusters={kind: _largest(facts.clusters, kind) for kind in tables.CLUSTER_KINDS},
            fairness=[dict(row) | {"told": words.FAIRNESS.get(row["measure"], "")} for row in facts.fairness],
            sources=[*zip(tables.SOURCES, facts.mix.found, strict=True)] if facts.mix else [],
        )
    )


def live(releases: Rows) -> Mapping[str, Any] | None:
    """The release that readers get now, if there is one."""
    return next((release for release in releases if release["state"] == "live"), None)


def measures(facts: Facts, rankings: tuple[str, ...] = _RANKINGS, part: str | None = None) -> list[dict[str, Any]]:
    """One row per kind of measure of the day that a ranking has: `name`, `told`, a row or None by ranking, `verdict`.

    The verdict holds the first ranking against the second. Of a measure at several depths the row is that of the first
    `DEPTH` places; `others` holds those at the other ones. `part` is a slice of viewers or videos, None all.
    """
    today = {
        (row["ranking"], row["measure"]): row
        for row in facts.evaluations
        if row["day"] == facts.day and row["slice"] == part
    }
    names = sorted({name for ranking, name in today if ranking in rankings}, key=words.measure_place)
    rows = [_measure(name, {ranking: today.get((ranking, name)) for ranking in rankings}) for name in names]
    return [_at_depths([*same]) for _, same in groupby(rows, key=lambda row: row["name"].partition("@")[0])]


def _at_depths(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Rows of one kind of measure as one."""
    chief = next((row for row in rows if row["name"].endswith(f"@{DEPTH}")), rows[0])
    return chief | {"others": [row for row in rows if row is not chief]}


def _slices(facts: Facts) -> list[dict[str, Any]]:
    """Of each slice of the day the measure to trust first, under the slice's name."""
    names = sorted({row["slice"] for row in facts.evaluations if row["day"] == facts.day and row["slice"]})
    first = [(name, row) for name in names for row in measures(facts, part=name) if row["name"] == _PLOTTED[0]]
    return [row | {"name": name, "told": ""} for name, row in first]


def _explored(facts: Facts) -> list[dict[str, Any]]:
    """One row per way to draw videos under test: its name and words for it, and a row or None by measure."""
    told = {"explored": "as they were drawn"} | {f"explored_{name}": how for name, how in tables.POLICIES.items()}
    today = {(row["ranking"], row["measure"]): row for row in facts.evaluations if row["day"] == facts.day}
    measures_of = {
        name: {measure.removeprefix("off_policy_"): row for (ranking, measure), row in today.items() if ranking == name}
        for name in told
    }
    return [{"name": name, "told": told[name]} | found for name, found in measures_of.items() if "snips" in found]


def verdict(ours: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> str:
    """`better` or `worse` only where the two intervals are apart; without intervals `higher`, `lower` or `equal`."""
    if ours is None or other is None:
        return ""
    ends = [row[end] for row in (ours, other) for end in ("low", "high")]
    if any(end is None for end in ends):
        return ("equal", "higher", "lower")[(ours["value"] > other["value"]) - (ours["value"] < other["value"])]
    if ours["low"] > other["high"]:
        return "better"
    return "worse" if ours["high"] < other["low"] else "no clear difference"


def sorted_checks(checks: Rows) -> dict[str, list[Mapping[str, Any]]]:
    """The checks as `failed` (those that stop the night first), `overridden` and `passed`."""
    ordered = sorted(checks, key=lambda row: (not row["gates"], row["step"], row["table"], row["expectation"]))
    failed = [row for row in ordered if not row["passed"]]
    return {
        "failed": [row for row in failed if not row["override"]],
        "overridden": [row for row in failed if row["override"]],
        "passed": [row for row in ordered if row["passed"]],
    }


def _measure(name: str, rows: dict[str, Mapping[str, Any] | None]) -> dict[str, Any]:
    first, second, *_ = rows.values()
    found = verdict(first, second)
    if name.partition("@")[0] in words.NEITHER:
        found = {"better": "higher", "worse": "lower"}.get(found, found)
    return {"name": name, "told": words.measure(name), **rows, "verdict": found}


def _rejected(facts: Facts) -> list[dict[str, Any]]:
    """Refused lines by reason, most frequent first, with their share of all lines read."""
    read = tiles.lines_read(facts)
    ordered = sorted(facts.rejected.items(), key=lambda item: (-item[1], item[0]))
    return [
        {
            "reason": reason,
            "told": words.REJECTED.get(reason, ""),
            "rows": rows,
            "share": rows / read,
            "bad": reason not in facts.tolerated,
        }
        for reason, rows in ordered
    ]


def _quality_plots(evaluations: Rows) -> list[plots.Lines]:
    held = {row["measure"] for row in evaluations if row["slice"] is None}
    return [_quality_plot(name, evaluations) for name in [name for name in _PLOTTED if name in held][:3]]


def _quality_plot(measure: str, evaluations: Rows) -> plots.Lines:
    series: dict[str, list[plots.Point]] = {}
    for ranking in ("factors", "popularity"):
        points = [
            (row["day"], row["value"], row["low"], row["high"])
            for row in evaluations
            if (row["measure"], row["ranking"], row["slice"]) == (measure, ranking, None)
        ]
        if points:
            series[ranking] = points
    return plots.lines(measure, series)


def _newest(releases: Rows) -> Sequence[Mapping[str, Any]]:
    newest = sorted(releases, key=lambda row: (row["published_at"], row["release_id"]), reverse=True)
    return [{**row, "counts": dict(row["counts"] or {})} for row in newest[:_RELEASES]]


def _largest(clusters: Rows, kind: str) -> list[Mapping[str, Any]]:
    own = [row for row in clusters if row["kind"] == kind]
    return sorted(own, key=lambda row: (-row["size"], row["cluster"]))


def _leads(facts: Facts) -> list[dict[str, Any]]:
    """What led to the videos in tonight's feeds: share of all places, and of each feed's first ten."""
    if facts.mix is None or not facts.mix.places:
        return []
    first, places = sum(facts.mix.first_leads), facts.mix.places
    told = zip(facts.reasons, facts.mix.leads, facts.mix.first_leads, strict=True)
    return [
        {"code": code, "told": words.LEADS.get(code, ""), "share": all_places / places, "first": head / first}
        for code, all_places, head in told
    ]


def _finalized(value: Any) -> Any:
    """Texts come from the log and the catalogue: markup is escaped, and nothing may turn a line around either."""
    return plain_text(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        finalize=_finalized,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": words.number,
        "percent": words.percent,
        "seconds": words.seconds,
        "plain": words.plain,
    }
    environment.globals |= {"plot": plots}
    return environment
