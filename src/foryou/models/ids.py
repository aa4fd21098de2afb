"""Ids: those that come twice, and dense ones, append-only maps to int32, so that two nights can be compared."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F


def assign(known: DataFrame, met: DataFrame, name: str, dense: str) -> DataFrame:
    """One row per id of `met` that `known` lacks: column `name` and its new dense id `dense`.

    New ids follow the greatest known one in the order of their text, so that the same days in the same order give
    the same map.
    """
    fresh = met.select(name).distinct().join(known.select(name), on=name, how="left_anti")
    place = F.row_number().over(Window.orderBy(name)) - 1
    first = known.agg((F.coalesce(F.max(dense), F.lit(-1)) + 1).alias("first"))
    numbered = fresh.withColumn("place", place).join(F.broadcast(first), how="cross")
    return numbered.select(name, (F.col("first") + F.col("place")).cast("int").alias(dense))


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
