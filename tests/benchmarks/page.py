"""The results as tables: one list of tables, shown on the terminal and written as `docs/benchmarks.md`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable

from tests.benchmarks.aims import aims

Result = dict[str, Any]
RESULTS = Path(__file__).parent / "results"
PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"

TITLES = {
    "first_load": "ours: first load, all days but the last",
    "night": "ours: a night, one process",
    "night_jobs": "ours: the same night, one process per job",
    "textbook": "textbook Spark",
    "bare": "bare script",
}
MEASURES = ("truth@20", "truth@100", "sitting@20", "recall@20", "recall@100", "ndcg@20", "ndcg@100")
COUNTS = ("lists", "items", "short_lists", "seen", "repeated", "not_to_be_shown", "videos_in_first_100")

INTRODUCTION = """# Benchmarks

Written by `make bench` (`python -m tests.benchmarks.run --size 1m`); the figures behind it lie in
`tests/benchmarks/results/`. Every program runs as a fresh process on the same landed log of a synthetic world and is
watched from outside: seconds by the wall clock, memory as the proportional set size of its whole process tree, about
every second. `others` is the number of cores that the rest of the machine used meanwhile: figures with more than 0.2
there were not taken alone.

- **first load**: `foryou nightly` on an empty lake, all days of the log but the last, until published.
- **a night**: `foryou nightly` of the last day on that lake: with checks, evaluation, publishing and the report.
- **one process per job**: the same night on a copy of the lake, each task of the DAG in its own Python process with its
  own Spark, one after another.
- **textbook Spark** (`textbook.py`): read.json, dropDuplicates, MLlib ALS, recommendForAllUsers(200), anti-join of what
  was seen, Delta. Redoes everything, checks nothing.
- **bare script** (`bare.py`): DuckDB, `implicit`, parquet on one machine. Redoes everything, checks nothing.

All fit 64 factors in 10 iterations from cold (a night of ours starts warm). Quality is judged on one more day that no
program has seen, and against the world's truth: `truth@k` is the mean probability of a good watch over the first k
places; it is the measure to trust, because the log shows what the world's own policy chose to show, and so recall and
NDCG on it reward imitating that policy, popularity above all. `sitting@20` is truth@20 watched in one sitting, where
people tire of one topic: a list that holds little else loses there.
"""


@dataclass(frozen=True)
class Grid:
    """One table: a title, its head, its rows of text; the first column is words, the others figures."""

    title: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def grids(result: Result) -> list[Grid]:
    """All tables of one size."""
    programs = {name: result["programs"][name] for name in TITLES if name in result["programs"]}
    steps = [_steps(TITLES[name], program) for name, program in programs.items()]
    quality = [_quality(result["quality"]), _faults(result["quality"])] if "quality" in result else []
    return [_programs(programs), _aims(result), *quality, *steps]


def show(result: Result, console: Console) -> None:
    """The tables on a terminal."""
    console.rule(_heading(result))
    for grid in grids(result):
        table = RichTable(*grid.head, title=grid.title, title_justify="left", title_style="bold")
        for column in table.columns[1:]:
            column.justify = "right"
        for row in grid.rows:
            table.add_row(*row, style="red" if row[-1] == "missed" else "")
        console.print(table)


def keep(result: Result) -> Path:
    """Keeps the result of a size, and writes the page from all results that are kept."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{result['size']}.json"
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text("\n".join([INTRODUCTION, *map(_section, kept())]), encoding="utf-8")
    return path


def kept() -> list[Result]:
    """The results of the sizes that matter, largest first; the small one is for trying out."""
    found = [json.loads((RESULTS / f"{name}.json").read_text()) for name in ("10m", "1m") if _has(name)]
    return found or [json.loads((RESULTS / "small.json").read_text())]


def _has(name: str) -> bool:
    return (RESULTS / f"{name}.json").is_file()


def _section(result: Result) -> str:
    machine = result["machine"]
    packages = ", ".join(f"{name} {number}" for name, number in machine["packages"].items())
    text = [f"## {_heading(result)}", ""]
    text += [
        f"Measured on {result['measured_on']}: {machine['cores']} cores ({machine['cpu']}), "
        f"{machine['memory_gib']} GiB, Linux {machine['kernel']}, Java {machine['java']}; {packages}.",
        "",
    ]
    for grid in grids(result):
        text += [f"**{grid.title}**", "", *_markdown(grid), ""]
    return "\n".join(text + _remarks(result))


