"""Landed files as Spark frames: every line becomes a row, readable or not, so that none is lost on the way in."""

from __future__ import annotations

import gzip
import json
from functools import reduce
from itertools import islice
from operator import or_
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from foryou import tables
from foryou.errors import ContractBroken, DataRejected
from foryou.plain_text import plain_text
from foryou.sources.landing import LandedDay

_SAMPLED_LINES = 1_000


def read(spark: SparkSession, landed: LandedDay, kind: str) -> DataFrame:
    """One row per line of the day's files of that kind: the contract's fields, `line`, and `readable`.

    A line that is not one JSON object, holds a value of another type, or names a field in another case, which Spark
    would silently read as null, has `readable` false; a number where text is wanted is taken as its text. Raises
    ContractBroken where all of a file's first lines write a field's name in another case, and DataRejected for a
    Parquet file without its end.
    """
    paths = [file.path for file in landed.files.get(kind, [])]
    schema = T.StructType.fromDDL(tables.LANDED[kind])
    _refuse_other_case(landed, kind, schema)
    lines = [str(path) for path in paths if path.suffix != ".parquet"]
    frame = _from_lines(spark, lines, schema)
    for alike in _by_schema(landed, kind):
        frame = frame.unionByName(_from_parquet(spark, alike, schema, landed, kind))
    return frame


def unknown_fields(landed: LandedDay, kind: str) -> list[str]:
    """Fields beyond the contract, as a sample of each file shows them: they are ignored, and that is said."""
    known = {part.split(" ")[0] for part in tables.LANDED[kind].split(", ")}
    found = set().union(*(_sampled_fields(file.path, landed) for file in landed.files.get(kind, [])))
    return sorted({plain_text(name[:64]) for name in found - known})


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
    # Only a line feed ends a line: Spark would also cut at a carriage return. Bytes that are no UTF-8 must not get
    # into the lake, where other readers would stop at them.
    lines = spark.read.text(paths, lineSep="\n") if paths else spark.createDataFrame([], "value string")
    line = F.make_valid_utf8(F.rtrim("value", F.lit(" \t\r")))
    options = {"mode": "PERMISSIVE", "columnNameOfCorruptRecord": "_broken", "allowSingleQuotes": "false"}
    parsed = lines.select(line.alias("line")).select("line", F.from_json("line", wide, options).alias("row"))
    sound = F.col("row").isNotNull() & F.col("row._broken").isNull() & _one_object(F.col("line"))
    readable = sound & ~_in_another_case(schema)
    return parsed.select("line", readable.alias("readable"), *[F.col(f"row.{f.name}") for f in schema.fields])


def _in_another_case(schema: T.StructType) -> Column:
    """Whether a field is null whose name the line has with capitals.

    One pattern that cannot backtrack is tried on every line; only where it finds a name is the rest worked out, by
    functions that Spark does not compile: 15 patterns of the fields in the compiled code took a tenth longer.
    """
    named = r'"([a-z_]*+[A-Z][A-Za-z_]*+)"\s*+:'
    found = F.transform(F.regexp_extract_all("line", F.lit(named), F.lit(1)), F.lower)
    fields = F.array(*[F.lit(f.name) for f in schema.fields])
    lost = F.filter(F.arrays_zip(fields.alias("name"), _nulls(schema).alias("null")), lambda each: each["null"])
    return F.when(
        F.col("line").rlike(named), F.arrays_overlap(found, F.transform(lost, lambda each: each["name"]))
    ).otherwise(F.lit(False))


def _nulls(schema: T.StructType) -> Column:
    return F.array(*[F.col(f"row.{f.name}").isNull() for f in schema.fields])


def _one_object(line: Column) -> Column:
    """Nothing after the object: Spark would read a line that two writers tore into one as its first half."""
    outside_texts = F.regexp_replace(F.regexp_replace(line, r"\\.", ""), r'"[^"]*"', "")
    return line.endswith("}") & (~line.contains("}{") | ~outside_texts.contains("}{"))


def _by_schema(landed: LandedDay, kind: str) -> list[list[str]]:
    """The Parquet files of that kind, those of one schema together: Spark takes the first one's schema for all."""
    alike: dict[str, list[str]] = {}
    for file in landed.files.get(kind, []):
        if file.path.suffix == ".parquet":
            alike.setdefault(str(_parquet_schema(file.path, landed).remove_metadata()), []).append(str(file.path))
    return list(alike.values())


def _from_parquet(
    spark: SparkSession, paths: list[str], schema: T.StructType, landed: LandedDay, kind: str
) -> DataFrame:
    """Columns of another type are cast; a row with a value that does not allow it is not readable."""
    try:
        frame = spark.read.parquet(*paths)
        cast = {f.name: F.col(f.name).try_cast(f.dataType) for f in schema.fields if f.name in frame.columns}
        lost = [F.col(name).isNotNull() & value.isNull() for name, value in cast.items()]
        columns = [cast.get(f.name, F.lit(None).cast(f.dataType)).alias(f.name) for f in schema.fields]
        line = F.to_json(F.struct(*[F.col("`" + name.replace("`", "``") + "`") for name in frame.columns]))
        return frame.select(line.alias("line"), (~reduce(or_, lost, F.lit(False))).alias("readable"), *columns)
    except AnalysisException as error:
        raise ContractBroken(
            f"landing/{kind}",
            day=landed.day,
            wanted=f"columns that can be read as {tables.LANDED[kind]}",
            found=f"{error.getCondition()} in {Path(paths[0]).name}",
            next_step="have the producer write the types of the landing contract",
        ) from error


def _refuse_other_case(landed: LandedDay, kind: str, schema: T.StructType) -> None:
    known = {field.name for field in schema.fields}
    for file in landed.files.get(kind, []):
        found = _sampled_fields(file.path, landed)
        other = sorted(n for n in found - known if n.lower() in known and n.lower() not in found)
        if other:
            raise ContractBroken(
                f"landing/{kind}",
                day=landed.day,
                wanted=", ".join(name.lower() for name in other),
                found=f"{', '.join(other)} in {file.path.name}",
                next_step="have the producer write the names of the landing contract, in lower case",
            )


def _sampled_fields(path: Path, landed: LandedDay) -> set[str]:
    if path.suffix == ".parquet":
        return set(_parquet_schema(path, landed).names)
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
        return set().union(*(_fields(line) for line in islice(file, _SAMPLED_LINES)))


def _parquet_schema(path: Path, landed: LandedDay) -> pa.Schema:
    try:
        return pq.read_schema(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataRejected(
            "landing",
            day=landed.day,
            wanted=f"a whole Parquet file in {path}",
            found=str(error).splitlines()[0],
            next_step="export the day again",
        ) from error


def _fields(line: bytes) -> set[str]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return set()
    return set(row) if isinstance(row, dict) else set()
