"""Rows held against the contract of the table that they are written to: its schemas, its types, and what is refused."""

from __future__ import annotations

import json
from datetime import date

import pyarrow as pa
from deltalake import Schema

from foryou.contract import Column, Table, delta_schema
from foryou.errors import ContractBroken
from foryou.platform import parquet_files


def of_delta(table: Table) -> Schema:
    """The schema as Delta's log holds it."""
    return Schema.from_json(json.dumps(delta_schema(table)))


def arrow_schema(table: Table) -> pa.Schema:
    return pa.schema(of_delta(table).to_arrow())


def of_files(table: Table) -> list[Column]:
    """The columns that lie in the files: all but the partition's."""
    return [column for column in table.columns if column.name not in table.partition]


def file_schema(table: Table) -> pa.Schema:
    """The schema of the table's files."""
    return pa.schema([arrow_schema(table).field(column.name) for column in of_files(table)])


def conforming(table: Table, rows: pa.Table) -> pa.Table:
    """The rows in the types of the contract, where no value is lost by it."""
    schema, columns, faults = arrow_schema(table), [], parquet_files.misnamed(rows.schema, arrow_schema(table))
    for field in schema:
        if field.name in rows.column_names:
            try:
                columns.append(rows[field.name].cast(field.type))
            except pa.ArrowException:
                faults.append(f"{field.name} is {rows[field.name].type}, which is no {field.type}")
    refuse(table, None, faults)
    return pa.table(columns, schema=schema)


def dated(rows: pa.Table, day: date) -> pa.Table:
    return rows.append_column("day", pa.repeat(pa.scalar(day, pa.date32()), rows.num_rows))


def refuse(table: Table, day: date | None, faults: list[str]) -> None:
    if faults:
        raise ContractBroken(
            table.name,
            day=day,
            wanted="the columns of its contract",
            found="; ".join(faults),
            next_step="mend the stage that builds it, or the contract in foryou/tables/",
        )


def lost(table: Table, found: str) -> ContractBroken:
    """The error of a table that was there and is no longer whole."""
    return ContractBroken(
        table.name,
        wanted="the table with all that nights have written to it",
        found=found,
        next_step=f"restore the lake's folder `{table.path}` whole from a copy, then run the night again",
    )
