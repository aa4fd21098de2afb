"""Dense events as the workers of `build_views` get them: a test gives only the values that matter to it."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from rows import DAY, NOON

COLUMNS: dict[str, tuple[pa.DataType, Any]] = {
    "viewer": (pa.int32(), 0),
    "video": (pa.int32(), 0),
    "happened_at": (pa.timestamp("us", "UTC"), NOON),
    "event_id": (pa.string(), "e"),
    "kind": (pa.string(), "play"),
    "watched_ms": (pa.int32(), None),
    "duration_ms": (pa.int32(), None),
    "propensity": (pa.float64(), None),
    "since": (pa.date32(), DAY),
    "device_class": (pa.string(), None),
    "country": (pa.string(), None),
    "named": (pa.bool_(), False),
    "today": (pa.bool_(), True),
}


def dense(*given: dict[str, Any]) -> pa.Table:
    """Rows as `views.dense` leaves them."""
    assert not {name for row in given for name in row} - set(COLUMNS)
    filled = {name: [row.get(name, plain) for row in given] for name, (_, plain) in COLUMNS.items()}
    return pa.table({name: pa.array(values, COLUMNS[name][0]) for name, values in filled.items()})
