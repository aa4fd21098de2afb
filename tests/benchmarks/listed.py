"""The lists of every program and the log that they are judged by, as tables of integers in one DuckDB database."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from deltalake import DeltaTable
from numpy.typing import NDArray

from foryou.sources.world import Truth
from tests.benchmarks.simple import DUCKDB_COLUMNS, FINE
from tests.benchmarks.worlds import Size

MEMORY_GB = 6
"""What DuckDB may hold while it judges."""
DEPTH = 100
"""Places of a list that are judged."""
Ints = NDArray[np.int64]
Lists = NDArray[np.int64]
"""Rows of videos [viewers, 100], best first, padded with -1."""


def database(truth: Truth, size: Size, work: Path) -> duckdb.DuckDBPyConnection:
    """A database on disk with the rows of the truth: `viewers` and `videos` by id."""
    (work / "quality.duckdb").unlink(missing_ok=True)
    db = duckdb.connect(str(work / "quality.duckdb"))
    db.execute(f"SET memory_limit = '{MEMORY_GB}GB'; SET preserve_insertion_order = false")
    viewers = {
        "viewer_id": truth.viewer_ids,
        "viewer": np.arange(len(truth.viewer_ids)),
        "minor": truth.minor,
        "robot": truth.robot,
    }
    videos = {
        "video_id": truth.video_ids,
        "video": np.arange(len(truth.video_ids)),
        "shown": truth.showable(size.days - 1),
        "adult": truth.adult,
        "uploaded": truth.first_day,
    }
    for name, columns in (("viewers", viewers), ("videos", videos)):
        db.register("rows", pa.table(columns))
        db.execute(f"CREATE TABLE {name} AS SELECT * FROM rows")
    return db


def read_log(db: duckdb.DuckDBPyConnection, landing: Path, size: Size) -> None:
    """`daily`: one row per viewer, video and landed day, with the label of DESIGN's good watch in plain SQL."""
    files = [str(path) for path in sorted(landing.glob("day=*/events/*.jsonl"))]
    db.execute(
        f"""
        CREATE TABLE daily AS
        SELECT viewer, video, day, sum(watched) AS watched_s, bool_or(play) AS played,
            (max(completion) >= 0.9 AND sum(watched) >= 7 OR bool_or(acted)) AND NOT bool_or(refused) AS good
        FROM (
            SELECT viewer_id, video_id, regexp_extract(filename, 'day=([0-9-]+)', 1) AS day, kind = 'play' AS play,
                CASE WHEN kind = 'play' THEN watched_ms / 1000 ELSE 0 END AS watched,
                CASE WHEN kind = 'play' THEN watched_ms / duration_ms ELSE 0 END AS completion,
                kind IN ('like', 'share', 'comment', 'follow', 'save') AS acted,
                kind IN ('not_interested', 'report') AS refused
            FROM read_json(?, format = 'newline_delimited', ignore_errors = true, filename = true,
                columns = {DUCKDB_COLUMNS})
            WHERE {FINE}
        ) JOIN viewers USING (viewer_id) JOIN videos USING (video_id) GROUP BY ALL""",
        [files],
    )
    # What a machine plays is refused, not seen: robots' lists may hold it.
    db.execute(
        f"""
        CREATE TABLE seen AS SELECT DISTINCT viewer, video FROM daily JOIN viewers USING (viewer)
        WHERE played AND NOT robot AND day < '{size.held_out}'"""
    )
    db.execute(
        f"""
        CREATE TABLE goods AS SELECT DISTINCT viewer, video
        FROM daily JOIN videos USING (video) ANTI JOIN seen USING (viewer, video)
        WHERE good AND day = '{size.held_out}' AND uploaded < {size.days}"""
    )
    db.execute(
        f"""
        CREATE TABLE popular AS SELECT video, count(DISTINCT viewer) AS good_watchers
        FROM daily JOIN videos USING (video)
        WHERE good AND shown AND NOT adult AND day < '{size.held_out}' AND day >= '{size.dates[-min(7, size.days)]}'
        GROUP BY video ORDER BY good_watchers DESC, video LIMIT 3000"""
    )
    db.execute(f"CREATE TABLE met AS SELECT DISTINCT viewer FROM daily WHERE good AND day < '{size.held_out}'")


