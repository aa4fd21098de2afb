"""Takes the landed snapshots of videos, viewers and follows; gives new ones dense ids."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial, reduce
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame

from foryou import secret, tables
from foryou.catalogue import catalogue, eligible
from foryou.catalogue.snapshots import LEFT, Snapshot, leave
from foryou.contract import Table
from foryou.models import devices, ids
from foryou.platform import checks
from foryou.platform.job import Run, job
from foryou.sources import landed_frames, landing

Snapshots = dict[Table, Snapshot]
Told = dict[Table, pa.Table]
"""By snapshot, one row per part and way in which its lines came out (`snapshots.LEFT`)."""

SNAPSHOTS = (tables.VIDEOS, tables.VIEWERS, tables.FOLLOWS)
ROWS_A_GROUP = 100_000


def main(run: Run) -> None:
    landed = landing.check_day(run.landing, run.day)
    run.manifest = landed.manifest
    with run.lake.scratch() as folder:
        told = _judge(run, landed, folder)
        left = {table: _left(table, told[table]) for table in SNAPSHOTS}
        _count(run, landed, told, left)
        lengths = _lengths(run, told[tables.VIDEOS])
        run.record_checks([*checks.validate_all(_contracts(run, left), _shares(run, told)), *as_before(run)])
        _write_videos(run, left[tables.VIDEOS], lengths)
        _write_viewers(run, left[tables.VIEWERS])
        _write(run, left[tables.FOLLOWS], left[tables.FOLLOWS].part)


def _judge(run: Run, landed: landing.LandedDay, folder: Path) -> Told:
    """What workers tell of each snapshot: one Spark job, since what a job costs to plan is most of a small day's."""
    works = {table: partial(leave, table=table, judge=judge, folder=folder) for table, judge in _judges(run).items()}
    frames = [landed_frames.worked(run.lake.spark, landed, table.name, work, LEFT) for table, work in works.items()]
    told = reduce(DataFrame.unionAll, frames).toArrow()
    own = {table: told.filter(pc.field("snapshot") == table.name) for table in works}
    return {table: own[table] if own[table].num_rows else _of_none(table, work) for table, work in works.items()}


def _judges(run: Run) -> dict[Table, Callable[[pa.Table], pa.Table]]:
    return {
        tables.VIDEOS: partial(catalogue.judge_videos, day=run.day),
        tables.VIEWERS: partial(catalogue.judge_viewers, day=run.day, salt=secret.salt()),
        tables.FOLLOWS: partial(catalogue.judge_follows, day=run.day),
    }


def _of_none(table: Table, work: landed_frames.Work) -> pa.Table:
    """The same of a snapshot of no lines, which has one part too."""
    return pa.concat_tables(work(iter([landed_frames.no_lines(table.name)])))


def _left(table: Table, told: pa.Table) -> Snapshot:
    return Snapshot(table, [Path(part) for part in told["part"].unique().to_pylist()])


def _count(run: Run, landed: landing.LandedDay, told: Told, left: Snapshots) -> None:
    """Holds the lines read against the manifest; notes how many rows there are and which fields nobody knows."""
    for table in SNAPSHOTS:
        lines, faulty = _lines(told[table])
        landed_frames.recount(landed, table.name, lines)
        repeats = left[table].drop_repeats()
        run.note(**{table.name: lines - faulty - repeats} | ({f"repeated_{table.name}": repeats} if repeats else {}))
    unknown = {table.name: landed_frames.unknown_fields(landed, table.name) for table in SNAPSHOTS}
    if any(unknown.values()):
        run.note(unknown_fields={kind: names for kind, names in unknown.items() if names})


def _lines(told: pa.Table) -> tuple[int, int]:
    """How many lines there are, and how many of them are faulty."""
    lines, faulty = (
        pc.sum(rows["lines"], min_count=0).as_py() for rows in (told, told.filter(pc.field("reason").is_valid()))
    )
    return lines, faulty


def _lengths(run: Run, told: pa.Table) -> dict[str, int]:
    """How long vectors usually are, by column; of a column without any, nothing."""
    lengths = {name: catalogue.vector_lengths(told, name) for name in catalogue.VECTORS}
    return {name: _usual(run, name, found) for name, found in lengths.items() if found}


