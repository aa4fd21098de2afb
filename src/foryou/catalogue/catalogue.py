"""The landed snapshots of videos, viewers and follows, made sound."""

from __future__ import annotations

from datetime import date
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from foryou import tables
from foryou.contract import Table
from foryou.models import devices, fields, ids

_LONGEST_TEXT = 2_000
FOUND = ("shown", "for_all", "copy_of", "adult")
"""Columns that no snapshot holds: `eligible` works them out."""

VECTORS = ("visual_vector", "audio_vector")
_LONGEST_VECTOR = 4_096


def judge_videos(lines: DataFrame, day: date) -> DataFrame:
    """One row per landed line: what `videos` holds of it; `reason`, null if it is sound; and what `repeats` needs."""
    return _judged(
        lines.withColumns(
            {
                "creator_id": _plain_or_null("creator_id"),
                "sound_id": _plain_or_null("sound_id"),
                "category": fields.name("category"),
                "tags": _tags(),
                "caption": F.substring("caption", 1, _LONGEST_TEXT),
                "language": _code("language"),
                "country": _code("country"),
                "duration_ms": F.when(F.col("duration_ms").between(1, 2**31 - 1), F.col("duration_ms")).cast("int"),
                "uploaded_at": fields.moment("uploaded_at", day),
                "content_hash": fields.name("content_hash"),
                "tone": fields.name("tone"),
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
        "bad_video_id": ~fields.plain("video_id"),
        "bad_moderation": ~fields.one_of("moderation", tables.MODERATION),
        "bad_status": ~fields.one_of("status", tables.STATUSES),
        "bad_audience": ~fields.one_of("audience", tables.AUDIENCES),
    }


def vector_lengths(judged: DataFrame, name: str) -> DataFrame:
    """One row per length of the sound rows' vectors of that name: `length`, 0 for broken ones, and `videos`."""
    given = judged.where(F.col("reason").isNull() & F.col(name).isNotNull())
    return given.groupBy(F.size(name).alias("length")).agg(F.count("*").alias("videos"))


def of_length(videos: DataFrame, lengths: dict[str, int]) -> DataFrame:
    """The rows with null in place of vectors of another length than `lengths` has for their column."""
    return videos.withColumns({name: F.when(F.size(name) == lengths.get(name, -1), F.col(name)) for name in VECTORS})


def judge_viewers(lines: DataFrame, day: date, salt: str) -> DataFrame:
    """One row per landed line: what `viewers` holds of it, `reason`, and what `repeats` needs."""
    texts = {name: fields.name(name) for name in ("device_class", "age_band", "referrer")}
    codes = {name: _code(name) for name in ("language", "country")}
    return _judged(
        devices.named(lines, salt).withColumns(texts | codes | {"signed_up_at": fields.moment("signed_up_at", day)}),
        F.col("viewer_id"),
        {"bad_viewer_id": ~fields.plain("viewer_id")},
        _names(tables.VIEWERS, "viewer", *FOUND),
    )


def judge_follows(lines: DataFrame, day: date) -> DataFrame:
    """One row per landed line: the columns of `follows` without `day`, `reason`, and what `repeats` needs."""
    faults = {"bad_viewer_id": ~fields.plain("viewer_id"), "bad_creator_id": ~fields.plain("creator_id")}
    dated = lines.withColumn("since", fields.moment("since", day))
    return _judged(dated, F.concat_ws(" ", "viewer_id", "creator_id"), faults, _names(tables.FOLLOWS))


def _judged(lines: DataFrame, key: Column, faults: dict[str, Column], names: list[str]) -> DataFrame:
    return fields.judged(lines, faults, *names, F.monotonically_increasing_id().alias("row"), key.alias("key"))


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


def _plain_or_null(name: str) -> Column:
    return F.when(fields.plain(name), F.col(name))


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
    plain = F.transform(F.coalesce("tags", F.array()), fields.tag)
    return F.array_distinct(F.filter(plain, lambda tag: F.length(tag) > 0))
