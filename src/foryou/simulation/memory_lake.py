"""A lake in memory: what the night's jobs after `views` ask of a lake, without Spark, Delta or a disk to speak of."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from foryou.contract import Table
from foryou.errors import InputMissing
from foryou.platform import conforming, parquet_files

_arrow_schema, _file_schema = lru_cache(conforming.arrow_schema), lru_cache(conforming.file_schema)


class MemoryLake:
    """Tables as Arrow, by day; the methods mean what those of `platform.lake.Lake` mean, and refuse what they refuse.

    `root` is a folder for what a job wants as files. Tables are never changed in place, so that `copy` shares them.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._parts: dict[str, dict[date | None, list[pa.Table]]] = {}
        self._versions: dict[str, int] = {}

    def copy(self, root: Path) -> MemoryLake:
        """Another lake of the same content; from then on they go their own ways."""
        other = MemoryLake(root)
        other._parts = {name: dict(days) for name, days in self._parts.items()}
        other._versions = dict(self._versions)
        return other

    def exists(self, table: Table) -> bool:
        return table.path in self._parts

    def version(self, table: Table) -> int:
        return self._versions[table.path]

    def days(self, table: Table) -> list[date]:
        """The days that the table holds, in order."""
        held = self._parts.get(table.path, {})
        return sorted(day for day, parts in held.items() if day and any(part.num_rows for part in parts))

    def days_until(self, table: Table, last: date) -> list[date]:
        """The days that the table holds up to and with `last`."""
        return [day for day in self.days(table) if day <= last]

    # ---- reading

    def arrow(self, table: Table, columns: list[str] | None = None, *, days: list[date] | None = None) -> pa.Table:
        """The table as Arrow."""
        held = self._parts.get(table.path, {})
        asked = sorted(held, key=str) if days is None else [day for day in sorted(set(days)) if day in held]
        parts = [part for day in asked for part in held[day]] or [_arrow_schema(table).empty_table()]
        return pa.concat_tables([part.select(columns) if columns else part for part in parts])

    def count(self, table: Table, days: list[date]) -> int:
        """How many rows the days have."""
        return self.arrow(table, days=days).num_rows

    def require(self, table: Table, day: date) -> None:
        """Raises InputMissing where the table lacks the day."""
        if day not in self.days(table):
            raise InputMissing(
                table.name,
                day=day,
                wanted="this day in the simulated lake",
                found="only " + (", ".join(map(str, self.days(table)[-3:])) or "an empty table"),
                next_step="give the simulation what the step that writes the table would have left",
            )

    # ---- writing

    def replace_day(self, table: Table, day: date, rows: pa.Table, *, where: str = "") -> None:
        """Makes `rows`, which have no column `day`, the table's whole content of that day, or of `where` within it."""
        dated = conforming.conforming(table, conforming.dated(rows, day))
        kept = [_without(part, where) for part in self._parts.get(table.path, {}).get(day, [])] if where else []
        self._put(table, day, [*kept, dated])

    def replace_all(self, table: Table, rows: pa.Table) -> None:
        """Makes `rows` the table's whole content."""
        whole = conforming.conforming(table, rows)
        self._parts[table.path] = {}
        if not table.partition:
            self._put(table, None, [whole])
            return
        held = whole["day"].to_numpy()
        for day in np.unique(held):
            self._put(table, day.astype(object), [whole.filter(held == day)])

    def replace_parts(
        self,
        table: Table,
        day: date,
        parts: int,
        make: Callable[[int], Iterator[pa.Table]],
        rows_a_group: int = 1_000,
        checked: None = None,
    ) -> int:
        """Makes the table's content part by part, in this process; gives back the number of rows.

        There is no Spark whose frames could be `checked`.
        """
        wanted, made = _file_schema(table), []
        for part in range(parts):
            blocks = [_conforming(table, day, block, wanted) for block in make(part)]
            if any(block.num_rows for block in blocks):
                made.append(pa.concat_tables(blocks))
        key = day if table.partition else None
        dated = [conforming.dated(part, day).select(table.column_names) if key else part for part in made]
        self._put(table, key, dated)
        return sum(part.num_rows for part in made)

    def _put(self, table: Table, day: date | None, parts: list[pa.Table]) -> None:
        self._parts.setdefault(table.path, {})[day] = parts
        self._versions[table.path] = self._versions.get(table.path, -1) + 1

    def files(self, table: Table, day: date) -> list[str]:
        """The parts of a day as Parquet files, in their order; they lie there until asked for again."""
        self.require(table, day)
        paths = []
        for number, part in enumerate(part for part in self._parts[table.path][day] if part.num_rows):
            path = self.root / f"{table.name}-{number:05d}.parquet"
            pq.write_table(part.select(_file_schema(table).names), path, compression="none", store_schema=False)
            paths.append(str(path))
        return paths

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder for arrays, gone when the step ends."""
        with tempfile.TemporaryDirectory(dir=self.root) as folder:
            yield Path(folder)

    @contextmanager
    def locked(self, name: str, *, wait: bool = True, shared: bool = False) -> Iterator[None]:
        """Nobody else has this lake."""
        yield


def _conforming(table: Table, day: date, block: pa.Table, wanted: pa.Schema) -> pa.Table:
    """The block in the types of the contract. Raises ContractBroken where it departs from it."""
    conforming.refuse(table, day, parquet_files.departures(block.schema, wanted))
    return pa.table([block[field.name].cast(field.type) for field in wanted], schema=wanted)


def _without(rows: pa.Table, where: str) -> pa.Table:
    """The rows that `where`, one column with its value or values, does not name."""
    found = re.fullmatch(r"(\w+) (= '[^']*'|(?:NOT )?IN \('[^']*'(?:, '[^']*')*\))", where)
    if not found:
        raise ValueError(f"wanted a column and its values, as in step = 'publish', found {where!r}")
    named = pc.is_in(rows[found[1]], pa.array(re.findall(r"'([^']*)'", found[2])))
    return rows.filter(named if found[2].startswith("NOT") else pc.invert(named))
