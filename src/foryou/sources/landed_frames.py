"""Landed files as Spark frames: every line becomes a row, readable or not, so that none is lost on the way in."""

from __future__ import annotations

import gzip
import json
from itertools import islice
from pathlib import Path

import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from foryou import tables
from foryou.errors import ContractBroken, DataRejected
from foryou.sources.landing import LandedDay

_SAMPLED_LINES = 1_000


def read(spark: SparkSession, landed: LandedDay, kind: str) -> DataFrame:
    """One row per line of the day's files of that kind: the contract's fields, `line`, and `readable`.

    A line that is not JSON, or holds a value of another type, has `readable` false. Raises ContractBroken where
    a file writes a field's name in another case, which Spark would silently read as null.
    """
    paths = [file.path for file in landed.files.get(kind, [])]
    schema = T.StructType.fromDDL(tables.LANDED[kind])
    _refuse_other_case(landed, kind, schema)
    parquet = [str(path) for path in paths if path.suffix == ".parquet"]
    lines = [str(path) for path in paths if path.suffix != ".parquet"]
    frame = _from_lines(spark, lines, schema)
    return frame.unionByName(_from_parquet(spark, parquet, schema)) if parquet else frame


def unknown_fields(landed: LandedDay, kind: str) -> list[str]:
    """Fields beyond the contract, as a sample of each file shows them: they are ignored, and that is said."""
    known = {field.name for field in T.StructType.fromDDL(tables.LANDED[kind])}
    found = set().union(*(_sampled_fields(file.path) for file in landed.files.get(kind, [])))
    return sorted(name[:64] for name in found - known)


def recount(landed: LandedDay, kind: str, rows: int) -> None:
    """Raises DataRejected where the files held another number of rows than the manifest says."""
    promised = sum(file.rows for file in landed.files.get(kind, []))
    if rows != promised:
        raise DataRejected(
            f"landing/{kind}",
            day=landed.day,
            wanted=f"{promised} rows, as the manifest says",
            found=f"{rows} rows",
            next_step="have the day landed again, files and manifest together",
        )


def _from_lines(spark: SparkSession, paths: list[str], schema: T.StructType) -> DataFrame:
    wide = T.StructType([*schema.fields, T.StructField("_broken", T.StringType())])
    lines = spark.read.text(paths) if paths else spark.createDataFrame([], "value string")
    options = {"mode": "PERMISSIVE", "columnNameOfCorruptRecord": "_broken"}
    parsed = lines.select(F.col("value").alias("line"), F.from_json("value", wide, options).alias("row"))
    readable = F.col("row").isNotNull() & F.col("row._broken").isNull()
    return parsed.select("line", readable.alias("readable"), *[F.col(f"row.{f.name}") for f in schema.fields])


def _from_parquet(spark: SparkSession, paths: list[str], schema: T.StructType) -> DataFrame:
    """Columns of another type are cast where a value allows it, and null where it does not."""
    frame = spark.read.parquet(*paths)
    columns = [
        F.col(f.name).try_cast(f.dataType).alias(f.name)
        if f.name in frame.columns
        else F.lit(None).cast(f.dataType).alias(f.name)
        for f in schema.fields
    ]
    line = F.to_json(F.struct(*[F.col(f"`{name}`") for name in frame.columns]))
    return frame.select(line.alias("line"), F.lit(True).alias("readable"), *columns)


def _refuse_other_case(landed: LandedDay, kind: str, schema: T.StructType) -> None:
    known = {field.name for field in schema.fields}
    for file in landed.files.get(kind, []):
        found = _sampled_fields(file.path)
        other = sorted(n for n in found - known if n.lower() in known and n.lower() not in found)
        if other:
            raise ContractBroken(
                f"landing/{kind}",
                day=landed.day,
                wanted=", ".join(name.lower() for name in other),
                found=f"{', '.join(other)} in {file.path.name}",
                next_step="have the producer write the names of the landing contract, in lower case",
            )


def _sampled_fields(path: Path) -> set[str]:
    if path.suffix == ".parquet":
        return set(pq.read_schema(path).names)
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
        return set().union(*(_fields(line) for line in islice(file, _SAMPLED_LINES)))


def _fields(line: bytes) -> set[str]:
    try:
        row = json.loads(line)
    except ValueError:
        return set()
    return set(row) if isinstance(row, dict) else set()
