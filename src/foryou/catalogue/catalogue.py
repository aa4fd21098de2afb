"""The landed snapshots of videos, viewers and follows, and the day's controls, made sound."""

from __future__ import annotations

from datetime import date, timedelta
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from foryou import tables
from foryou.contract import ID_PATTERN, Table
from foryou.models import ids

_LONGEST_TEXT = 2_000
_LONGEST_NAME = 64
FOUND = ("shown", "for_all", "copy_of", "adult")
"""Columns that no snapshot holds: `eligible` works them out."""

VECTORS = ("visual_vector", "audio_vector")
_LONGEST_VECTOR = 4_096

_FIRST_TIME = date(1970, 1, 2)
"""Before it lies what a missing number becomes: the first second of 1970, in whatever zone."""


def judge_videos(lines: DataFrame, day: date) -> DataFrame:
    """One row per landed line: what `videos` holds of it; `reason`, null if it is sound; and what `repeats` needs."""
    return _judged(
        lines.withColumns(
            {
                "creator_id": _plain_or_null("creator_id"),
                "sound_id": _plain_or_null("sound_id"),
                "category": _name("category"),
                "tags": _tags(),
                "caption": F.substring("caption", 1, _LONGEST_TEXT),
                "language": _code("language"),
                "country": _code("country"),
                "duration_ms": F.when(F.col("duration_ms").between(1, 2**31 - 1), F.col("duration_ms")).cast("int"),
                "uploaded_at": _by("uploaded_at", day),
                "content_hash": _name("content_hash"),
                "tone": _name("tone"),
            }
            | {name: _vector(name) for name in VECTORS}
        ),
        F.col("video_id"),
        _video_faults(),
        _names(tables.VIDEOS, "video", *FOUND),
    )


def video_ids(lines: DataFrame) -> DataFrame:
    """The `video_id` of every row that `judge_videos` finds sound, as often as it comes."""
    faulty = reduce(or_, _video_faults().values(), ~F.col("readable"))
    return lines.where(~F.coalesce(faulty, F.lit(True))).select("video_id")


def _video_faults() -> dict[str, Column]:
    return {
        "bad_video_id": ~_plain("video_id"),
        "bad_moderation": ~_one_of("moderation", tables.MODERATION),
        "bad_status": ~_one_of("status", tables.STATUSES),
        "bad_audience": ~_one_of("audience", tables.AUDIENCES),
    }


def vector_lengths(judged: DataFrame, name: str) -> DataFrame:
    """One row per length of the sound rows' vectors of that name: `length`, 0 for broken ones, and `videos`."""
    given = judged.where(F.col("reason").isNull() & F.col(name).isNotNull())
    return given.groupBy(F.size(name).alias("length")).agg(F.count("*").alias("videos"))


def of_length(videos: DataFrame, lengths: dict[str, int]) -> DataFrame:
    """The rows with null in place of vectors of another length than `lengths` has for their column."""
    return videos.withColumns({name: F.when(F.size(name) == lengths.get(name, -1), F.col(name)) for name in VECTORS})


def judge_viewers(lines: DataFrame, day: date) -> DataFrame:
    """One row per landed line: what `viewers` holds of it, `reason`, and what `repeats` needs."""
    texts = {name: _name(name) for name in ("device_class", "age_band", "referrer")}
    codes = {name: _code(name) for name in ("language", "country")}
    return _judged(
        lines.withColumns(texts | codes | {"signed_up_at": _by("signed_up_at", day)}),
        F.col("viewer_id"),
        {"bad_viewer_id": ~_plain("viewer_id")},
        _names(tables.VIEWERS, "viewer", *FOUND),
    )


def judge_follows(lines: DataFrame, day: date) -> DataFrame:
    """One row per landed line: the columns of `follows` without `day`, `reason`, and what `repeats` needs."""
    faults = {"bad_viewer_id": ~_plain("viewer_id"), "bad_creator_id": ~_plain("creator_id")}
    dated = lines.withColumn("since", _by("since", day))
    return _judged(dated, F.concat_ws(" ", "viewer_id", "creator_id"), faults, _names(tables.FOLLOWS))


