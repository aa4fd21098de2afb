"""Times the numeric kernels beside what they are to be measured against, on one thread: `python bench_topk.py`.

Times are of the CPU, all threads together; rivals run in turn within one round, and each figure is the least of the
rounds, since other work on the machine only ever adds to it. Top-k is judged by the plain matrix product of the same
blocks, which no selection can do without unless it skips videos; fitted factors let it skip, random ones do not.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from foryou.models import factors
from foryou.models.blend import blend_lists
from foryou.models.topk import top_k, top_k_sparse

K, WIDTH, BLOCK, TILE = 200, 64, 512, 2048
FIT = {"factors": WIDTH, "regularization": 30.0, "iterations": 3}


def least(rivals: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """CPU seconds of the fastest round of each rival, after one call of each that does not count."""
    best = dict.fromkeys(rivals, float("inf"))
    for turn in range(rounds + 1):
        for name, call in rivals.items():
            start = time.process_time()
            call()
            if turn:
                best[name] = min(best[name], time.process_time() - start)
    return best


def watched(viewers: int, videos: int, mean: int, rng: np.random.Generator) -> csr_matrix:
    """Signed confidences as the product makes them: popularity falls as a power, each viewer has one of 50 tastes."""
    counts = np.clip(rng.poisson(mean, viewers), 1, None)
    viewer = np.repeat(np.arange(viewers), counts)
    video = (videos * rng.random(viewer.size) ** 2.5).astype(np.int64)
    taste = np.where(rng.random(viewer.size) < 0.6, viewer % 50, rng.integers(0, 50, viewer.size))
    video = np.minimum(video - video % 50 + taste, videos - 1)
    once = np.unique(viewer * videos + video)
    strength = rng.exponential(1, once.size) * rng.choice([1, -0.3], once.size, p=[0.85, 0.15])
    value = (np.sign(strength) * (1 + 20 * np.abs(strength))).astype(np.float32)
    return csr_matrix((value, (once // videos, once % videos)), shape=(viewers, videos))


def product(viewers: np.ndarray, videos: np.ndarray) -> None:
    """The scores alone, in the blocks and tiles of `top_k`."""
    scores = np.empty(BLOCK * TILE, np.float32)
    for start in range(0, len(videos), TILE):
        tile = videos[start : start + TILE].T
        for first in range(0, len(viewers), BLOCK):
            rows = viewers[first : first + BLOCK]
            np.matmul(rows, tile, out=scores[: len(rows) * tile.shape[1]].reshape(len(rows), -1))


def selection(title: str, viewers: np.ndarray, videos: np.ndarray, seen: csr_matrix, rounds: int) -> None:
    model = AlternatingLeastSquares(factors=WIDTH, num_threads=1)
    model.user_factors, model.item_factors = viewers, videos
    masks = {"seen_indptr": seen.indptr.astype(np.int64), "seen_indices": seen.indices}
    with threadpool_limits(1, user_api="blas"):
        times = least(
            {
                "product alone": lambda: product(viewers, videos),
                "top_k": lambda: top_k(viewers, videos, K, **masks),
                "implicit": lambda: model.recommend(np.arange(len(viewers)), seen, N=K),
            },
            rounds,
        )
    report(f"top {K} of {len(viewers):,} x {len(videos):,} x {WIDTH}, {title}", times, "product alone", len(viewers))


def sparse(viewers: csr_matrix, rounds: int, rng: np.random.Generator) -> None:
    videos = viewers.shape[1]
    to = np.sort(rng.integers(0, videos, (videos, 20)), axis=1).ravel()
    matrix = csr_matrix((rng.random(to.size, dtype=np.float32), to, np.arange(videos + 1) * 20), shape=(videos, videos))
    masks = {"seen_indptr": viewers.indptr.astype(np.int64), "seen_indices": viewers.indices}
    rows = (viewers.indptr, viewers.indices, viewers.data)
    times = least(
        {
            "scipy's product alone": lambda: viewers @ matrix,
            "top_k_sparse": lambda: top_k_sparse(*rows, matrix, K, **masks),
        },
        rounds,
    )
    report(f"sparse top {K} of {viewers.shape[0]:,} x {videos:,}", times, "scipy's product alone", viewers.shape[0])


def blending(viewers: int, videos: int, rounds: int, rng: np.random.Generator) -> None:
    ids = [(rng.integers(0, videos, (viewers, 1)) + np.arange(K) * rng.integers(1, 99)) % videos for _ in range(3)]
    ids = [part.astype(np.int32) for part in ids]
    scores = [-np.sort(-rng.random((viewers, K), dtype=np.float32), axis=1) for _ in range(3)]
    times = least({"blend_lists": lambda: blend_lists(ids, scores, K)}, rounds)
    report(f"blend of 3 x {K} for {viewers:,}", times, "blend_lists", viewers)


def fitting(values: csr_matrix, rounds: int) -> None:
    def bare() -> None:
        with threadpool_limits(1, user_api="blas"):
            AlternatingLeastSquares(**FIT, random_state=1).fit(values, show_progress=False)

    times = least({"implicit": bare, "factors.fit": lambda: factors.fit(values, **FIT, seed=1)}, rounds)
    report(f"fit of {values.nnz:,} pairs, 3 iterations, all cores", times, "implicit", values.shape[0])


def report(title: str, times: dict[str, float], reference: str, viewers: int) -> None:
    print(f"\n{title}")
    for name, seconds in times.items():
        share = times[reference] / seconds
        print(f"  {name:<22}{seconds:8.2f} s {seconds / viewers * 1e6:8.1f} us a viewer   speed x {share:.2f}")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--viewers", type=int, default=20_000)
    arguments.add_argument("--videos", type=int, default=50_000)
    arguments.add_argument("--rounds", type=int, default=3)
    chosen = arguments.parse_args()
    rng = np.random.default_rng(0)
    values = watched(chosen.viewers, chosen.videos, 42, rng)
    fitting(values, chosen.rounds)
    fitted = factors.fit(values, **FIT, seed=1)
    selection("fitted factors", fitted.viewer_factors, fitted.video_factors, values, chosen.rounds)
    drawn = (rng.standard_normal((rows, WIDTH), dtype=np.float32) for rows in (chosen.viewers, chosen.videos))
    selection("random factors", *drawn, values, chosen.rounds)
    sparse(values, chosen.rounds, rng)
    blending(chosen.viewers, chosen.videos, chosen.rounds, rng)


if __name__ == "__main__":
    main()
