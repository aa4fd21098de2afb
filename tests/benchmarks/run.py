"""`make bench`: seconds, memory and quality of the product beside two references, on logs of stated sizes.

python -m tests.benchmarks.run --size 1m --only ours,bare
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from tests.benchmarks import machine, page, quality
from tests.benchmarks.programs import PROGRAMS
from tests.benchmarks.watch import GIB, ProgramFailed
from tests.benchmarks.worlds import SIZES, WORK, Size, landing

ORDER = ("bare", "textbook", "ours")

console = Console()


def main() -> int:
    arguments = _arguments()
    # Whoever ends the benchmark ends the program that it watches: `watch` cleans up on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        for name in arguments.size:
            _bench(SIZES[name], arguments.only, arguments.keep)
    except ProgramFailed as failed:
        console.print(f"[red]{failed}[/red]", highlight=False)
        return 1
    return 0


def _bench(size: Size, only: list[str], keep: bool) -> None:
    """Runs the programs on one size, judges their lists, shows and keeps the result."""
    work = WORK / size.name
    work.mkdir(parents=True, exist_ok=True)
    _require_disk(size)
    folder, world = landing(size, say)
    result = _start(size, world, only)
    for name in ORDER:
        if name in only:
            records = PROGRAMS[name](size, folder, work, say)
            result["programs"] |= records if name == "ours" else {name: records}
            page.keep(result)
    result["quality"] = quality.judge(size, folder, work, result["programs"], say)
    path = page.keep(result)
    page.show(result, console)
    console.print(f"kept: {path.relative_to(Path.cwd())}, {page.PAGE.relative_to(Path.cwd())}")
    if not keep:
        _clean(work)


def _start(size: Size, world: dict[str, Any], only: list[str]) -> dict[str, Any]:
    """A new result; programs that are left out are taken over from the kept one, if it is of the same world."""
    told = world | {"viewers": size.viewers, "videos": size.videos, "days": size.days}
    file = page.RESULTS / f"{size.name}.json"
    old = json.loads(file.read_text()) if file.is_file() else {}
    same = old.get("world", {}).get("world") == world["world"] and set(only) != set(ORDER)
    return {
        "size": size.name,
        "world": told,
        "machine": machine.description(),
        "measured_on": datetime.now(UTC).date().isoformat(),
        "programs": old["programs"] if same else {},
    }


def _require_disk(size: Size) -> None:
    free_gb = shutil.disk_usage(WORK).free / GIB
    if free_gb < size.disk_gb:
        raise ProgramFailed(f"size {size.name} needs {size.disk_gb} GB of disk, {free_gb:.0f} are free: rm -rf {WORK}")


def _clean(work: Path) -> None:
    """Removes what the programs wrote; the world stays for the next run, the logs for whoever asks why."""
    for name in ("lake", "lake_jobs", "bare", "textbook"):
        shutil.rmtree(work / name, ignore_errors=True)


def say(text: str) -> None:
    console.print(f"  {text}", highlight=False, markup=False)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", action="append", choices=list(SIZES), help="default: 1m, then 10m")
    parser.add_argument("--only", type=_names, default=list(ORDER), help="some of ours,textbook,bare")
    parser.add_argument("--keep", action="store_true", help="leave the lakes and lists in bench/work")
    arguments = parser.parse_args()
    arguments.size = arguments.size or ["1m", "10m"]
    return arguments


def _names(text: str) -> list[str]:
    names = text.split(",")
    if not set(names) <= set(ORDER):
        raise argparse.ArgumentTypeError(f"some of {','.join(ORDER)}, not {text}")
    return names


if __name__ == "__main__":
    sys.exit(main())
