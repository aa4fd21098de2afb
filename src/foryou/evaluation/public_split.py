"""Pairs of a public split: files of `user,item[,time]` with any ids, as one set of dense ids.

A header is known by its names (`user`, `user_id`, `viewer`, ...; in any order, other columns are left out); without one
the columns are user, item and time. Ids are numbers, so that 007 is 7, where every user (or every item) of all three
files is a whole number, and words otherwise, so that 007 is not 7.
"""

from __future__ import annotations

import csv
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
from foryou.evaluation.item_vectors import item_vectors, rows_of
from foryou.models.families import Pairs

_NAMES = {
    "user": {"user", "user_id", "userid", "uid", "viewer", "viewer_id"},
    "item": {"item", "item_id", "itemid", "iid", "video", "video_id"},
    "time": {"time", "timestamp", "ts"},
}
_WHOLE = r"^-?[0-9]{1,18}$"
"""Numbers that fit 64 bits; longer ones are words."""


@dataclass(frozen=True)
class Split:
    """`train`, `valid` and `test` over the same users and items; `notes` say what was left out, and what is odd."""

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
    paths = train, valid, test
    parts = [_table(path) for path in paths]
    matrices = tuple(item_vectors(path) for path in vectors)
    users, user_codes = _numbered(*_words([part["user"] for part in parts]))
    words, places = _words([part["item"] for part in parts])
    items, item_codes = rows_of(numbers(words), places, matrices) if matrices else _numbered(words, places)
    shape, bounds = (users, items), np.cumsum([part.num_rows for part in parts])[:-1]
    pairs = list(zip(np.split(user_codes, bounds), np.split(item_codes, bounds), strict=True))
    known = _pairs(*pairs[0], parts[0], train, shape)
    held, notes = [], []
    for path, (user, item) in zip(paths[1:], pairs[1:], strict=True):
        matrix, told = _held(_ones(user, item, shape), path, known.values, train)
        held.append(matrix)
        notes += told
    both = held[0].multiply(held[1]).nnz
    if both:
        notes.append(f"{both:,} pairs of {test.name} are in {valid.name} too, and judged all the same")
    return Split(known, held[0], held[1], tuple(matrix[:items] for matrix in matrices), tuple(notes))


def _held(
    given: sparse.csr_matrix, path: Path, known: sparse.csr_matrix, train: Path
) -> tuple[sparse.csr_matrix, list[str]]:
    """The pairs to judge by that are not in `known`, and what is odd about them."""
    inside = given.multiply(known).tocsr()
    matrix = (given - inside).tocsr()
    matrix.eliminate_zeros()
    if matrix.nnz == 0:
        found = f"{inside.nnz:,} pairs, all of them in {train.name} too" if inside.nnz else "none"
        raise DataRejected(
            path.name, wanted="pairs to judge by", found=found, next_step="give a file of held-out pairs"
        )
    unmet = int((np.diff(known.tocsc().indptr)[matrix.indices] == 0).sum())
    rows = np.diff(matrix.indptr) > 0
    strange = int((np.diff(known.indptr)[rows] == 0).sum())
    told = {
        f"{inside.nnz:,} pairs of {path.name} are in {train.name} too, and left out": inside.nnz,
        f"{unmet:,} of {matrix.nnz:,} pairs of {path.name} have an item that {train.name} lacks": unmet,
        f"{strange:,} of {int(rows.sum()):,} users of {path.name} have no pair in {train.name}": strange,
    }
    return matrix, [text for text, count in told.items() if count]


def _table(path: Path) -> pa.Table:
    """Columns user and item as text and, if there is one, time as it was written."""
    if not path.is_file():
        raise InputMissing(path.name, wanted="a file of user,item[,time]", found="none", next_step="check the path")
    head, above = _head(path)
    width = len(head)
    header = bool({*head} & (_NAMES["user"] | _NAMES["item"]))
    named = head if header else ["user", "item", "time"][:width]
    places = {kind: next((at for at, name in enumerate(named) if name in names), -1) for kind, names in _NAMES.items()}
    if min(places["user"], places["item"]) < 0 or (width > 3 and not header):
        raise _broken(path, f"the first line {', '.join(head)[:80]!r}")
    wanted = {kind: str(at) for kind, at in places.items() if at >= 0}
    read = pyarrow.csv.ReadOptions(column_names=[str(at) for at in range(width)], skip_rows=above + header)
    convert = pyarrow.csv.ConvertOptions(
        column_types={wanted["user"]: pa.string(), wanted["item"]: pa.string()}, include_columns=[*wanted.values()]
    )
    try:
        with pa.input_stream(str(path)) as stream:
            found = pyarrow.csv.read_csv(stream, read, convert_options=convert).rename_columns([*wanted])
    except pa.ArrowInvalid as wrong:
        raise _broken(path, str(wrong).splitlines()[0][:200]) from wrong
    return _sound(path, found, ", ".join(head), header)


