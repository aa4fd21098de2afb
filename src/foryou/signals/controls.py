"""Controls: what viewers asked of their feeds on a day, and which events of the day a reset has them forget."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foryou import tables
from foryou.models import fields

FORGETTING = ("reset_feed", "erase")
"""The controls after which what was before no longer counts."""
LEAVING = ("opt_out", "erase")
"""Those that a platform owes to whoever asks."""


def judge(lines: pa.Table, day: date) -> pa.Table:
    """One row per landed line: the columns of `controls` without `day`, and `reason`, null if it is sound.

    A target need not be known: it takes effect when the thing appears. Tags are words of any language, made plain as
    the catalogue's are; everything else has an id. A wish is not lost to a clock that is off: without a time up to the
    end of the day it counts as of that end. Opting in is none: it brings back what another wish has ended.
    """
    of_tag, targeted = pc.equal(lines["kind"], "mute_tag"), pc.match_substring_regex(lines["kind"], "^(mute|block)_")
    target = pc.if_else(targeted, lines["target"], None)
    target = pc.if_else(pc.fill_null(of_tag, False), fields.tag(target), target)
    happened_at = fields.moment(lines["happened_at"], day)
    protects = pc.invert(pc.fill_null(pc.equal(lines["kind"], "opt_in"), False))
    happened_at = pc.if_else(pc.and_(pc.is_null(happened_at), protects), fields.last_moment(day), happened_at)
    named = pc.if_else(of_tag, pc.fill_null(pc.not_equal(target, ""), False), fields.plain(target))
    faults = {
        "bad_viewer_id": pc.invert(fields.account(lines["viewer_id"])),
        "unknown_kind": pc.invert(fields.one_of(lines["kind"], tables.CONTROL_KINDS)),
        "bad_target": pc.and_(targeted, pc.invert(named)),
        "bad_time": pc.is_null(happened_at),
    }
    held = {"viewer_id": lines["viewer_id"], "kind": lines["kind"], "target": target, "happened_at": happened_at}
    return pa.table({**held, "reason": fields.reasons(lines["readable"], faults)})


def leaving_refused(judged: pa.Table) -> int:
    """How many wishes to leave could not be read: nobody knows whose they are."""
    wished = pc.is_in(judged["kind"], pa.array(LEAVING))
    return pc.sum(pc.and_(wished, pc.is_valid(judged["reason"]))).as_py() or 0


def sound(judged: pa.Table) -> pa.Table:
    """The rows of `controls`, without `day`: equal ones are one, since all of their columns are the key."""
    kept = judged.filter(pc.is_null(judged["reason"])).drop_columns("reason")
    return kept.group_by(kept.column_names).aggregate([])


def forgotten_until(controls: pa.Table, viewer_ids: pa.Table) -> pa.Table:
    """One row per name whose events a reset has forgotten: `viewer_id`, and the moment `until` which they are.

    A device that signed up has two names and is one viewer: both forget. `controls` holds the days whose resets can
    concern events that land on the day.
    """
    asked = controls.filter(pc.is_in(controls["kind"], pa.array(FORGETTING))).select(["viewer_id", "happened_at"])
    viewer = viewer_ids["viewer"].take(pc.index_in(asked["viewer_id"], viewer_ids["viewer_id"].combine_chunks()))
    known = asked.append_column("viewer", viewer).group_by("viewer").aggregate([("happened_at", "max")])
    named = viewer_ids.filter(pc.is_in(viewer_ids["viewer"], known["viewer"].combine_chunks()))
    place = pc.index_in(named["viewer"], known["viewer"].combine_chunks())
    return pa.table({"viewer_id": named["viewer_id"], "until": known["happened_at_max"].take(place)})


def forgotten(events: pa.Table, until: pa.Table) -> NDArray[np.bool_]:
    """Whether each event is forgotten: up to the moment `until` which its viewer's are."""
    moment = until["until"].take(pc.index_in(events["viewer_id"], until["viewer_id"].combine_chunks()))
    return pc.fill_null(pc.less_equal(events["happened_at"], moment), False).to_numpy()
