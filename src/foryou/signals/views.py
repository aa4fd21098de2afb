"""Views: all that a viewer did with a video on one day, and what it is worth (DESIGN §7, signals).

Each part of the log has all events of its viewers; folding and scoring them is numpy over sorted columns.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from foryou import tables
from foryou.settings import Views

Columns = dict[str, npt.NDArray]
Ranks = Callable[[npt.NDArray, npt.NDArray], npt.NDArray]
"""From milliseconds that videos last and were watched to quantiles; NaN for none."""

_NEEDED = ("happened_at", "event_id", "kind", "watched_ms", "duration_ms", "propensity")
FROM_EVENTS = ("viewer_id", "video_id", "creator_id", *_NEEDED)
"""The columns of `events` that a view is made from."""
_OF_VIEWER = ("since", "device_class", "country")


def people(viewer_ids: pa.Table, viewers: pa.Table) -> pa.Table:
    """One row per viewer: ids, `since` when the lake or, if earlier, the platform knows them, device and country."""
    known = viewers.take(pc.index_in(viewer_ids["viewer_id"], viewers["viewer_id"].combine_chunks()))
    return pa.table(
        {
            "viewer_id": viewer_ids["viewer_id"],
            "viewer": viewer_ids["viewer"],
            # Passes over nulls: someone without a sign-up is known since the lake met them.
            "since": pc.min_element_wise(viewer_ids["day"], known["signed_up_at"].cast(pa.date32())),
            "device_class": known["device_class"],
            "country": known["country"],
        }
    )


def dense(events: pa.Table, people: pa.Table, video_ids: pa.Table, *, today: bool) -> pa.Table:
    """The events with dense ids and what is known of the viewer; `named`, whether the viewer is named as the creator.

    Left out are those that name no video, or one that the catalogue lacks.
    """
    video = pc.index_in(events["video_id"], video_ids["video_id"].combine_chunks())
    viewer = pc.index_in(events["viewer_id"], people["viewer_id"].combine_chunks())
    met = pc.and_(pc.is_valid(video), pc.is_valid(viewer))
    of_viewer = people.select(["viewer", *_OF_VIEWER]).take(viewer.filter(met))
    kept = events.filter(met)
    named = pc.fill_null(pc.equal(kept["viewer_id"], kept["creator_id"]), False)
    columns = {"viewer": of_viewer["viewer"], "video": video_ids["video"].take(video.filter(met))}
    columns |= {name: kept[name] for name in _NEEDED} | {name: of_viewer[name] for name in _OF_VIEWER}
    return pa.table(columns | {"named": named, "today": pa.array(np.full(kept.num_rows, today))})


def pairs(rows: pa.Table) -> npt.NDArray[np.int64]:
    """Viewer and video of each row as one number."""
    return rows["viewer"].to_numpy().astype(np.int64) << 32 | rows["video"].to_numpy()


def mark_own(events: pa.Table, posted: npt.NDArray[np.int64]) -> pa.Table:
    """The dense events of some viewers with `own`: the viewer posted the video at any time, or is its creator.

    `posted` are the pairs of what was posted on the days before.
    """
    pair = pairs(events)
    today = pair[pc.equal(events["kind"], "post").to_numpy()]
    of_own = np.isin(pair, posted) | np.isin(pair, today) | events["named"].to_numpy()
    return events.append_column("own", pa.array(of_own))


def posts(events: pa.Table) -> pa.Table:
    """One row per viewer and video posted today."""
    pair = np.unique(pairs(events.filter((pc.field("kind") == "post") & pc.field("today"))))
    return pa.table({"viewer": (pair >> 32).astype(np.int32), "video": pair.astype(np.int32)})


def build(placed: pa.Table, ranks: Ranks, settings: Views) -> pa.Table:
    """One row per viewer and video met today: plays, seconds, actions, place in the session, points, label.

    `placed` are the dense events in the order of viewer, time and id, with `own` and their place in sessions.

    Points: `10 rewatch + 8 completion·length + 6 share + 5 follow + 4 comment + 3 save + 2 like` for a good watch,
    each at most once a day; a skip, `not_interested` and `report` have their negative points; the rest is seen
    with 0, and so are one's own videos.
    """
    folded = _folded(placed.filter(pc.field("today")))
    ranked = (folded["plays"] > 0) & ~folded["own"]
    folded["quantile"] = np.where(ranked, ranks(folded["duration_ms"], folded["watched_ms"]), np.nan)
    scored = _marked(folded, settings)
    scored["points"] = _points(scored, settings)
    return _as_arrow(scored)


def _folded(events: pa.Table) -> Columns:
    """The columns of `views` that need no settings, and what the others are worked out from; NaN is unknown."""
    pair = pairs(events)
    order = np.argsort(pair, kind="stable")  # within a pair by time and id, as before
    pair = pair[order]
    first = np.flatnonzero(np.diff(pair, prepend=-1))
    kind = {name: pc.equal(events["kind"], name).to_numpy()[order] for name in tables.KINDS}
    met = {"viewer": pair[first] >> 32, "video": pair[first] & 0xFFFFFFFF}
    met["own"] = np.logical_or.reduceat(events["own"].to_numpy()[order], first)
    of_plays = {name: _floats(events[name])[order] for name in ("watched_ms", "duration_ms", "propensity")}
    of_session = {name: _floats(events[name])[order] for name in ("session", "position", "scroll_s")}
    return met | _actions(kind, first) | _plays(kind["play"], first, **of_plays) | _first_places(first, **of_session)


def _actions(kind: Columns, first: npt.NDArray) -> Columns:
    """What was done; of what can be taken back, whether it was done last."""
    rows = np.arange(len(kind["play"]))

    def last(name: str, undone: str) -> npt.NDArray:
        row = np.maximum.reduceat(np.where(kind[name] | kind[undone], rows, -1), first)
        return (row >= 0) & kind[name][row]

    ever = {
        "shared": "share",
        "commented": "comment",
        "saved": "save",
        "refused": "not_interested",
        "reported": "report",
    }
    done = {name: np.logical_or.reduceat(kind[of_kind], first) for name, of_kind in ever.items()}
    return done | {"liked": last("like", "unlike"), "followed": last("follow", "unfollow")}


def _plays(
    play: npt.NDArray,
    first: npt.NDArray,
    watched_ms: npt.NDArray,
    duration_ms: npt.NDArray,
    propensity: npt.NDArray,
) -> Columns:
    return {
        "plays": np.add.reduceat(play, first, dtype=np.int64),
        "watched_ms": np.minimum(np.add.reduceat(np.where(play, watched_ms, 0), first), 2**31 - 1),
        "longest_ms": np.fmax.reduceat(np.where(play, watched_ms, np.nan), first),
        "duration_ms": np.fmax.reduceat(duration_ms, first),
        "first_ms": _of_first(play, first, watched_ms),
        "half_plays": np.add.reduceat(play & (2 * watched_ms >= duration_ms), first, dtype=np.int64),
        "propensity": np.fmin.reduceat(propensity, first),
    }


def _first_places(first: npt.NDArray, session: npt.NDArray, position: npt.NDArray, scroll_s: npt.NDArray) -> Columns:
    """Where the first play that did not land late stands in its session."""
    return {
        "position": _of_first(session > 0, first, position),
        "scroll_s": _of_first(session > 0, first, scroll_s),
    }


def _of_first(which: npt.NDArray, first: npt.NDArray, values: npt.NDArray) -> npt.NDArray:
    """The value of the first such event of each pair; NaN if there is none."""
    rows = np.minimum.reduceat(np.where(which, np.arange(len(which)), len(which)), first)
    return np.append(values, np.nan)[rows]


def _marked(folded: Columns, settings: Views) -> Columns:
    """With `completion`, `rewatched`, `skipped` and `good`. A comparison with what is unknown (NaN) does not hold."""
    view = dict(folded)
    watched_s, duration_s = view["watched_ms"] / 1000, view["duration_ms"] / 1000
    bound_s = np.fmin(settings.skip_max_s, settings.skip_max_share * duration_s)
    short = (view["plays"] > 0) & (watched_s < bound_s)
    acted = view["liked"] | view["shared"] | view["commented"] | view["followed"] | view["saved"]
    view["completion"] = np.minimum(1.0, view["longest_ms"] / view["duration_ms"])
    finished = (view["completion"] >= settings.completion_good) & (watched_s >= settings.min_good_watched_s)
    # As floats, which is what the table holds.
    longer_than_most = view["quantile"].astype(np.float32) >= np.float32(settings.quantile_good)
    # More plays at least half through than the first one accounts for: one of them came later.
    later = view["half_plays"] > (2 * view["first_ms"] >= view["duration_ms"])
    view["rewatched"] = (view["watched_ms"] >= 2 * view["duration_ms"]) | later
    view["skipped"] = short & ~acted & ~view["own"]
    refused = view["refused"] | view["reported"]
    view["good"] = ~short & (acted | finished | longer_than_most) & ~refused & ~view["own"]
    return view


def _points(view: Columns, settings: Views) -> npt.NDArray:
    completion = np.nan_to_num(view["completion"])
    earned = (
        settings.points_rewatch * view["rewatched"]
        + settings.points_completion * completion * length(view["duration_ms"] / 1000, settings)
        + settings.points_share * view["shared"]
        + settings.points_comment * view["commented"]
        + settings.points_like * view["liked"]
        + settings.points_follow * view["followed"]
        + settings.points_save * view["saved"]
    )
    bands = {
        "own": 0.0,
        "reported": settings.points_report,
        "refused": settings.points_not_interested,
        "good": earned,
        "skipped": settings.points_skip,
    }
    return np.select([view[name] for name in bands], [*bands.values()], 0.0)


def length(seconds: npt.NDArray, settings: Views) -> npt.NDArray:
    """`clip(log(1+d) / log(1+30 s), .5, 1.25)`: what it says to finish a video of d seconds; 1 if unknown (NaN)."""
    relative = np.log1p(seconds) / np.log1p(settings.length_reference_s)
    return np.where(np.isnan(seconds), 1.0, np.clip(relative, settings.length_min, settings.length_max))


def _as_arrow(view: Columns) -> pa.Table:
    """The columns of the table in its types; NaN is null."""
    kinds = {"int": pa.int32(), "float": pa.float32(), "boolean": pa.bool_()}
    wanted = [column for column in tables.VIEWS.columns if column.name != "day"]
    columns = {c.name: pa.array(view[c.name], from_pandas=True).cast(kinds[c.type], safe=False) for c in wanted}
    return pa.table(columns)


def _floats(column: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    return column.cast(pa.float64()).to_numpy(zero_copy_only=False)
