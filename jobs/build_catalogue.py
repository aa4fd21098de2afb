"""Takes the landed snapshots of videos, viewers and follows; gives new ones dense ids."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial, reduce

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from foryou import secret, tables
from foryou.catalogue import catalogue, eligible
from foryou.contract import Table
from foryou.models import devices, ids
from foryou.platform import checks
from foryou.platform.job import Run, job
from foryou.sources import landed_frames, landing

Frames = dict[Table, DataFrame]

SNAPSHOTS = (tables.VIDEOS, tables.VIEWERS, tables.FOLLOWS)


def main(run: Run) -> None:
    landed = landing.check_day(run.landing, run.day)
    run.manifest = landed.manifest
    # Uses: the counts, the checks, the repeats, the tables.
    judged = {table: rows.cache() for table, rows in _judged(run, landed).items()}
    # Uses: the checks, the tables.
    repeats = {table: catalogue.repeats(rows).cache() for table, rows in judged.items()}
    try:
        lengths = _count(run, landed, judged, repeats)
        sound = {table: catalogue.sound(rows, repeats[table]) for table, rows in judged.items()}
        run.record_checks([*checks.validate_all([*_shares(run, judged), *_contracts(sound)]), *as_before(run)])
        sound[tables.VIDEOS] = catalogue.of_length(sound[tables.VIDEOS], lengths)
        _write(run, sound)
    finally:
        for rows in (*repeats.values(), *judged.values()):
            rows.unpersist()


def _judged(run: Run, landed: landing.LandedDay) -> Frames:
    videos, viewers, follows = (landed_frames.read(run.lake.spark, landed, table.name) for table in SNAPSHOTS)
    return {
        tables.VIDEOS: catalogue.judge_videos(videos, run.day),
        tables.VIEWERS: catalogue.judge_viewers(viewers, run.day, secret.salt()),
        tables.FOLLOWS: catalogue.judge_follows(follows, run.day),
    }


def _count(run: Run, landed: landing.LandedDay, judged: Frames, repeats: Frames) -> dict[str, int]:
    """Holds the lines read against the manifest; notes how many rows are sound and which fields nobody knows.

    Gives back how long vectors usually are, by column.
    """
    lines = [F.count("*").alias("lines"), F.count_if(F.col("reason").isNull()).alias("sound")]
    counts = [rows.agg(F.lit(table.name).alias("kind"), *lines) for table, rows in judged.items()]
    counts += [rows.agg(F.lit(table.name), F.lit(0), -F.count("*")) for table, rows in repeats.items()]
    totals = reduce(DataFrame.unionAll, counts).groupBy("kind").agg(F.sum("lines"), F.sum("sound"))
    vectors = [
        catalogue.vector_lengths(judged[tables.VIDEOS], name).select(F.lit(name), "length", "videos")
        for name in catalogue.VECTORS
    ]
    lengths: dict[str, dict[int, int]] = {name: {} for name in catalogue.VECTORS}
    for kind, read, sound in reduce(DataFrame.unionAll, vectors, totals).collect():
        if kind in lengths:
            lengths[kind][read] = sound
            continue
        landed_frames.recount(landed, kind, read)
        run.note(**{kind: sound})
    unknown = {table.name: landed_frames.unknown_fields(landed, table.name) for table in SNAPSHOTS}
    if any(unknown.values()):
        run.note(unknown_fields={kind: names for kind, names in unknown.items() if names})
    return {name: _usual(run, name, found) for name, found in lengths.items() if found}


def _usual(run: Run, name: str, videos: dict[int, int]) -> int:
    """The length that most vectors have, the longer of two; notes how many are left out, broken ones (0) included."""
    sound = {length: count for length, count in videos.items() if length}
    usual = max(sound, key=lambda length: (sound[length], length), default=-1)
    kept = sound.get(usual, 0)
    run.note(**{f"{name}s": kept, f"{name}s_left_out": sum(videos.values()) - kept})
    return usual


def _shares(run: Run, judged: Frames) -> list[checks.Asked]:
    most = run.settings.catalogue.max_rejected_share
    return [
        (
            rows.select(F.col("reason").alias("fault")),
            table,
            [checks.share_present(f"rejected share of {table.name} is small", "fault", most)],
        )
        for table, rows in judged.items()
    ]


def _contracts(sound: Frames) -> list[checks.Asked]:
    """Follows have no more rules than those that their rows were judged by."""
    return [
        (sound[tables.VIDEOS], tables.VIDEOS, [checks.row_count(1, name="there are videos")]),
        (sound[tables.VIEWERS], tables.VIEWERS, []),
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


def _write(run: Run, sound: Frames) -> None:
    met = sound[tables.VIDEOS].select("video_id").toArrow()["video_id"]
    fresh = partial(ids.assign, met=met, name="video_id", dense="video")
    videos = _numbered(run, sound[tables.VIDEOS], tables.VIDEO_IDS, fresh)
    run.lake.replace_day(tables.VIDEOS, run.day, eligible.of_videos(videos))
    named = sound[tables.VIEWERS].select("viewer_id", "device", "signed_up_at").toArrow()
    inherit = partial(devices.new_in_snapshot, viewers=named)
    viewers = _numbered(run, sound[tables.VIEWERS], tables.VIEWER_IDS, inherit)
    run.lake.replace_day(tables.VIEWERS, run.day, viewers.withColumn("adult", eligible.grown_up()))
    recent = devices.recent(devices.sign_ups(named), run.day, run.settings.events.lookback_days)
    run.lake.replace_day_arrow(tables.SIGN_UPS, run.day, recent)
    run.lake.replace_day(tables.FOLLOWS, run.day, sound[tables.FOLLOWS])


def _numbered(run: Run, rows: DataFrame, table: Table, fresh: Callable[[pa.Table], pa.Table]) -> DataFrame:
    """The rows with their dense ids, after new ones have been given theirs."""
    run.note(**{f"new_{table.name.removesuffix('_ids')}s": run.lake.extend(table, run.day, fresh)})
    return rows.join(run.lake.read(table).drop("day"), on=table.key[0], how="inner")


if __name__ == "__main__":
    job(main)
