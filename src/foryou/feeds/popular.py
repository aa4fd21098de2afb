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
    # By viewer, so that one shuffle serves the counting and the join.
    good = views.where("good").repartition("viewer")
    watched = good.groupBy("viewer", "video").agg(F.max("day").alias("last_day"))
    age_days = F.date_diff(F.lit(day), F.col("last_day"))
    weight = F.round(F.pow(F.lit(0.5), age_days / settings.half_life_days) * _UNITS).cast("bigint")
    allowed = F.broadcast(videos.where("for_all").select("video"))
    placed = watched.join(_ladders(viewers), on="viewer", how="left").join(allowed, on="video", how="inner")
    # First by ladder: a viewer has one, and its segments' sums are sums over ladders.
    scored = _by_segment(placed.groupBy("ladder", "video").agg(F.sum(weight).alias("units")), "units", "video")
    who = good.select("viewer").distinct().join(_ladders(viewers), on="viewer", how="left")
    sizes = _by_segment(who.groupBy("ladder").agg(F.count("*").alias("viewers")), "viewers")
    large = sizes.where((F.col("viewers") >= settings.min_viewers) | (F.col("segment") == EVERYWHERE))
    listed = scored.join(F.broadcast(large.select("segment")), on="segment", how="inner")
    best = Window.partitionBy("segment").orderBy(F.col("units").desc(), "video")
    ranked = listed.withColumn("rank", F.row_number().over(best)).where(F.col("rank") <= settings.length)
    return ranked.select("segment", "rank", "video", (F.col("units") / _UNITS).cast("float").alias("score"))


def _by_segment(of_ladders: DataFrame, summed: str, *keys: str) -> DataFrame:
    """One row per segment, and per `keys` within it: the sum over the ladders that the segment is a rung of."""
    ladder = F.coalesce("ladder", F.array().cast("array<string>"))  # nobody knows who it was
    rungs = of_ladders.select(F.explode(F.array_append(ladder, EVERYWHERE)).alias("segment"), *keys, summed)
    return rungs.groupBy("segment", *keys).agg(F.sum(summed).alias(summed))


def _ladders(viewers: DataFrame) -> DataFrame:
    """One row per viewer: the segments it belongs to, narrow ones first, without the widest."""
    country, language = F.col("country"), F.col("language")
    narrow = F.when(country.isNotNull() & language.isNotNull(), F.concat_ws(":", country, language))
    spoken = F.when(language.isNotNull(), F.concat(F.lit("*:"), language))
    return viewers.select("viewer", F.array_compact(F.array(narrow, spoken)).alias("ladder"))
