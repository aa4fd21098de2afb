"""What viewers have asked for, as of a day: all controls so far folded, and what refused videos made them tire of."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foryou.settings import ViewerControls
from foryou.tables import TIRED_KINDS

LASTING = ("mute_sound", "mute_tag", "mute_creator", "block_creator")
"""Controls that nothing takes back."""

_MOMENT = pa.timestamp("us", "UTC")
_NEVER = np.iinfo(np.int32).max


def build(controls: pa.Table, viewer_ids: pa.Table) -> pa.Table:
    """One row per viewer and control in force, by viewer, kind and target. `controls` holds all days so far.

    Of `opt_out` and `opt_in` the later wins, of equal moments `opt_out`. Mutes and blocks stay, since their first. A
    `reset` keeps its last moment; one that lands after its day forgets all of the days before it landed. `erase`
    counts as both an opt-out and a reset here. A viewer without a dense id has not appeared yet, and has no row.
    """
    viewer = viewer_ids["viewer"].take(pc.index_in(controls["viewer_id"], viewer_ids["viewer_id"].combine_chunks()))
    # Moments as whole microseconds: Arrow compares no times with a zone.
    known = pa.table(
        {
            "viewer": viewer,
            "kind": controls["kind"],
            "target": controls["target"],
            "moment": controls["happened_at"].cast(_MOMENT).cast(pa.int64()),
            "landed": controls["day"].cast(pa.timestamp("us")).cast(pa.int64()),
        }
    ).filter(pc.is_valid(viewer))
    held = pa.concat_tables([_lasting(known), _opted_out(known), _reset(known)])
    return held.sort_by([("viewer", "ascending"), ("kind", "ascending"), ("target", "ascending")])


def _lasting(known: pa.Table) -> pa.Table:
    asked = known.filter(pc.is_in(known["kind"], pa.array(LASTING)))
    first = asked.group_by(["viewer", "kind", "target"]).aggregate([("moment", "min")])
    return _held(first["viewer"], first["kind"], first["target"], first["moment_min"])


def _opted_out(known: pa.Table) -> pa.Table:
    asked = known.filter(pc.is_in(known["kind"], pa.array(["opt_out", "opt_in", "erase"])))
    out = pc.not_equal(asked["kind"], "opt_in").cast(pa.int64())
    # The later is the greater number, and of equal moments the one that opts out.
    turns = asked.append_column("turn", pc.add(pc.multiply(asked["moment"], 2), out))
    last = turns.group_by("viewer").aggregate([("turn", "max")])
    gone = last.filter(pc.equal(pc.bit_wise_and(last["turn_max"], 1), 1))
    return _held(gone["viewer"], "opted_out", "", pc.shift_right(gone["turn_max"], 1))


def _reset(known: pa.Table) -> pa.Table:
    asked = known.filter(pc.is_in(known["kind"], pa.array(["reset_feed", "erase"])))
    since = asked.append_column("since", pc.max_element_wise(asked["moment"], asked["landed"]))
    last = since.group_by("viewer").aggregate([("since", "max")])
    return _held(last["viewer"], "reset", "", last["since_max"])


def _held(
    viewer: pa.ChunkedArray, kind: pa.ChunkedArray | str, target: pa.ChunkedArray | str, moment: pa.ChunkedArray
) -> pa.Table:
    same = [pa.array([text] * len(viewer), pa.string()) if isinstance(text, str) else text for text in (kind, target)]
    return pa.table({"viewer": viewer, "kind": same[0], "target": same[1], "since": moment.cast(_MOMENT)})


def opted_out(held: pa.Table) -> pa.ChunkedArray:
    """The viewers of whom no profile is kept."""
    return held["viewer"].filter(pc.equal(held["kind"], "opted_out"))


def remembered(rows: pa.Table, held: pa.Table, dated: str = "day") -> pa.Table:
    """Those rows of viewers, each with a date, that may count: not before a reset, and none of who opted out.

    On the day of a reset itself, `views` holds only what came after it.
    """
    first = _first_day(held)
    viewer, day = rows["viewer"].to_numpy(), rows[dated].cast(pa.int32()).to_numpy()
    known = viewer < len(first)
    kept = ~known
    kept[known] = day[known] >= first[viewer[known]]
    return rows if kept.all() else rows.filter(pa.array(kept))


def _first_day(held: pa.Table) -> np.ndarray:
    """By viewer the first day that may count, in days since 1970; viewers beyond its end have forgotten nothing."""
    forgetting = held.filter(pc.is_in(held["kind"], pa.array(["reset", "opted_out"])))
    viewer = forgetting["viewer"].to_numpy()
    first = np.zeros(viewer.max(initial=-1) + 1, np.int32)
    out = pc.equal(forgetting["kind"], "opted_out").to_numpy()
    days = forgetting["since"].cast(pa.date32()).cast(pa.int32()).to_numpy()
    np.maximum.at(first, viewer, np.where(out, _NEVER, days).astype(np.int32))
    return first


# ---- not interested


def tired(
    before: pa.Table, refused: pa.Table, videos: pa.Table, held: pa.Table, day: date, settings: ViewerControls
) -> pa.Table:
    """One row per viewer and creator, sound or tag that the viewer tires of, with the last day of saying so.

    `before` is the same as of an earlier night; `refused` are the views since then of videos that the viewer was not
    interested in or reported (viewer, video, day); `videos` tells what those are about. A tag on more than
    `max_tag_share` of the videos does not say why one was refused. Forgotten after the days of hiding and fading, and
    by a reset or an opt-out.
    """
    fresh = _about(refused, videos, settings.max_tag_share)
    both = pa.concat_tables([before.select(fresh.column_names), fresh])
    last = both.group_by(["viewer", "kind", "name"]).aggregate([("since", "max")])
    last = last.rename_columns({"since_max": "since"})
    oldest = day - timedelta(days=settings.hidden_days + settings.fading_days)
    kept = remembered(last.filter(pc.greater(last["since"], oldest)), held, "since")
    return kept.sort_by([("viewer", "ascending"), ("kind", "ascending"), ("name", "ascending")])


def _about(refused: pa.Table, videos: pa.Table, max_tag_share: float) -> pa.Table:
    """The creator, the sound and the tags of each refused video, as rows of `fatigue`."""
    said = refused.join(videos.select(["video", "creator_id", "sound_id"]), "video", join_type="inner")
    tagged = refused.join(_telling_tags(videos, max_tag_share), "video", join_type="inner")
    parts = [
        pa.table(
            {
                "viewer": part["viewer"],
                "kind": pa.array([kind] * part.num_rows, pa.string()),
                "name": part[column],
                "since": part["day"],
            }
        )
        for kind, part, column in zip(TIRED_KINDS, (said, said, tagged), ("creator_id", "sound_id", "tag"), strict=True)
    ]
    whole = pa.concat_tables(parts)
    return whole.filter(pc.is_valid(whole["name"]))


def _telling_tags(videos: pa.Table, max_share: float) -> pa.Table:
    """One row per video and tag, without the tags that too many videos have."""
    lists = videos["tags"].combine_chunks()
    tags = pa.table({"video": videos["video"].take(pc.list_parent_indices(lists)), "tag": pc.list_flatten(lists)})
    counts = pc.value_counts(tags["tag"])
    common = counts.field("values").filter(pc.greater(counts.field("counts"), max_share * len(videos)))
    return tags.filter(pc.invert(pc.is_in(tags["tag"], common)))
