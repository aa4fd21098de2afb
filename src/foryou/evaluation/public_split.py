"""Pairs of a public split: files of `user,item[,time]` with any ids, as one set of dense ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from numpy.typing import NDArray
from scipy import sparse

from foryou.errors import ContractBroken, DataRejected, InputMissing
from foryou.models.families import Pairs

_USERS = {"user", "user_id", "userid", "uid", "viewer", "viewer_id"}
_ITEMS = {"item", "item_id", "itemid", "iid", "video", "video_id"}
_TIMES = {"time", "timestamp", "ts"}


@dataclass(frozen=True)
class Split:
    """`train`, `valid` and `test` over the same users and items; `notes` say what was left out, and why."""

    train: Pairs
    valid: sparse.csr_matrix
    test: sparse.csr_matrix
    vectors: tuple[NDArray[np.float32], ...]
    notes: tuple[str, ...]


def read(train: Path, valid: Path, test: Path, vectors: Sequence[Path] = ()) -> Split:
    """The three files and vectors of items: row i of a vector file is item i, so that items must be whole numbers.

    A pair that comes twice counts once, with its last time. Pairs of `valid` and `test` that are in `train` are left
    out of them: items of `train` are never ranked. Raises InputMissing, ContractBroken and DataRejected.
    """
    parts = {path: _table(path) for path in (train, valid, test)}
    matrices = tuple(_vectors(path) for path in vectors)
    users, user_codes = _coded([part["user"] for part in parts.values()])
    items, item_codes = _item_codes([part["item"] for part in parts.values()], matrices)
    shape, bounds = (users, items), np.cumsum([part.num_rows for part in parts.values()])[:-1]
    pairs = list(zip(np.split(user_codes, bounds), np.split(item_codes, bounds), strict=True))
    known = _pairs(*pairs[0], parts[train], shape)
    held, notes = [], []
    for path, (user, item) in zip((valid, test), pairs[1:], strict=True):
        matrix = _ones(user, item, shape)
        inside = matrix.multiply(known.values > 0).tocsr()
        if inside.nnz:
            notes.append(f"{inside.nnz:,} pairs of {path.name} are in {train.name} too, and left out")
        matrix = (matrix - inside).tocsr()
        matrix.eliminate_zeros()
        if matrix.nnz == 0:
            raise DataRejected(
                path.name, wanted="pairs to judge by", found="none", next_step="give a file of held-out pairs"
            )
        met = np.asarray(known.values.sum(axis=0)).ravel() > 0
        notes.append(
            f"{int((~met[matrix.indices]).sum()):,} of {matrix.nnz:,} pairs of {path.name} have an item that "
            f"{train.name} lacks"
        )
        held.append(matrix)
    padded = tuple(_padded(matrix, items) for matrix in matrices)
    return Split(known, held[0], held[1], padded, tuple(notes))


def _table(path: Path) -> pa.Table:
    """Columns user, item and, if there is one, time, all as text or as they were written."""
    if not path.is_file():
        raise InputMissing(path.name, wanted="a file of user,item[,time]", found="none", next_step="check the path")
    with path.open("rb") as file:
        head = file.readline(10_000).decode("utf-8-sig", "replace").strip()
    named = [part.strip().strip('"').lower() for part in head.split(",")]
    header = bool({*named} & (_USERS | _ITEMS))
    options = pyarrow.csv.ReadOptions(autogenerate_column_names=not header)
    try:
        table = pyarrow.csv.read_csv(path, options)
    except pa.ArrowInvalid as broken:
        raise _broken(path, str(broken).splitlines()[0][:200]) from broken
    if not header:
        named = ["user", "item", "time"][: table.num_columns]
    columns = {
        kind: next((place for place, name in enumerate(named) if name in names), None)
        for kind, names in (("user", _USERS), ("item", _ITEMS), ("time", _TIMES))
    }
    if columns["user"] is None or columns["item"] is None or (not header and table.num_columns > 3):
        raise _broken(path, f"the first line {head[:80]!r}")
    found = pa.table({kind: table.column(place) for kind, place in columns.items() if place is not None})
    if found["user"].null_count or found["item"].null_count:
        raise _broken(path, "lines without a user or an item")
    return found


def _broken(path: Path, found: str) -> ContractBroken:
    return ContractBroken(
        path.name, wanted="lines of user,item or user,item,time", found=found, next_step="mend the file"
    )


def _coded(columns: Sequence[pa.ChunkedArray]) -> tuple[int, NDArray[np.int32]]:
    """The number of different words in the columns, and each place's number; numbers go by the order of words."""
    typed = columns if len({column.type for column in columns}) == 1 else [each.cast(pa.string()) for each in columns]
    words = pa.chunked_array([chunk for column in typed for chunk in column.chunks])
    names = pc.unique(words)
    names = names.take(pc.sort_indices(names))
    return len(names), pc.index_in(words, names).to_numpy().astype(np.int32)


