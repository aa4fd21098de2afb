"""Devices before sign-up: salted names, and whose history they become."""

from __future__ import annotations

from datetime import date, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from foryou import secret
from foryou.models import ids


def names(device_ids: pa.ChunkedArray, salt: str) -> pa.ChunkedArray:
    """`device-` and 24 hex digits of sha256(salt + device_id) of each; null without a device.

    Each device is named once, however often it comes.
    """
    found = device_ids.combine_chunks().dictionary_encode()
    named = [secret.device_name(name, salt) if name else None for name in found.dictionary.to_pylist()]
    return pa.chunked_array([pa.array(named, pa.string()).take(found.indices)])


def sign_ups(viewers: pa.Table) -> pa.Table:
    """One row per device: the first account on it, which may inherit its history.

    First is the earliest to sign up, then the lower id. An account that signed up nobody knows when may have been
    first: then none inherits.
    """
    owned = viewers.select(["viewer_id", "device", "signed_up_at"]).filter(pc.field("device").is_valid())
    order = [(name, "ascending", "at_start") for name in ("device", "signed_up_at", "viewer_id")]
    ordered = owned.take(pc.sort_indices(owned, order))
    first = pc.index_in(pc.unique(ordered["device"]), ordered["device"].combine_chunks())
    return ordered.take(first).filter(pc.field("signed_up_at").is_valid())


def recent(sign_ups: pa.Table, day: date, lookback_days: int) -> pa.Table:
    """Those of the last days: events on their devices from before sign-up may still land."""
    return sign_ups.filter(pc.field("signed_up_at").cast(pa.date32()) >= day - timedelta(days=lookback_days))


def new_in_snapshot(known: pa.Table, viewers: pa.Table) -> pa.Table:
    """What `viewer_ids` lacks of a snapshot of the viewers: new accounts inherit their device's dense id.

    They do where the device was met on a day before sign-up, and its id is nobody else's yet.
    """
    owners = sign_ups(viewers)
    fresh = owners.filter(pc.invert(pc.is_in(owners["viewer_id"], known["viewer_id"].combine_chunks())))
    met = _of(known, fresh["device"])
    before = pc.less(met["day"], fresh["signed_up_at"].cast(pa.date32()))
    of_device_alone = pc.invert(pc.is_in(met["viewer"], _with_several_names(known)))
    joined = pa.table({"viewer_id": fresh["viewer_id"], "viewer": met["viewer"]})
    return _assigned(known, viewers["viewer_id"], joined.filter(pc.and_(before, of_device_alone)))


def new_in_events(known: pa.Table, met: pa.Table, sign_ups: pa.Table) -> pa.Table:
    """What `viewer_ids` lacks of the viewers of a day's events: new devices join the account that began after them.

    `met` has one row per viewer: `viewer_id`, and `first_at`, the time of the first event.
    """
    fresh = sign_ups.filter(pc.invert(pc.is_in(sign_ups["device"], known["viewer_id"].combine_chunks())))
    first_at = met["first_at"].take(pc.index_in(fresh["device"], met["viewer_id"].combine_chunks()))
    joined = pa.table({"viewer_id": fresh["device"], "viewer": _of(known, fresh["viewer_id"])["viewer"]})
    before = pc.and_(pc.less(first_at, fresh["signed_up_at"].cast(first_at.type)), pc.is_valid(joined["viewer"]))
    return _assigned(known, met["viewer_id"], joined.filter(before))


def _of(known: pa.Table, names: pa.ChunkedArray) -> pa.Table:
    """The rows of these names, in their order; nulls where there is none."""
    return known.take(pc.index_in(names, known["viewer_id"].combine_chunks()))


def _with_several_names(known: pa.Table) -> pa.Array:
    counted = known.group_by("viewer").aggregate([("viewer", "count")])
    return counted.filter(pc.field("viewer_count") > 1)["viewer"].combine_chunks()


def _assigned(known: pa.Table, met: pa.ChunkedArray, joined: pa.Table) -> pa.Table:
    """Those joined to an id that `known` has, and new ids for the others that it lacks."""
    columns = ["viewer_id", "viewer"]
    joined = joined.cast(pa.schema([("viewer_id", pa.string()), ("viewer", pa.int32())]))
    both = pa.concat_tables([known.select(columns).cast(joined.schema), joined])
    return pa.concat_tables([joined, ids.assign(both, met, "viewer_id", "viewer").cast(joined.schema)])
