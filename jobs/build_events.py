"""Parses, validates and deduplicates the day's log; bad lines go to `rejected_events`; too many stop the night."""

from statistics import median

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from foryou import secret, tables
from foryou.catalogue import catalogue
from foryou.errors import DataRejected
from foryou.platform import checks
from foryou.platform.job import Run, job
from foryou.signals import events
from foryou.sources import landed_frames, landing


def main(run: Run) -> None:
    chosen = run.settings.events
    landed = landing.check_day(run.landing, run.day)
    run.manifest = landed.manifest
    lines = landed_frames.read(run.lake.spark, landed, "events")
    earlier = run.lake.read(tables.EVENTS, days=run.window(chosen.lookback_days + 1)[:-1])
    video_ids = _known_videos(run, landed)
    # Uses: which are duplicates, and all that is done with the marked rows.
    judged = events.mark_unknown_videos(events.judge(lines, run.day, chosen, secret.salt()), video_ids).cache()
    # Uses: which are too fast; the counts, the checks, the events and what was refused.
    duplicates = events.duplicates(judged, earlier).cache()
    # Uses: the counts, the checks, the events and what was refused.
    too_fast = events.too_fast(judged, duplicates, chosen).cache()
    try:
        marked = events.mark(judged, {"duplicate": duplicates, "too_fast": too_fast})
        _count(run, marked, landed)
        run.record_checks(_checked(run, marked), detail=f"by reason {run.notes['rejected_by_reason']}")
        run.lake.replace_day(tables.EVENTS, run.day, events.accepted(marked))
        run.lake.replace_day(tables.REJECTED_EVENTS, run.day, events.rejected(marked))
    finally:
        too_fast.unpersist()
        duplicates.unpersist()
        judged.unpersist()


def _known_videos(run: Run, landed: landing.LandedDay) -> DataFrame:
    """The ids of videos that the catalogue has had by the day.

    Once a later night has run, the map holds later videos too. The day's own may have got their ids on a later day, if
    they landed late: so a night that is run again asks its snapshot as well.
    """
    given = run.lake.days(tables.VIDEO_IDS)
    by_then = run.lake.read(tables.VIDEO_IDS, days=[day for day in given if day <= run.day]).select("video_id")
    if not given or given[-1] <= run.day:
        return by_then
    own = catalogue.video_ids(landed_frames.read(run.lake.spark, landed, "videos"))
    return by_then.unionByName(own).distinct()


def _count(run: Run, marked: DataFrame, landed: landing.LandedDay) -> None:
    reasons = {row.reason: row["count"] for row in marked.groupBy("reason").count().collect()}
    read, accepted = sum(reasons.values()), reasons.pop(None, 0)
    landed_frames.recount(landed, "events", read)
    run.note(rows_read=read, rows_accepted=accepted, rows_rejected=read - accepted, rejected_by_reason=reasons)
    unknown = landed_frames.unknown_fields(landed, "events")
    if unknown:
        run.note(unknown_fields=unknown)
    if not accepted and read == reasons.get("duplicate", 0):
        raise DataRejected(
            "events",
            day=run.day,
            wanted="events",
            found=f"an empty day ({read} rows, all of them known)" if read else "an empty day",
            next_step="nothing: the release before stays live; land the day again if it should have had events",
        )


def _checked(run: Run, marked: DataFrame) -> list[checks.Outcome]:
    """The contract on what is accepted, and the three gates: the share refused, the number of rows, freshness."""
    chosen = run.settings.events
    bad = F.when(~F.col("reason").isin(*events.NOT_BAD), F.col("reason"))
    share = checks.share_present("rejected share is small", "fault", chosen.max_rejected_share)
    gates = [checks.newest_day("events reach the day", "happened_at", run.day, run.day), *_usual_rows(run)]
    return checks.validate_all(
        [
            (marked.select(bad.alias("fault")), tables.REJECTED_EVENTS, [share]),
            (events.accepted(marked), tables.EVENTS, gates),
        ]
    )


def _usual_rows(run: Run) -> list[checks.Expected]:
    chosen = run.settings.events
    recent = [day for day in run.window(chosen.recent_days + 1)[:-1] if day in run.lake.days(tables.EVENTS)]
    if len(recent) < chosen.min_recent_days:
        return []
    usual = median(run.lake.count(tables.EVENTS, [day]) for day in recent)
    return [checks.row_count(int(chosen.min_rows_share * usual), int(chosen.max_rows_share * usual) + 1)]


if __name__ == "__main__":
    job(main)
