"""Runs one program as a fresh process and watches it from outside: seconds, memory of its whole tree, its words."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from typing import Any

from tests.benchmarks.memory import Sampler, busy_s

GIB = 1 << 30
SILENCE_S = 5.0
"""A program that says nothing for so long is reported with its seconds and memory."""

Say = Callable[[str], None]


class ProgramFailed(Exception):
    """A program ended with another code than 0, or did not end in time."""


@dataclass(frozen=True)
class Watched:
    """What one run of a program took. `others_cores` is what everything else on the machine used meanwhile."""

    seconds: float
    cpu_s: float
    others_cores: float
    sampler: Sampler
    output: str

    def record(self, entries: Iterable[dict[str, Any]], **more: Any) -> dict[str, Any]:
        """The run as it is kept, with one row per step; entries need `step, started_at, finished_at`."""
        return {
            "seconds": round(self.seconds, 1),
            "peak_gib": round(self.sampler.peak_bytes() / GIB, 2),
            "cpu_s": round(self.cpu_s, 1),
            "others_cores": round(self.others_cores, 2),
            "steps": _by_step(entries, self.sampler),
            **more,
        }


def run(name: str, command: list[str], log: Path, limit_s: float, say: Say, doing: Callable[[], str] = str) -> Watched:
    """Runs the command; its words go to `log`, and line by line to `say`, with those of `doing` where it is silent.

    Raises ProgramFailed.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    started, busy = time.monotonic(), busy_s()
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "ignore"},
    )
    try:
        with Sampler(process.pid) as sampler:
            output = _listen(name, process, sampler, started + limit_s, say, doing)
    finally:
        _end(process)
    seconds = time.monotonic() - started
    log.write_text(output, encoding="utf-8")
    if process.returncode != 0:
        raise ProgramFailed(
            f"{name} ended with {process.returncode} after {seconds:.0f} s; its last words:\n{_tail(output)}"
        )
    others = max(0.0, busy_s() - busy - sampler.cpu_s) / seconds
    return Watched(seconds, sampler.cpu_s, others, sampler, output)


def _listen(
    name: str,
    process: subprocess.Popen[str],
    sampler: Sampler,
    deadline: float,
    say: Say,
    doing: Callable[[], str],
) -> str:
    """Passes lines on until the program ends or its time is over; gives all of them."""
    lines: Queue[str | None] = Queue()
    threading.Thread(target=_read, args=(process, lines), daemon=True).start()
    kept: list[str] = []
    started = time.monotonic()
    while time.monotonic() < deadline:
        told = f"{name}: {time.monotonic() - started:4.0f} s, {sampler.now_bytes / GIB:4.1f} GiB"
        try:
            line = lines.get(timeout=SILENCE_S)
        except Empty:
            say(f"{told}  {doing()}")
            continue
        if line is None:
            process.wait(timeout=60)
            return "".join(kept)
        kept.append(line)
        if _is_progress(line):
            say(f"{told}  {line.strip()[:100]}")
    return "".join(kept) + f"\nstopped: not done in time ({name})\n"


def _read(process: subprocess.Popen[str], lines: Queue[str | None]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        lines.put(line)
    lines.put(None)


def _is_progress(line: str) -> bool:
    """Short words of the program itself, not the warnings of Spark's libraries nor the JSON at the end."""
    noise = ("WARN", "Setting default", "To adjust", "Using ", "netlib", "{", "}", '"', "WARNING:")
    return bool(line.strip()) and not line.startswith(" ") and not any(word in line for word in noise)


def _end(process: subprocess.Popen[str]) -> None:
    """Ends what is left of the program's own process group."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _by_step(entries: Iterable[dict[str, Any]], sampler: Sampler) -> list[dict[str, Any]]:
    """Seconds added up and the highest memory, by step, in the order of their first start."""
    rows: dict[str, dict[str, Any]] = {}
    for entry in sorted(entries, key=lambda entry: entry["started_at"]):
        row = rows.setdefault(entry["step"], {"step": entry["step"], "seconds": 0.0, "peak_gib": 0.0, "runs": 0})
        peak = sampler.peak_bytes(entry["started_at"], entry["finished_at"]) / GIB
        row["seconds"] = round(row["seconds"] + entry["finished_at"] - entry["started_at"], 1)
        row["peak_gib"] = max(row["peak_gib"], round(peak, 2))
        row["runs"] += 1
    return list(rows.values())


def _tail(output: str) -> str:
    return "\n".join(output.splitlines()[-15:])
