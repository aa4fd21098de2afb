"""The landed snapshots of videos, viewers and follows, and the day's controls, made sound."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from foryou import tables
from foryou.contract import ID_PATTERN

_LONGEST_TEXT = 2_000
_LONGEST_NAME = 64


def judge_videos(lines: DataFrame) -> DataFrame:
    """One row per video: the columns of `videos` without `day` and `video`, and `reason` (null if it is sound)."""
    return _judged(
        lines.withColumns(
            {
                "creator_id": _plain_or_null("creator_id"),
                "sound_id": _plain_or_null("sound_id"),
                "category": _name("category"),
                "tags": _tags(),
                "caption": F.substring("caption", 1, _LONGEST_TEXT),
                "language": _name("language"),
                "country": _name("country"),
                "duration_ms": F.when(F.col("duration_ms").between(1, 2**31 - 1), F.col("duration_ms")).cast("int"),
                "uploaded_at": F.try_to_timestamp("uploaded_at"),
                "content_hash": _name("content_hash"),
            }
        ),
        "video_id",
        {
            "bad_video_id": ~_plain("video_id"),
            "bad_moderation": ~_one_of("moderation", tables.MODERATION),
            "bad_status": ~_one_of("status", tables.STATUSES),
            "bad_audience": ~_one_of("audience", tables.AUDIENCES),
        },
        _names(tables.VIDEOS, "video"),
    )


def judge_viewers(lines: DataFrame) -> DataFrame:
    """One row per viewer: the columns of `viewers` without `day` and `viewer`, and `reason`."""
    texts = ("language", "country", "device_class", "age_band", "referrer")
    return _judged(
        lines.withColumns({name: _name(name) for name in texts} | {"signed_up_at": F.try_to_timestamp("signed_up_at")}),
        "viewer_id",
        {"bad_viewer_id": ~_plain("viewer_id")},
        _names(tables.VIEWERS, "viewer"),
    )


def judge_follows(lines: DataFrame) -> DataFrame:
    """One row per viewer and creator: the columns of `follows` without `day`, and `reason`."""
    faults = {"bad_viewer_id": ~_plain("viewer_id"), "bad_creator_id": ~_plain("creator_id")}
    dated = lines.withColumn("since", F.try_to_timestamp("since"))
    return _judged(dated, F.concat_ws(" ", "viewer_id", "creator_id"), faults, _names(tables.FOLLOWS))


def judge_controls(lines: DataFrame) -> DataFrame:
    """One row per use of a control: the columns of `controls` without `day`, and `reason`."""
    dated = lines.withColumn("happened_at", F.try_to_timestamp("happened_at"))
    targeted = F.col("kind").rlike("^(mute|block)_")
    faults = {
        "bad_viewer_id": ~_plain("viewer_id"),
        "unknown_kind": ~_one_of("kind", tables.CONTROL_KINDS),
        "bad_target": targeted & ~_plain("target"),
        "bad_time": F.col("happened_at").isNull(),
    }
    return _judged(dated, F.col("line"), faults, _names(tables.CONTROLS))


def _judged(lines: DataFrame, key: str | Column, faults: dict[str, Column], names: list[str]) -> DataFrame:
    """The first row of each key among the sound ones, in the order of the lines, and all rows at fault."""
    found: Column = F.lit(None).cast("string")
    for reason, fault in reversed({"unreadable": ~F.col("readable"), **faults}.items()):
        found = F.when(F.coalesce(fault, F.lit(False)), reason).otherwise(found)
    judged = lines.withColumn("reason", found)
    told = F.struct(*names, "reason")
    # A row at fault keeps a key of its own: it is counted, and it shadows nothing.
    own = F.when(F.col("reason").isNull(), key if isinstance(key, Column) else F.col(key)).otherwise(F.col("line"))
    once = judged.groupBy(F.col("reason").isNull(), own).agg(F.min_by(told, "line").alias("row"))
    return once.select("row.*")


def _names(table: tables.Table, *without: str) -> list[str]:
    return [name for name in table.column_names if name not in ("day", *without)]


def _plain(name: str) -> Column:
    return F.coalesce(F.col(name).rlike(ID_PATTERN), F.lit(False))


def _plain_or_null(name: str) -> Column:
    return F.when(_plain(name), F.col(name))


def _one_of(name: str, values: tuple[str, ...]) -> Column:
    return F.coalesce(F.col(name).isin(*values), F.lit(False))


def _name(name: str) -> Column:
    """A short name such as a language or a category: trimmed, cut, null if empty."""
    cut = F.substring(F.trim(name), 1, _LONGEST_NAME)
    return F.when(F.length(cut) > 0, cut)


def _tags() -> Column:
    plain = F.transform(
        F.coalesce("tags", F.array()),
        lambda tag: F.lower(F.ltrim(F.substring(tag, 1, _LONGEST_NAME), F.lit("# "))),
    )
    return F.array_distinct(F.filter(plain, lambda tag: F.length(tag) > 0))