def judge_controls(lines: DataFrame, day: date) -> DataFrame:
    """One row per landed line: the columns of `controls` without `day`, `reason`, and what `repeats` needs."""
    of_tag = F.col("kind") == "mute_tag"
    dated = lines.withColumns(
        {
            "happened_at": _by("happened_at", day),
            "target": F.when(of_tag, _tag(F.col("target"))).otherwise(F.col("target")),
        }
    )
    targeted = F.col("kind").rlike("^(mute|block)_")
    # Tags are words of any language, held against the catalogue's; everything else has an id.
    named = F.when(of_tag, F.length("target") > 0).otherwise(_plain("target"))
    faults = {
        "bad_viewer_id": ~_plain("viewer_id"),
        "unknown_kind": ~_one_of("kind", tables.CONTROL_KINDS),
        "bad_target": targeted & ~F.coalesce(named, F.lit(False)),
        "bad_time": F.col("happened_at").isNull(),
    }
    return _judged(dated, F.concat_ws(" ", *tables.CONTROLS.key), faults, _names(tables.CONTROLS))


def _judged(lines: DataFrame, key: Column, faults: dict[str, Column], names: list[str]) -> DataFrame:
    found: Column = F.lit(None).cast("string")
    for reason, fault in reversed({"unreadable": ~F.col("readable"), **faults}.items()):
        found = F.when(F.coalesce(fault, F.lit(False)), reason).otherwise(found)
    return lines.select(*names, F.monotonically_increasing_id().alias("row"), key.alias("key"), found.alias("reason"))


def sound(judged: DataFrame, repeats: DataFrame) -> DataFrame:
    """The sound rows, each key's first one, with the columns of the table that the snapshot's own lines fill."""
    kept = judged.where(F.col("reason").isNull()).join(F.broadcast(repeats), on="row", how="left_anti")
    return kept.drop("row", "key", "reason")


def repeats(judged: DataFrame) -> DataFrame:
    """The `row` of all sound rows but the first of each key, in the order of what they say."""
    said = F.struct(*[name for name in judged.columns if name not in ("row", "key", "reason")])
    return ids.repeats(judged.where(F.col("reason").isNull()), F.col("key"), [said])


def _names(table: Table, *without: str) -> list[str]:
    return [name for name in table.column_names if name not in ("day", *without)]


def _plain(name: str) -> Column:
    return F.coalesce(F.col(name).rlike(ID_PATTERN), F.lit(False))


def _plain_or_null(name: str) -> Column:
    return F.when(_plain(name), F.col(name))


def _one_of(name: str, values: tuple[str, ...]) -> Column:
    return F.coalesce(F.col(name).isin(*values), F.lit(False))


def _name(name: str) -> Column:
    """A short name such as a category: trimmed, cut, null if empty."""
    cut = F.substring(F.trim(name), 1, _LONGEST_NAME)
    return F.when(F.length(cut) > 0, cut)


def _vector(name: str) -> Column:
    """The vector; empty if it says nothing: a number that is missing or not finite, zeros alone, or far too long."""
    finite = F.forall(name, lambda each: F.coalesce(F.abs(each) < F.lit(float("inf")), F.lit(False)))
    says = finite & F.exists(name, lambda each: each != 0) & F.size(name).between(1, _LONGEST_VECTOR)
    return F.when(says, F.col(name)).when(F.col(name).isNotNull(), F.array().cast("array<float>"))


def _code(name: str) -> Column:
    """A code such as `en` or `pt-BR`; null if it is none. Segments are made of two, parted by a colon."""
    trimmed = F.trim(name)
    return F.when(trimmed.rlike(r"^[A-Za-z0-9-]{1,16}$"), trimmed)


def _tags() -> Column:
    plain = F.transform(F.coalesce("tags", F.array()), _tag)
    return F.array_distinct(F.filter(plain, lambda tag: F.length(tag) > 0))


def _tag(written: Column) -> Column:
    return F.lower(F.rtrim(F.ltrim(F.substring(written, 1, _LONGEST_NAME), F.lit("# "))))


def _by(name: str, day: date) -> Column:
    """A time up to the end of the day; null outside 1970-01-02 to then, which no clock of a platform has shown.

    A year must come first: Spark would date a bare time of day by its own clock.
    """
    moment = F.when(F.substring(name, 5, 1) == "-", F.try_to_timestamp(name))
    first, last = (F.lit(str(end)).cast("timestamp") for end in (_FIRST_TIME, day + timedelta(days=1)))
    return F.when((moment >= first) & (moment < last), moment)
