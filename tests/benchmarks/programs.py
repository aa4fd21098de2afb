"""The programs that are measured, each as a record of seconds, memory and steps."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from foryou import steps
from tests.benchmarks import watch
from tests.benchmarks.watch import Say
from tests.benchmarks.worlds import Size

ROOT = Path(__file__).parents[2]
FORYOU = str(Path(sys.executable).with_name("foryou"))
EXTRAPOLATED = "recommend, filter, write"
"""The textbook's step whose cost grows with the viewers it recommends for."""

Record = dict[str, Any]


def bare(size: Size, landing: Path, work: Path, say: Say) -> Record:
    """Reference b, see `bare.py`."""
    return _reference("bare", size, landing, work, say, [])


def textbook(size: Size, landing: Path, work: Path, say: Say) -> Record:
    """Reference a, see `textbook.py`; `seconds_all` is what serving every viewer would take, extrapolated."""
    record = _reference("textbook", size, landing, work, say, ["--sample", str(size.sample)])
    notes = record["notes"]
    served = next(row["seconds"] for row in record["steps"] if row["step"] == EXTRAPOLATED)
    more = served * (notes["viewers"] / max(1, notes["viewers_served"]) - 1)
    return record | {"seconds_all": round(record["seconds"] + more, 1), "extrapolated": size.sample > 1}


def ours(size: Size, landing: Path, work: Path, say: Say) -> dict[str, Record]:
    """First load, a night in one process, and the same night with one process per job, on a copy of the lake."""
    lake, copy = work / "lake", work / "lake_jobs"
    for folder in (lake, copy):
        shutil.rmtree(folder, ignore_errors=True)
    *_, before, last = size.dates
    records = {"first_load": _night("first load", before, landing, lake, size.limit_s, say)}
    say("copying the lake for the night of one process per job")
    shutil.copytree(lake, copy, symlinks=True)
    records["night"] = _night("night", last, landing, lake, size.limit_s, say)
    records["night_jobs"] = _night_of_jobs(last, landing, copy, size.limit_s, say)
    shutil.rmtree(copy, ignore_errors=True)
    return records


def _reference(name: str, size: Size, landing: Path, work: Path, say: Say, more: list[str]) -> Record:
    out = work / name
    shutil.rmtree(out, ignore_errors=True)
    arguments = ["--landing", str(landing), "--until", size.dates[-1].isoformat(), "--out", str(out), *more]
    command = [sys.executable, "-m", f"tests.benchmarks.{name}", *arguments]
    watched = watch.run(name, command, work / f"{name}.log", size.limit_s, say)
    told = json.loads((out / "steps.json").read_text())
    return watched.record(told["steps"], notes=told["notes"])


def _night(name: str, day: date, landing: Path, lake: Path, limit_s: float, say: Say) -> Record:
    """One `foryou nightly`, with the journal's steps of every day that it built."""
    known = set(_journal(lake))
    command = [FORYOU, "nightly", "--landing", str(landing), "--lake", str(lake), "--day", str(day), "--json"]
    log = lake.with_name(f"{name.replace(' ', '_')}.log")
    watched = watch.run(name, command, log, limit_s, say, lambda: _latest(lake))
    entries = [json.loads(path.read_text()) for path in _journal(lake) if path not in known]
    return watched.record(entries, notes=_notes(entries, day))


def _night_of_jobs(day: date, landing: Path, lake: Path, limit_s: float, say: Say) -> Record:
    """The night as a scheduler runs it: the processes of the plan, each with its own Python and Spark, in order."""
    jobs = {"build_missing_days": ()} | steps.processes()
    rows: list[Record] = []
    peak, cpu_s, others = 0.0, 0.0, 0.0
    for name, own in jobs.items():
        command = [sys.executable, f"jobs/{name}.py", "--day", str(day), "--landing", str(landing), "--lake", str(lake)]
        then = [step.name for step in own if step.name != name]
        log = lake.with_name(f"job_{name}.log")
        watched = watch.run(name, command + [text for other in then for text in ("--then", other)], log, limit_s, say)
        held = round(watched.sampler.peak_bytes() / watch.GIB, 2)
        rows.append(
            {"step": " + ".join([name, *then]), "seconds": round(watched.seconds, 1), "peak_gib": held, "runs": 1}
        )
        peak, cpu_s = max(peak, held), cpu_s + watched.cpu_s
        others += watched.others_cores * watched.seconds
    seconds = sum(row["seconds"] for row in rows)
    totals = {"seconds": round(seconds, 1), "peak_gib": peak, "cpu_s": round(cpu_s, 1)}
    return totals | {"others_cores": round(others / seconds, 2), "steps": rows, "notes": {"processes": len(jobs)}}


def _latest(lake: Path) -> str:
    """The step that was finished last, as the journal knows it."""
    entries = sorted(_journal(lake), key=lambda path: path.stat().st_mtime)
    return f"{entries[-1].parent.name} {entries[-1].stem} is done" if entries else ""


def _journal(lake: Path) -> list[Path]:
    return sorted((lake / "_nights").glob("*/*.json"))


def _notes(entries: list[Record], day: date) -> Record:
    """What the steps of the night itself had to say, by step, and what the night fell back on."""
    tonight = [entry for entry in entries if entry["day"] == day.isoformat()]
    degraded = [f"{entry['step']}: {reason}" for entry in tonight for reason in entry.get("degraded", [])]
    days = len({entry["day"] for entry in entries})
    return {"days": days, "degraded": degraded} | {entry["step"]: entry["notes"] for entry in tonight}


PROGRAMS: dict[str, Callable[..., Any]] = {"bare": bare, "textbook": textbook, "ours": ours}
