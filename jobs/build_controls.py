"""Takes what viewers asked of their feeds on the day: mutes, blocks, resets, opting out."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from foryou import tables
from foryou.platform.checks import Outcome
from foryou.platform.job import Run, job
from foryou.signals import controls
from foryou.sources import landed_frames, landing


def main(run: Run) -> None:
    landed = landing.check_day(run.landing, run.day, ("controls",))
    run.manifest = landed.manifest
    lines = landed_frames.read(run.lake.spark, landed, "controls")
    # Uses: the counts, the table.
    judged = controls.judge(lines, run.day).cache()
    try:
        reasons = _reasons(judged)
        landed_frames.recount(landed, "controls", sum(reasons.values()))
        unknown = landed_frames.unknown_fields(landed, "controls")
        if unknown:
            run.note(unknown_fields=unknown)
        run.record_checks([_few_rejected(run, reasons)])
        run.note(controls=run.lake.replace_day(tables.CONTROLS, run.day, controls.sound(judged)))
    finally:
        judged.unpersist()


def _reasons(judged: DataFrame) -> dict[str | None, int]:
    """How many lines were refused for what; the sound ones stand under None."""
    return {row.reason: row.lines for row in judged.groupBy("reason").agg(F.count("*").alias("lines")).collect()}


def _few_rejected(run: Run, reasons: dict[str | None, int]) -> Outcome:
    """A day has few controls: some lines may be bad however large their share."""
    chosen = run.settings.controls
    refused = {reason: count for reason, count in reasons.items() if reason}
    rejected = sum(refused.values())
    run.note(rejected_by_reason=refused)
    most = max(chosen.always_allowed_rejected, chosen.max_rejected_share * sum(reasons.values()))
    told = f"{rejected:,} of {sum(reasons.values()):,} {refused or ''}".strip()
    return Outcome("controls", "rejected share of controls is small", rejected <= most, True, told)


if __name__ == "__main__":
    job(main)
