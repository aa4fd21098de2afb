"""Interactions: the signed strength between viewers and videos as of a day."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from foryou.settings import Interactions

_UNITS = 1_000_000
"""Aged points are added as whole millionths: a sum of doubles would depend on how the rows were split."""


def build(views: DataFrame, day: date, settings: Interactions) -> DataFrame:
    """One row per viewer and video met inside the window: `strength` as of `day`.

    Strength is `sum(points · 0.5^(age / half-life))` over the mean of the positive sums, so that settings mean the
    same on every data set. `views` holds the window's days.
    """
    age_days = F.date_diff(F.lit(day), F.col("day"))
    aged = F.col("points") * F.pow(F.lit(0.5), age_days / settings.half_life_days)
    summed = views.groupBy("viewer", "video").agg(
        F.sum(F.round(aged * _UNITS).cast("bigint")).alias("units"), F.max("day").alias("last_day")
    )
    # Two uses: the mean, and the rows.
    kept = summed.cache()
    unit = kept.where(F.col("units") > 0).agg(F.avg("units").alias("unit"))
    scaled = F.coalesce(F.col("units") / F.col("unit"), F.lit(0.0)).cast("float")
    return kept.join(F.broadcast(unit), how="cross").select("viewer", "video", scaled.alias("strength"), "last_day")
