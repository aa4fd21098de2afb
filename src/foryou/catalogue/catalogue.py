"""The landed snapshots of videos, viewers and follows, made sound. Workers of Spark import this: it imports little."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foryou import tables
from foryou.catalogue import eligible
from foryou.contract import Table
from foryou.models import devices, fields, hashing

_LONGEST_TEXT = 2_000
_LONGEST_DURATION_MS = 2**31 - 1
FOUND = {tables.VIDEOS.name: ("shown", "for_all", "copy_of"), tables.VIEWERS.name: ("adult",)}
"""By table: the columns that no snapshot holds, since `eligible` works them out."""
NUMBERED = {tables.VIDEOS.name: "video", tables.VIEWERS.name: "viewer"}
"""By table: the column of dense ids."""

VECTORS = ("visual_vector", "audio_vector")
_LONGEST_VECTOR = 4_096


def columns(table: Table) -> list[str]:
    """The columns of the table that the snapshot's own lines fill."""
    without = ("day", NUMBERED.get(table.name), *FOUND.get(table.name, ()))
    return [name for name in table.column_names if name not in without]


def row(table: Table) -> str:
    """The same as Spark's DDL."""
    return ", ".join(f"{name} {table.column(name).type}" for name in columns(table))


# ---- judging: one row per landed line, what the table holds of it, and `reason`, null if it is sound


def judge_videos(lines: pa.Table, day: date) -> pa.Table:
    duration, caption = lines["duration_ms"], lines["caption"]
    lasts = pc.and_(pc.greater_equal(duration, 1), pc.less_equal(duration, _LONGEST_DURATION_MS))
    plain = {
        "creator_id": fields.plain_or_null(lines["creator_id"]),
        "sound_id": fields.plain_or_null(lines["sound_id"]),
        "tags": _tags(lines["tags"]),
        "caption": pc.utf8_slice_codeunits(caption, 0, _LONGEST_TEXT),
        "duration_ms": pc.if_else(lasts, duration, None).cast(pa.int32()),
        "uploaded_at": fields.moment(lines["uploaded_at"], day),
        **{name: fields.name(lines[name]) for name in ("category", "content_hash", "tone")},
        **{name: fields.code(lines[name]) for name in ("language", "country")},
        **{name: _vector(lines[name]) for name in VECTORS},
    }
    return _judged(tables.VIDEOS, lines, plain, _video_faults(lines))


def judge_viewers(lines: pa.Table, day: date, salt: str) -> pa.Table:
    plain = {
        "device": devices.names(lines["device_id"], salt),
        "signed_up_at": fields.moment(lines["signed_up_at"], day),
        **{name: fields.name(lines[name]) for name in ("device_class", "age_band", "referrer")},
        **{name: fields.code(lines[name]) for name in ("language", "country")},
    }
    return _judged(tables.VIEWERS, lines, plain, {"bad_viewer_id": pc.invert(fields.account(lines["viewer_id"]))})


def judge_follows(lines: pa.Table, day: date) -> pa.Table:
    faults = {f"bad_{name}": pc.invert(fields.plain(lines[name])) for name in ("viewer_id", "creator_id")}
    return _judged(tables.FOLLOWS, lines, {"since": fields.moment(lines["since"], day)}, faults)


def _judged(table: Table, lines: pa.Table, plain: dict[str, fields.Texts], faults: dict[str, fields.Texts]) -> pa.Table:
    held = {name: plain[name] if name in plain else lines[name] for name in columns(table)}
    return pa.table({**held, "reason": fields.reasons(lines["readable"], faults)})


def _video_faults(lines: pa.Table) -> dict[str, fields.Texts]:
    good = {
        "bad_video_id": fields.plain(lines["video_id"]),
        "bad_moderation": fields.one_of(lines["moderation"], tables.MODERATION),
        "bad_status": fields.one_of(lines["status"], tables.STATUSES),
        "bad_audience": fields.one_of(lines["audience"], tables.AUDIENCES),
    }
    return {reason: pc.invert(passed) for reason, passed in good.items()}


def _tags(tags: pa.ChunkedArray) -> pa.ListArray:
    """Each tag once, where it comes first; none is an empty list."""
    lists = tags.combine_chunks()
    words = fields.tag(lists.flatten())
    said = pc.fill_null(pc.not_equal(words, ""), False)
    words, of = words.filter(said), pc.list_parent_indices(lists).filter(said).to_numpy()
    word = words.dictionary_encode().indices.to_numpy()
    first = np.sort(np.unique(of * (len(words) + 1) + word, return_index=True)[1])
    return pa.ListArray.from_arrays(_ends(np.bincount(of[first], minlength=len(lists))), words.take(pa.array(first)))


def _vector(vectors: pa.ChunkedArray) -> pa.ListArray:
    """The vector; empty if it says nothing: a number that is missing or not finite, zeros alone, or far too long."""
    lists = vectors.combine_chunks()
    numbers = lists.flatten().to_numpy(zero_copy_only=False)
    of = pc.list_parent_indices(lists).to_numpy()
    broken, said = (np.bincount(of[which], minlength=len(lists)) > 0 for which in (~np.isfinite(numbers), numbers != 0))
    lengths = pc.list_value_length(lists).fill_null(0).to_numpy()
    says = said & ~broken & (lengths <= _LONGEST_VECTOR)
    ends = _ends(np.where(says, lengths, 0))
    return pa.ListArray.from_arrays(ends, pa.array(numbers[says[of]], pa.float32()), mask=lists.is_null())


