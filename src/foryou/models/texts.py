"""Texts of landed lines as what they mean: ids of plain characters, moments. Whole columns of Arrow at once."""

from __future__ import annotations

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from foryou.contract import ID_PATTERN

_PLAIN_ID = ID_PATTERN.removesuffix(r"(?![\s\S])") + r"\z"  # Arrow's expressions look at nothing but what they match
_USUAL = "%Y-%m-%dT%H:%M:%S%.fZ"
_OTHERS = r"^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:[0-5]\d)?(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)?)?$"
_TAKEN_AMISS = r"^\D|:60(?:\D|$)"
"""Polars knows years before the first, and takes a sixtieth second for the first of the next minute."""

MOMENT = pa.timestamp("us", "UTC")


def plain_id(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Whether each is an id of plain characters; false if it is missing."""
    return pc.fill_null(pc.match_substring_regex(texts, _PLAIN_ID), False)


def moments(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """The moment that each names, to the microsecond; null if it names none.

    A date comes first, as year-month-day; after a `T` or a blank may follow hours and minutes, seconds, a fraction of
    them, and `Z` or how far the clock is ahead of UTC, which is meant where nothing is said.
    """
    given = pl.Series("text", texts.cast(pa.large_string()))
    found = given.str.to_datetime(_USUAL, strict=False, time_unit="us")
    others = found.is_null() & given.is_not_null() | given.str.contains(_TAKEN_AMISS)
    if others.any():
        found = found.scatter(others.arg_true(), _in_another_form(given.filter(others)))
    return pa.chunked_array([found.to_arrow()]).cast(MOMENT)


def _in_another_form(texts: pl.Series) -> pl.Series:
    parts = texts.str.extract_groups(_OTHERS).struct.unnest()
    date, minute, second, fraction, zone = (pl.col(name) for name in parts.columns)
    spelled = pl.concat_str(
        date,
        pl.lit("T"),
        minute.fill_null("00:00"),
        second.fill_null(":00"),
        fraction.fill_null(""),
        zone.fill_null("Z").replace("Z", "+0000"),
    )
    told = parts.select(spelled.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%z", strict=False, time_unit="us")).to_series()
    return told.dt.replace_time_zone(None)
