"""Releases: which versions of the published tables belong together, and which release is live."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from foryou import tables


def release_id(day: date, *inputs: str) -> str:
    """`2026-03-10.1a2b3c4d`: the same day, settings, landed files and code contract give the same release."""
    told = "\n".join((str(tables.CONTRACT_VERSION), *inputs))
    return f"{day.isoformat()}.{hashlib.sha256(told.encode()).hexdigest()[:8]}"


def moved(
    releases: pa.Table,
    name: str,
    day: date,
    *,
    status: str,
    model_version: str,
    versions: dict[str, int],
    counts: dict[str, int],
    published_at: datetime,
) -> pa.Table:
    """The table `releases` after the pointer has moved to a new release.

    The new release is live unless a later day already is: a backfill never moves readers backwards. The release
    that was live is retired. A release of the same name is replaced.
    """
    newest_live = pc.max(releases.filter(pc.equal(releases["state"], "live"))["day"]).as_py()
    live = newest_live is None or newest_live <= day
    others = [row for row in releases.to_pylist() if row["release_id"] != name]
    for other in others:
        if live and other["state"] == "live":
            other["state"] = "retired"
    row: dict[str, Any] = {
        "release_id": name,
        "day": day,
        "state": "live" if live else "retired",
        "status": status,
        "published_at": published_at.astimezone(UTC),
        "contract_version": tables.CONTRACT_VERSION,
        "model_version": model_version,
        "tables": sorted(versions.items()),
        "counts": sorted(counts.items()),
    }
    for other in others:
        other["tables"], other["counts"] = sorted(other["tables"]), sorted(other["counts"])
    rows = sorted([*others, row], key=lambda each: (each["day"], each["release_id"]))
    return pa.Table.from_pylist(rows, schema=releases.schema)


def before(releases: pa.Table, day: date) -> dict[str, Any] | None:
    """The row of the newest release of an earlier day that was not refused, or None if there is none."""
    earlier = [row for row in releases.to_pylist() if row["day"] < day and row["state"] != "refused"]
    return max(earlier, key=lambda row: (row["day"], row["published_at"], row["release_id"]), default=None)
