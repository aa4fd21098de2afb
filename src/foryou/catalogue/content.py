"""What a video is about, as a sparse vector of hashed tokens in weighted blocks of unit length (DESIGN §7, content)."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from foryou.settings import Content

DIMENSIONS = 2**20
"""Room for tokens: with 100,000 of them one in ten shares its place with another, mostly in an unlike video."""

_SHORTEST_WORD = 3


def build(videos: DataFrame, settings: Content) -> DataFrame:
    """One row per video that has any token another video has too: `dimensions` and `weights` of unit length.

    Within each block (tags, caption, sound, ...) a token weighs its inverse document frequency `log(N / n)`; each
    block has unit length times its setting; a missing block is absent, and null is not a value.
    """
    tokens = _tokens(videos, settings)
    known = tokens.groupBy("dimension").agg(F.count_distinct("video").alias("in_videos"))
    total = videos.agg(F.count("*").alias("total"))
    telling = (
        known.join(F.broadcast(total), how="cross")
        .where((F.col("in_videos") > 1) & (F.col("in_videos") <= settings.max_share_of_videos * F.col("total")))
        .select("dimension", F.log(F.col("total") / F.col("in_videos")).alias("idf"))
    )
    # In one order and over all rows: a sum of floats depends on its order.
    whole = (Window.unboundedPreceding, Window.unboundedFollowing)
    block = Window.partitionBy("video", "block").orderBy("dimension").rowsBetween(*whole)
    video = Window.partitionBy("video").orderBy("block", "dimension").rowsBetween(*whole)
    weighted = (
        tokens.join(telling, on="dimension", how="inner")
        .withColumn("weight", F.col("block_weight") * F.col("idf") / F.sqrt(F.sum(F.pow("idf", F.lit(2))).over(block)))
        .withColumn("weight", F.col("weight") / F.sqrt(F.sum(F.pow("weight", F.lit(2))).over(video)))
    )
    pairs = F.array_sort(F.collect_list(F.struct("dimension", F.col("weight").cast("float").alias("weight"))))
    folded = weighted.groupBy("video").agg(pairs.alias("pairs"))
    return folded.select("video", F.col("pairs.dimension").alias("dimensions"), F.col("pairs.weight").alias("weights"))


def _tokens(videos: DataFrame, settings: Content) -> DataFrame:
    """One row per video, block and token: the token's hashed dimension and the block's weight."""
    words = F.filter(
        F.split(F.lower(F.coalesce("caption", F.lit(""))), r"[^\p{L}\p{N}]+"),
        lambda word: F.length(word) >= _SHORTEST_WORD,
    )
    blocks = [
        _block("tags", "tags", settings.weight_tags),
        _block("caption", words, settings.weight_caption),
        _block("category", _single("category"), settings.weight_category),
        _block("sound", _single("sound_id"), settings.weight_sound),
        _block("creator", _single("creator_id"), settings.weight_creator),
        _block("language", _single("language"), settings.weight_language),
    ]
    exploded = videos.select("video", F.explode(F.array(*blocks)).alias("of")).select(
        "video", "of.block", "of.block_weight", F.explode("of.tokens").alias("token")
    )
    dimension = F.pmod(F.xxhash64("block", "token"), F.lit(DIMENSIONS)).cast("int")
    return exploded.select("video", "block", "block_weight", dimension.alias("dimension")).distinct()


def _block(name: str, tokens: str | Column, weight: float) -> Column:
    found = F.col(tokens) if isinstance(tokens, str) else tokens
    return F.struct(F.lit(name).alias("block"), F.lit(weight).alias("block_weight"), found.alias("tokens"))


def _single(name: str) -> Column:
    return F.when(F.col(name).isNotNull(), F.array(name)).otherwise(F.array().cast("array<string>"))
