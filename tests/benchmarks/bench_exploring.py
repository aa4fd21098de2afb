"""Times the draws of videos under test on one thread: `python bench_exploring.py`.

Seconds are of the CPU, the least of the rounds, since other work on the machine only ever adds to them; what is scored
beforehand and what is written afterwards is not in them.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from foryou import settings
from foryou.candidates import exploring, thompson
from foryou.models import matrices

BLOCK, GROUPS, SEEN = 2_000, 4, 3


def tests_of(count: int, rng: np.random.Generator) -> exploring.Tests:
    """Tests of which each group has shown a part to up to 400 viewers."""
    viewers = 20 + rng.integers(0, 400, (GROUPS + 1, count))
    rate = rng.beta(6, 14, viewers.shape)
    logs = np.stack([thompson.log_cdfs(a, b) for a, b in zip(viewers * rate, viewers * (1 - rate), strict=True)])
    room = rng.integers(1, 50, (GROUPS, count))
    whole = np.vstack([room, room.sum(axis=0)]).astype(np.float32)
    return exploring.Tests(np.arange(count, dtype=np.int32), whole, logs, np.zeros(count, np.float32))


def seconds(count: int, viewers: int, rounds: int, chosen: settings.Candidates, rng: np.random.Generator) -> float:
    of, everybody = tests_of(count, rng), np.arange(BLOCK, dtype=np.int32)
    taste = 3 * rng.standard_normal((BLOCK, count), dtype=np.float32)
    seen = rng.integers(0, count, BLOCK * SEEN).astype(np.int32)
    rows = matrices.Rows(np.arange(BLOCK + 1) * SEEN, seen, np.ones(len(seen), np.float32))
    asked = (rng.integers(0, GROUPS, BLOCK).astype(np.int32), rows, np.ones(count, bool), 1, chosen)
    best = float("inf")
    for turn in range(rounds + 1):
        start = time.process_time()
        exploring.draw(of, everybody, (taste, taste), *asked)
        if turn:
            best = min(best, time.process_time() - start)
    return best * viewers / BLOCK


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--viewers", type=int, default=200_000)
    arguments.add_argument("--tests", type=int, nargs="+", default=[50, 300, 1_000])
    arguments.add_argument("--rounds", type=int, default=20)
    given = arguments.parse_args()
    chosen, rng = settings.load().candidates, np.random.default_rng(0)
    for count in given.tests:
        taken = seconds(count, given.viewers, given.rounds, chosen, rng)
        print(f"{chosen.explored} of {count:>5,} tests for {given.viewers:,} viewers {taken:6.1f} s")


if __name__ == "__main__":
    main()
