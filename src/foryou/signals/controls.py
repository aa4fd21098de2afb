"""Controls: what viewers asked of their feeds on a day, and which events of the day a reset has them forget."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from foryou import tables
from foryou.models import fields

FORGETTING = ("reset_feed", "erase")
"""The controls after which what was before no longer counts."""


def judge(lines: DataFrame, day: date) -> DataFrame:
    """One row per landed line: the columns of `controls` without `day`, and `reason`, null if it is sound.

    A target need not be known: it takes effect when the thing appears. Tags are words of any language, made plain as
    the catalogue's are; everything else has an id.
    """
    of_tag = F.col("kind") == "mute_tag"
    plain = lines.withColumns(
        {
            "happened_at": fields.moment("happened_at", day),
            "target": F.when(of_tag, fields.tag(F.col("target"))).when(_targeted(), F.col("target")),
        }
    )
    named = F.when(of_tag, F.length("target") > 0).otherwise(fields.plain("target"))
    faults = {
        "bad_viewer_id": ~fields.plain("viewer_id"),
        "unknown_kind": ~fields.one_of("kind", tables.CONTROL_KINDS),
        "bad_target": _targeted() & ~F.coalesce(named, F.lit(False)),
        "bad_time": F.col("happened_at").isNull(),
    }
    return fields.judged(plain, faults, *tables.CONTROLS.key)


def sound(judged: DataFrame) -> DataFrame:
    """The rows of `controls`, without `day`: equal ones are one, since all of their columns are the key."""
    return judged.where(F.col("reason").isNull()).drop("reason").distinct()


def _targeted() -> Column:
    return F.col("kind").rlike("^(mute|block)_")


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
