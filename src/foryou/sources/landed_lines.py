"""Landed lines of JSON as Arrow: every line a row, readable or not. Workers of Spark import this, so it imports little.

Arrow's reader, a few times as fast as Spark's, stops at the first line that is not as the schema has it, and takes two
objects on one line for two lines. So it is given only lines that begin and end as one object, and its rows are counted.
Where it stops or miscounts, the lines are halved, and halved again, until the odd one is alone: that one is read by
Python. So what becomes of a line does not depend on the lines beside it.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json
from numpy.typing import NDArray

_READ_BYTES = 4 << 20
_NAMED_IN_CAPITALS = r'"[a-z_]*[A-Z][A-Za-z_]*"\s*:'
_BLANKS = b" \t\r"


_TYPES = {
    "string": pa.string(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "array<string>": pa.list_(pa.string()),
    "array<float>": pa.list_(pa.float32()),
}


def schema(fields: str) -> pa.Schema:
    """The fields of a kind of line, as `tables.LANDED` has them, in Arrow's types."""
    return pa.schema([(name, _TYPES[kind]) for name, kind in (field.split(" ") for field in fields.split(", "))])


@dataclass(frozen=True)
class Piece:
    """The lines of a file that begin from byte `start` up to byte `end`; of a packed file, all."""

    path: str
    start: int
    end: int


def pieces(paths: list[Path], bytes_a_piece: int) -> list[Piece]:
    """The files cut into pieces of about that size; a packed one is one piece."""
    found = []
    for path in paths:
        size = path.stat().st_size
        step = size if path.suffix == ".gz" else bytes_a_piece
        found += [Piece(str(path), start, min(start + step, size)) for start in range(0, size, max(1, step))]
    return found


def read(piece: Piece, schema: pa.Schema) -> Iterator[pa.Table]:
    """The lines of a piece, some thousands at a time: `line`, `readable` and then the fields of the schema.

    Only a line feed ends a line. A line that is not one JSON object, holds a value of another type, or has a field of
    the schema only in another case, has `readable` false and no fields; a number where text is wanted is taken as its
    text. Bytes that are no UTF-8 become U+FFFD.
    """
    for block in _blocks(piece):
        yield parse(block, schema)


def parse(block: bytes, schema: pa.Schema) -> pa.Table:
    """The same of the lines in some bytes."""
    block = _utf8(block)
    starts, ends = _lines(block)
    lines = _texts(block, starts, ends)
    whole = _looks_whole(block, starts, ends) & ~_in_another_case(lines, schema)
    found = list(_parsed(lines, np.flatnonzero(whole), schema))
    odd = np.concatenate([np.flatnonzero(~whole), *(rows for rows, table in found if table is None)])
    wanted = pa.schema([*schema, pa.field("readable", pa.bool_())])
    tables = [(odd, _one_by_one(lines.take(pa.array(odd)).to_pylist(), wanted))]
    for rows, table in found:
        if table is not None:
            readable = pa.array(np.ones(len(rows), bool))
            tables.append((rows, table.append_column("readable", readable).select(wanted.names).cast(wanted)))
    read, places = pa.concat_tables([table for _, table in tables]), np.concatenate([rows for rows, _ in tables])
    if np.any(places[1:] < places[:-1]):
        read = read.take(pa.array(np.argsort(places)))
    return pa.table({"line": lines, "readable": read["readable"], **{name: read[name] for name in schema.names}})


# ---- bytes and lines


def _blocks(piece: Piece) -> Iterator[bytes]:
    """The piece's bytes, cut at ends of lines."""
    if piece.path.endswith(".gz"):
        with gzip.open(piece.path, "rb") as packed:
            yield from _whole_lines(iter(lambda: packed.read(_READ_BYTES), b""))
        return
    with Path(piece.path).open("rb") as file:
        start = 0 if piece.start == 0 else _next_line(file, piece.start)
        end = _next_line(file, piece.end)
        file.seek(start)
        sizes = range(start, end, _READ_BYTES)
        yield from _whole_lines(file.read(min(_READ_BYTES, end - at)) for at in sizes)


def _next_line(file: Any, at: int) -> int:
    """Where the first line begins that does so at that byte or after it."""
    file.seek(at - 1)
    file.readline()
    return int(file.tell())


def _whole_lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    rest: list[bytes] = []
    for chunk in chunks:
        cut = chunk.rfind(b"\n") + 1
        if cut:
            yield b"".join([*rest, chunk[:cut]])
            rest = []
        rest.append(chunk[cut:])
    if any(rest):
        yield b"".join(rest)


def _utf8(block: bytes) -> bytes:
    try:
        block.decode("utf-8")
    except UnicodeDecodeError:
        return block.decode("utf-8", "replace").encode()
    return block


