"""Fields of landed lines: what makes a line sound, and how its texts and times are made plain."""

from __future__ import annotations

from datetime import date, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from foryou.contract import ID_PATTERN

_LONGEST_NAME = 64
_FIRST_TIME = date(1970, 1, 2)
"""Before it lies what a missing number becomes: the first second of 1970, in whatever zone."""


def judged(lines: DataFrame, faults: dict[str, Column], *columns: Column | str) -> DataFrame:
    """Those columns of every line, and `reason`: the first of its faults, null if it is sound."""
    found: Column = F.lit(None).cast("string")
    for reason, fault in reversed({"unreadable": ~F.col("readable"), **faults}.items()):
        found = F.when(F.coalesce(fault, F.lit(False)), reason).otherwise(found)
    return lines.select(*columns, found.alias("reason"))


def plain(name: str) -> Column:
    """Whether it is an id of plain characters; false if it is missing."""
    return F.coalesce(F.col(name).rlike(ID_PATTERN), F.lit(False))


def one_of(name: str, values: tuple[str, ...]) -> Column:
    return F.coalesce(F.col(name).isin(*values), F.lit(False))


def name(of: str) -> Column:
    """A short name such as a category: trimmed, cut, null if empty."""
    cut = F.substring(F.trim(of), 1, _LONGEST_NAME)
    return F.when(F.length(cut) > 0, cut)


def tag(written: Column) -> Column:
    """A hashtag as it is held against others: lower case, without the sign."""
    return F.lower(F.rtrim(F.ltrim(F.substring(written, 1, _LONGEST_NAME), F.lit("# "))))


def moment(name: str, day: date) -> Column:
    """A time up to the end of the day; null outside 1970-01-02 to then, which no clock of a platform has shown.

    A year must come first: Spark would date a bare time of day by its own clock.
    """
    found = F.when(F.substring(name, 5, 1) == "-", F.try_to_timestamp(name))
    first, last = (F.lit(str(end)).cast("timestamp") for end in (_FIRST_TIME, day + timedelta(days=1)))
    return F.when((found >= first) & (found < last), found)
