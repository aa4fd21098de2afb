"""Fields of landed lines: what makes a line sound, and how its texts and times are made plain.

Each function takes a column of Arrow and gives back one, a value per line. Workers of Spark import this, so it imports
little.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foryou.contract import ID_PATTERN
from foryou.tables import DEVICE_NAME

Texts: TypeAlias = pa.Array | pa.ChunkedArray
MOMENT = pa.timestamp("us", "UTC")

_LONGEST_NAME = 64
_FIRST_TIME = date(1970, 1, 2)
"""Before it lies what a missing number becomes: the first second of 1970, in whatever zone."""
_WHOLE_ID = ID_PATTERN.removesuffix(r"(?![\s\S])") + r"\z"
"""The same for Arrow's regular expressions, which have no look-ahead but an end of their own."""

_USUAL = (
    r"^\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|1\d|2[0-8]))"
    r"[ T](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?(?:Z|[+-](?:0\d|1[0-7]):[0-5]\d)\z"
)
"""Times that Arrow's own conversion takes, and takes right: it stops at the first one that it does not."""
_ZONE = (
    r"Z|UTC|GMT|UT|(?:UTC|GMT|UT)?(?P<sign>[+-])"
    r"(?:(?P<zone_hour>\d\d?)(?::(?P<zone_minute>\d\d?))?|(?P<zone_hour_of_4>\d\d)(?P<zone_minute_of_4>\d\d))"
)
_CLOCK = r"(?P<hour>\d\d?)(?::(?P<minute>\d\d?)(?::(?P<second>\d\d?)(?:\.(?P<fraction>\d*))?(?: *(?:ZONE))?)?)?"
_TIME = r"^(?P<year>\d{4})-(?P<month>\d\d?)(?:-(?P<day>\d\d?)(?:[ T]CLOCK)?)?[\x00-\x20]*\z"
_TIME = _TIME.replace("CLOCK", _CLOCK.replace("ZONE", _ZONE))
"""ISO 8601 with a T or a blank. A part that is missing is 0, or 1 where that is the least."""
_GREATEST = {"year": 9999, "month": 12, "day": 31, "hour": 23, "minute": 59, "second": 59, "zone_hour": 18}
_GREATEST |= {"zone_minute": 59, "zone_hour_of_4": 18, "zone_minute_of_4": 59}
_LEAST = {"month": 1, "day": 1}
_FARTHEST_ZONE = 18 * 60
_SECOND, _MINUTE, _DAY = 1_000_000, 60_000_000, 86_400_000_000
"""In microseconds."""


def reasons(readable: pa.ChunkedArray, faults: dict[str, Texts]) -> pa.Array:
    """The name of each line's first fault, `unreadable` before all; null if it is sound."""
    every = {"unreadable": pc.invert(readable), **faults}
    first = np.full(len(readable), len(every), np.int8)
    for number, fault in reversed([*enumerate(every.values())]):
        first[pc.fill_null(fault, False).to_numpy(zero_copy_only=False)] = number
    return pa.DictionaryArray.from_arrays(first, pa.array([*every, None])).cast(pa.string())


def plain(values: Texts) -> Texts:
    """Whether it is an id of plain characters; false if it is missing."""
    return pc.fill_null(pc.match_substring_regex(values, _WHOLE_ID), False)


def account(values: Texts) -> Texts:
    """Whether it is the id of somebody who signed up: plain, and of another form than the names of devices."""
    return pc.and_(plain(values), pc.invert(device(values)))


def device(values: Texts) -> Texts:
    """Whether it has the form of the salted name of a device, which nobody else may go by."""
    return pc.fill_null(pc.match_substring_regex(values, DEVICE_NAME.removesuffix("$") + r"\z"), False)


def plain_or_null(values: Texts) -> Texts:
    return pc.if_else(plain(values), values, None)


def one_of(values: Texts, known: tuple[str, ...]) -> Texts:
    return pc.is_in(values, pa.array(known))


def name(values: Texts) -> Texts:
    """A short name such as a category: trimmed, cut, null if empty."""
    cut = pc.utf8_slice_codeunits(pc.utf8_trim(values, " "), 0, _LONGEST_NAME)
    return pc.if_else(pc.equal(cut, ""), None, cut)


