"""What a segment watches to the end, lately: for people nobody knows yet."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from foryou.settings import Popular
from foryou.tables import EVERYWHERE

_UNITS = 1_000_000


def build(views: DataFrame, viewers: DataFrame, videos: DataFrame, day: date, settings: Popular) -> DataFrame:
    """One row per segment and rank: the video and its score, the aged number of distinct viewers who watched it well.

    A viewer-day counts `0.5^(age / half-life)`, a viewer once per video with its latest good day. Segments of fewer
    than `min_viewers` good watchers have no list of their own: the reader goes up the ladder `US:en`, `*:en`, `*:*`.
    Only videos for every age, since nobody knows who asks. `views` holds the window's days.
    """
    good = views.where("good").groupBy("viewer", "video").agg(F.max("day").alias("last_day"))
    allowed = F.broadcast(videos.where("for_all").select("video"))
    age_days = F.date_diff(F.lit(day), F.col("last_day"))
    weight = F.round(F.pow(F.lit(0.5), age_days / settings.half_life_days) * _UNITS).cast("bigint")
    placed = good.join(allowed, on="video", how="inner").join(_segments(viewers), on="viewer", how="left")
    ladder = F.array_distinct(F.array_append(F.coalesce("ladder", F.array().cast("array<string>")), EVERYWHERE))
    # Two uses: who is in a segment, and what is watched there.
    counted = placed.select("viewer", "video", weight.alias("units"), F.explode(ladder).alias("segment")).cache()
    wide = counted.groupBy("segment").agg(F.approx_count_distinct("viewer", 0.02).alias("viewers"))
    large = wide.where((F.col("viewers") >= settings.min_viewers) | (F.col("segment") == EVERYWHERE))
    scored = (
        counted.join(F.broadcast(large.select("segment")), on="segment", how="inner")
        .groupBy("segment", "video")
        .agg((F.sum("units") / _UNITS).cast("float").alias("score"))
    )
    best = Window.partitionBy("segment").orderBy(F.col("score").desc(), "video")
    ranked = scored.withColumn("rank", F.row_number().over(best)).where(F.col("rank") <= settings.length)
    return ranked.select("segment", "rank", "video", "score")


def _segments(viewers: DataFrame) -> DataFrame:
    """One row per viewer: the segments it belongs to, narrow ones first, without the widest."""
    country, language = F.col("country"), F.col("language")
    narrow = F.when(country.isNotNull() & language.isNotNull(), F.concat_ws(":", country, language))
    spoken = F.when(language.isNotNull(), F.concat(F.lit("*:"), language))
    return viewers.select("viewer", F.array_compact(F.array(narrow, spoken)).alias("ladder"))
