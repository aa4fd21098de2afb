"""Sessions: plays of a viewer without a long pause, also across midnight; what was shown in them, and where they ended.

A session is told by the day on which its pause began: a last play within the gap before midnight may go on, so the
next day tells it, and reads the plays of the day before for that. Events that landed late belong to no session: theirs
was told without them.
"""

from __future__ import annotations

from datetime import date, timedelta

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from foryou.settings import Views


def open_at_midnight(events: DataFrame, day: date, settings: Views) -> DataFrame:
    """The plays that `events` of the day before `day` hold of viewers whose session may go on."""
    first = _midnight(day - timedelta(days=1))
    plays = events.where((F.col("kind") == "play") & (F.col("happened_at") >= first))
    late = F.col("happened_at") >= _told_until(day - timedelta(days=1), settings)
    viewers = plays.where(late).select("viewer_id").distinct()
    return plays.join(F.broadcast(viewers), on="viewer_id", how="left_semi")


def place(events: DataFrame, before: DataFrame, day: date, settings: Views) -> DataFrame:
    """One row per event of the day, and per play of `before`, with its place in time.

    Both frames have `viewer, video, kind, happened_at, event_id` and more columns, the same ones. Added are `today`,
    whether the row is of `events`; `turn`, the order of the viewer's plays, and of the rest, by time and then id; and,
    for plays that did not land late, `session` (from 1), `position` in it (from 1) and `scroll_s`, the seconds until
    its next play, null for the last. `event_id` is gone: nothing else needs it.
    """
    rows = events.withColumn("today", F.lit(True)).unionByName(before.withColumn("today", F.lit(False)))
    play = F.col("kind") == "play"
    timely = play & (~F.col("today") | (F.col("happened_at") >= _midnight(day)))
    # One shuffle serves the windows, the sessions and the views.
    marked = rows.withColumns({"is_play": play, "timely": timely}).repartition("viewer")
    numbered = _numbered(marked, 60 * settings.session_gap_min)
    return numbered.drop("is_play", "timely", "event_id")


def _numbered(marked: DataFrame, gap_s: int) -> DataFrame:
    # Late plays come first: they happened before the day, and must not part the others from one another.
    in_order = Window.partitionBy("viewer", "is_play").orderBy("timely", "happened_at", "event_id")
    so_far = in_order.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    moment = F.when(F.col("timely"), F.col("happened_at"))
    turned = marked.withColumns(
        {
            "turn": F.row_number().over(in_order),
            "since_s": _seconds(F.lag(moment).over(in_order), F.col("happened_at")),
            "scroll_s": _seconds(moment, F.lead("happened_at").over(in_order)),
        }
    )
    opens = F.col("timely") & (F.col("since_s").isNull() | (F.col("since_s") >= gap_s))
    counted = turned.withColumns(
        {
            "session": F.count_if(opens).over(so_far),
            "first_turn": F.max(F.when(opens, F.col("turn"))).over(so_far),
        }
    )
    return counted.withColumns(
        {
            "session": F.when(F.col("timely"), F.col("session")).cast("int"),
            "position": F.when(F.col("timely"), F.col("turn") - F.col("first_turn") + 1),
            "scroll_s": F.when(F.col("scroll_s") < gap_s, F.col("scroll_s")),
        }
    ).drop("since_s", "first_turn")


def visits(placed: DataFrame, people: DataFrame, day: date, settings: Views) -> DataFrame:
    """One row per session that the day tells: the columns of `sessions`, and what was shown, as `exits` needs it.

    `shown` holds the videos in the order in which they came, each once, the viewer's own left out; `last` is the
    video of the last play, null if own; `device_class` and `country` are the viewer's. `people` has one row per
    `viewer`, with these two, `first_met` and `signed_up_at`.
    """
    plays = placed.where(F.col("session").isNotNull())
    each = F.struct("turn", F.when(~F.col("own"), F.col("video")).alias("video"))
    folded = plays.groupBy("viewer", "session").agg(
        F.min("happened_at").alias("started_at"),
        F.max("happened_at").alias("ended_at"),
        F.count("*").cast("int").alias("plays"),
        F.sum("watched_ms").cast("bigint").alias("watched_ms"),
        F.array_sort(F.collect_list(each)).alias("in_turn"),
    )
    told = (F.col("ended_at") >= _told_until(day - timedelta(days=1), settings)) & (
        F.col("ended_at") < _told_until(day, settings)
    )
    videos = F.transform("in_turn", lambda one: one.video)
    listed = folded.where(told).withColumns(
        {"shown": F.array_distinct(F.array_compact(videos)), "last": F.element_at(videos, -1)}
    )
    minutes = _seconds(F.col("started_at"), F.col("ended_at")) / 60
    measured = listed.withColumn("videos", F.size("shown")).withColumn(
        "videos_a_minute",
        F.when((F.col("videos") > 1) & (minutes > 0), (F.col("videos") - 1) / minutes).cast("float"),
    )
    known = measured.join(people, on="viewer", how="left")
    return known.withColumn("is_new", _is_new(settings)).drop("in_turn", "first_met", "signed_up_at")


def build(visits: DataFrame) -> DataFrame:
    """The rows of `sessions`, without `day`."""
    return visits.drop("shown", "last", "device_class", "country")


def exits(visits: DataFrame, settings: Views) -> DataFrame:
    """The rows of `exits`, without `day`: sessions that showed a video, and how many of them ended within it.

    Sessions of new viewers count once more for their first videos: did they leave within these?
    """
    first = F.col("is_new") & (F.col("place") < settings.first_videos)
    each = visits.select(
        "device_class", "country", "is_new", "last", "videos", F.posexplode("shown").alias("place", "video")
    )
    count = {
        "sessions": F.count("*"),
        "exits": F.count_if(F.col("last") == F.col("video")),
        "new_sessions": F.count_if(first),
        "new_exits": F.count_if(first & (F.col("videos") <= settings.first_videos)),
    }
    counted = [number.cast("int").alias(name) for name, number in count.items()]
    return each.groupBy("video", "device_class", "country").agg(*counted)


def _is_new(settings: Views) -> Column:
    """First met within the last days and, where a sign-up is known, signed up then: a first load meets everybody."""
    started = F.to_date("started_at")
    met = F.date_diff(started, "first_met") <= settings.new_viewer_days
    signed_up = F.date_diff(started, F.to_date("signed_up_at")) <= settings.new_viewer_days
    return F.coalesce(met, F.lit(False)) & F.coalesce(signed_up, F.lit(True))


def _seconds(start: Column, end: Column) -> Column:
    return (F.unix_micros(end) - F.unix_micros(start)) / 1e6


def _midnight(day: date) -> Column:
    return F.lit(str(day)).cast("timestamp")


def _told_until(day: date, settings: Views) -> Column:
    """Sessions whose last play began before are told by the day; later ones may go on after midnight."""
    return _midnight(day + timedelta(days=1)) - F.expr(f"interval {settings.session_gap_min} minutes")
