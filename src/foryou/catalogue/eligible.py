"""Which videos may be shown at all, and which only to grown-ups."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

SHOWN_MODERATION = ("auto_ok", "human_ok")
ADULT_YEARS = 18


def shown() -> Column:
    """Live and passed by moderation: everything else reaches no list, whatever it scores."""
    return (F.col("status") == "live") & F.col("moderation").isin(*SHOWN_MODERATION)


def eligibility(videos: DataFrame) -> DataFrame:
    """One row per video of the catalogue: `shown`, `for_all` (shown and for every age), `copy_of` (its content hash).

    `copy_of` is the lowest dense id among the videos of the same hash: its own where it has no copy.
    """
    first = videos.where(F.col("content_hash").isNotNull()).groupBy("content_hash").agg(F.min("video").alias("copy_of"))
    joined = videos.select("video", "content_hash", shown().alias("shown"), "audience").join(
        first, on="content_hash", how="left"
    )
    return joined.select(
        "video",
        "shown",
        (F.col("shown") & (F.col("audience") == "all")).alias("for_all"),
        F.coalesce("copy_of", "video").alias("copy_of"),
    )


def grown_up(age_bands: pa.ChunkedArray) -> pa.ChunkedArray:
    """True for bands such as `18-24` or `35+` that begin at 18 or later; an unknown age is not known to be grown up."""
    youngest = pc.extract_regex(pc.fill_null(age_bands, ""), r"^(?P<years>\d{1,3})\D*")
    years = pc.cast(pc.fill_null(pc.struct_field(youngest, "years"), "0"), pa.int32())
    return pc.greater_equal(years, ADULT_YEARS)
