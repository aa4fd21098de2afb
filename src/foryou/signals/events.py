"""The checked log: what a line must be to count as an event, and why the others do not."""

from __future__ import annotations

from datetime import date, timedelta
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from foryou import tables
from foryou.contract import ID_PATTERN
from foryou.models import devices, ids
from foryou.settings import Events

NOT_BAD = ("duplicate", "unknown_video", "too_fast")
"""Refused, yet no sign of a broken log: a resent file, a video that lands tomorrow, a machine."""

_LONGEST_LINE = 2_000


def judge(lines: DataFrame, day: date, settings: Events, salt: str) -> DataFrame:
    """One row per landed line: the columns of `events` without `day`, `line`, its number `row`, and `reason`.

    `reason` is null if the line is sound. The number holds for as long as the frame is kept. Someone not signed up is
    known by the salted name of the device: the plain device id stays out of the lake.
    """
    known = devices.named(lines, salt).withColumns(
        {
            "happened_at": _moment("happened_at"),
            "viewer_id": F.coalesce("viewer_id", "device"),
            "surface": F.when(F.col("surface").isin(*tables.SURFACES), F.col("surface")).otherwise("other"),
        }
    )
    judged = known.withColumn("reason", _first_fault(day, settings))
    kept = [name for name in tables.EVENTS.column_names if name not in ("day", "watched_ms", "duration_ms")]
    sound = F.col("reason").isNull()
    return judged.select(
        *kept,
        F.when(sound, F.col("watched_ms")).cast("int").alias("watched_ms"),
        F.when(sound & (F.col("duration_ms") > 0), F.col("duration_ms")).cast("int").alias("duration_ms"),
        F.substring("line", 1, _LONGEST_LINE).alias("line"),
        F.monotonically_increasing_id().alias("row"),
        "reason",
    )


def mark_unknown_videos(judged: DataFrame, video_ids: DataFrame) -> DataFrame:
    """Sets the reason `unknown_video` on sound rows that name a video the catalogue has never had."""
    known = F.broadcast(video_ids.select("video_id", F.lit(True).alias("known")))
    unknown = F.col("video_id").isNotNull() & F.col("known").isNull()
    marked = judged.join(known, on="video_id", how="left")
    return marked.withColumn("reason", _if_sound(unknown, "unknown_video")).drop("known")


def duplicates(judged: DataFrame, earlier: DataFrame) -> DataFrame:
    """The `row` of all but the first sound row of an event id, and of all whose id the earlier days have.

    A refused row does not shadow the sound one of the same id; equal times go by the line, so by content alone.
    """
    sound = judged.where(F.col("reason").isNull())
    order = [F.col("happened_at"), F.col("line")]
    return ids.repeats(sound, F.col("event_id"), order, earlier.select(F.col("event_id").alias("key")))


def too_fast(judged: DataFrame, duplicates: DataFrame, settings: Events) -> DataFrame:
    """The `row` of all that a machine did: someone who starts more plays in a minute than a person can.

    That is every sound event of that viewer in such a minute and in the ones before and after it, in which the machine
    began and stopped. Lines sent again are no plays: they are left out first.
    """
    once = judged.where(F.col("reason").isNull()).join(F.broadcast(duplicates), on="row", how="left_anti")
    timed = once.select("row", "viewer_id", "kind", _minute().alias("minute"))
    plays = timed.where(F.col("kind") == "play").groupBy("viewer_id", "minute").agg(F.count("*").alias("plays"))
    crowded = plays.where(F.col("plays") > settings.max_plays_a_minute)
    around = F.explode(F.array(*[F.col("minute") + beside for beside in (-1, 0, 1)]))
    machines = crowded.select("viewer_id", around.alias("minute")).distinct()
    return timed.join(F.broadcast(machines), on=["viewer_id", "minute"], how="left_semi").select("row")


def mark(judged: DataFrame, refused: dict[str, DataFrame]) -> DataFrame:
    """Sets each reason on the sound rows that its frame numbers; what was `row` is no longer there."""
    numbered = [rows.select("row", F.lit(reason).alias("found")) for reason, rows in refused.items()]
    named = F.broadcast(reduce(DataFrame.unionAll, numbered))
    marked = judged.join(named, on="row", how="left")
    return marked.withColumn("reason", F.coalesce("reason", "found")).drop("found", "row")


def accepted(judged: DataFrame) -> DataFrame:
    """The rows of `events`: one sound event each, without `day`."""
    names = [name for name in tables.EVENTS.column_names if name != "day"]
    return judged.where(F.col("reason").isNull()).select(*names)


def rejected(judged: DataFrame) -> DataFrame:
    """The rows of `rejected_events`: one refused line each with its reason, without `day` and the device's id."""
    device = r'("device_id"\s*:\s*)"[^"\\]*+(?:\\.[^"\\]*+)*+"?'  # possessive: no text can exhaust the stack
    without_device = F.regexp_replace("line", device, '$1"..."')
    return judged.where(F.col("reason").isNotNull()).select("reason", without_device.alias("line"))


def _moment(name: str) -> Column:
    """Null unless a year comes first: Spark would date a bare time of day by its own clock."""
    return F.when(F.substring(name, 5, 1) == "-", F.try_to_timestamp(name))


def _first_fault(day: date, settings: Events) -> Column:
    first, last = day - timedelta(days=settings.lookback_days), day + timedelta(days=1)
    longest_ms = settings.max_watched_hours * 3_600_000
    happened = F.col("happened_at")
    play = F.col("kind") == "play"
    of_video = F.col("kind").isin(*tables.VIDEO_KINDS)
    faults = {
        "unreadable": ~F.col("readable"),
        "bad_event_id": ~_plain_id("event_id"),
        "bad_viewer_id": ~_plain_id("viewer_id"),
        "unknown_kind": F.col("kind").isNull() | ~F.col("kind").isin(*tables.KINDS),
        "bad_video_id": (of_video | F.col("video_id").isNotNull()) & ~_plain_id("video_id"),
        "bad_creator_id": F.col("creator_id").isNotNull() & ~_plain_id("creator_id"),
        "bad_time": happened.isNull(),
        "outside_days": ~happened.between(F.lit(str(first)).cast("timestamp"), F.lit(str(last)).cast("timestamp"))
        | (happened == F.lit(str(last)).cast("timestamp")),
        "bad_watched": (play & F.col("watched_ms").isNull()) | ~F.col("watched_ms").between(0, longest_ms),
        "bad_duration": ~F.col("duration_ms").between(0, longest_ms),
        "bad_position": F.col("position") < 0,
        "bad_release_id": F.col("release_id").isNotNull() & ~_plain_id("release_id"),
        "bad_propensity": F.isnan("propensity") | (F.col("propensity") <= 0) | (F.col("propensity") > 1),
    }
    found: Column = F.lit(None).cast("string")
    for reason, fault in reversed(faults.items()):
        found = F.when(F.coalesce(fault, F.lit(False)), reason).otherwise(found)
    return found


def _minute() -> Column:
    """Minutes since 1970."""
    return F.floor(F.unix_seconds("happened_at") / 60)


def _plain_id(name: str) -> Column:
    return F.coalesce(F.col(name).rlike(ID_PATTERN), F.lit(False))


def _if_sound(fault: Column, reason: str) -> Column:
    return F.when(F.col("reason").isNull() & fault, reason).otherwise(F.col("reason"))
