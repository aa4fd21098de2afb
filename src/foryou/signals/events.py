"""The checked log: what a line must be to count as an event, and why the others do not.

Workers judge the lines of their part. What only the whole day can tell, ids that come twice and machines, is told by
digests: whole numbers, few enough for one process.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foryou import tables
from foryou.models import devices, fields, hashing
from foryou.settings import Events

LATER = (None, "duplicate", "too_fast")
"""Reasons that only the whole day tells, by their codes; None leaves a row as it is."""

NOT_BAD = ("duplicate", "unknown_video", "too_fast")
"""Refused, yet no sign of a broken log: a resent file, a video that lands tomorrow, a machine."""

Bools = NDArray[np.bool_]
Hashes = hashing.Hashes

_KEPT = tuple(name for name in tables.EVENTS.column_names if name != "day")
_LONGEST_LINE = 2_000
_MINUTE_US = 60_000_000
_DEVICE = r'(?i)"[^"]*device[^"]*"\s*:\s*"[^"\\]*(?:\\.[^"\\]*)*"'
"""A name with something of a device in it, and a text under it."""
_FROM_DEVICE_ON = r"(?is)[\"']?[^\"'{,:]*device[^\"'{,:]*[\"']?\s*:.*\z"
_TOLD = r"(?s)^[^A-Za-z0-9]{0,8}\{|^\s*<|^\s*(?:null|true|false|\d{0,6})\s*\z"
"""An object, whose names tell a device; a page of a proxy; nothing. Of anything else nobody knows what is a device."""
_UNTOLD = r'\x00|"[^"]*\\u[0-9a-fA-F]{4}[^"]*"\s*:'
"""A name in escapes, or of another encoding, may be that of the device: of such a line nothing is kept."""


def judge(lines: pa.Table, day: date, settings: Events, salt: str) -> pa.Table:
    """One row per landed line: the columns of `events` without `day`; `line`; `reason`, null if it is sound.

    Someone not signed up is known by the salted name of the device: the plain device id stays out of the lake, and of
    whatever else is written.
    """
    unnamed = pc.if_else(pc.is_null(lines["viewer_id"]), lines["device_id"], pa.scalar(None, pa.string()))
    claimed = pc.if_else(fields.device(lines["viewer_id"]), "", lines["viewer_id"])
    known = _with(
        lines,
        happened_at=fields.times(lines["happened_at"]),
        viewer_id=pc.coalesce(claimed, devices.names(unnamed, salt)),
        surface=pc.if_else(fields.one_of(lines["surface"], tables.SURFACES), lines["surface"], "other"),
    )
    reason = fields.reasons(known["readable"], _faults(known, day, settings))
    told = {name: pc.if_else(pc.is_null(reason), known[name], None) for name in ("watched_ms", "duration_ms")}
    told["duration_ms"] = pc.if_else(pc.equal(told["duration_ms"], 0), None, told["duration_ms"])
    in_type = {name: column.cast(pa.int32()) for name, column in told.items()}
    line = pc.utf8_slice_codeunits(_without_device(known), 0, _LONGEST_LINE)
    return _with(known, **in_type, line=line, reason=reason).select([*_KEPT, "line", "reason"])


def mark_unknown_videos(judged: pa.Table, video_ids: pa.ChunkedArray) -> pa.Table:
    """The same rows, with the reason `unknown_video` for sound ones of a video that the catalogue has not had."""
    named = judged["video_id"]
    known = video_ids.filter(pc.is_in(video_ids, pc.unique(named)))  # few of millions: the lesser table to search in
    unknown = pc.and_(pc.is_valid(named), pc.invert(pc.is_in(named, known.combine_chunks())))
    reason = pc.if_else(pc.and_(pc.is_null(judged["reason"]), unknown), "unknown_video", judged["reason"])
    return judged.set_column(judged.column_names.index("reason"), "reason", reason)


def mark(judged: pa.Table, codes: NDArray[np.int8]) -> pa.Table:
    """The same rows, with the reason of its code for each sound one."""
    later = pa.DictionaryArray.from_arrays(np.asarray(codes), pa.array(LATER)).cast(pa.string())
    place = judged.column_names.index("reason")
    return judged.set_column(place, "reason", pc.coalesce(judged["reason"], later))


def accepted(judged: pa.Table) -> pa.Table:
    """The rows of `events`: one sound event each, without `day`."""
    return judged.filter(pc.field("reason").is_null()).select(list(_KEPT))


def rejected(judged: pa.Table) -> pa.Table:
    """The rows of `rejected_events`: one refused line each with its reason, without `day` and the device's id."""
    refused = judged.filter(pc.field("reason").is_valid())
    return refused.select(["reason", "line"])


def _without_device(lines: pa.Table) -> pa.ChunkedArray:
    """Each line's text, without the texts under names in which there is something of a device.

    Anything else than a text there, and all behind it, is left out: nobody knows where it ends.
    """
    concerned = pc.or_(pc.is_valid(lines["device_id"]), pc.invert(lines["readable"]))
    some = lines["line"].filter(concerned)
    cut = pc.replace_substring_regex(some, _DEVICE, '"...":"..."')
    cut = pc.replace_substring_regex(cut, _FROM_DEVICE_ON, "...")
    told = pc.and_not(pc.match_substring_regex(some, _TOLD), pc.match_substring_regex(some, _UNTOLD))
    cut = pc.if_else(told, cut, "...")
    return pc.replace_with_mask(lines["line"].combine_chunks(), concerned.combine_chunks(), cut.combine_chunks())


