"""Words to whole numbers: what kernels count with, from Arrow columns of text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy import sparse

Ints = NDArray[np.int32]


@dataclass(frozen=True)
class Coded:
    """Different words in their order, and of each place its word's number; -1 for none."""

    names: pa.Array
    codes: Ints

    def at(self, ids: NDArray[np.integer], height: int) -> Ints:
        """The codes by dense id, given the id of each place; -1 for ids without one."""
        found = np.full(height, -1, np.int32)
        found[ids] = self.codes
        return found


def coded(column: pa.ChunkedArray) -> Coded:
    """A column of text, or of lists of text end to end; numbers go by the order of words, not of rows."""
    words = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    encoded = words.dictionary_encode()
    order = pc.sort_indices(encoded.dictionary).to_numpy()
    rank = np.full(len(order) + 1, -1, np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    places = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
    return Coded(encoded.dictionary.take(pa.array(order)).cast(pa.string()), rank[places])


def holding(ids: NDArray[np.integer], column: pa.ChunkedArray, height: int) -> tuple[pa.Array, sparse.csr_matrix]:
    """The words of a column, alone or in lists, sorted; and which id has which: [height, words], ones."""
    words, rows = column, ids
    if pa.types.is_list(column.type):
        words = pa.chunked_array([column.combine_chunks().flatten()], column.type.value_type)
        rows = np.repeat(ids, pc.fill_null(pc.list_value_length(column), 0).to_numpy())
    known = coded(words)
    inside = known.codes >= 0
    found = sparse.csr_matrix(
        (np.ones(int(inside.sum()), np.float32), (rows[inside], known.codes[inside])), shape=(height, len(known.names))
    )
    found.data[:] = 1  # a word that comes twice was added up
    return known.names, found