def rankings(work: Path, programs: Collection[str]) -> dict[str, tuple[list[str], str, int]]:
    """Files, the expression that gives the ids of a row, and the promised length, of each program's lists."""
    found = {}
    lake = work / "lake" / "published"
    if "night" in programs and DeltaTable.is_deltatable(str(lake / "releases")):
        live = next(row for row in _rows(lake / "releases") if row["state"] == "live")
        for name, length in (("feeds", 100), ("candidates", 200)):
            files = DeltaTable(str(lake / name), version=dict(live["tables"])[name]).file_uris()
            found[f"ours_{name}"] = (files, "list_transform(items, lambda x: x.video_id)", length)
    if "textbook" in programs and (work / "textbook" / "lists" / "_delta_log").is_dir():
        found["textbook"] = (DeltaTable(str(work / "textbook" / "lists")).file_uris(), "video_ids", 200)
    if "bare" in programs and (work / "bare" / "lists.parquet").is_file():
        found["bare"] = ([str(work / "bare" / "lists.parquet")], "video_ids", 200)
    return found


def _rows(table: Path) -> list[dict[str, Any]]:
    return DeltaTable(str(table)).to_pyarrow_table().to_pylist()


def load(db: duckdb.DuckDBPyConnection, name: str, files: list[str], items: str) -> None:
    """One row per viewer, place and video."""
    db.execute(
        f"""
        CREATE OR REPLACE TABLE list_{name} AS
        SELECT viewer, CAST(place AS SMALLINT) AS place, CAST(video AS INTEGER) AS video
        FROM (SELECT viewer_id, unnest({items}) AS video_id, unnest(range(1, len({items}) + 1)) AS place
              FROM read_parquet(?))
        JOIN viewers USING (viewer_id) JOIN videos USING (video_id)""",
        [files],
    )


def faults(db: duckdb.DuckDBPyConnection, name: str, length: int) -> dict[str, int]:
    """What no list may hold, over all lists of the program; and how many lists there are."""
    count = "SELECT count(*) FROM"
    queries = {
        "lists": f"SELECT count(DISTINCT viewer) FROM list_{name}",
        "items": f"{count} list_{name}",
        "short_lists": f"{count} (SELECT viewer FROM list_{name} GROUP BY viewer HAVING count(*) < {length})",
        "seen": f"{count} list_{name} SEMI JOIN seen USING (viewer, video)",
        "repeated": f"{count} (SELECT 1 FROM list_{name} GROUP BY viewer, video HAVING count(*) > 1)",
        "not_to_be_shown": f"{count} list_{name} JOIN videos USING (video) JOIN viewers USING (viewer) "
        "WHERE NOT shown OR (adult AND minor)",
        "videos_in_first_100": f"SELECT count(DISTINCT video) FROM list_{name} WHERE place <= 100",
    }
    return {fault: int(db.execute(query).fetchall()[0][0]) for fault, query in queries.items()}


def top(db: duckdb.DuckDBPyConnection, name: str, viewers: Ints) -> Lists:
    db.register("chosen", pa.table({"viewer": viewers, "row": np.arange(len(viewers))}))
    query = f"SELECT row, place, video FROM list_{name} JOIN chosen USING (viewer) WHERE place <= {DEPTH}"
    rows = columns(db, query)
    lists = np.full((len(viewers), DEPTH), -1, np.int64)
    lists[rows["row"], rows["place"] - 1] = rows["video"]
    return lists


def pairs(db: duckdb.DuckDBPyConnection, table: str, viewers: Ints) -> dict[int, Ints]:
    """The videos of each of these viewers in a table of pairs."""
    db.register("chosen", pa.table({"viewer": viewers}))
    query = f"SELECT viewer, video FROM {table} SEMI JOIN chosen USING (viewer) ORDER BY viewer, video"
    rows = columns(db, query)
    known, first = np.unique(rows["viewer"], return_index=True)
    return dict(zip(known.tolist(), np.split(rows["video"], first[1:]), strict=True))


def columns(db: duckdb.DuckDBPyConnection, query: str) -> dict[str, Ints]:
    """The integer columns that a query gives."""
    found = db.sql(query).to_arrow_table()
    return {name: found[name].to_numpy().astype(np.int64) for name in found.column_names}
