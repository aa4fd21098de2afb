"""Dense ids: append-only maps to int32, so that two nights can be compared."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from foryou.tables import DEVICE_NAME


def assign(known: pa.Table, met: pa.ChunkedArray, name: str, dense: str) -> pa.Table:
    """One row per id of `met` that `known` lacks: column `name` and its new dense id `dense`.

    New ids follow the greatest known one in the order of their text, so that the same days in the same order give
    the same map.
    """
    fresh = pc.unique(lacking(known[name], met.cast(pa.string()))).drop_null()
    ordered = fresh.take(pc.sort_indices(fresh))
    first = (pc.max(known[dense]).as_py() or 0) + 1 if known.num_rows else 0
    return pa.table({name: ordered, dense: np.arange(first, first + len(ordered), dtype=np.int32)})


def lacking(known: pa.ChunkedArray, met: pa.ChunkedArray) -> pa.ChunkedArray:
    """The values of `met` that `known` lacks."""
    return met.filter(pc.invert(pc.is_in(met, known.combine_chunks())))


def repeats(rows: DataFrame, key: Column, order: list[Column], earlier: DataFrame | None = None) -> DataFrame:
    """One row per row of `rows` that is not the first of its key, in `order` and then by number: its number `row`.

    Keys that `earlier` has in its column `key` came before. A day has few repeats: digests of the keys find the few
    rows that may be some, and only those are sorted.
    """
    places = [column.alias(f"place_{n}") for n, column in enumerate(order)]
    now = rows.select(key.alias("key"), F.lit(1).alias("turn"), *places, "row")
    met = now if earlier is None else now.unionByName(earlier.select("key", F.lit(0).alias("turn")), True)
    digested = met.withColumn("digest", F.xxhash64("key"))
    several = digested.groupBy("digest").agg(F.count("*").alias("times")).where(F.col("times") > 1)
    doubtful = digested.join(F.broadcast(several.select("digest")), on="digest", how="left_semi")
    first = Window.partitionBy("key").orderBy("turn", *[f"place_{n}" for n in range(len(order))], "row")
    placed = doubtful.withColumn("nth", F.row_number().over(first))
    return placed.where((F.col("nth") > 1) & (F.col("turn") == 1)).select("row")


def one_name_each(viewer_ids: pa.Table, day: date) -> pa.Table:
    """One row per dense id, in the order of the ids: `viewer` and the `viewer_id` that it is published under.

    A viewer who signed up after watching on a device has two names: the account's is the one, from the day on that it
    was given, so that an older night, run again, has the names that it had. `viewer_ids` has the columns of its table.
    """
    later = pc.greater(viewer_ids["day"], pa.scalar(day))
    device = pc.match_substring_regex(viewer_ids["viewer_id"], DEVICE_NAME)
    order = [(name, "ascending") for name in ("viewer", "later", "device", "viewer_id")]
    told = viewer_ids.select(["viewer", "viewer_id"]).append_column("later", later).append_column("device", device)
    named = told.sort_by(order)
    viewer = named["viewer"].to_numpy()
    return named.filter(pa.array(np.diff(viewer, prepend=-1) > 0)).drop_columns(["later", "device"])
