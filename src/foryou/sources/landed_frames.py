"""Landed files shared out among Spark's workers: every line becomes a row, readable or not, so that none is lost."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from functools import partial, reduce
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
from foryou.sources import landed_lines
from foryou.sources.landed_lines import Piece
from foryou.sources.landing import LandedDay, rejected

Work = Callable[[Iterator[pa.Table]], Iterator[pa.Table]]
"""From landed lines, some thousands at a time, to whatever is made of them."""

_CODECS = {"UNCOMPRESSED", "SNAPPY", "GZIP", "LZ4", "ZSTD"}
"""Of Parquet, those that Spark reads as it comes."""
_SAMPLED_LINES = 1_000
_BYTES_A_PIECE = 24 << 20


def worked(spark: SparkSession, landed: LandedDay, kind: str, work: Work, row: str) -> DataFrame:
    """What `work` makes, in Spark's workers, of the lines of the day's files of that kind; `row`: its columns as DDL.

    Each line is a row of `line`, `readable` and the contract's fields. One that is not one JSON object, holds a value
    of another type, or names a field in another case has `readable` false; a number where text is wanted is taken as
    its text. Raises ContractBroken where all of a file's first lines write a field's name in another case, and
    DataRejected for a Parquet file without its end.
    Lines of JSON are parsed where the work is done, so that they never pass through the JVM.
    """
    _refuse_other_case(landed, kind)
    paths = [file.path for file in landed.files.get(kind, []) if file.path.suffix != ".parquet"]
    pieces = landed_lines.pieces(paths, _BYTES_A_PIECE)
    given = partial(_of_pieces, pieces=pieces, schema=landed_lines.schema(tables.LANDED[kind]), work=work)
    frame = spark.range(0, len(pieces), 1, len(pieces)).mapInArrow(given, row) if pieces else None
    for alike in _by_schema(landed, kind):
        of_frame = _from_parquet(spark, alike, landed, kind).mapInArrow(partial(_of_batches, work=work), row)
        frame = of_frame if frame is None else frame.unionByName(of_frame)
    return spark.createDataFrame([], row) if frame is None else frame


def no_lines(kind: str) -> pa.Table:
    """Lines of that kind as work gets them, none of them."""
    fields = landed_lines.schema(tables.LANDED[kind])
    return pa.schema([("line", pa.string()), ("readable", pa.bool_()), *fields]).empty_table()


def _of_pieces(
    numbers: Iterator[pa.RecordBatch], pieces: list[Piece], schema: pa.Schema, work: Work
) -> Iterator[pa.RecordBatch]:
    chosen = [pieces[number] for batch in numbers for number in batch.column(0).to_pylist()]
    for table in work(table for piece in chosen for table in landed_lines.read(piece, schema)):
        yield from table.to_batches()


def _of_batches(batches: Iterator[pa.RecordBatch], work: Work) -> Iterator[pa.RecordBatch]:
    for table in work(pa.Table.from_batches([batch]) for batch in batches):
        yield from table.to_batches()


def unknown_fields(landed: LandedDay, kind: str) -> list[str]:
    """Fields beyond the contract, as a sample of each file shows them: they are ignored, and that is said."""
    known = set(landed_lines.schema(tables.LANDED[kind]).names)
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


def _by_schema(landed: LandedDay, kind: str) -> list[list[str]]:
    """The Parquet files of that kind, those of one schema together: Spark takes the first one's schema for all."""
    alike: dict[str, list[str]] = {}
    for file in landed.files.get(kind, []):
        if file.path.suffix == ".parquet":
            alike.setdefault(str(_parquet_schema(file.path, landed).remove_metadata()), []).append(str(file.path))
    return list(alike.values())


def _from_parquet(spark: SparkSession, paths: list[str], landed: LandedDay, kind: str) -> DataFrame:
    """Columns of another type are cast; a row with a value that does not allow it is not readable."""
    schema = T.StructType.fromDDL(tables.LANDED[kind])
    try:
        frame = spark.read.parquet(*paths)
        cast = {f.name: F.col(f.name).try_cast(f.dataType) for f in schema.fields if f.name in frame.columns}
        lost = [_lost(frame, f, cast[f.name]) for f in schema.fields if f.name in cast]
        columns = [_utf8(cast.get(f.name, F.lit(None).cast(f.dataType)), f.dataType).alias(f.name) for f in schema]
        line = F.to_json(F.struct(*[F.col("`" + name.replace("`", "``") + "`") for name in frame.columns]))
        return frame.select(
            F.make_valid_utf8(line).alias("line"), (~reduce(or_, lost, F.lit(False))).alias("readable"), *columns
        )
    except AnalysisException as error:
        raise ContractBroken(
            f"landing/{kind}",
            day=landed.day,
            wanted=f"columns that can be read as {tables.LANDED[kind]}",
            found=f"{error.getCondition()} in {Path(paths[0]).name}: {str(error).splitlines()[0][:300]}",
            next_step="have the producer write the types of the landing contract",
        ) from error


def _lost(frame: DataFrame, field: T.StructField, value: Column) -> Column:
    """Whether something has become nothing by its cast, or a fraction a whole number."""
    given, whole = F.col(field.name), isinstance(field.dataType, T.IntegralType)
    rounded = whole and isinstance(frame.schema[field.name].dataType, T.FractionalType)
    return given.isNotNull() & (value.isNull() | (given != value if rounded else F.lit(False)))


def _utf8(value: Column, kind: T.DataType) -> Column:
    """The value with U+FFFD for bytes that are no UTF-8, at which Arrow would stop."""
    if kind == T.ArrayType(T.StringType()):
        return F.transform(value, F.make_valid_utf8)
    return F.make_valid_utf8(value) if kind == T.StringType() else value


def _refuse_other_case(landed: LandedDay, kind: str) -> None:
    known = set(landed_lines.schema(tables.LANDED[kind]).names)
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
        file = pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise rejected(landed.day, f"a whole Parquet file in {path}", str(error).splitlines()[0]) from error
    if not file.metadata.num_columns:
        raise rejected(landed.day, f"columns in {path}", "none")
    groups = [file.metadata.row_group(group) for group in range(file.num_row_groups)]
    other = {group.column(place).compression for group in groups for place in range(group.num_columns)} - _CODECS
    if other:
        raise rejected(landed.day, f"{path} packed by {', '.join(sorted(_CODECS))}", ", ".join(sorted(other)))
    return file.schema_arrow


def _fields(line: bytes) -> set[str]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return set()
    return set(row) if isinstance(row, dict) else set()
