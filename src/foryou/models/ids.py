"""Dense ids: append-only maps from string ids to int32, so that the factors of two nights can be compared."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
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