def _with(rows: pa.Table, **columns: pa.ChunkedArray) -> pa.Table:
    return pa.table({name: rows[name] for name in rows.column_names} | columns)


# ---- what a line tells by itself


def _faults(known: pa.Table, day: date, settings: Events) -> dict[str, pa.ChunkedArray]:
    first, last = _midnight(day - timedelta(days=settings.lookback_days)), _midnight(day + timedelta(days=1))
    longest_ms = settings.max_watched_hours * 3_600_000
    play = pc.equal(known["kind"], "play")
    of_video = fields.one_of(known["kind"], tables.VIDEO_KINDS)
    return {
        "bad_event_id": _not_plain(known["event_id"]),
        "bad_viewer_id": _not_plain(known["viewer_id"]),
        "unknown_kind": pc.invert(fields.one_of(known["kind"], tables.KINDS)),
        "bad_video_id": pc.and_(pc.or_(of_video, pc.is_valid(known["video_id"])), _not_plain(known["video_id"])),
        "bad_creator_id": pc.and_(pc.is_valid(known["creator_id"]), _not_plain(known["creator_id"])),
        "bad_time": pc.is_null(known["happened_at"]),
        "outside_days": _outside(known["happened_at"], first, last - timedelta(microseconds=1)),
        "bad_watched": pc.or_(
            pc.and_(play, pc.is_null(known["watched_ms"])),
            pc.fill_null(_outside(known["watched_ms"], 0, longest_ms), False),
        ),
        "bad_duration": _outside(known["duration_ms"], 0, longest_ms),
        "bad_position": pc.less(known["position"], 0),
        "bad_release_id": pc.and_(pc.is_valid(known["release_id"]), _not_plain(known["release_id"])),
        "bad_propensity": pc.invert(_inside(known["propensity"], 0.0, 1.0)),
    }


def _not_plain(ids: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.invert(fields.plain(ids))


def _outside(values: pa.ChunkedArray, first: datetime | int, last: datetime | int) -> pa.ChunkedArray:
    return pc.or_(pc.less(values, first), pc.greater(values, last))


def _inside(values: pa.ChunkedArray, above: float, at_most: float) -> pa.ChunkedArray:
    """Which NaN never is."""
    return pc.and_(pc.greater(values, above), pc.less_equal(values, at_most))


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


# ---- what only the whole day tells


def digests(judged: pa.Table) -> pa.Table:
    """One row per judged line: digests of `event` and `viewer`, the `minute` since 1970, `sound`, and `play`."""
    minute = judged["happened_at"].cast(pa.int64()).fill_null(0).to_numpy() // _MINUTE_US
    return pa.table(
        {
            "event": hashing.of_texts(judged["event_id"]),
            "viewer": hashing.of_texts(judged["viewer_id"]),
            "minute": minute.astype(np.int32),
            "sound": pc.is_null(judged["reason"]),
            "play": pc.fill_null(pc.equal(judged["kind"], "play"), False),
        }
    )


def codes(told: pa.Table, again: Bools, settings: Events) -> NDArray[np.int8]:
    """The code in `LATER` of each judged line; `told` are the `digests` of all of a day, `again` says of each sound one
    whether it is a duplicate."""
    sound = np.flatnonzero(told["sound"].to_numpy())
    once = sound[~again]
    viewer, minute, play = (told[name].to_numpy()[once] for name in ("viewer", "minute", "play"))
    found = np.zeros(told.num_rows, np.int8)
    found[sound[again]] = LATER.index("duplicate")
    found[once[too_fast(viewer, minute, play, settings)]] = LATER.index("too_fast")
    return found


def doubtful(event: Hashes, earlier: Hashes) -> Bools:
    """Whether the digest of an event's id is that of another one, or of an earlier one: few are, and only they are
    looked at."""
    return hashing.repeated(event) | hashing.among(event, earlier)


def duplicates(rows: pa.Table, earlier: pa.ChunkedArray) -> Bools:
    """Whether a sound row is not the first of its event id, or has an id that `earlier` has.

    First is the earliest; equal times go by all that the rows say, their lines included, so by content alone.
    """
    names = dict.fromkeys(("event_id", "happened_at", *rows.column_names))
    order = pc.sort_indices(rows, [(name, "ascending") for name in names])
    ids = rows["event_id"].take(order).combine_chunks()
    again = np.append([False], pc.equal(ids[1:], ids[:-1]).to_numpy(zero_copy_only=False))[: len(ids)]
    found = np.zeros(len(again), bool)
    found[order.to_numpy()] = again
    return found | pc.is_in(rows["event_id"], earlier.combine_chunks()).to_numpy()


def too_fast(viewer: Hashes, minute: NDArray[np.int32], play: Bools, settings: Events) -> Bools:
    """Whether a machine did it: someone who starts more plays in a minute than a person can.

    That is every event of that viewer in such a minute and in the ones before and after it, in which the machine began
    and stopped. The rows are sound events, lines sent again left out: these are no plays.
    """
    moment = _of_minute(viewer, minute)
    _, first, plays = np.unique(moment[play], return_index=True, return_counts=True)
    crowded = np.flatnonzero(play)[first[plays > settings.max_plays_a_minute]]
    around = [_of_minute(viewer[crowded], minute[crowded] + beside) for beside in (-1, 0, 1)]
    return hashing.among(moment, np.concatenate(around))


def _of_minute(viewer: Hashes, minute: NDArray[np.int32]) -> Hashes:
    """A digest of both."""
    return hashing.mixed(viewer + hashing.mixed(minute.astype(np.uint64)))