def _item_codes(
    columns: Sequence[pa.ChunkedArray], vectors: Sequence[NDArray[np.float32]]
) -> tuple[int, NDArray[np.int32]]:
    if not vectors:
        return _coded(columns)
    whole = [column for column in columns if pa.types.is_integer(column.type)]
    if len(whole) < len(columns):
        raise ContractBroken(
            "items",
            wanted="whole numbers, as row i of an item vector file is item i",
            found=f"items of type {next(c.type for c in columns if not pa.types.is_integer(c.type))}",
            next_step="number the items, or leave the vectors out",
        )
    codes = np.concatenate([column.to_numpy() for column in columns])
    if codes.min() < 0 or len({len(each) for each in vectors}) > 1 or codes.max() >= len(vectors[0]):
        raise ContractBroken(
            "item vectors",
            wanted=f"files with one row for each of the items {codes.min()} to {codes.max()}",
            found=f"files of {', '.join(str(len(each)) for each in vectors)} rows",
            next_step="give files with a row for every item",
        )
    return len(vectors[0]), codes.astype(np.int32)


def _vectors(path: Path) -> NDArray[np.float32]:
    if not path.is_file():
        raise InputMissing(path.name, wanted="item vectors, a .npy file", found="none", next_step="check the path")
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as broken:
        raise ContractBroken(
            path.name, wanted="a .npy file of numbers", found=str(broken)[:200], next_step="save it with numpy.save"
        ) from broken
    if found.ndim != 2 or found.dtype.kind not in "fiu":
        raise ContractBroken(
            path.name,
            wanted="one row of numbers for each item",
            found=f"{found.dtype} of shape {found.shape}",
            next_step="save a matrix [items, dimensions]",
        )
    values = np.asarray(found, np.float32)
    wrong = int((~np.isfinite(values)).any(axis=1).sum())
    if wrong:
        raise DataRejected(
            path.name,
            wanted="finite numbers",
            found=f"{wrong:,} of {len(values):,} rows with NaN or infinity",
            next_step="write zeros where an item has no vector",
        )
    return values


def _padded(matrix: NDArray[np.float32], items: int) -> NDArray[np.float32]:
    return matrix[:items]


def _ones(user: NDArray[np.int32], item: NDArray[np.int32], shape: tuple[int, int]) -> sparse.csr_matrix:
    found = sparse.csr_matrix((np.ones(len(user), np.float32), (user, item)), shape=shape)
    found.data[:] = 1  # a pair that came twice was added up
    return found


def _pairs(user: NDArray[np.int32], item: NDArray[np.int32], table: pa.Table, shape: tuple[int, int]) -> Pairs:
    """Each pair once, at its last time; with `age` and `order` where the file has times."""
    if "time" not in table.column_names:
        return Pairs(_ones(user, item, shape))
    time = _seconds(table["time"])
    order = np.lexsort((-time, item, user))
    first = np.ones(len(order), bool)
    first[1:] = (np.diff(user[order]) != 0) | (np.diff(item[order]) != 0)
    kept = order[first]
    user, item, time = user[kept], item[kept], time[kept]
    values = _ones(user, item, shape)
    newest_first = np.lexsort((item, -time, user))
    places = np.empty(len(user), np.int32)
    places[newest_first] = np.arange(len(user)) - values.indptr[user[newest_first]]
    span = max(float(np.ptp(time)), 1e-9)
    return Pairs(values, ((time.max() - time) / span).astype(np.float32), places)


def _seconds(column: pa.ChunkedArray) -> NDArray[np.float64]:
    if pa.types.is_temporal(column.type):
        column = column.cast(pa.timestamp("us")).cast(pa.int64())
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)) or column.null_count:
        raise ContractBroken(
            "time", wanted="numbers or timestamps", found=f"a column of {column.type}", next_step="mend the times"
        )
    found = column.to_numpy().astype(np.float64)
    if not np.isfinite(found).all():
        raise ContractBroken("time", wanted="finite numbers", found="NaN or infinity", next_step="mend the times")
    return found
