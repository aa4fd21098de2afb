"""What a video is about, as a sparse vector of hashed tokens in weighted blocks of unit length (DESIGN §7, content)."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from foryou.settings import Content

DIMENSIONS = 2**20
"""Room for tokens: with 100,000 of them one in ten shares its place with another, mostly in an unlike video."""

_SHORTEST_WORD = 3
_SINGLE = {"category": "category", "sound": "sound_id", "creator": "creator_id", "language": "language"}


def block_weights(settings: Content) -> dict[str, float]:
    """The blocks of a vector with their weights, in the order that numbers them."""
    return {name: getattr(settings, f"weight_{name}") for name in ("tags", "caption", *_SINGLE)}


def tokens(videos: DataFrame, settings: Content) -> DataFrame:
    """One row per video, block and token, with the token's hashed dimension; some come twice."""
    words = F.filter(
        F.split(F.lower(F.coalesce("caption", F.lit(""))), r"[^\p{L}\p{N}]+"),
        lambda word: F.length(word) >= _SHORTEST_WORD,
    )
    found = {"tags": F.col("tags"), "caption": words} | {name: _single(column) for name, column in _SINGLE.items()}
    blocks = [
        F.struct(F.lit(number).alias("block"), F.lit(name).alias("name"), found[name].alias("tokens"))
        for number, name in enumerate(block_weights(settings))
    ]
    of_block = videos.select("video", F.explode(F.array(*blocks)).alias("of")).select("video", "of.*")
    of_token = of_block.withColumn("token", F.explode("tokens"))
    dimension = F.pmod(F.xxhash64("name", "token"), F.lit(DIMENSIONS)).cast("int")
    return of_token.select("video", "block", dimension.alias("dimension"))


def _single(name: str) -> Column:
    return F.when(F.col(name).isNotNull(), F.array(name)).otherwise(F.array().cast("array<string>"))


def build(tokens: pa.Table, videos: int, settings: Content) -> pa.Table:
    """One row per video that has any token another video has too: `dimensions` and `weights` of unit length.

    Within each block (tags, caption, sound, ...) a token weighs its inverse document frequency `log(N / n)`; each
    block has unit length times its setting; a missing block is absent, and null is not a value. `tokens` is what
    the function of that name gave of all N `videos`; sums are made in one order, whatever the order of its rows.
    """
    video, block, dimension = _once(tokens)
    in_videos = np.bincount(dimension, minlength=DIMENSIONS)[dimension]
    weights = block_weights(settings)
    telling = (in_videos > 1) & (in_videos <= settings.max_share_of_videos * videos) & (in_videos < videos)
    telling &= np.array(list(weights.values()))[block] > 0  # a weight of 0 leaves the block out
    video, block, dimension = video[telling], block[telling], dimension[telling]
    idf = _of_unit_length(np.log(videos / in_videos[telling]), video * len(weights) + block)
    weight = _of_unit_length(np.array(list(weights.values()))[block] * idf, video).astype(np.float32)
    order = np.lexsort((weight, dimension, video))
    starts = _starts(video)
    offsets = pa.array(np.append(starts, len(video)).astype(np.int32))
    return pa.table(
        {
            "video": video[starts].astype(np.int32),
            "dimensions": pa.ListArray.from_arrays(offsets, pa.array(dimension[order].astype(np.int32))),
            "weights": pa.ListArray.from_arrays(offsets, pa.array(weight[order])),
        }
    )


def _once(tokens: pa.Table) -> list[NDArray[np.int64]]:
    """Video, block and dimension of every token once, in their order."""
    video, block, dimension = (tokens[name].to_numpy().astype(np.int64) for name in ("video", "block", "dimension"))
    key = np.sort((video << 8 | block) * DIMENSIONS + dimension)
    key = key[_starts(key)]
    return [key // DIMENSIONS >> 8, key // DIMENSIONS & 255, key % DIMENSIONS]


def _of_unit_length(weight: NDArray[np.float64], group: NDArray[np.int64]) -> NDArray[np.float64]:
    """The weights over the length of their group's vector; `group` rises."""
    starts = _starts(group)
    squares = np.add.reduceat(weight**2, starts) if len(starts) else np.empty(0)
    return weight / np.sqrt(np.repeat(squares, np.diff(np.append(starts, len(group)))))


def _starts(rising: NDArray[np.int64]) -> NDArray[np.int64]:
    """The places where a rising array takes a new value."""
    return np.flatnonzero(np.diff(rising, prepend=-1))
