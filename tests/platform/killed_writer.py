"""A process that writes to a lake and never finishes: `killed_writer.py LAKE MARKER HOW`. The test kills it.

It touches MARKER once it is in the middle of a write of new rows (size 2) over old ones (size 1).
"""

import itertools
import sys
import time
from pathlib import Path

import pyarrow as pa
from things import DAY, PARTED, THINGS

from foryou import settings
from foryou.platform import spark as spark_sessions
from foryou.platform.lake import Lake

ROWS = 5_000
LONGER_THAN_THE_TEST_WAITS_S = 40


def main(root: Path, marker: Path, how: str) -> None:
    lake = Lake(root, lambda: spark_sessions.session(settings.load("ci").spark, "killed", root / f"{how}.log"))
    {"parts": parts, "arrow": arrow}[how](lake, marker)


def parts(lake: Lake, marker: Path) -> None:
    """The first part is written, the second hangs after its first rows."""
    new = pa.table({"name": [f"n{i}" for i in range(ROWS)], "size": pa.array([2] * ROWS, pa.int32())})
    told, wait_s = str(marker), LONGER_THAN_THE_TEST_WAITS_S

    def make(part):
        yield new
        if part == 1:
            Path(told).touch()
            time.sleep(wait_s)

    lake.replace_parts(PARTED, DAY, 2, make)


def arrow(lake: Lake, marker: Path) -> None:
    """Old and new in turn, as fast as it goes."""
    for size in itertools.cycle([2, 1]):
        rows = pa.table({"name": [f"n{i}" for i in range(ROWS)], "size": pa.array([size] * ROWS, pa.int32())})
        lake.replace_day(THINGS, DAY, rows)
        marker.touch()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
