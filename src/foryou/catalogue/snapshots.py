"""A landed snapshot on its way into the lake: what workers make of its lines, left in files until it has passed.

For each part of the lines there is a file of its sound rows and, once dense ids are given, one of what is `found`
beside them. The driver reads digests, ids and small columns of them; rows go from file to file in the workers.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyarrow import feather

from foryou.catalogue import catalogue
from foryou.contract import Table

LEFT = "reason string, visual_vector int, audio_vector int, lines bigint, snapshot string, part string"
"""What workers tell, as Spark's columns: how many lines of a part came out alike (`catalogue.told`), of which snapshot,
and the name that the part's files begin with. Each part has a first row, of no lines."""
_NO_LINES = pa.table(
    {
        "reason": pa.nulls(1, pa.string()),
        **{name: pa.nulls(1, pa.int32()) for name in catalogue.VECTORS},
        "lines": pa.array([0], pa.int64()),
    }
)
_KEY = "key_digest"


def leave(
    lines: Iterator[pa.Table], table: Table, judge: Callable[[pa.Table], pa.Table], folder: Path
) -> Iterator[pa.Table]:
    """Judges the lines of a part and leaves its files in the folder; a part without lines leaves none.

    The files have fresh names, so that a task tried again overwrites nothing.
    """
    part = folder / f"{table.name}-{uuid.uuid4().hex}"
    rows, told = None, [_NO_LINES]
    for some in lines:
        judged = judge(some)
        sound = catalogue.sound(judged)
        keyed = sound.append_column(_KEY, pa.array(catalogue.key_digests(sound, table)))
        rows = rows or _writer(_rows(part), keyed.schema)
        if sound.num_rows:  # a row group of none is nothing that every reader takes
            rows.write_table(keyed)
        told.append(catalogue.told(judged))
    if rows:
        rows.close()
        every = pa.concat_tables(told, promote_options="default").select(_NO_LINES.column_names)
        named = every.append_column("snapshot", pa.repeat(table.name, every.num_rows))
        yield named.append_column("part", pa.repeat(str(part), every.num_rows))


@dataclass(frozen=True)
class Snapshot:
    """The parts of a snapshot, by the names that their files begin with."""

    table: Table
    parts: list[Path]

    def files(self) -> list[str]:
        """The files of sound rows: the columns of the table that lines fill, and a digest of each row's key."""
        return [str(_rows(part)) for part in self.parts]

    def columns(self, names: list[str]) -> pa.Table:
        """Those columns of all sound rows, in the order of the parts."""
        return pa.concat_tables([pq.read_table(path, columns=names) for path in self.files()])

    def drop_repeats(self) -> int:
        """Leaves one row of each key: the safer (`catalogue.repeats`), wherever they lie; tells how many go."""
        digests = [pq.read_table(path, columns=[_KEY])[_KEY].to_numpy() for path in self.files()]
        places = catalogue.doubtful(np.concatenate(digests))
        if not len(places):
            return 0
        starts = np.cumsum([0, *map(len, digests)])
        rows = [_said(path, own, self.table) for path, own in zip(self.files(), _by_part(places, starts), strict=True)]
        repeats = np.sort(places[catalogue.repeats(pa.concat_tables(rows), self.table)])
        for path, own in zip(self.files(), _by_part(repeats, starts), strict=True):
            if len(own):
                _drop(path, own)
        return len(repeats)

    def find(self, found: pa.Table) -> None:
        """Leaves beside each part's rows their own of `found`, which has one for each of `columns`."""
        start = 0
        for part in self.parts:
            rows = pq.read_metadata(_rows(part)).num_rows
            feather.write_feather(found.slice(start, rows), str(_found(part)), compression="uncompressed")
            start += rows

    def part(self, number: int) -> Iterator[pa.Table]:
        """The sound rows of a part, some thousands at a time, with what was found."""
        found = _found(self.parts[number])
        beside = feather.read_table(str(found), memory_map=True) if found.exists() else pa.table({})
        start = 0
        for rows in _groups(str(_rows(self.parts[number]))):
            own = beside.slice(start, rows.num_rows)
            for name in own.column_names:
                rows = rows.append_column(name, own[name])
            yield rows.drop_columns(_KEY)
            start += rows.num_rows


# ---- files


def _rows(part: Path) -> Path:
    return part.with_name(part.name + ".rows.parquet")


def _found(part: Path) -> Path:
    return part.with_name(part.name + ".found.arrow")


def _writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """They are read once or twice and gone: to pack them costs more than it saves."""
    return pq.ParquetWriter(path, schema, compression="none", write_statistics=False)


def _groups(path: str) -> Iterator[pa.Table]:
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            yield file.read_row_group(group)


def _said(path: str, places: NDArray[np.int64], table: Table) -> pa.Table:
    """What the rows of a file at those places say, as it can be put in order; the places are."""
    said, start = [catalogue.in_order(pq.read_schema(path).empty_table(), table)], 0
    for rows in _groups(path):
        own = places[(places >= start) & (places < start + rows.num_rows)] - start
        said.append(catalogue.in_order(rows.take(pa.array(own)), table))
        start += rows.num_rows
    return pa.concat_tables(said)


def _drop(path: str, places: NDArray[np.int64]) -> None:
    kept = np.ones(pq.read_metadata(path).num_rows, bool)
    kept[places] = False
    part, start = Path(path + ".part"), 0
    with _writer(part, pq.read_schema(path)) as file:
        for rows in _groups(path):
            own = rows.filter(pa.array(kept[start : start + rows.num_rows]))
            if own.num_rows:
                file.write_table(own)
            start += rows.num_rows
    part.replace(path)


def _by_part(places: NDArray[np.int64], starts: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Places among all rows, which are in order, as places in each part."""
    cuts = np.searchsorted(places, starts)
    return [places[a:b] - start for a, b, start in zip(cuts, cuts[1:], starts, strict=False)]
