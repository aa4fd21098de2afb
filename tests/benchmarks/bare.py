"""Reference b: the bare script that one person would write for one machine.

DuckDB reads the whole log, `implicit` fits 64 factors in 10 iterations and recommends 200 unseen videos to every
viewer, pyarrow writes them. It checks nothing, evaluates nothing, redoes everything each night and imports nothing
of the product.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from implicit.als import AlternatingLeastSquares
from scipy import sparse

from tests.benchmarks.simple import DUCKDB_COLUMNS, SIMPLE_PAIRS, event_files
from tests.benchmarks.steps import Steps, say

FACTORS, ITERATIONS, LENGTH = 64, 10, 200
ALPHA, REGULARIZATION = 2.0, 50.0
"""The best of eight settings on the world of 1 M events, by its truth: no straw man."""
BATCH = 10_000


def main() -> None:
    arguments = _arguments()
    arguments.out.mkdir(parents=True, exist_ok=True)
    steps = Steps(arguments.out / "steps.json")
    with steps.step("read, weigh"):
        pairs = read_pairs(event_files(arguments.landing, arguments.until), arguments.memory_gb)
        viewers, videos, points, seen = matrices(pairs)
    steps.note(viewers=len(viewers), videos=len(videos), pairs=seen.nnz)
    with steps.step("train"):
        model = AlternatingLeastSquares(
            factors=FACTORS, iterations=ITERATIONS, regularization=REGULARIZATION, alpha=ALPHA, random_state=1
        )
        model.fit(points, show_progress=False)
    with steps.step("recommend"):
        ids, scores = recommend(model, seen)
    with steps.step("write"):
        pq.write_table(lists(viewers, videos, ids, scores), arguments.out / "lists.parquet")
    say(f"done: {len(viewers):,} viewers")


def read_pairs(files: list[str], memory_gb: int) -> pa.Table:
    """One row per viewer and video met: `viewer_id, video_id, points`; a line that cannot be read is left out."""
    connection = duckdb.connect()
    connection.execute(f"SET memory_limit = '{memory_gb}GB'; SET preserve_insertion_order = false")
    lines = "read_json(?, format = 'newline_delimited', ignore_errors = true, columns = " + DUCKDB_COLUMNS + ")"
    return connection.sql(SIMPLE_PAIRS.replace("LINES", lines), params=[files]).to_arrow_table()


def matrices(pairs: pa.Table) -> tuple[np.ndarray, np.ndarray, sparse.csr_matrix, sparse.csr_matrix]:
    """Viewer ids, video ids, points [viewers, videos] and what was seen, of the same shape."""
    viewer, video = (pairs[name].combine_chunks().dictionary_encode() for name in ("viewer_id", "video_id"))
    shape = len(viewer.dictionary), len(video.dictionary)
    places = viewer.indices.to_numpy(), video.indices.to_numpy()
    points = pairs["points"].to_numpy().astype(np.float32)
    seen = sparse.csr_matrix((np.ones(len(points), np.float32), places), shape)
    weights = sparse.csr_matrix((points, places), shape)
    weights.eliminate_zeros()
    return viewer.dictionary, video.dictionary, weights, seen


def recommend(model: AlternatingLeastSquares, seen: sparse.csr_matrix) -> tuple[np.ndarray, np.ndarray]:
    """The 200 best unseen videos of every viewer: places [viewers, 200] and scores."""
    found = []
    for start in range(0, seen.shape[0], BATCH):
        some = np.arange(start, min(start + BATCH, seen.shape[0]))
        found.append(model.recommend(some, seen[some], N=LENGTH, filter_already_liked_items=True))
        say(f"recommend: {some[-1] + 1:,} of {seen.shape[0]:,}")
    return np.concatenate([ids for ids, _ in found]), np.concatenate([scores for _, scores in found])


def lists(viewers: pa.Array, videos: pa.Array, ids: np.ndarray, scores: np.ndarray) -> pa.Table:
    """One row per viewer; padding of short lists (a score near the lowest float) is dropped."""
    kept = scores > -1e38
    offsets = np.concatenate([[0], np.cumsum(kept.sum(axis=1))]).astype(np.int32)
    names = pa.DictionaryArray.from_arrays(pa.array(ids[kept]), videos)
    columns = [pa.ListArray.from_arrays(pa.array(offsets), values) for values in (names, pa.array(scores[kept]))]
    return pa.table([viewers, *columns], names=["viewer_id", "video_ids", "scores"])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--landing", type=Path, required=True)
    parser.add_argument("--until", required=True, help="the last day that is read")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--memory-gb", type=int, default=5)
    return parser.parse_args()


if __name__ == "__main__":
    main()
