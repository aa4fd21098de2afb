"""What a table is, as data: one declaration feeds Spark, Delta, Great Expectations, Airflow, the docs and the tests."""

from __future__ import annotations

import re
from dataclasses import dataclass

ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.:@-]{0,63}(?![\s\S])"
"""Ids are 1 to 64 plain characters: they end in file names, HTML, SQL and keys of other services.

The end is a look-ahead, since `$` also matches before a line break at the end.
"""


@dataclass(frozen=True)
class Column:
    """One column: its name, its Spark DDL type, what it means, and the rules that its values obey."""

    name: str
    type: str
    doc: str
    required: bool = False
    one_of: tuple[str, ...] = ()
    at_least: float | None = None
    at_most: float | None = None
    pattern: str | None = None

    def __post_init__(self) -> None:
        if not self.doc:
            raise ValueError(f"column {self.name}: a doc is required")


@dataclass(frozen=True)
class Table:
    """One table of the lake: what a row is, its columns, its key and how long a partition is kept.

    `partition` is `("day",)` or empty; `keep_days` is None for tables kept for ever. Tables with `published`
    set lie under `published/` and are the only ones promised to other services.
    """

    name: str
    doc: str
    one_row_is: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    partition: tuple[str, ...] = ("day",)
    keep_days: int | None = None
    published: bool = False

    def __post_init__(self) -> None:
        names = self.column_names
        if len(set(names)) != len(names):
            raise ValueError(f"table {self.name}: a column is declared twice")
        for name in self.key + self.partition:
            if name not in names:
                raise ValueError(f"table {self.name}: {name} is not one of its columns")
        if not re.fullmatch(r"[a-z][a-z_]*", self.name):
            raise ValueError(f"table {self.name}: names are lower case words")

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def path(self) -> str:
        """Where the table lies below the lake's root."""
        return f"published/{self.name}" if self.published else self.name

    def ddl(self) -> str:
        """The schema as Spark DDL: `"day date, viewer_id string"`."""
        return ", ".join(f"{column.name} {column.type}" for column in self.columns)

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)


_DELTA_NAMES = {"int": "integer", "bigint": "long"}


def delta_schema(table: Table) -> dict[str, object]:
    """The table's schema in the form that Delta's log holds, each column's doc as its comment."""
    return {
        "type": "struct",
        "fields": [_delta_field(c.name, c.type, {"comment": c.doc}) for c in table.columns],
    }


def _delta_field(name: str, ddl_type: str, metadata: dict[str, str]) -> dict[str, object]:
    return {"name": name, "type": _delta_type(ddl_type), "nullable": True, "metadata": metadata}


def _delta_type(ddl_type: str) -> object:
    """`array<int>` as `{"type": "array", "elementType": "integer", ...}`; plain types by Delta's names."""
    kind, _, inner = ddl_type.strip().partition("<")
    inner = inner.removesuffix(">")
    if kind == "array":
        return {"type": "array", "elementType": _delta_type(inner), "containsNull": True}
    if kind == "map":
        key, value = _split(inner)
        return {
            "type": "map",
            "keyType": _delta_type(key),
            "valueType": _delta_type(value),
            "valueContainsNull": True,
        }
    if kind == "struct":
        named = (part.strip().split(" ", 1) for part in _split(inner))
        return {"type": "struct", "fields": [_delta_field(name, part, {}) for name, part in named]}
    return _DELTA_NAMES.get(kind, kind)


def _split(inner: str) -> list[str]:
    """The parts between the commas that stand outside any brackets."""
    parts, depth = [""], 0
    for letter in inner:
        depth += (letter == "<") - (letter == ">")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts
