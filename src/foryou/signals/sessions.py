"""Sessions: plays of a viewer without a long pause, also across midnight; what was shown in them, and where they ended.

A session is told by the day on which its pause began: a last play within the gap before midnight may go on, so the
next day tells it, and reads the plays of the day before for that. Plays that landed late belong to no session: theirs
was told without them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from foryou.settings import Views

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_DAY_US = 86_400_000_000
_MINUTE_US = 60_000_000


def awake_at_midnight(events: pa.Table, day: date, settings: Views) -> pa.Array:
    """The names of viewers whose session of the day before `day` may go on; `events` are those of that day."""
    since = _midnight(day) - settings.session_gap_min * _MINUTE_US
    late = pc.equal(events["kind"], "play").to_numpy() & (_micros(events["happened_at"]) >= since)
    return pc.unique(events["viewer_id"].filter(pa.array(late)))


def plays_of(events: pa.Table, viewers: pa.Array, day: date) -> pa.Table:
    """The plays of these viewers on the day before `day`; what had landed late then is left out."""
    play = pc.equal(events["kind"], "play").to_numpy() & (_micros(events["happened_at"]) >= _midnight(day) - _DAY_US)
    return events.filter(pc.and_(pa.array(play), pc.is_in(events["viewer_id"], viewers)))


def place(events: pa.Table, day: date, settings: Views) -> pa.Table:
    """The events of some viewers, ordered by viewer, time and id, each play with its place in a session.

    `events` are those of the day, and others that have `today` false: plays of the day before. Added are, for plays
    that did not land late, `session` (from 1), `position` in it (from 1), and `scroll_s`, the seconds until its next
    play, NaN for the last; else 0, 0 and NaN.
    """
    order = [(name, "ascending") for name in ("viewer", "happened_at", "event_id")]
    ordered = events.take(pc.sort_indices(events, order))
    viewer, moment = ordered["viewer"].to_numpy(), _micros(ordered["happened_at"])
    came_late = ordered["today"].to_numpy() & (moment < _midnight(day))
    plays = np.flatnonzero(pc.equal(ordered["kind"], "play").to_numpy() & ~came_late)
    number, position, scroll_s = _walk(viewer[plays], moment[plays], settings.session_gap_min * _MINUTE_US)
    for name, values in (("session", number), ("position", position)):
        column = np.zeros(len(viewer), np.int32)
        column[plays] = values
        ordered = ordered.append_column(name, pa.array(column))
    scrolled = np.full(len(viewer), np.nan)
    scrolled[plays] = scroll_s
    return ordered.append_column("scroll_s", pa.array(scrolled))


def _walk(viewer: Ints, moment: Ints, gap_us: int) -> tuple[Ints, Ints, npt.NDArray[np.float64]]:
    """Number, position and seconds to the next, for plays in the order of viewer and time."""
    place = np.arange(len(viewer))
    other = np.diff(viewer, prepend=-1) != 0
    pause = np.diff(moment, prepend=0)
    opens = other | (pause >= gap_us)
    first = np.maximum.accumulate(np.where(opens, place, 0))
    so_far = np.cumsum(opens)
    before = np.maximum.accumulate(np.where(other, so_far - 1, 0))
    goes_on = np.append(~opens[1:], np.zeros(min(1, len(opens)), bool))
    scroll_s = np.where(goes_on, np.append(pause[1:], pause[:1]) / 1e6, np.nan)
    return so_far - before, place - first + 1, scroll_s


@dataclass(frozen=True)
class Visits:
    """The sessions that a day tells: their plays in order, and for each play the place of its session among them.

    `first` and `last` are the rows of the first and the last play of each session.
    """

    plays: pa.Table
    of: Ints
    first: Ints
    last: Ints

    @property
    def shown(self) -> tuple[Ints, Ints]:
        """Session and video of all that was shown, in the order in which it came; own videos left out."""
        others = np.flatnonzero(~self.plays["own"].to_numpy())
        pair = (self.of << 32 | self.plays["video"].to_numpy())[others]
        pair = pair[np.sort(np.unique(pair, return_index=True)[1])]
        return pair >> 32, pair & 0xFFFFFFFF


def visits(placed: pa.Table, day: date, settings: Views) -> Visits:
    """The sessions whose last play began from the gap before the day to the gap before its end."""
    plays = placed.filter(pc.field("session") > 0)
    first = np.flatnonzero(plays["position"].to_numpy() == 1)
    size = np.diff(np.append(first, plays.num_rows))
    ended = _micros(plays["happened_at"])[first + size - 1]
    start = _midnight(day) - settings.session_gap_min * _MINUTE_US
    told = (ended >= start) & (ended < start + _DAY_US)
    kept, size = plays.filter(pa.array(np.repeat(told, size))), size[told]
    last = np.cumsum(size) - 1
    return Visits(kept, np.repeat(np.arange(len(size)), size), last - size + 1, last)


def build(visits: Visits, settings: Views) -> pa.Table:
    """One row per session: the rows of `sessions`, without `day`."""
    started, ended = (visits.plays["happened_at"].take(rows) for rows in (visits.first, visits.last))
    minutes = (_micros(ended) - _micros(started)) / _MINUTE_US
    videos = np.bincount(visits.shown[0], minlength=len(visits.first)).astype(np.int32)
    measured = (videos > 1) & (minutes > 0)
    pace = np.divide(videos - 1, minutes, out=np.full(len(videos), np.nan), where=measured)
    watched = visits.plays["watched_ms"].to_numpy().astype(np.int64)
    return pa.table(
        {
            "viewer": visits.plays["viewer"].take(visits.first),
            "session": visits.plays["session"].take(visits.first),
            "started_at": started,
            "ended_at": ended,
            "plays": pa.array((visits.last - visits.first + 1).astype(np.int32)),
            "videos": pa.array(videos),
            "watched_ms": pa.array(np.add.reduceat(watched, visits.first) if len(watched) else watched),
            "videos_a_minute": pa.array(pace.astype(np.float32), from_pandas=True),
            "is_new": pa.array(_is_new(visits, settings)),
        }
    )


def exits(visits: Visits, settings: Views) -> pa.Table:
    """One row per video, class of device and country: the rows of `exits`, without `day`.

    Sessions of new viewers count once more for their first videos: did they leave within these?
    """
    session, video = visits.shown
    videos = np.bincount(session, minlength=len(visits.first))
    place = np.arange(len(session)) - (np.cumsum(videos) - videos)[session]
    own, played = (visits.plays[name].to_numpy()[visits.last] for name in ("own", "video"))
    first = _is_new(visits, settings)[session] & (place < settings.first_videos)
    counts = {
        "sessions": np.ones(len(session), bool),
        "exits": (played[session] == video) & ~own[session],
        "new_sessions": first,
        "new_exits": first & (videos[session] <= settings.first_videos),
    }
    of_viewer = visits.first[session]
    keys = {"video": video.astype(np.int32)}
    keys |= {name: visits.plays[name].take(of_viewer) for name in ("device_class", "country")}
    return add_up(pa.table(keys | {name: count.astype(np.int32) for name, count in counts.items()}))


def add_up(counted: pa.Table) -> pa.Table:
    """The counts of each video, class of device and country, where `exits` has been told in parts; ordered by these."""
    keys, counts = counted.column_names[:3], counted.column_names[3:]
    summed = counted.group_by(keys).aggregate([(name, "sum") for name in counts])
    named = summed.select([*keys, *[f"{name}_sum" for name in counts]]).rename_columns(counted.column_names)
    return named.cast(counted.schema).sort_by([(name, "ascending") for name in keys])


def _is_new(visits: Visits, settings: Views) -> Bools:
    """Whether the viewer was known (`since`) no more than some days when the session began."""
    started = _micros(visits.plays["happened_at"])[visits.first] // _DAY_US
    since = pc.fill_null(visits.plays["since"].cast(pa.int32()), 0).to_numpy()[visits.first]
    return started - since <= settings.new_viewer_days


def _micros(moments: pa.ChunkedArray) -> Ints:
    return moments.cast(pa.int64()).to_numpy()


def _midnight(day: date) -> int:
    return (day - date(1970, 1, 1)).days * _DAY_US
