"""Takes the landed snapshots of videos, viewers and follows, and the day's controls; gives new ones dense ids."""

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
    judged = {kind: judge(landed_frames.read(run.lake.spark, landed, kind)).cache() for kind, judge in JUDGES.items()}
    sound = {kind: rows.where(F.col("reason").isNull()).drop("reason") for kind, rows in judged.items()}
    run.record_checks([outcome for kind in JUDGES for outcome in _checked(run, kind, judged[kind], sound[kind])])
    run.lake.replace_day(tables.VIDEOS, run.day, _numbered(run, sound["videos"], tables.VIDEO_IDS, "video"))
    run.lake.replace_day(tables.VIEWERS, run.day, _numbered(run, sound["viewers"], tables.VIEWER_IDS, "viewer"))
    run.lake.replace_day(tables.FOLLOWS, run.day, sound["follows"])
    run.lake.replace_day(tables.CONTROLS, run.day, sound["controls"])
    for rows in judged.values():
        rows.unpersist()


def _checked(run: Run, kind: str, judged: DataFrame, sound: DataFrame) -> list[checks.Outcome]:
    table = next(table for table in tables.ALL if table.name == kind)
    share = checks.share_present(
        f"rejected share of {kind} is small", "fault", run.settings.catalogue.max_rejected_share
    )
    run.note(**{kind: sound.count()})
    return [
        *checks.validate(judged.select(F.col("reason").alias("fault")), table, more=[share]),
        *(checks.validate(sound, table) if kind in CHECKED_BY_CONTRACT else []),
    ]


def _numbered(run: Run, rows: DataFrame, table: tables.Table, dense: str) -> DataFrame:
    """The rows with their dense ids, after new ones have been given theirs."""
    known = run.lake.read(table)
    run.note(**{f"new_{dense}s": run.lake.append(table, run.day, ids.assign(known, rows, f"{dense}_id", dense))})
    return rows.join(run.lake.read(table).drop("day"), on=f"{dense}_id", how="inner")


if __name__ == "__main__":
    job(main)
