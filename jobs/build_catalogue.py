"""Takes the landed snapshots of videos, viewers and follows, and the day's controls; gives new ones dense ids."""

from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from foryou import tables
from foryou.catalogue import catalogue
from foryou.models import ids
from foryou.platform import checks
from foryou.platform.job import Run, job
from foryou.sources import landed_frames, landing

JUDGES = {
    "videos": catalogue.judge_videos,
    "viewers": catalogue.judge_viewers,
    "follows": catalogue.judge_follows,
    "controls": catalogue.judge_controls,
}
CHECKED_BY_CONTRACT = ("videos", "viewers")


def main(run: Run) -> None:
    landed = landing.check_day(run.landing, run.day)
    lines = {kind: landed_frames.read(run.lake.spark, landed, kind) for kind in JUDGES}
    _recount(landed, lines)
    # Uses: the checks, the counts, the tables.
    judged = {kind: judge(lines[kind], run.day).cache() for kind, judge in JUDGES.items()}
    try:
        sound = {kind: rows.where(F.col("reason").isNull()).drop("reason") for kind, rows in judged.items()}
        _note(run, landed, sound)
        run.record_checks([outcome for kind in JUDGES for outcome in _checked(run, kind, judged[kind], sound[kind])])
        run.lake.replace_day(tables.VIDEOS, run.day, _numbered(run, sound["videos"], tables.VIDEO_IDS, "video"))
        run.lake.replace_day(tables.VIEWERS, run.day, _numbered(run, sound["viewers"], tables.VIEWER_IDS, "viewer"))
        run.lake.replace_day(tables.FOLLOWS, run.day, sound["follows"])
        run.lake.replace_day(tables.CONTROLS, run.day, sound["controls"])
    finally:
        for rows in judged.values():
            rows.unpersist()


def _recount(landed: landing.LandedDay, lines: dict[str, DataFrame]) -> None:
    counts = [frame.agg(F.lit(kind).alias("kind"), F.count("*").alias("rows")) for kind, frame in lines.items()]
    for kind, rows in reduce(DataFrame.unionAll, counts).collect():
        landed_frames.recount(landed, kind, rows)


def _note(run: Run, landed: landing.LandedDay, sound: dict[str, DataFrame]) -> None:
    run.note(**{kind: rows.count() for kind, rows in sound.items()})
    unknown = {kind: landed_frames.unknown_fields(landed, kind) for kind in JUDGES}
    if any(unknown.values()):
        run.note(unknown_fields={kind: names for kind, names in unknown.items() if names})


def _checked(run: Run, kind: str, judged: DataFrame, sound: DataFrame) -> list[checks.Outcome]:
    table = next(table for table in tables.ALL if table.name == kind)
    share = checks.share_present(
        f"rejected share of {kind} is small", "fault", run.settings.catalogue.max_rejected_share
    )
    some = [checks.row_count(1, name="there are videos")] if kind == "videos" else []
    return [
        *checks.validate(judged.select(F.col("reason").alias("fault")), table, more=[share]),
        *(checks.validate(sound, table, more=some) if kind in CHECKED_BY_CONTRACT else []),
    ]


def _numbered(run: Run, rows: DataFrame, table: tables.Table, dense: str) -> DataFrame:
    """The rows with their dense ids, after new ones have been given theirs."""
    known = run.lake.read(table)
    run.note(**{f"new_{dense}s": run.lake.append(table, run.day, ids.assign(known, rows, f"{dense}_id", dense))})
    return rows.join(run.lake.read(table).drop("day"), on=f"{dense}_id", how="inner")


if __name__ == "__main__":
    job(main)