def _usual(run: Run, name: str, videos: dict[int, int]) -> int:
    """The length that most vectors have, the longer of two; notes how many are left out, broken ones (0) included."""
    sound = {length: count for length, count in videos.items() if length}
    usual = max(sound, key=lambda length: (sound[length], length), default=-1)
    kept = sound.get(usual, 0)
    run.note(**{f"{name}s": kept, f"{name}s_left_out": sum(videos.values()) - kept})
    return usual


def _shares(run: Run, told: Told) -> list[checks.Known]:
    most, found = run.settings.catalogue.max_rejected_share, []
    for table in SNAPSHOTS:
        lines, faulty = _lines(told[table])
        share = checks.share_present(f"rejected share of {table.name} is small", "reason", most)
        found.append(checks.Known(table, share, faulty / max(1, lines), lines))
    return found


def _contracts(run: Run, left: Snapshots) -> list[checks.Asked]:
    """Follows have no more rules than those that their rows were judged by."""
    rules = {tables.VIDEOS: [checks.row_count(1, name="there are videos")], tables.VIEWERS: []}
    read = run.lake.spark.read
    return [
        (read.schema(catalogue.row(table)).parquet(*left[table].files()), table, more) for table, more in rules.items()
    ]


def as_before(run: Run) -> list[checks.Outcome]:
    """Each snapshot against the one before, by the rows noted: one cut short has no broken line to be known by."""
    chosen, found = run.settings.catalogue, []
    for table in SNAPSHOTS:
        earlier = run.lake.days_until(table, run.day - timedelta(days=1))[-1:]
        rows, before = run.notes[table.name], run.lake.count(table, earlier) if earlier else 0
        enough = before < chosen.min_rows_compared or rows >= chosen.min_rows_share * before
        told = f"{rows:,} rows, {before:,} on {earlier[0]}" if earlier else f"{rows:,} rows, no snapshot before"
        found.append(checks.Outcome(table.name, f"{table.name} are as many as before", enough, True, told))
    return found


def _write_videos(run: Run, videos: Snapshot, lengths: dict[str, int]) -> None:
    met = videos.columns(["video_id", "status", "moderation", "audience", "content_hash"])
    fresh = partial(ids.assign, met=met["video_id"], name="video_id", dense="video")
    numbered = met.append_column("video", _numbers(run, tables.VIDEO_IDS, met, fresh))
    videos.find(eligible.of_videos(numbered).select(["video", *catalogue.FOUND[tables.VIDEOS.name]]))
    _write(run, videos, partial(_videos, videos, lengths))


def _videos(videos: Snapshot, lengths: dict[str, int], part: int) -> Iterator[pa.Table]:
    return (catalogue.of_length(rows, lengths) for rows in videos.part(part))


def _write_viewers(run: Run, viewers: Snapshot) -> None:
    met = viewers.columns(["viewer_id", "device", "signed_up_at", "age_band"])
    numbers = _numbers(run, tables.VIEWER_IDS, met, partial(devices.new_in_snapshot, viewers=met))
    viewers.find(pa.table({"viewer": numbers, "adult": eligible.grown_up(met["age_band"])}))
    _write(run, viewers, viewers.part)
    recent = devices.recent(devices.sign_ups(met), run.day, run.settings.events.lookback_days)
    run.lake.replace_day(tables.SIGN_UPS, run.day, recent)


def _numbers(run: Run, table: Table, met: pa.Table, fresh: Callable[[pa.Table], pa.Table]) -> pa.ChunkedArray:
    """The rows' dense ids, after new ones have been given theirs."""
    run.note(**{f"new_{table.name.removesuffix('_ids')}s": run.lake.extend(table, run.day, fresh)})
    name, dense = (table.key[0], table.name.removesuffix("_ids"))
    known = run.lake.arrow(table, [name, dense])
    return known[dense].take(pc.index_in(met[name], known[name].combine_chunks()))


def _write(run: Run, snapshot: Snapshot, make: Callable[[int], Iterator[pa.Table]]) -> None:
    run.lake.replace_parts(snapshot.table, run.day, len(snapshot.parts), make, ROWS_A_GROUP)


if __name__ == "__main__":
    job(main)
