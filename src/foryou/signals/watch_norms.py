"""Watch norms: how long videos of a length are watched, as histograms of whole days, so that ranks are fair to lengths.

A view's quantile is read from the days *before* its own: nobody can move it on the day, and a night reads some small
histograms instead of old views.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from foryou.settings import Views

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.floating]

BUCKETS_AN_OCTAVE, SHORTEST_MS, BUCKETS = 4, 1_000, 48
"""Lengths in one bucket differ by less than a fifth; from a second to over an hour."""

BINS_AN_OCTAVE, LEAST_MS, BINS = 8, 250, 120
"""Watch times in one bin differ by less than a tenth; from a quarter of a second to over two hours."""

COUNTED = ("plays", "watched_ms", "duration_ms", "own")
"""What `build` needs to know of a view."""


def freeze(earlier: pa.Table, settings: Views) -> Floats:
    """Ranks [BUCKETS, BINS]: `(views below + half of those within) / views of the bucket`.

    `earlier` holds `duration_bucket, bin, views` of the days before, in any order. A bucket with fewer than
    `min_norm_views` views has no ranks: NaN.
    """
    counts = np.zeros(BUCKETS * BINS, dtype=np.int64)
    at = earlier["duration_bucket"].to_numpy() * BINS + earlier["bin"].to_numpy()
    np.add.at(counts, at, earlier["views"].to_numpy())
    grid = counts.reshape(BUCKETS, BINS)
    total = grid.sum(axis=1, keepdims=True)
    midrank = (np.cumsum(grid, axis=1) - grid / 2) / np.maximum(total, 1)
    return np.where(total < settings.min_norm_views, np.nan, midrank).astype(np.float32)


def rank(duration_ms: Floats, watched_ms: Ints, frozen: Floats) -> Floats:
    """Where watch times stand among those of videos that last as long; NaN for a length unknown or without ranks."""
    known = ~np.isnan(duration_ms)
    bucket, bin = places(np.where(known, duration_ms, 0), watched_ms)
    return np.where(known, frozen[bucket, bin], np.float32(np.nan))


def places(duration_ms: npt.NDArray, watched_ms: npt.NDArray) -> tuple[Ints, Ints]:
    """The bucket of each length and the bin of each watch time."""
    bucket = _place(duration_ms, BUCKETS_AN_OCTAVE, SHORTEST_MS, BUCKETS)
    return bucket, _place(watched_ms, BINS_AN_OCTAVE, LEAST_MS, BINS)


def _place(ms: npt.NDArray, an_octave: int, first_ms: int, count: int) -> Ints:
    # Half a millisecond keeps whole ones off the bounds, on whose side rounding would put them.
    place = np.floor(an_octave * np.log2((ms + 0.5) / first_ms)).astype(np.int64)
    return np.clip(place, 0, count - 1)


def build(frozen: Floats, views: pa.Table) -> pa.Table:
    """One row per bucket and bin: the frozen `quantile`, and how many of the day's `views` fall there.

    Counted are views with a play of a video of known length that is not the viewer's own.
    """
    played = views.filter(pc.is_valid(pc.field("duration_ms")) & ~pc.field("own") & (pc.field("plays") > 0))
    bucket, bin = places(*(played[name].to_numpy() for name in ("duration_ms", "watched_ms")))
    counts = np.bincount(bucket * BINS + bin, minlength=BUCKETS * BINS)
    number = np.arange(BUCKETS * BINS)
    return pa.table(
        {
            "duration_bucket": pa.array(number // BINS, pa.int32()),
            "bin": pa.array(number % BINS, pa.int32()),
            "views": pa.array(counts),
            "quantile": pa.array(frozen.ravel(), pa.float32(), from_pandas=True),
        }
    )