def code(values: Texts) -> Texts:
    """A code such as `en` or `pt-BR`; null if it is none. Segments are made of two, parted by a colon."""
    trimmed = pc.utf8_trim(values, " ")
    return pc.if_else(pc.match_substring_regex(trimmed, r"^[A-Za-z0-9-]{1,16}\z"), trimmed, None)


def tag(values: Texts) -> Texts:
    """A hashtag as it is held against others: lower case, without the sign."""
    cut = pc.utf8_ltrim(pc.utf8_slice_codeunits(values, 0, _LONGEST_NAME), "# ")
    return _lower(pc.utf8_rtrim(cut, " "))


def _lower(values: Texts) -> Texts:
    """Arrow knows only what a single letter becomes: of Σ at a word's end and of İ it makes something else."""
    series = pl.from_arrow(values)
    assert isinstance(series, pl.Series)
    return series.str.to_lowercase().to_arrow().cast(pa.string())


# ---- times


def moment(values: Texts, day: date) -> pa.Array:
    """A time up to the end of the day; null outside 1970-01-02 to then, which no clock of a platform has shown.

    A time of no zone is UTC's; so is a date alone, which is its first moment.
    """
    found = times(values)
    first, last = (pa.scalar(_midnight(end), MOMENT) for end in (_FIRST_TIME, day + timedelta(days=1)))
    inside = pc.and_(pc.greater_equal(found, first), pc.less(found, last))
    return pc.if_else(inside, found, None)


def last_moment(day: date) -> pa.Scalar:
    """The last microsecond of the day."""
    return pa.scalar(_midnight(day + timedelta(days=1)) - timedelta(microseconds=1), MOMENT)


def times(values: Texts) -> pa.Array:
    """Texts as moments in UTC, to the microsecond; null for what is no time, as of a day that no month has."""
    column = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    usual = pc.match_substring_regex(column, _USUAL)
    found = pc.if_else(usual, column, None).cast(MOMENT)
    others = pc.fill_null(pc.invert(usual), False)
    return pc.replace_with_mask(found, others, _of_parts(column.filter(others))) if pc.any(others).as_py() else found


def _of_parts(column: pa.Array) -> pa.Array:
    parts = pc.extract_regex(column, _TIME)
    numbers = {part: _number(parts, part) for part in _GREATEST}
    known = [(_LEAST.get(part, 0) <= numbers[part]) & (numbers[part] <= most) for part, most in _GREATEST.items()]
    month = (numbers["year"] - 1970) * 12 + numbers["month"] - 1
    first, following = (at.astype("datetime64[M]").astype("datetime64[D]").view(np.int64) for at in (month, month + 1))
    zone = _ahead(parts, numbers)
    known += [numbers["day"] <= following - first, abs(zone) <= _FARTHEST_ZONE]
    minutes = numbers["hour"] * 60 + numbers["minute"] - zone
    micros = (first + numbers["day"] - 1) * _DAY + minutes * _MINUTE + numbers["second"] * _SECOND + _fraction(parts)
    unknown = ~np.logical_and.reduce(known) | parts.is_null().to_numpy(zero_copy_only=False)
    return pa.array(micros, mask=unknown).view(MOMENT)


def _number(parts: pa.StructArray, part: str) -> NDArray[np.int64]:
    digits = pc.fill_null(pc.struct_field(parts, part), "")
    return pc.if_else(pc.equal(digits, ""), str(_LEAST.get(part, 0)), digits).cast(pa.int64()).to_numpy()


def _ahead(parts: pa.StructArray, numbers: dict[str, NDArray[np.int64]]) -> NDArray[np.int64]:
    """Minutes by which the zone's clock is ahead of UTC."""
    behind = pc.fill_null(pc.equal(pc.struct_field(parts, "sign"), "-"), False).to_numpy(zero_copy_only=False)
    hours, minutes = (numbers[f"zone_{unit}"] + numbers[f"zone_{unit}_of_4"] for unit in ("hour", "minute"))
    return np.where(behind, -1, 1) * (hours * 60 + minutes)


def _fraction(parts: pa.StructArray) -> NDArray[np.int64]:
    """Microseconds: the first six digits after the point."""
    digits = pc.utf8_slice_codeunits(pc.fill_null(pc.struct_field(parts, "fraction"), ""), 0, 6)
    return pc.utf8_rpad(digits, 6, "0").cast(pa.int64()).to_numpy()


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
