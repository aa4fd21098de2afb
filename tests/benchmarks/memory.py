"""Memory and processor time of a whole process tree, sampled from /proc (Linux; no package needed)."""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

PROC = Path("/proc")
PAUSE = 40
TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


@dataclass(frozen=True)
class Sample:
    """The tree at one moment (epoch seconds): bytes held, shared pages divided among those that share them."""

    at: float
    bytes: int
    processes: int


@dataclass
class Sampler:
    """Samples the tree below `root` (a process id, itself included) until closed; a context manager.

    `cpu_s` is the processor time of all processes seen, up to one interval short for those that ended. Adding up
    the pages of a large process takes tens of milliseconds, so the pause grows with it: at most one part in
    `PAUSE` of a core goes into watching.
    """

    root: int
    interval_s: float = 0.4
    samples: list[Sample] = field(default_factory=list)
    _cpu: dict[int, float] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Sampler:
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def now_bytes(self) -> int:
        return self.samples[-1].bytes if self.samples else 0

    @property
    def cpu_s(self) -> float:
        return sum(list(self._cpu.values()))

    def peak_bytes(self, started_at: float = 0.0, finished_at: float = float("inf")) -> int:
        """The most that was held between two moments, the first sample after them included: a step may be short."""
        begun = [one for one in self.samples if one.at >= started_at]
        within = sum(one.at <= finished_at for one in begun)
        return max((one.bytes for one in begun[: within + 1]), default=0)

    def _watch(self) -> None:
        while not self._stop.is_set():
            spent = time.thread_time()
            tree = processes_below(self.root)
            self._cpu |= tree
            held = sum(held_bytes(pid) for pid in tree)
            self.samples.append(Sample(time.time(), held, len(tree)))
            self._stop.wait(max(self.interval_s, PAUSE * (time.thread_time() - spent)))


def processes_below(root: int) -> dict[int, float]:
    """Process ids of the tree with the processor seconds of each."""
    children: dict[int, list[int]] = defaultdict(list)
    cpu_s = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (found := _stat(entry)):
            parent, seconds = found
            children[parent].append(int(entry.name))
            cpu_s[int(entry.name)] = seconds
    tree, waiting = {}, [root]
    while waiting:
        pid = waiting.pop()
        if pid in cpu_s:
            tree[pid] = cpu_s[pid]
            waiting += children[pid]
    return tree


def held_bytes(pid: int) -> int:
    """The proportional set size of a process: forked workers share most of their pages, and these count once."""
    try:
        for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        return _resident_bytes(pid)
    return 0


def busy_s() -> float:
    """Processor seconds that the whole machine has worked since it started, all processes together."""
    user, nice, system, _idle, _wait, irq, softirq = map(int, (PROC / "stat").read_text().split("\n")[0].split()[1:8])
    return (user + nice + system + irq + softirq) / TICKS


def _resident_bytes(pid: int) -> int:
    """Where the proportional size is not told (or the process has just ended)."""
    try:
        return int((PROC / str(pid) / "statm").read_text().split()[1]) * PAGE_BYTES
    except (OSError, IndexError):
        return 0


def _stat(entry: Path) -> tuple[int, float] | None:
    """Parent and processor seconds; the name in between may hold blanks and brackets."""
    try:
        fields = (entry / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[1]), (int(fields[11]) + int(fields[12])) / TICKS
