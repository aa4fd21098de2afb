"""KuaiRand becomes landing days: the official files of all three releases, and subsets with a like/hate label.

Data: Gao et al., "KuaiRand: An Unbiased Sequential Recommendation Dataset with Randomly Exposed Videos",
CIKM 2022. This file reads the logs; `kuairand_catalogue.py` reads the feature files.
"""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl

from foryou.errors import ContractBroken, DataRejected, InputMissing
from foryou.sources import kuairand_catalogue as catalogue
from foryou.sources.kuairand_catalogue import as_whole_number, open_table
from foryou.sources.landing import write_day

logger = logging.getLogger(__name__)

LOG_COLUMNS = (
    "user_id",
    "video_id",
    "time_ms",
    "is_follow",
    "is_comment",
    "is_forward",
    "play_time_ms",
    "duration_ms",
    "is_profile_enter",
)
ACTIONS = {
    "is_like": "like",
    "is_follow": "follow",
    "is_comment": "comment",
    "is_forward": "share",
    "is_hate": "not_interested",
    "is_profile_enter": "profile_visit",
}
ABOUT_CREATOR = ("follow", "profile_visit")

MAIN_TABS = (0, 1)
"""The screens of the app's front page, in two columns and in one. The data set's authors name only these two,
as the most frequent values of `tab`; what 2 to 14 stand for is not published, so they become `other`."""

FIRST_MS, END_MS = 1_640_995_200_000, 1_672_531_200_000
"""2022 (UTC). The logs are of April and May 2022; one absurd clock would otherwise open a landing day."""

MAX_UNREADABLE_SHARE = 0.2
"""A log that is one fifth unreadable is another file, not a dirty one."""

UNREADABLE = "unreadable"
RECORD = "_kuairand.json"
FOLLOW_SCHEMA = {"viewer_id": pl.String, "creator_id": pl.String, "since": pl.String}


def import_logs(
    logs: list[Path],
    users: Path,
    videos: Path,
    out: Path,
    progress: Callable[[date, int], None] | None = None,
    *,
    format: str = "jsonl",
) -> list[date]:
    """Write the landing days of some KuaiRand logs under `out`; the days written, oldest first.

    A log row becomes a `play` and one event per action flag, with ids made of user, video, time and kind, so
    that a row given twice gives the same ids. The landing day is the **UTC** day of `time_ms` (the column
    `date` is Beijing's and is not read). A play of an unknown length (0) has no `duration_ms`.

    Rows of the random log (by `is_rand`, else by the file's name) carry `surface = explore` and
    `propensity = 1 / pool`: KuaiRand replaced a slot by a video drawn evenly from a pool, whose size is taken
    as the number of distinct videos in the random rows given (7,583 in Pure and 27K; 1K shows 7,388 of them).
    It is the chance of the video given that the slot was replaced, not of the replacement.

    `progress(day, events)` is called after each day. `OUT/_kuairand.json` records rows and unreadable rows by
    file, and the pool. Memory: the logs are read once as a stream into a temporary folder of `out`; then one
    day of events and the catalogue as of that day are held at a time.

    Raises `InputMissing` for a file that is not there, `ContractBroken` naming all missing columns, and
    `DataRejected` when a log has no readable row or more than a fifth of it is unreadable.
    """
    if not logs:
        raise InputMissing("log", wanted="at least one log", found="none", next_step="name the log files")
    readable = [_typed(path) for path in logs]
    catalogue.check(users, videos)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".kuairand-", dir=out) as folder:
        staged = Path(folder)
        counts = {str(path): _stage(rows, path, staged, n) for n, (path, rows) in enumerate(zip(logs, readable))}
        days = sorted({date.fromisoformat(path.name.removeprefix("day=")) for path in _day_folders(staged)})
        pool = _pool(staged)
        catalogue.stage(users, videos, _all_rows(staged), days[-1], staged)
        for day in days:
            events = _events(_rows_of(staged, day), catalogue.creators(staged), pool)
            tables = {"events": events, **catalogue.snapshots(staged, day), "follows": pl.DataFrame(schema=FOLLOW_SCHEMA)}
            write_day(out, day, tables, format=format)
            if progress:
                progress(day, events.height)
    (out / RECORD).write_text(json.dumps({"files": counts, "pool": pool}, indent=1) + "\n", encoding="utf-8")
    return days
