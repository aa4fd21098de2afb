"""Rows dealt out in as many parts as workers share them in, from each of several files."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def write(rows: pa.Table, part: NDArray[np.integer], parts: int, path: str) -> None:
    """Writes the rows into a file of Arrow, one batch a part; within a part they keep their order."""
    order = np.argsort(part.astype(np.int16), kind="stable")
    bounds = np.searchsorted(part[order], np.arange(parts + 1)).tolist()
    ordered = rows.take(pa.array(order))
    whole = pa.RecordBatch.from_arrays([_one(column) for column in ordered.columns], schema=rows.schema)
    with pa.ipc.new_file(path, rows.schema) as file:
        for first, end in pairwise(bounds):
            file.write_batch(whole.slice(first, end - first))


def read(path: str, part: int) -> pa.Table:
    """The rows of a part; they lie in the file until they are used."""
    return pa.Table.from_batches([pa.ipc.open_file(pa.memory_map(path)).get_batch(part)])


def _one(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
