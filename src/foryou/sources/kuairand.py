"""KuaiRand becomes landing days: the official files of all three releases, and subsets of them.

The logs are read once, as a stream, into one small file per day; then each day is written on its own.
"""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from foryou.errors import DataRejected, InputMissing
from foryou.sources import kuairand_files as files
from foryou.sources.landing import write_day

logger = logging.getLogger(__name__)

ACTIONS = {
    "is_like": "like",
    "is_follow": "follow",
    "is_comment": "comment",
    "is_forward": "share",
    "is_hate": "not_interested",
    "is_profile_enter": "profile_visit",
}
ABOUT_CREATOR = ("follow", "profile_visit")

MAX_UNREADABLE_SHARE = 0.2
"""A log that is one fifth unreadable is another kind of file, not a dirty one."""

RECORD = "_kuairand.json"
UNREADABLE = "unreadable"
FOLLOWS = {"viewer_id": pl.String, "creator_id": pl.String, "since": pl.String}


def import_logs(
    logs: list[Path],
    users: Path,
    videos: Path,
    out: Path,
    progress: Callable[[date, int, int], None] | None = None,
    *,
    format: str = "jsonl",
) -> list[date]:
    """Write the landing days of some KuaiRand logs under `out`; the days written, oldest first.

    Give all logs of a release in one call: a day is replaced whole.

    A log row becomes a `play` and one event per action flag, with ids made of user, video, time and kind, so
    that a row given twice gives the same ids. The landing day is the **UTC** day of `time_ms`.

    Rows of the random log carry `surface = explore` and `propensity = 1 / pool`: KuaiRand gave a slot to a
    video drawn evenly from a pool, whose size is taken as the number of distinct videos in the random rows
    given (7,583 in Pure and 27K; 1K shows 7,388 of them). It is the probability of this video in a slot that
    was given to chance; how often slots were is not in it.

    Snapshots hold what was known by the day: videos and users uploaded or registered by then, and those
    already logged. A user's sign-up is counted back from the last day logged (`register_days`), and never
    lies after the user's first event. KuaiRand has no list of follows: that snapshot is empty.

    `progress(day, events, rows)` is called after each day. `OUT/_kuairand.json` records the rows and the unreadable
    rows of each file, and the pool.

    Cost: logs are streamed; one day of events and the catalogue as of that day are in memory (measured: 0.8 GB
    for 4 M rows and 1.5 M videos; not measured on 27K, whose 32 M videos may want 20 GB). Each day repeats
    the catalogue: take `format="parquet"` for 1K and 27K, which is 15 times smaller on disk.

    Raises `InputMissing` for a file that is not there, `ContractBroken` naming all missing columns, and
    `DataRejected` when a file has no readable row or more than a fifth of it is unreadable.
    """
    if not logs:
        raise InputMissing("kuairand", wanted="at least one log", found="none", next_step="name the log files")
    typed = {path: files.log(path) for path in logs}
    user_rows, video_rows = files.users(users), files.videos(videos)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".kuairand-", dir=out) as folder:
        staged = Path(folder)
        counts = [_stage_log(rows, path, staged / f"log-{n}") for n, (path, rows) in enumerate(typed.items())]
        counts.append(_stage_features(video_rows, videos, "video_id", staged / "video-file.parquet"))
        counts.append(_stage_features(user_rows, users, "user_id", staged / "user-file.parquet"))
        days, pool = _days(staged), _pool_size(staged)
        _stage_videos(staged)
        _stage_viewers(staged, days[-1])
        for day in days:
            tables = _tables(staged, day, pool)
            write_day(out, day, tables, format=format)
            if progress:
                progress(day, tables["events"].height, int((tables["events"]["kind"] == "play").sum()))
    record = {"files": counts, "pool": pool, "days": [str(day) for day in days]}
    (out / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return days


# -------------------------------------------------------------------------------------------- the one pass


def _stage_log(rows: pl.LazyFrame, path: Path, folder: Path) -> dict[str, Any]:
    """Split a log into one folder per day; how many rows it had and how many could not be read."""
    key = pl.col("day").cast(pl.String).fill_null(UNREADABLE)
    rows.sink_parquet(pl.PartitionBy(folder, key={"part": key}), mkdir=True)
    bad = _count(list(folder.glob(f"part={UNREADABLE}/*.parquet")))
    total = _count(list(folder.glob("part=*/*.parquet")))
    return _accepted(path, total, bad)


def _stage_features(rows: pl.LazyFrame, path: Path, key: str, staged: Path) -> dict[str, Any]:
    """Keep the readable rows of a feature file, the first of each id; how many rows it had and how many not."""
    typed = staged.with_suffix(".all.parquet")
    try:
        rows.sink_parquet(typed)
    except pl.exceptions.ComputeError as error:
        raise DataRejected(
            path.name,
            wanted="a CSV file whose quotes close",
            found=str(error)[:200],
            next_step="mend the line, or unpack the release again",
        ) from error
    read = pl.scan_parquet(typed)
    total, readable = read.select(pl.len(), pl.col(key).count().alias("readable")).collect().row(0)
    # Not unique(): that carries the other columns through its hash table and takes three times as long.
    read.filter(pl.col(key).is_not_null() & pl.col(key).is_first_distinct()).sink_parquet(staged)
    return _accepted(path, total, total - readable)


def _accepted(path: Path, total: int, bad: int) -> dict[str, Any]:
    """The record of a file, unless too much of it could not be read."""
    if bad == total or bad > MAX_UNREADABLE_SHARE * total:
        raise DataRejected(
            path.name,
            wanted=f"at most {MAX_UNREADABLE_SHARE:.0%} unreadable rows, and one that is readable",
            found=f"{bad:,} unreadable of {total:,}",
            next_step="check that the file is one of KuaiRand and was unpacked whole",
        )
    if bad:
        logger.warning("%s: %d of %d rows could not be read and are left out", path, bad, total)
    return {"file": path.name, "rows": total, "unreadable": bad}


def _count(paths: list[Path]) -> int:
    return pl.scan_parquet(paths).select(pl.len()).collect().item() if paths else 0


def _days(staged: Path) -> list[date]:
    names = {path.name.removeprefix("part=") for path in staged.glob("log-*/part=*")}
    return sorted(date.fromisoformat(name) for name in names - {UNREADABLE})


def _rows(staged: Path, day: date | None = None) -> pl.LazyFrame:
    """The readable rows of one day, or of all, over all logs."""
    folders = f"part={day}" if day else "part=2*"
    return pl.scan_parquet(sorted(staged.glob(f"log-*/{folders}/*.parquet")), hive_partitioning=False)


def _pool_size(staged: Path) -> int:
    return _rows(staged).filter("random").select(pl.col("video_id").n_unique()).collect(engine="streaming").item()


def _first_days(staged: Path, key: str) -> pl.LazyFrame:
    """One row per logged user or video: the day of its first log row."""
    return _rows(staged).group_by(key).agg(first_on=pl.col("day").min())


def _stage_videos(staged: Path) -> None:
    """The catalogue and the videos that only the log knows, each with the day since which it is known."""
    rows = pl.scan_parquet(staged / "video-file.parquet")
    known = rows.join(_first_days(staged, "video_id"), on="video_id", how="full", coalesce=True)
    videos = known.select(
        pl.col("video_id"),
        pl.col("creator_id", "sound_id", "category", "tags", "duration_ms", "uploaded_at"),
        moderation=pl.lit("auto_ok"),
        status=pl.col("status").fill_null("live"),
        audience=pl.lit("all"),
        known_on=pl.min_horizontal("uploaded_on", "first_on"),
    ).with_columns(pl.col("tags").fill_null([]))
    videos.sort("video_id").sink_parquet(staged / "videos.parquet")


def _stage_viewers(staged: Path, last_day: date) -> None:
    """The users of the feature file and of the log, each with the day since which they are known."""
    rows = pl.scan_parquet(staged / "user-file.parquet")
    known = rows.join(_first_days(staged, "user_id"), on="user_id", how="full", coalesce=True)
    signed_up = pl.lit(last_day) - pl.duration(days=pl.col("register_days"))
    viewers = known.with_columns(
        signed_up_on=pl.when(signed_up.is_not_null()).then(pl.min_horizontal(signed_up, "first_on"))
    ).select(
        "user_id",
        signed_up_at=files.as_iso(pl.col("signed_up_on").cast(pl.Datetime("ms"))),
        known_on=pl.coalesce("signed_up_on", "first_on"),
    )
    viewers.sort("user_id").sink_parquet(staged / "viewers.parquet")


# ------------------------------------------------------------------------------------------- one day's tables


def _tables(staged: Path, day: date, pool: int) -> dict[str, pl.DataFrame]:
    return {
        "events": _events(_rows(staged, day), pl.scan_parquet(staged / "videos.parquet"), pool),
        "videos": _snapshot(staged / "videos.parquet", "video_id", "video_id", day),
        "viewers": _snapshot(staged / "viewers.parquet", "user_id", "viewer_id", day),
        "follows": pl.DataFrame(schema=FOLLOWS),
    }


def _snapshot(path: Path, key: str, name: str, day: date) -> pl.DataFrame:
    """What was known by the end of a day; what has no date at all is taken as known from the start."""
    known = pl.scan_parquet(path).filter((pl.col("known_on") <= day).fill_null(True)).drop("known_on")
    return known.with_columns(pl.col(key).cast(pl.String)).rename({key: name}).collect()


def _events(rows: pl.LazyFrame, videos: pl.LazyFrame, pool: int) -> pl.DataFrame:
    """One row per event: a play for each log row and what was done besides, in order of time."""
    done = [pl.when(flag).then(pl.lit(kind)) for flag, kind in ACTIONS.items()]
    kinds = pl.concat_list(pl.lit("play"), *done).list.drop_nulls()
    each = rows.with_columns(kind=kinds).explode("kind")
    each = each.join(videos.select("video_id", "creator_id"), on="video_id", how="left")
    play, about_creator = pl.col("kind") == "play", pl.col("kind").is_in(ABOUT_CREATOR)
    events = each.sort("time_ms", "user_id", "video_id", "kind", "play_time_ms", "duration_ms").select(
        event_id=pl.concat_str("user_id", "video_id", "time_ms", "kind", separator="-"),
        happened_at=files.as_iso(pl.from_epoch("time_ms", time_unit="ms")),
        viewer_id=pl.col("user_id").cast(pl.String),
        kind="kind",
        video_id=pl.col("video_id").cast(pl.String),
        creator_id=pl.when(about_creator).then("creator_id"),
        watched_ms=pl.when(play).then("play_time_ms"),
        duration_ms=pl.when(play).then("duration_ms"),
        surface="surface",
        propensity=pl.when("random").then(1 / max(pool, 1)),
    )
    return events.collect()
