"""Dense ids to matrices: what numeric kernels take, built from Arrow columns and shared with workers as files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray
from scipy import sparse


@dataclass(frozen=True)
class Rows:
    """A sparse matrix by rows: row i has `indices[indptr[i]:indptr[i+1]]` with `values` of the same places."""

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    values: NDArray[np.float32]

    def of(self, rows: NDArray[np.int32]) -> Rows:
        """The chosen rows, in the order asked for."""
        lengths = self.indptr[rows + 1] - self.indptr[rows]
        indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        places = np.repeat(self.indptr[rows] - indptr[:-1], lengths) + np.arange(indptr[-1])
        return Rows(indptr, self.indices[places], self.values[places])

    def where(self, kept: NDArray[np.bool_]) -> Rows:
        """The matrix with the entries that are `kept` [entries] alone."""
        before = np.concatenate([[0], np.cumsum(kept)]).astype(np.int64)
        return Rows(before[self.indptr], self.indices[kept], self.values[kept])

    def holds(self, rows: NDArray[np.integer], columns: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Whether the matrix has an entry at each of the places named."""
        return self.at(rows, columns) >= 0

    def at(self, rows: NDArray[np.integer], columns: NDArray[np.integer]) -> NDArray[np.int64]:
        """The place of the entry at each of the places named, -1 where there is none; columns rise within each row."""
        own, asked = self.pairs(), rows.astype(np.int64) << 32 | columns
        place = np.searchsorted(own, asked)
        return np.where(np.append(own, -1)[place] == asked, place, -1)

    def pairs(self) -> NDArray[np.int64]:
        """Row and column of each entry in one number."""
        height = len(self.indptr) - 1
        return np.repeat(np.arange(height, dtype=np.int64) << 32, np.diff(self.indptr)) | self.indices

    def csr(self, columns: int) -> sparse.csr_matrix:
        return sparse.csr_matrix((self.values, self.indices, self.indptr), shape=(len(self.indptr) - 1, columns))


def rows(row: pa.ChunkedArray, column: pa.ChunkedArray, value: pa.ChunkedArray | None, height: int) -> Rows:
    """Triples as `Rows` of that many rows, columns rising within each; ones where there is no value.

    A pair that comes twice stands once, with its first value.
    """
    i, j = _ints(row), _ints(column)
    order = np.argsort(i.astype(np.int64) << 32 | j, kind="stable")
    i, j = i[order], j[order]
    values = np.ones(len(i), np.float32) if value is None else _floats(value)[order]
    once = np.ones(len(i), bool)
    once[1:] = (i[1:] != i[:-1]) | (j[1:] != j[:-1])
    counts = np.bincount(i[once], minlength=height)
    return Rows(np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), j[once], values[once])


def through(rows: Rows, matrix: Rows) -> Rows:
    """Each entry of `rows` replaced by those of the row of `matrix` that it names, with the entry's own value.

    Columns are in no order, and one that several entries lead to stands several times.
    """
    inner = matrix.of(rows.indices)
    return Rows(inner.indptr[rows.indptr], inner.indices, np.repeat(rows.values, np.diff(inner.indptr)))


def beside(one: Rows, other: Rows) -> Rows:
    """The entries of both, row by row, those of `one` first."""
    places = np.arange(len(one.indices)) + np.repeat(other.indptr[:-1], np.diff(one.indptr))
    first = np.zeros(len(one.indices) + len(other.indices), bool)
    first[places] = True
    indices, values = np.empty(len(first), np.int32), np.empty(len(first), np.float32)
    indices[first], values[first] = one.indices, one.values
    indices[~first], values[~first] = other.indices, other.values
    return Rows(one.indptr + other.indptr, indices, values)


def height(*ids: pa.ChunkedArray) -> int:
    """One more than the greatest of the dense ids; at least 1.

    Where noise is drawn for a whole matrix, the number of ids given out so far would not do: once a later night has
    run it is another one, and the same night, run again, would draw other noise.
    """
    greatest = [pyarrow.compute.max(each).as_py() for each in ids]
    return 1 + max((each for each in greatest if each is not None), default=0)


def list_rows(row: pa.ChunkedArray, columns: pa.ChunkedArray, values: pa.ChunkedArray, height: int) -> Rows:
    """Rows that are stored as lists: row ids, lists of column ids, lists of values of the same lengths."""
    of = np.repeat(_ints(row), np.diff(_offsets(columns)))
    flat = columns.combine_chunks().flatten()
    return rows(pa.chunked_array([pa.array(of)]), pa.chunked_array([flat]), _flat(values), height)


def dense(row: pa.ChunkedArray, vectors: pa.ChunkedArray, height: int) -> NDArray[np.float32]:
    """Vectors of one length, as a matrix of `height` rows; rows that nothing is known of are zero."""
    flat = _floats(_flat(vectors))
    width = len(flat) // max(1, len(row))
    matrix = np.zeros((height, width), np.float32)
    matrix[_ints(row)] = flat.reshape(len(row), width)
    return matrix


def dense_given(row: pa.ChunkedArray, vectors: pa.ChunkedArray, height: int) -> NDArray[np.float32]:
    """`dense` of a column with nulls: their rows are zero."""
    given = vectors.is_valid()
    return dense(row.filter(given), vectors.filter(given), height)


def lists(indices: NDArray[Any], kept: NDArray[np.bool_]) -> pa.ListArray:
    """A padded matrix as an Arrow list array: of each row those places that are kept."""
    offsets = np.concatenate([[0], np.cumsum(kept.sum(axis=1))]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(indices[kept]))


def share(folder: Path, arrays: dict[str, NDArray[Any]]) -> None:
    """Leaves arrays, by their names, where every worker can map them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)


def shared(folder: Path, name: str) -> NDArray[Any]:
    """An array that `share` left, mapped, not read."""
    return np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)


def share_rows(folder: Path, name: str, of: Rows) -> None:
    share(folder, {f"{name}_indptr": of.indptr, f"{name}_indices": of.indices, f"{name}_values": of.values})


def shared_rows(folder: Path, name: str) -> Rows:
    return Rows(*(shared(folder, f"{name}_{part}") for part in ("indptr", "indices", "values")))


def _ints(column: pa.ChunkedArray) -> NDArray[np.int32]:
    return column.to_numpy().astype(np.int32, copy=False)


def _floats(column: pa.ChunkedArray) -> NDArray[np.float32]:
    return column.to_numpy().astype(np.float32, copy=False)


def _flat(lists_of: pa.ChunkedArray) -> pa.ChunkedArray:
    return pa.chunked_array([lists_of.combine_chunks().flatten()])


def _offsets(lists_of: pa.ChunkedArray) -> NDArray[np.int64]:
    lengths = pa.compute.list_value_length(lists_of).to_numpy()
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def vectors(matrix: NDArray[np.float32]) -> pa.ListArray:
    """The rows of a matrix as an Arrow list array."""
    offsets = np.arange(0, matrix.size + 1, max(1, matrix.shape[1]), dtype=np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(np.ascontiguousarray(matrix).ravel()))


def vectors_or_null(matrix: NDArray[np.float32]) -> pa.Array:
    """`vectors`, null where all is zero; a matrix without columns is all null."""
    rows = vectors(matrix) if matrix.shape[1] else pa.nulls(len(matrix), pa.list_(pa.float32()))
    return pa.compute.if_else(pa.array(~matrix.any(axis=1)), pa.scalar(None, rows.type), rows)
