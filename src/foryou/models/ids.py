"""Dense ids: append-only maps to int32, so that two nights can be compared."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foryou.tables import DEVICE_NAME


def assign(known: pa.Table, met: pa.ChunkedArray, name: str, dense: str) -> pa.Table:
    """One row per id of `met` that `known` lacks: column `name` and its new dense id `dense`.

    New ids follow the greatest known one in the order of their text, so that the same days in the same order give
    the same map.
    """
    fresh = pc.unique(lacking(known[name], met.cast(pa.string()))).drop_null()
    ordered = fresh.take(pc.sort_indices(fresh))
    first = (pc.max(known[dense]).as_py() or 0) + 1 if known.num_rows else 0
    return pa.table({name: ordered, dense: np.arange(first, first + len(ordered), dtype=np.int32)})


def lacking(known: pa.ChunkedArray, met: pa.ChunkedArray) -> pa.ChunkedArray:
    """The values of `met` that `known` lacks."""
    return met.filter(pc.invert(pc.is_in(met, known.combine_chunks())))


def one_name_each(viewer_ids: pa.Table, day: date) -> pa.Table:
    """One row per dense id, in the order of the ids: `viewer` and the `viewer_id` that it is published under.

    A viewer who signed up after watching on a device has two names: the account's is the one, from the day on that it
    was given, so that an older night, run again, has the names that it had. `viewer_ids` has the columns of its table.
    """
    later = pc.greater(viewer_ids["day"], pa.scalar(day))
    device = pc.match_substring_regex(viewer_ids["viewer_id"], DEVICE_NAME)
    order = [(name, "ascending") for name in ("viewer", "later", "device", "viewer_id")]
    told = viewer_ids.select(["viewer", "viewer_id"]).append_column("later", later).append_column("device", device)
    named = told.sort_by(order)
    viewer = named["viewer"].to_numpy()
    return named.filter(pa.array(np.diff(viewer, prepend=-1) > 0)).drop_columns(["later", "device"])
