"""Watch norms: how long videos of a length are watched, as histograms of whole days, so that ranks are fair to lengths.

A view's quantile is read from the days *before* its own: nobody can move it on the day, and a night reads some small
histograms instead of old views.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from foryou.settings import Views

Ints = npt.NDArray[np.int64]

BUCKETS_AN_OCTAVE, SHORTEST_MS, BUCKETS = 4, 1_000, 48
"""Lengths in one bucket differ by less than a fifth; from a second to over an hour."""

BINS_AN_OCTAVE, LEAST_MS, BINS = 8, 250, 120
"""Watch times in one bin differ by less than a tenth; from a quarter of a second to over two hours."""


def rank(folded: DataFrame, frozen: DataFrame) -> DataFrame:
    """The folded views with `quantile`: where their watch time stands among those of videos that last as long.

    Null without plays, a known length, or enough views before the day; and for one's own videos. `frozen` are the rows
    of `freeze`.
    """
    ranked = (F.col("plays") > 0) & ~F.col("own")
    of_length = _place(F.col("duration_ms"), BUCKETS_AN_OCTAVE, SHORTEST_MS, BUCKETS)
    watched = _place(F.col("watched_ms"), BINS_AN_OCTAVE, LEAST_MS, BINS)
    placed = folded.withColumns({"duration_bucket": F.when(ranked, of_length), "bin": watched})
    return placed.join(F.broadcast(frozen), on=["duration_bucket", "bin"], how="left").drop("duration_bucket", "bin")


def _place(ms: Column, an_octave: int, first: int, count: int) -> Column:
    """The number of the stretch that so many milliseconds fall into; null if unknown."""
    # Half a millisecond keeps whole ones off the bounds, on whose side rounding would put them.
    place = F.floor(an_octave * F.log2((ms + 0.5) / first))
    return F.when(ms.isNotNull(), F.greatest(F.lit(0), F.least(F.lit(count - 1), place))).cast("int")


def places(duration_ms: Ints, watched_ms: Ints) -> tuple[Ints, Ints]:
    """The bucket of each length and the bin of each watch time, in numpy; the same as `rank` looks up."""
    found = []
    for ms, an_octave, first, count in (
        (duration_ms, BUCKETS_AN_OCTAVE, SHORTEST_MS, BUCKETS),
        (watched_ms, BINS_AN_OCTAVE, LEAST_MS, BINS),
    ):
        place = np.floor(an_octave * np.log2((ms + 0.5) / first)).astype(np.int64)
        found.append(np.clip(place, 0, count - 1))
    return found[0], found[1]


def freeze(earlier: pa.Table, settings: Views) -> pa.Table:
    """One row per bucket and bin with its `quantile`: `(views below + half of those within) / views of the bucket`.

    `earlier` holds `duration_bucket, bin, views` of the days before, in any order. A bucket with fewer than
    `min_norm_views` views has no ranks: `quantile` is null.
    """
    counts = np.zeros(BUCKETS * BINS, dtype=np.int64)
    at = earlier["duration_bucket"].to_numpy() * BINS + earlier["bin"].to_numpy()
    np.add.at(counts, at, earlier["views"].to_numpy())
    grid = counts.reshape(BUCKETS, BINS)
    total = grid.sum(axis=1, keepdims=True)
    midrank = (np.cumsum(grid, axis=1) - grid / 2) / np.maximum(total, 1)
    few = np.broadcast_to(total < settings.min_norm_views, grid.shape).ravel()
    number = np.arange(BUCKETS * BINS)
    return pa.table(
        {
            "duration_bucket": pa.array(number // BINS, pa.int32()),
            "bin": pa.array(number % BINS, pa.int32()),
            "quantile": pa.array(midrank.ravel().astype(np.float32), mask=few),
        }
    )


def build(frozen: pa.Table, views: pa.Table) -> pa.Table:
    """One row per bucket and bin: the frozen `quantile`, and how many of the day's `views` fall there.

    Counted are views with a play of a video of known length that is not the viewer's own. `views` holds the day's
    `plays, watched_ms, duration_ms, own`.
    """
    played = views.filter(pc.is_valid(pc.field("duration_ms")) & ~pc.field("own") & (pc.field("plays") > 0))
    of_length, watched = places(*(played[name].to_numpy() for name in ("duration_ms", "watched_ms")))
    counts = np.bincount(of_length * BINS + watched, minlength=BUCKETS * BINS)
    return frozen.append_column("views", pa.array(counts))
