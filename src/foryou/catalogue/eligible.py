"""Which videos may be shown at all, which only to grown-ups, and which are copies of one another."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

SHOWN_MODERATION = ("auto_ok", "human_ok")
ADULT_YEARS = 18


def of_videos(videos: DataFrame) -> DataFrame:
    """The same rows with `shown`, `for_all` and `copy_of`: the lowest dense id among the videos of the same hash."""
    shown = (F.col("status") == "live") & F.col("moderation").isin(*SHOWN_MODERATION)
    hashed = F.col("content_hash").isNotNull()
    copies = Window.partitionBy(hashed, F.when(hashed, F.col("content_hash")).otherwise(F.col("video_id")))
    return videos.withColumns(
        {
            "shown": shown,
            "for_all": shown & (F.col("audience") == "all"),
            "copy_of": F.min("video").over(copies),
        }
    )


def grown_up() -> Column:
    """True for age bands such as `18-24` or `35+` that begin at 18 or later; an unknown age is not grown up."""
    youngest = F.regexp_extract(F.coalesce("age_band", F.lit("")), r"^(\d{1,3})\D*", 1)
    return F.coalesce(youngest.try_cast("int") >= ADULT_YEARS, F.lit(False))