def _ends(lengths: NDArray[np.int64]) -> pa.Array:
    return pa.array(np.append(0, np.cumsum(lengths)), pa.int32())


# ---- sound rows


def sound(judged: pa.Table) -> pa.Table:
    """The sound rows, without `reason`."""
    return judged.filter(pc.is_null(judged["reason"])).drop_columns("reason")


def videos_of(lines: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The `video_id` of every row that `judge_videos` finds sound, as often as it comes."""
    for some in lines:
        reasons = fields.reasons(some["readable"], _video_faults(some))
        yield some.select(["video_id"]).filter(pc.is_null(reasons))


def viewers_of(lines: Iterator[pa.Table], day: date, salt: str) -> Iterator[pa.Table]:
    """The rows that `judge_viewers` finds sound, as often as they come."""
    for some in lines:
        yield sound(judge_viewers(some, day, salt))


# ---- repeats: two lines of one key, of which the safer is kept, else the first in the order of what they say

_SAFER = {"moderation": ("rejected", "flagged"), "status": ("deleted", "private"), "audience": ("adult",)}
"""By column: the values that win against any other, the first of them against all."""


def once(rows: pa.Table, table: Table) -> pa.Table:
    """The rows without their repeats."""
    kept = np.ones(rows.num_rows, bool)
    kept[repeats(in_order(rows, table), table)] = False
    return rows.filter(pa.array(kept))


def key_digests(rows: pa.Table, table: Table) -> hashing.Hashes:
    """A digest of each row's key: rows of different digests are no repeats."""
    return hashing.of_texts(pc.binary_join_element_wise(*(rows[name] for name in _key(table)), " "))


def doubtful(digests: hashing.Hashes) -> NDArray[np.int64]:
    """The places of digests that come more than once, in order."""
    return np.flatnonzero(hashing.repeated(digests))


def in_order(rows: pa.Table, table: Table) -> pa.Table:
    """What the rows say in columns that can be sorted: the key, what is safer to believe, the rest.

    Lists of texts become one text, those of numbers digests: their order means nothing, but is always the same.
    """
    own = {name: _sortable(rows[name]) for name in columns(table)}
    safer = {f"safer {name}": _place(own[name], first) for name, first in _SAFER.items() if name in own}
    if "age_band" in own:
        safer["safer age"] = eligible.grown_up(own["age_band"])
    return pa.table({name: own[name] for name in _key(table)} | safer | own)


def _place(values: pa.ChunkedArray, first: tuple[str, ...]) -> pa.ChunkedArray:
    return pc.fill_null(pc.index_in(values, pa.array(first)), len(first))


def repeats(said: pa.Table, table: Table) -> NDArray[np.int64]:
    """The places of all rows but the first of each key; what says nothing comes before what says something."""
    order = pc.sort_indices(said, [(name, "ascending", "at_start") for name in said.column_names])
    keys = said.select(_key(table)).take(order)
    again = np.ones(max(0, len(order) - 1), bool)
    for column in keys.columns:
        again &= pc.equal(column[1:], column[:-1]).to_numpy()
    return order.to_numpy()[1:][again]


def _key(table: Table) -> list[str]:
    return [name for name in table.key if name != "day"]


def _sortable(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if not pa.types.is_list(column.type):
        return column
    joined = pc.binary_join(column.cast(pa.list_(pa.string())), "\0")
    if pa.types.is_string(column.type.value_type):
        return joined
    return pa.chunked_array([pa.array(hashing.of_texts(joined), mask=joined.is_null().to_numpy())])


# ---- vectors


def told(judged: pa.Table) -> pa.Table:
    """One row per way in which `lines` came out: their `reason`, and of sound videos how long their vectors are.

    A broken vector has length 0, one that is not there none.
    """
    sound = pc.is_null(judged["reason"])
    vectors = [name for name in VECTORS if name in judged.column_names]
    lengths = {name: pc.if_else(sound, pc.list_value_length(judged[name]), None) for name in vectors}
    alike = pa.table({"reason": judged["reason"], **lengths})
    return alike.group_by(alike.column_names).aggregate([([], "count_all")]).rename_columns({"count_all": "lines"})


def vector_lengths(told: pa.Table, name: str) -> dict[int, int]:
    """How many sound videos have a vector of each length."""
    counted = told.filter(pc.is_valid(told[name])).group_by(name).aggregate([("lines", "sum")])
    return {row[name]: row["lines_sum"] for row in counted.to_pylist()}


def of_length(videos: pa.Table, lengths: dict[str, int]) -> pa.Table:
    """The rows with null in place of vectors of another length than `lengths` has for their column."""
    for name in VECTORS:
        fits = pc.equal(pc.list_value_length(videos[name]), lengths.get(name, -1))
        kept = pc.if_else(fits, videos[name], pa.scalar(None, videos[name].type))
        videos = videos.set_column(videos.column_names.index(name), name, kept)
    return videos
