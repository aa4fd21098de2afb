"""Interactions: the signed strength between viewers and videos as of a day.

Strength is `sum(points · 0.5^(age / half-life))` over the window's views, divided by the mean of the positive sums, so
that settings mean the same on every data set. Spark brings each viewer's views together; sorting and adding them up
are two passes over whole numbers, which numpy does in half the time of Spark's aggregation (the pairs are nearly as
many as the views, so that a hash table of them does not help).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from foryou.settings import Interactions

ADDED_UP = "path string, positive bigint, units bigint"
"""What a worker tells of its part, as Spark's columns: where it lies, how many sums are positive, and their sum."""

_UNITS = 1_000_000
"""Aged points are added as whole millionths: a sum of doubles would depend on how the rows were split."""

_VIEWS_A_PART = 2_000_000
_ROWS_A_BLOCK = 100_000


def parts(views: int) -> int:
    """Into how many parts so many views are split: a worker holds one part whole."""
    return max(2, -(-views // _VIEWS_A_PART))


def add_up(views: DataFrame, day: date, settings: Interactions, parts: int, folder: Path) -> DataFrame:
    """One row per part, as `ADDED_UP` says; the part's file has a row per pair, with the sum of its aged points.

    `views` holds the window's days; `folder` can be read by every worker.
    """
    age_days = F.date_diff(F.lit(day), F.col("day"))
    aged = F.col("points") * F.pow(F.lit(0.5), age_days / settings.half_life_days)
    units = F.round(aged * _UNITS).cast("bigint").alias("units")
    of_viewers = views.select("viewer", "video", units, "day").repartition(parts, "viewer")
    return of_viewers.mapInArrow(partial(_add_up, folder=folder), ADDED_UP)


def _add_up(batches: Iterator[pa.RecordBatch], folder: Path) -> Iterator[pa.RecordBatch]:
    found = list(batches)
    if not found:
        return
    views = pa.Table.from_batches(found)
    pair = views["viewer"].to_numpy().astype(np.int64) << 32 | views["video"].to_numpy()
    order = np.argsort(pair)
    pair = pair[order]
    first = np.flatnonzero(np.diff(pair, prepend=-1))
    units = np.add.reduceat(views["units"].to_numpy()[order], first)
    days = np.maximum.reduceat(views["day"].cast(pa.int32()).to_numpy()[order], first)
    pairs = {"viewer": (pair[first] >> 32).astype(np.int32), "video": pair[first].astype(np.int32)}
    path = str(folder / f"{uuid.uuid4().hex}.parquet")
    pq.write_table(
        pa.table(pairs | {"units": units, "last_day": pa.array(days).cast(pa.date32())}), path, compression="lz4"
    )
    liked = units > 0
    told = {"path": [path], "positive": [int(liked.sum())], "units": [int(units[liked].sum())]}
    yield pa.RecordBatch.from_pydict(told)


def unit(added: Iterable[Row]) -> float:
    """The mean of the positive sums of all parts, by which strengths are measured; 0 if there is none."""
    told = list(added)
    positive = sum(part.positive for part in told)
    return sum(part.units for part in told) / positive if positive else 0.0


def build(part: int, paths: list[str], unit: float) -> Iterator[pa.Table]:
    """One row per viewer and video met inside the window: `strength` as of the day, and the last day they met.

    Without anything liked there is no `unit`, and nothing has a strength.
    """
    for batch in pq.ParquetFile(paths[part]).iter_batches(batch_size=_ROWS_A_BLOCK):
        units = batch["units"].to_numpy()
        strength = (units / unit if unit else np.zeros(len(units))).astype(np.float32)
        pairs = {name: batch[name] for name in ("viewer", "video", "last_day")}
        yield pa.table(pairs | {"strength": strength})