def _markdown(grid: Grid) -> list[str]:
    rule = ["---"] + ["---:"] * (len(grid.head) - 1)
    return ["| " + " | ".join(cells) + " |" for cells in (grid.head, rule, *grid.rows)]


def _heading(result: Result) -> str:
    world = result["world"]
    return (
        f"{world['events']:,} events, {world['viewers']:,} viewers, {world['videos']:,} videos, {world['days']} days "
        f"(world {world['world']})"
    )


def _programs(programs: Result) -> Grid:
    totals = {name: program.get("seconds_all", program["seconds"]) for name, program in programs.items()}
    rows = []
    for name, program in programs.items():
        star = " *" if program.get("extrapolated") else ""
        ratios = [_ratio(totals[name], totals.get(other)) for other in ("textbook", "bare")]
        seconds = f"{totals[name]:,.1f}{star}"
        held = f"{program['peak_gib']:.2f}"
        rows.append(
            (TITLES[name], seconds, *ratios, held, f"{program['cpu_s']:,.0f}", f"{program['others_cores']:.2f}")
        )
    head = ("program", "seconds", "of textbook", "of bare", "peak GiB", "cpu s", "others")
    return Grid("Programs", head, rows)


def _ratio(mine: float, other: float | None) -> str:
    return f"{mine / other:.2f}" if other else "-"


def _aims(result: Result) -> Grid:
    told = {True: "met", False: "missed", None: "not measured"}
    rows = [(aim.name, aim.wanted, aim.found, told[aim.met]) for aim in aims(result)]
    return Grid("Aims", ("aim", "wanted", "found", ""), rows)


def _quality(quality: Result) -> Grid:
    rows = [(_words(name), *_figures(found, MEASURES, ".4f")) for name, found in quality["rankings"].items()]
    title = f"Quality: means over {quality['viewers']:,} viewers ({quality['held_out_viewers']:,} on the held-out day)"
    return Grid(title, ("lists", *MEASURES), rows)


def _faults(quality: Result) -> Grid:
    judged = {name: found for name, found in quality["rankings"].items() if "lists" in found}
    rows = [(_words(name), *_figures(found, COUNTS, ",")) for name, found in judged.items()]
    return Grid("What the lists hold, all viewers", ("lists", *map(_words, COUNTS)), rows)


def _figures(found: Result, names: Sequence[str], form: str) -> list[str]:
    return [format(found[name], form) if name in found else "-" for name in names]


def _words(name: str) -> str:
    return name.replace("_", " ")


def _steps(title: str, program: Result) -> Grid:
    rows = [
        (row["step"], f"{row['seconds']:,.1f}", f"{row['peak_gib']:.2f}", str(row["runs"])) for row in program["steps"]
    ]
    # A first load's steps stand below the job that ran most of them.
    within = "build_missing_days" if any(row["runs"] > 1 for row in program["steps"]) else ""
    rest = program["seconds"] - sum(row["seconds"] for row in program["steps"] if row["step"] != within)
    rows.append(("start, end and between", f"{rest:,.1f}", "", ""))
    return Grid(f"Steps of {title}", ("step", "seconds", "peak GiB", "runs"), rows)


def _remarks(result: Result) -> list[str]:
    """What the figures themselves do not say."""
    textbook, lines = result["programs"].get("textbook"), []
    if textbook and textbook.get("extrapolated"):
        served, every = textbook["notes"]["viewers_served"], textbook["notes"]["viewers"]
        lines.append(
            f"\\* measured {textbook['seconds']:,.0f} s with recommendations for {served:,} of {every:,} viewers; that "
            "step is extrapolated in proportion to the viewers, the others are as measured."
        )
    for name in ("night", "first_load"):
        slow = sorted(result["programs"].get(name, {}).get("steps", []), key=lambda row: -row["seconds"])[:4]
        if slow:
            told = ", ".join(f"{row['step']} {row['seconds']:,.0f} s" for row in slow)
            lines.append(f"Where the time of {TITLES[name]} goes: {told}.")
    degraded = result["programs"].get("night", {}).get("notes", {}).get("degraded", [])
    lines += [f"The night was degraded: {reason}." for reason in degraded]
    return [line + "\n" for line in lines]
