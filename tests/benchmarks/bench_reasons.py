"""Times what reasons add to a night, on one thread: `python bench_reasons.py [--viewers 20000]`.

Two parts: `leading` finds the part of its score that sets each candidate apart, for 200 candidates a viewer, and `told`
the reason of each of 100 places. Seconds are of the CPU, the least of the rounds, and also given for 200,000 viewers.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np

from foryou import settings
from foryou.candidates import leading
from foryou.feeds import grounds
from foryou.feeds.grounds import Grounds, Placed
from foryou.models.matrices import Rows

CANDIDATES, PLACES, VIDEOS, TAGS, FINISHED, MUTED = 200, 100, 50_000, 20_000, 30, 0.05
ALL = 200_000
BLOCK = 2_000


def random_rows(rng: np.random.Generator, height: int, width: int, mean: float) -> Rows:
    counts = rng.poisson(mean, height)
    indices = rng.integers(0, width, counts.sum()).astype(np.int32)
    values = rng.uniform(0.1, 0.75, len(indices)).astype(np.float32)
    return Rows(np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), indices, values)


def of_grounds(rng: np.random.Generator, viewers: int, width: int) -> Grounds:
    def vectors(height: int) -> np.ndarray:
        return rng.standard_normal((height, width), dtype=np.float32)

    def flags(height: int, share: float) -> np.ndarray:
        return rng.random(height) < share

    return Grounds(
        finished=random_rows(rng, viewers, VIDEOS, FINISHED),
        tags=random_rows(rng, VIDEOS, TAGS, 3),
        tag_directions=vectors(TAGS),
        tastes=vectors(viewers),
        vectors=vectors(VIDEOS),
        hidden=random_rows(rng, viewers, 1_000, MUTED),
        about=random_rows(rng, 1_000, VIDEOS, 500),
        adult=flags(viewers, 0.7),
        shown=flags(VIDEOS, 0.95),
        for_all=flags(VIDEOS, 0.9),
        liked_by_many=flags(VIDEOS, 0.8),
        praised=flags(VIDEOS, 0.5),
        new=flags(VIDEOS, 0.1),
        video_country=rng.integers(-1, 20, VIDEOS).astype(np.int32),
        viewer_country=rng.integers(-1, 20, viewers).astype(np.int32),
        rising=Rows(np.arange(0, 21 * 20, 20), np.tile(np.arange(20), 20).astype(np.int32), np.ones(400, np.float32)),
        rising_in=rng.integers(0, 20, viewers).astype(np.int32),
    )


def of_places(rng: np.random.Generator, viewers: int) -> Placed:
    shape = (viewers, PLACES)
    source = np.where(rng.random(shape) < 0.15, rng.integers(1, 5, shape), 0).astype(np.int8)
    leads = np.where(rng.random(shape) < 0.5, 0, 1).astype(np.int32)
    videos = rng.integers(0, VIDEOS, shape).astype(np.int32)
    some = rng.random(shape).astype(np.float32)
    return Placed(videos, source, some, np.full(shape, 7, np.int32), leads, np.full(shape, 90, np.int32))


def least(call: Callable[[], object], rounds: int) -> float:
    """CPU seconds of the fastest round, after one call that does not count."""
    call()
    found = []
    for _ in range(rounds):
        start = time.process_time()
        call()
        found.append(time.process_time() - start)
    return min(found)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--viewers", type=int, default=20_000)
    asked.add_argument("--factors", type=int, default=64)
    asked.add_argument("--rounds", type=int, default=3)
    given = asked.parse_args()
    chosen, rng = settings.load(), np.random.default_rng(1)
    blocks = [np.arange(first, first + BLOCK, dtype=np.int32) for first in range(0, given.viewers, BLOCK)]

    width = chosen.content.embedding_dimensions
    of, placed = of_grounds(rng, given.viewers, width), of_places(rng, BLOCK)
    told = least(lambda: [grounds.told(of, block, placed, chosen.feeds) for block in blocks], given.rounds)
    report("told", told, given.viewers)

    night = SimpleNamespace(
        viewer_factors=rng.standard_normal((given.viewers, given.factors), dtype=np.float32),
        video_factors=rng.standard_normal((VIDEOS, given.factors), dtype=np.float32),
        viewer_contents=rng.standard_normal((given.viewers, width), dtype=np.float32),
        video_contents=rng.standard_normal((VIDEOS, width), dtype=np.float32),
        log_multipliers=np.zeros(VIDEOS, np.float32),
    )
    ids = rng.integers(0, VIDEOS, (BLOCK, CANDIDATES)).astype(np.int32)
    popular = (ids, rng.random(ids.shape, dtype=np.float32))
    each = [lambda b=block: leading.leading(night, b, ids, popular, popular, chosen.candidates) for block in blocks]
    report("leading", least(lambda: [call() for call in each], given.rounds), given.viewers)


def report(name: str, seconds: float, viewers: int) -> None:
    print(f"{name:<8} {seconds:6.2f} s for {viewers:,} viewers, {seconds * ALL / viewers:6.1f} s for {ALL:,}")


if __name__ == "__main__":
    main()