def _lines(block: bytes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each line starts, and where it ends before its line feed and the blanks in front of that."""
    data = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(data == ord("\n"))
    starts = np.append(0, ends + 1)
    if block.endswith(b"\n") or not block:
        starts = starts[:-1]
    else:
        ends = np.append(ends, len(data))
    ends = ends.copy()
    blank = (ends > starts) & np.isin(data[np.maximum(ends - 1, 0)], list(_BLANKS))
    for row in np.flatnonzero(blank).tolist():
        ends[row] = starts[row] + len(block[starts[row] : ends[row]].rstrip(_BLANKS))
    return starts, ends


def _texts(block: bytes, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> pa.Array:
    """The lines as one column over the bytes; copied only where something lies between them that belongs to none."""
    between = len(starts) and not np.array_equal(starts[1:], ends[:-1] + 1)
    if between or not len(starts):
        each = zip(starts.tolist(), ends.tolist(), strict=True)
        return pa.array([block[start:end].decode() for start, end in each], pa.string())
    # Each text takes in its line feed; it is cut off from the column by one pass in Arrow.
    offsets = np.append(starts, ends[-1]).astype(np.int32)
    texts = pa.StringArray.from_buffers(len(starts), pa.py_buffer(offsets), pa.py_buffer(block))
    return pc.utf8_rtrim(texts, "\n")


def _looks_whole(block: bytes, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Begins and ends with a brace, so that no object can reach over two lines: after `}` none may begin but in a list,
    and there a comma would have to come first."""
    data = np.frombuffer(block, np.uint8)
    if not len(data):
        return np.zeros(len(starts), bool)
    first, last = data[np.minimum(starts, len(data) - 1)], data[np.maximum(ends - 1, 0)]
    return (ends > starts) & (first == ord("{")) & (last == ord("}"))


def _in_another_case(lines: pa.Array, schema: pa.Schema) -> NDArray[np.bool_]:
    """Whether a line has a field of the schema written with capitals; such a name may stand inside another object too.

    One cheap pattern is tried on every line, the dear one only where that finds a name with capitals at all.
    """
    found = pc.match_substring_regex(lines, _NAMED_IN_CAPITALS).to_numpy(zero_copy_only=False)
    if found.any():
        some = lines.filter(pa.array(found))
        named = f'"({"|".join(schema.names)})"\\s*:'
        found[found] = pc.count_substring_regex(some, f"(?i){named}").to_numpy(zero_copy_only=False) != (
            pc.count_substring_regex(some, named).to_numpy(zero_copy_only=False)
        )
    return found


# ---- reading


def _parsed(
    lines: pa.Array, rows: NDArray[np.int64], schema: pa.Schema
) -> Iterator[tuple[NDArray[np.int64], pa.Table | None]]:
    """The rows in parts: each with its table, or None for one that Arrow does not read."""
    if not len(rows):
        return
    some = lines if len(rows) == len(lines) else lines.take(pa.array(rows))
    table = _by_arrow(some, schema)
    if table is not None:
        yield rows, table
    else:
        yield from _halved(_quoted(some, schema), rows, schema)


def _halved(
    lines: pa.Array, rows: NDArray[np.int64], schema: pa.Schema
) -> Iterator[tuple[NDArray[np.int64], pa.Table | None]]:
    """The same of these lines, one for each of the rows."""
    table = _by_arrow(lines, schema)
    if table is not None or len(rows) == 1:
        yield rows, table
        return
    middle = len(rows) // 2
    yield from _halved(lines[:middle], rows[:middle], schema)
    yield from _halved(lines[middle:], rows[middle:], schema)


def _quoted(lines: pa.Array, schema: pa.Schema) -> pa.Array:
    """The lines with quotes around numbers that stand where the schema has text: their text is what is wanted."""
    texts = "|".join(field.name for field in schema if pa.types.is_string(field.type))
    number = r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?"
    return pc.replace_substring_regex(lines, rf'("(?:{texts})"\s*:\s*)({number})(\s*[,}}])', r'\1"\2"\3')


def _by_arrow(lines: pa.Array, schema: pa.Schema) -> pa.Table | None:
    """The lines' fields, or None where one of them is not one object of the schema."""
    joined = pc.binary_join(pa.ListArray.from_arrays([0, len(lines)], lines), "\n")[0].as_buffer()
    options = {
        "read_options": pa.json.ReadOptions(use_threads=False, block_size=joined.size + 1),
        "parse_options": pa.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
    }
    try:
        table = pa.json.read_json(pa.BufferReader(joined), **options)
    except pa.ArrowException:
        return None
    return table if table.num_rows == len(lines) else None


def _one_by_one(lines: list[str], wanted: pa.Schema) -> pa.Table:
    fields = [field for field in wanted if field.name != "readable"]
    rows = [_object(line, fields) for line in lines]
    filled = [{**(row or {}), "readable": row is not None} for row in rows]
    return pa.Table.from_pylist(filled, wanted)


class _Number(str):
    """A number as it is written: only its field's type says what becomes of it."""

    __slots__ = ()


def _object(line: str, fields: list[pa.Field]) -> dict[str, Any] | None:
    """The fields of a line by name; None if it cannot be read as one object of them."""
    try:
        found = json.loads(line, parse_int=_Number, parse_float=_Number, parse_constant=_Number)
        if not isinstance(found, dict) or _lost_in_another_case(found, fields):
            return None
        return {field.name: _value(found.get(field.name), field.type) for field in fields}
    except (ValueError, RecursionError, OverflowError):
        return None


def _lost_in_another_case(found: dict[str, Any], fields: list[pa.Field]) -> bool:
    others = {name.lower() for name in found if name != name.lower()}
    return any(found.get(field.name) is None for field in fields if field.name in others)


def _value(value: Any, kind: pa.DataType) -> Any:
    """The value as one of that type. Raises ValueError where it is of another, too great for it, or no UTF-8."""
    if value is None:
        return None
    if pa.types.is_list(kind):
        if not isinstance(value, list):
            raise ValueError
        return [_value(each, kind.value_type) for each in value]
    if pa.types.is_string(kind) and isinstance(value, str):
        return value.encode().decode()
    if not isinstance(value, _Number):
        raise ValueError
    if pa.types.is_floating(kind):
        return float(value)
    number = int(value)
    if not -(2 ** (kind.bit_width - 1)) <= number < 2 ** (kind.bit_width - 1):
        raise ValueError
    return number