def _head(path: Path) -> tuple[list[str], int]:
    """The fields of the first line that is not empty, in lower case, and how many lines are above it."""
    with pa.input_stream(str(path)) as stream:
        lines = stream.read(10_000).decode("utf-8-sig", "replace").splitlines()
    above = next((at for at, line in enumerate(lines) if line.strip()), None)
    if above is None:
        raise DataRejected(path.name, wanted="lines of user,item[,time]", found="none", next_step="check the file")
    return [field.strip().lower() for field in next(csv.reader([lines[above]]))], above


def _sound(path: Path, found: pa.Table, head: str, header: bool) -> pa.Table:
    if found.num_rows == 0:
        raise DataRejected(path.name, wanted="lines below the header", found="none", next_step="check the file")
    for kind in ("user", "item"):
        words = pc.utf8_trim_whitespace(found[kind])
        if pc.any(pc.equal(words, "")).as_py():
            raise _broken(path, f"lines whose {kind} is empty")
        if not header and _is_name(words):
            raise _broken(path, f"a first line {head[:80]!r} above numbers: a header has user and item in it")
        found = found.set_column(found.column_names.index(kind), kind, words)
    return found


def _is_name(words: pa.ChunkedArray) -> bool:
    """Whether the first word is none of the numbers below it, but a column's name."""
    first, below = (pc.unique(part) for part in (words.slice(0, 1), words.slice(1)))
    return len(below) > 0 and numbers(first) is None and numbers(below) is not None


def _broken(path: Path, found: str) -> ContractBroken:
    return ContractBroken(
        path.name, wanted="lines of user,item or user,item,time", found=found, next_step="mend the file"
    )


def numbers(words: pa.Array) -> pa.Array | None:
    """The words as whole numbers, if all are."""
    return words.cast(pa.int64()) if pc.all(pc.match_substring_regex(words, _WHOLE)).as_py() else None


def _words(columns: Sequence[pa.ChunkedArray]) -> tuple[pa.Array, NDArray[np.int32]]:
    """The different words of the columns, and which of them stands at each place."""
    whole = pa.chunked_array([chunk for column in columns for chunk in column.chunks], pa.string()).dictionary_encode()
    encoded = whole.unify_dictionaries().chunks
    return encoded[0].dictionary, np.concatenate([chunk.indices.to_numpy() for chunk in encoded])


def _numbered(words: pa.Array, places: NDArray[np.int32]) -> tuple[int, NDArray[np.int32]]:
    """How many different ids there are, and each place's, numbered in the order of numbers, or else of words."""
    ids = numbers(words)
    ids = words if ids is None else ids
    different = ids.unique()
    different = different.take(pc.sort_indices(different))
    return len(different), pc.index_in(ids, different).to_numpy().astype(np.int32)[places]


def _ones(user: NDArray[np.int32], item: NDArray[np.int32], shape: tuple[int, int]) -> sparse.csr_matrix:
    found = sparse.csr_matrix((np.ones(len(user), np.float32), (user, item)), shape=shape)
    found.data[:] = 1  # a pair that came twice was added up
    return found


def _pairs(
    user: NDArray[np.int32], item: NDArray[np.int32], table: pa.Table, path: Path, shape: tuple[int, int]
) -> Pairs:
    """Each pair once, at its last time; with `age` and `order` where the file has times."""
    if "time" not in table.column_names:
        return Pairs(_ones(user, item, shape))
    time = _seconds(table["time"], path)
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


def _seconds(column: pa.ChunkedArray, path: Path) -> NDArray[np.float64]:
    """Times as numbers, in whatever unit: only their order and their share of the whole span count."""
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date32(kind):
        column = column.cast(pa.int32() if pa.types.is_date32(kind) else pa.int64())
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        raise _no_time(path, f"a column of type {kind}")
    found = column.to_numpy().astype(np.float64)
    if column.null_count or not np.isfinite(found).all():
        raise _no_time(path, "empty times, NaN or infinity")
    return found


def _no_time(path: Path, found: str) -> ContractBroken:
    return ContractBroken(
        path.name,
        wanted="times as numbers or as 2026-03-10T12:00:00",
        found=found,
        next_step="mend the times, or leave the column out",
    )
