"""The logs that are measured: synthetic worlds of stated sizes, generated once and used again."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from foryou.sources.world import WorldParameters, generate, world_hash

WORK = Path(__file__).parents[2] / "bench" / "work"


@dataclass(frozen=True)
class Size:
    """One size of the benchmark: `events` are the lines of the `days` that are learned from.

    One more day is generated and held out. `sample` is one in how many viewers the textbook pipeline recommends
    for; `disk_gb` is what a run needs; `limit_s` bounds each program.
    """

    name: str
    viewers: int
    videos: int
    events: int
    days: int
    sample: int
    disk_gb: int
    limit_s: int

    @property
    def parameters(self) -> WorldParameters:
        whole = round(self.events * (self.days + 1) / self.days)
        return WorldParameters(viewers=self.viewers, videos=self.videos, days=self.days + 1, events=whole, seed=11)

    @property
    def dates(self) -> list[date]:
        """The days that are learned from; the last is the night that is measured."""
        return [self.parameters.first_day + timedelta(days=number) for number in range(self.days)]

    @property
    def held_out(self) -> date:
        return self.dates[-1] + timedelta(days=1)


SIZES = {
    size.name: size
    for size in (
        Size("small", 2_000, 1_500, 50_000, 5, sample=1, disk_gb=2, limit_s=1_800),
        Size("1m", 20_000, 10_000, 1_000_000, 14, sample=1, disk_gb=6, limit_s=1_800),
        Size("10m", 200_000, 50_000, 10_000_000, 14, sample=10, disk_gb=30, limit_s=3_600),
    )
}


def landing(size: Size, say: Callable[[str], None]) -> tuple[Path, dict[str, float]]:
    """Where the world lies, generated if it is not there whole; with the seconds that took."""
    folder = WORK / size.name / "landing"
    made = folder.with_name("world.json")
    wanted = world_hash(size.parameters)
    if made.is_file() and (told := json.loads(made.read_text()))["world"] == wanted:
        return folder, told
    shutil.rmtree(folder, ignore_errors=True)
    started = time.monotonic()
    summary = generate(size.parameters, folder, lambda day, lines: say(f"world: {day}, {lines:,} lines"))
    learned = sum(lines for day, lines in summary.lines.items() if day <= size.dates[-1])
    told = {
        "world": wanted,
        "seconds": round(time.monotonic() - started, 1),
        "events": learned,
        "held_out_events": summary.events - learned,
        "bytes": sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()),
    }
    made.write_text(json.dumps(told))
    return folder, told
