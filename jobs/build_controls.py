"""Takes what viewers asked of their feeds on the day: mutes, blocks, resets, opting out."""

from collections.abc import Iterator
from datetime import date
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from foryou import tables
from foryou.platform.checks import Outcome
from foryou.platform.job import Run, job
from foryou.signals import controls
from foryou.sources import landed_frames, landing

JUDGED = "viewer_id string, kind string, target string, happened_at timestamp, reason string"


def main(run: Run) -> None:
    landed = landing.check_day(run.landing, run.day, ("controls",))
    run.manifest = landed.manifest
    work = partial(_judged, day=run.day)
    judged = landed_frames.worked(run.lake.spark, landed, "controls", work, JUDGED).toArrow()
    landed_frames.recount(landed, "controls", judged.num_rows)
    unknown = landed_frames.unknown_fields(landed, "controls")
    if unknown:
        run.note(unknown_fields=unknown)
    run.record_checks([_few_rejected(run, judged)])
    lost = controls.leaving_refused(judged)
    if lost:
        run.degrade(f"{lost} of those who opted out or asked to be erased cannot be told: their lines are refused")
    sound = controls.sound(judged)
    run.lake.replace_day(tables.CONTROLS, run.day, sound)
    run.note(controls=sound.num_rows)


def _judged(lines: Iterator[pa.Table], day: date) -> Iterator[pa.Table]:
    return (controls.judge(some, day) for some in lines)


def _few_rejected(run: Run, judged: pa.Table) -> Outcome:
    """A day has few controls: some lines may be bad however large their share."""
    chosen = run.settings.controls
    refused = {row["values"]: row["counts"] for row in pc.value_counts(judged["reason"].drop_null()).to_pylist()}
    rejected = sum(refused.values())
    run.note(rejected_by_reason=refused)
    most = max(chosen.always_allowed_rejected, chosen.max_rejected_share * judged.num_rows)
    told = f"{rejected:,} of {judged.num_rows:,} {refused or ''}".strip()
    return Outcome("controls", "rejected share of controls is small", rejected <= most, True, told)


if __name__ == "__main__":
    job(main)
