"""Rows in as many parts as workers share them in: all rows of an id in one part, the same one wherever it is asked."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foryou.models import hashing


def of_digests(digests: hashing.Hashes, parts: int) -> NDArray[np.int16]:
    """The part of each digest of an id."""
    return (digests % np.uint64(parts)).astype(np.int16)


def write(rows: pa.Table, part: NDArray[np.int16], parts: int, path: str) -> None:
    """Writes the rows into a file of Arrow, one batch a part; within a part they keep their order."""
    order = np.argsort(part, kind="stable")
    bounds = np.searchsorted(part[order], np.arange(parts + 1)).tolist()
    ordered = rows.take(pa.array(order))
    whole = pa.RecordBatch.from_arrays([_one(column) for column in ordered.columns], schema=rows.schema)
    with pa.ipc.new_file(path, rows.schema) as file:
        for first, end in pairwise(bounds):
            file.write_batch(whole.slice(first, end - first))


def read(path: str, part: int) -> pa.Table:
    """The rows of a part; they lie in the file until they are used."""
    return pa.Table.from_batches([_file(path).get_batch(part)])


def read_all(path: str) -> pa.Table:
    """The rows of all parts, one after another."""
    return _file(path).read_all()


def place(path: str, part: int) -> int:
    """How many rows of the file lie before those of a part."""
    file = _file(path)
    return sum(file.get_batch(before).num_rows for before in range(part))


def _file(path: str) -> pa.RecordBatchFileReader:
    return pa.ipc.open_file(pa.memory_map(path))


def _one(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
