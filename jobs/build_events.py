"""Parses, validates and deduplicates the day's log; bad lines go to `rejected_events`; too many stop the night."""

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import feather
from pyspark import TaskContext
from pyspark.sql import DataFrame

from foryou import secret, tables
from foryou.catalogue import catalogue
from foryou.errors import DataRejected
from foryou.models import hashing
from foryou.platform import checks
from foryou.platform.job import Run, job
from foryou.signals import events
from foryou.sources import landed_frames, landing

ROWS_A_PART = 500_000
"""A worker holds one part whole."""

ROWS_A_GROUP = 100_000


def main(run: Run) -> None:
    landed = landing.check_day(run.landing, run.day)
    run.manifest = landed.manifest
    with run.lake.scratch() as folder:
        reasons = _judge(run, landed, folder)
        files = sorted(folder.glob("*.judged"))
        reasons.update(_judge_together(run, files))
        _count(run, landed, dict(reasons))
        accepted, rejected = (partial(_made, files=files, make=make) for make in (events.accepted, events.rejected))
        checked = partial(_check, run)
        run.lake.replace_parts(tables.EVENTS, run.day, len(files), accepted, ROWS_A_GROUP, checked)
        run.lake.replace_parts(tables.REJECTED_EVENTS, run.day, len(files), rejected, ROWS_A_GROUP)


# ---- line by line


def _judge(run: Run, landed: landing.LandedDay, folder: Path) -> Counter[str | None]:
    """Has the workers leave files of judged lines in the folder; how many lines for what reason."""
    feather.write_feather(_known_videos(run, landed), folder / "video_ids", compression="uncompressed")
    judge = partial(events.judge, day=run.day, settings=run.settings.events, salt=secret.salt())
    work = partial(_judged, judge=judge, folder=folder)
    told = landed_frames.worked(run.lake.spark, landed, "events", work, "reason string, lines bigint").collect()
    reasons: Counter[str | None] = Counter()
    for row in told:
        reasons[row.reason] += row.lines
    return reasons


def _judged(lines: Iterator[pa.Table], judge: Callable[[pa.Table], pa.Table], folder: Path) -> Iterator[pa.Table]:
    video_ids = feather.read_table(folder / "video_ids")["video_id"]
    part = TaskContext.get().partitionId()  # a task tried again writes over what it left
    for number, some in enumerate(_gathered(judge(each) for each in lines)):
        rows = events.mark_unknown_videos(some, video_ids)
        told = events.digests(rows)
        whole = pa.table([*rows.columns, *told.columns], [*rows.column_names, *told.column_names])
        feather.write_feather(whole, folder / f"{part:05d}-{number:05d}.judged", compression="uncompressed")
        yield rows.group_by("reason").aggregate([([], "count_all")]).rename_columns(["reason", "lines"])


def _gathered(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The same rows, some hundred thousands at a time."""
    found: list[pa.Table] = []
    for table in tables:
        found.append(table)
        if sum(each.num_rows for each in found) >= ROWS_A_PART:
            yield pa.concat_tables(found)
            found = []
    if found:
        yield pa.concat_tables(found)


def _known_videos(run: Run, landed: landing.LandedDay) -> pa.Table:
    """The ids of videos that the catalogue has had by the day.

    Once a later night has run, the map holds later videos too. The day's own may have got their ids on a later day, if
    they landed late: so a night that is run again asks its snapshot as well.
    """
    given = run.lake.days(tables.VIDEO_IDS)
    by_then = run.lake.arrow(tables.VIDEO_IDS, ["video_id"], days=[day for day in given if day <= run.day])
    if not given or given[-1] <= run.day:
        return by_then
    own = landed_frames.worked(run.lake.spark, landed, "videos", catalogue.videos_of, "video_id string").toArrow()
    return pa.concat_tables([by_then, own.cast(by_then.schema)])


# ---- the day as a whole


def _judge_together(run: Run, files: list[Path]) -> dict[str | None, int]:
    """Leaves beside each file of judged lines the codes of what only all of them tell; what that adds to the reasons.

    Of the day's rows only digests are read whole: 25 bytes an event.
    """
    if not files:
        return {}
    each = [feather.read_table(file, memory_map=True) for file in files]
    rows = pa.concat_tables(each)
    codes = events.codes(rows, _again(run, rows), run.settings.events)
    ends = np.cumsum([table.num_rows for table in each])[:-1]
    for file, own in zip(files, np.split(codes, ends), strict=True):
        np.save(file.with_suffix(".npy"), own)
    found = np.bincount(codes, minlength=len(events.LATER)).tolist()
    return {None: -sum(found[1:])} | {name: lines for name, lines in zip(events.LATER, found, strict=True) if name}


def _again(run: Run, rows: pa.Table) -> NDArray[np.bool_]:
    """Of each sound row, whether it repeats another one or an event of the days before."""
    days = run.window(run.settings.events.lookback_days + 1)[:-1]
    earlier = run.lake.arrow(tables.EVENTS, ["event_id"], days=days)["event_id"]
    digests = hashing.of_texts(earlier)
    sound = np.flatnonzero(rows["sound"].to_numpy())
    event = rows["event"].to_numpy()[sound]
    found = events.doubtful(event, digests)
    asked = np.zeros(rows.num_rows, bool)
    asked[sound[found]] = True
    same = earlier.filter(pa.array(hashing.among(digests, event[found])))
    found[found] = events.duplicates(rows.filter(pa.array(asked)), same)
    return found


# ---- what comes of it


def _made(part: int, files: list[Path], make: Callable[[pa.Table], pa.Table]) -> Iterator[pa.Table]:
    codes = np.load(files[part].with_suffix(".npy"))
    yield make(events.mark(feather.read_table(files[part], memory_map=True), codes))


def _count(run: Run, landed: landing.LandedDay, reasons: dict[str | None, int]) -> None:
    read, accepted = sum(reasons.values()), reasons.pop(None, 0)
    landed_frames.recount(landed, "events", read)
    refused = {reason: lines for reason, lines in sorted(reasons.items()) if lines}
    run.note(rows_read=read, rows_accepted=accepted, rows_rejected=read - accepted, rejected_by_reason=refused)
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


def _check(run: Run, accepted: DataFrame) -> None:
    """The contract on what is accepted, and the three gates: the share refused, the number of rows, freshness."""
    chosen, reasons = run.settings.events, run.notes["rejected_by_reason"]
    bad = sum(lines for reason, lines in reasons.items() if reason not in events.NOT_BAD)
    share = checks.share_present("rejected share is small", "fault", chosen.max_rejected_share)
    known = checks.Known(tables.REJECTED_EVENTS, share, bad / max(1, run.notes["rows_read"]), run.notes["rows_read"])
    gates = [checks.newest_day("events reach the day", "happened_at", run.day, run.day), *_usual_rows(run)]
    outcomes = checks.validate_all([(accepted, tables.EVENTS, gates)], [known])
    run.record_checks(outcomes, detail=f"by reason {reasons}")


def _usual_rows(run: Run) -> list[checks.Expected]:
    chosen = run.settings.events
    recent = [day for day in run.window(chosen.recent_days + 1)[:-1] if day in run.lake.days(tables.EVENTS)]
    if len(recent) < chosen.min_recent_days:
        return []
    usual = median(run.lake.count(tables.EVENTS, [day]) for day in recent)
    return [checks.row_count(int(chosen.min_rows_share * usual), int(chosen.max_rows_share * usual) + 1)]


if __name__ == "__main__":
    job(main)
