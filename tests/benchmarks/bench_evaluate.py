"""Times what a night asks of its measures: `python bench_evaluate.py`, CPU seconds on random lists.

200,000 viewers with a million views of 50,000 videos, lists of 100 for 20,000 of them; vectors of 64 numbers.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from foryou.evaluation import exposure, gate, intervals, metrics
from foryou.settings import load

VIEWERS, LISTED, VIDEOS, LENGTH, VIEWS = 200_000, 20_000, 50_000, 100, 1_000_000


def told(name: str, call: Callable[[], object]) -> None:
    call()  # what is compiled or read once
    start = time.process_time()
    call()
    print(f"{name:<34}{time.process_time() - start:6.2f} s")


def main() -> None:
    rng = np.random.default_rng(0)
    lists = rng.integers(0, VIDEOS, (LISTED, LENGTH)).astype(np.int32)
    indptr = np.arange(0, 5 * LISTED + 1, 5)
    truth = rng.integers(0, VIDEOS, 5 * LISTED).astype(np.int32)
    vectors = rng.normal(size=(VIDEOS, 64)).astype(np.float32)
    viewer, score = rng.integers(0, VIEWERS, VIEWS), rng.random(VIEWS)
    columns = rng.random((LISTED, 40))
    champion, challenger = rng.random((2, VIEWERS))
    slices = {str(n): rng.random(VIEWERS) < 0.2 for n in range(5)}
    settings = load().evaluation
    told("all measures at 10, 20, 100", lambda: metrics.per_viewer(lists, indptr, truth, (10, 20, 100)))
    told("diversity at 100", lambda: exposure.diversity(lists, vectors, LENGTH))
    told("AUC by viewer", lambda: metrics.auc_by_viewer(viewer, score, score > 0.5))
    told("intervals of 40 columns, 20,000", lambda: intervals.mean_intervals(columns, seed=1))
    told("the gate, 200,000 and 5 slices", lambda: gate.decide(champion, challenger, slices, settings))


if __name__ == "__main__":
    main()
