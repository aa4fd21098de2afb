"""What both references share: which files they read, and points in their simplest form.

A pair's points are the sum over the days of `8 completion + 10 rewatch + 6 share + 5 follow + 4 comment + 3 save +
2 like`, each at most once a day: no ageing, no negative band, no bots, no watch norms.
"""

from __future__ import annotations

from pathlib import Path

ACTIONS = {"share": 6, "follow": 5, "comment": 4, "save": 3, "like": 2}
EARNED = ", ".join(
    f"max(CASE WHEN kind = '{kind}' THEN {worth} ELSE 0 END) AS {kind}_points" for kind, worth in ACTIONS.items()
)
FIELDS = {
    "event_id": "VARCHAR",
    "happened_at": "VARCHAR",
    "viewer_id": "VARCHAR",
    "kind": "VARCHAR",
    "video_id": "VARCHAR",
    "watched_ms": "BIGINT",
    "duration_ms": "BIGINT",
}
DAY_MS = 86_400_000
FINE = (
    "viewer_id <> '' AND video_id <> '' AND length(event_id) BETWEEN 1 AND 200 "
    "AND happened_at >= '2000' AND happened_at < '2100' "
    f"AND (kind <> 'play' OR (watched_ms BETWEEN 0 AND {DAY_MS} AND duration_ms BETWEEN 1 AND {DAY_MS}))"
)
"""What even a short script leaves out, as SQL that DuckDB and Spark both read."""

DAILY = f"""
    SELECT viewer_id, video_id, left(happened_at, 10) AS day,
        max(CASE WHEN kind = 'play' THEN least(1.0, watched_ms / duration_ms) ELSE 0 END) AS completion,
        sum(CASE WHEN kind = 'play' THEN watched_ms / duration_ms ELSE 0 END) >= 2 AS rewatch,
        {EARNED}
    FROM deduplicated GROUP BY ALL"""
POINTS = f"8 * completion + CASE WHEN rewatch THEN 10 ELSE 0 END + {' + '.join(f'{kind}_points' for kind in ACTIONS)}"

DUCKDB_COLUMNS = "{" + ", ".join(f"{name}: '{kind}'" for name, kind in FIELDS.items()) + "}"
SIMPLE_PAIRS = f"""
    WITH deduplicated AS (
        SELECT event_id, any_value(COLUMNS(* EXCLUDE event_id)) FROM LINES WHERE {FINE} GROUP BY event_id
    ), daily AS ({DAILY})
    SELECT viewer_id, video_id, CAST(sum({POINTS}) AS FLOAT) AS points FROM daily GROUP BY ALL"""


def event_files(landing: Path, until: str) -> list[str]:
    """The event files of every landed day up to and with `until`."""
    days = [day for day in sorted(landing.glob("day=*")) if day.name <= f"day={until}"]
    return [str(path) for day in days for path in sorted((day / "events").glob("*.jsonl"))]
