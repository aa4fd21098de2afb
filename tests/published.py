"""Small published releases, written without Spark: a test gives only the rows that matter to it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import Schema

from foryou import tables
from foryou.contract import Table, delta_schema
from foryou.platform.lake import Lake
from foryou.publishing import release

DAY = date(2026, 3, 10)
PUBLISHED_AT = datetime(2026, 3, 11, 4, tzinfo=UTC)

Entry = tuple[Any, ...]
"""One item: `(video_id, score, ...)`, the rest as the table's contract has it."""


def no_spark() -> Any:
    raise AssertionError("reading and writing published rows needs no Spark")


def publish(
    root: Path,
    day: date = DAY,
    name: str = "a",
    *,
    feeds: dict[str, list[Entry]] | None = None,
    candidates: dict[str, list[Entry]] | None = None,
    similar: dict[str, list[Entry]] | None = None,
    popular: dict[str, list[str]] | None = None,
    starters: dict[tuple[str, str], list[str]] | None = None,
) -> str:
    """Writes a release and moves the pointer to it, as the night does; gives back its id."""
    lake, named = Lake(root, no_spark), f"{day}.{name}"
    contents = {
        tables.PUBLISHED_FEEDS: _lists("viewer_id", feeds, ("sources", "reason", "reason_value", "propensity")),
        tables.PUBLISHED_CANDIDATES: _lists("viewer_id", candidates, ("sources",)),
        tables.PUBLISHED_SIMILAR: _lists("video_id", similar, ()),
        tables.PUBLISHED_POPULAR: _ranked(popular or {"*:*": ["v1"]}),
        tables.PUBLISHED_STARTERS: _slates(starters or {}),
    }
    for table, rows in contents.items():
        lake.replace_all(table, filled(table, [{"day": day, "release_id": named, **row} for row in rows]))
    _point(lake, named, day, {table.name: len(rows) for table, rows in contents.items()})
    return named


def filled(table: Table, rows: list[dict[str, Any]]) -> pa.Table:
    """The rows in the types of the contract."""
    return pa.Table.from_pylist(rows, schema=pa.schema(Schema.from_json(json.dumps(delta_schema(table))).to_arrow()))


def _lists(key: str, lists: dict[str, list[Entry]] | None, more: tuple[str, ...]) -> list[dict[str, Any]]:
    names = ("video_id", "score", *more)
    return [
        {key: each, "items": [dict(zip(names, entry, strict=False)) for entry in entries]}
        for each, entries in sorted((lists or {}).items())
    ]


def _ranked(popular: dict[str, list[str]]) -> list[dict[str, Any]]:
    return [
        {"segment": segment, "rank": rank, "video_id": video, "score": 1 / rank, "reason": f"popular_in:{segment}"}
        for segment, videos in popular.items()
        for rank, video in enumerate(videos, start=1)
    ]


def _slates(starters: dict[tuple[str, str], list[str]]) -> list[dict[str, Any]]:
    """`{(segment, path): [videos]}`; a video's topic is called like it."""
    return [
        {"segment": of, "path": path, "slot": n, "video_id": v, "topic": f"of-{v}", "score": 0.5, "reason": "starting"}
        for (of, path), videos in starters.items()
        for n, v in enumerate(videos, start=1)
    ]


def _point(lake: Lake, name: str, day: date, counts: dict[str, int]) -> None:
    moved = release.moved(
        lake.arrow(tables.RELEASES),
        name,
        day,
        status="ok",
        model_version="foryou_factors/1",
        versions={table.name: lake.version(table) for table in tables.PUBLISHED},
        counts=counts,
        published_at=PUBLISHED_AT,
    )
    lake.replace_all(tables.RELEASES, moved)
