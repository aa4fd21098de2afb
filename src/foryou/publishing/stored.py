"""Reading the lake's files without a JVM: whole tables, and of the working tables of a night what is still kept."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError
from pyarrow.fs import LocalFileSystem, SubTreeFileSystem

from foryou.contract import Table
from foryou.errors import ContractBroken


@contextmanager
def readable(name: str, lake: Path | str) -> Iterator[None]:
    """Turns what a damaged table of the lake raises into ContractBroken with what to do."""
    try:
        yield
    except (DeltaError, OSError, pa.ArrowException, UnicodeEncodeError) as error:
        raise ContractBroken(
            name,
            wanted=f"a whole table, with the versions that releases name, in {lake}",
            found=(str(error).splitlines() or [type(error).__name__])[0],
            next_step="restore its folder from a copy, or read another release: `foryou releases` lists them",
        ) from error


def whole(
    path: Path | str,
    columns: builtins.list[str] | None = None,
    *,
    day: date | None = None,
    version: int | None = None,
    where: pc.Expression | None = None,
) -> pa.Table:
    """A table, or a day of it, or the rows `where` something holds, through Arrow's own file system.

    deltalake brings one written in Python: Arrow's threads then hold Python's buffers, and one that lets go of its last
    while the interpreter ends aborts the process with code 134 (once in some sixty calls on a busy machine).
    """
    own = SubTreeFileSystem(str(Path(path).absolute()), LocalFileSystem())
    parts = [("day", "=", str(day))] if day else None
    table = DeltaTable(str(path), version=version)
    return table.to_pyarrow_table(partitions=parts, columns=columns, filesystem=own, filters=where)


@dataclass(frozen=True)
class Working:
    """The working tables of a night, of which most days are kept for a few days only."""

    lake: Path
    day: date
    _opened: dict[str, DeltaTable] = field(default_factory=dict)

    def days(self, table: Table) -> list[date]:
        """The days that the lake still holds of the table, in order."""
        with readable(table.name, self.lake):
            if table.name not in self._opened:
                path = str(self.lake / table.path)
                if not DeltaTable.is_deltatable(path):
                    return []
                self._opened[table.name] = DeltaTable(path)
            return sorted({date.fromisoformat(str(part["day"])) for part in self._opened[table.name].partitions()})

    def rows(
        self, table: Table, columns: list[str], where: pc.Expression | None = None, *, day: date | None = None
    ) -> pa.Table | None:
        """Rows of the night's day, or of another; None where the lake does not hold the day or a column any more."""
        asked = day or self.day
        return self._read(table, columns, where, asked) if asked in self.days(table) else None

    def rows_so_far(self, table: Table, columns: list[str], where: pc.Expression) -> pa.Table | None:
        """Rows of every day up to the night's, with their `day`; None where there is no such table."""
        if not self.days(table):
            return None
        return self._read(table, [*columns, "day"], where & (pc.field("day") <= pa.scalar(self.day)), None)

    def _read(self, table: Table, columns: list[str], where: pc.Expression | None, day: date | None) -> pa.Table | None:
        with readable(table.name, self.lake):
            opened = self._opened[table.name]
            held = {column.name for column in opened.schema().fields}
            if not held.issuperset(columns):
                return None
            return whole(self.lake / table.path, columns, day=day, version=opened.version(), where=where)
