"""Small tables made from contracts, and small landing days: a test gives only the values that matter to it."""

from __future__ import annotations

import gzip
import hashlib
import json
import runpy
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import Schema
from pyspark.sql import DataFrame, SparkSession

from foryou import tables
from foryou.contract import Column, Table, delta_schema
from foryou.platform.job import Run, run_step
from foryou.platform.lake import Lake
from foryou.settings import ROOT, Settings
from foryou.sources import landed_lines

DAY = date(2026, 3, 10)
NOON = datetime(2026, 3, 10, 12)

PLAINEST = {"string": "x", "boolean": False, "date": DAY, "timestamp": NOON, "int": 0, "bigint": 0, "float": 0.0}

Line = dict[str, Any] | bytes
"""A landed line: fields, or bytes that are written as they are."""


def rows(spark: SparkSession, table: Table, *given: dict[str, Any]) -> DataFrame:
    """Rows of a contract: what is not given is empty, or the plainest value where one is required."""
    unknown = {name for row in given for name in row} - set(table.column_names)
    assert not unknown, f"{table.name} has no {sorted(unknown)}"
    filled = [tuple(row.get(column.name, plainest(column)) for column in table.columns) for row in given]
    return spark.createDataFrame(filled, table.ddl())


def arrow_rows(table: Table, *given: dict[str, Any], only: Sequence[str] = ()) -> pa.Table:
    """The same as Arrow, without Spark: all columns of the contract, or `only` some."""
    unknown = {name for row in given for name in row} - set(table.column_names)
    assert not unknown, f"{table.name} has no {sorted(unknown)}"
    filled = [{column.name: row.get(column.name, plainest(column)) for column in table.columns} for row in given]
    schema = pa.schema(Schema.from_json(json.dumps(delta_schema(table))).to_arrow())
    return pa.Table.from_pylist(filled, schema=schema).select(list(only or table.column_names))


def plainest(column: Column) -> Any:
    if not column.required:
        return None
    if column.one_of:
        return column.one_of[0]
    return [] if column.type.startswith("array") else PLAINEST[column.type]


def arrow_lines(kind: str, *given: dict[str, Any]) -> pa.Table:
    """Landed lines as they are after parsing: `line`, `readable` and the fields of the landing contract."""
    fields = landed_lines.schema(tables.LANDED[kind])
    schema = pa.schema([("line", pa.string()), ("readable", pa.bool_()), *fields])
    told = [row | {"line": row.get("line", json.dumps(row)), "readable": row.get("readable", True)} for row in given]
    return pa.Table.from_pylist(told, schema)


def land(landing: Path, day: date, files: dict[str, list[Line]]) -> Path:
    """Writes a landing day with its manifest: `{"events/part-0.jsonl": [{...}, b"{broken"]}`; its folder."""
    folder = landing / f"day={day}"
    listed = {}
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, content)
        data = path.read_bytes()
        listed[name] = {"rows": len(content), "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "_manifest.json").write_text(json.dumps({"day": str(day), "files": listed}))
    return folder


def _write(path: Path, content: list[Line]) -> None:
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(content), path)
        return
    data = b"".join((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in content)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


def ran(
    name: str,
    landing: Path,
    lake: Lake,
    chosen: Settings,
    day: date = DAY,
    overrides: dict[str, str] | None = None,
) -> Run:
    """The run of a job's `main` for a day, with its journal entry written."""
    run = Run(name, day, landing, lake, chosen, overrides or {})
    run_step(run, runpy.run_path(str(ROOT / "jobs" / f"{name}.py"))["main"])
    return run
