"""Devices before sign-up: salted names, and whose history they become."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from foryou.models import ids


def named(lines: DataFrame, salt: str) -> DataFrame:
    """The lines with `device`: `device-` and 24 hex digits of sha256(salt + device_id); null without a device.

    The salt comes as the one row of a table that a worker makes. As a literal it would stand in every text that Spark
    prints of its plan: in logs, errors, the UI and the event log.
    """
    secret = lines.sparkSession.range(0, 1, 1, 1).mapInArrow(partial(_one_row, salt=salt), "salt string")
    digest = F.substring(F.sha2(F.concat("salt", "device_id"), 256), 1, 24)
    device = F.when(F.length("device_id") > 0, F.concat(F.lit("device-"), digest))
    return lines.join(F.broadcast(secret), how="cross").withColumn("device", device).drop("salt")


def _one_row(batches: Iterator[pa.RecordBatch], salt: str) -> Iterator[pa.RecordBatch]:
    for _ in batches:
        yield pa.RecordBatch.from_pydict({"salt": [salt]})


def sign_ups(viewers: DataFrame) -> DataFrame:
    """One row per device: the first account on it, which may inherit its history.

    First is the earliest to sign up, then the lower id. An account that signed up nobody knows when may have been
    first: then none inherits.
    """
    account = F.min(F.struct("signed_up_at", "viewer_id")).alias("account")  # a null comes before all times
    first = viewers.where(F.col("device").isNotNull()).groupBy("device").agg(account)
    return first.select("account.viewer_id", "device", "account.signed_up_at").where("signed_up_at IS NOT NULL")


def recent(sign_ups: DataFrame, day: date, lookback_days: int) -> DataFrame:
    """Those of the last days: events on their devices from before sign-up may still land."""
    return sign_ups.where(F.to_date("signed_up_at") >= F.lit(day - timedelta(days=lookback_days)))


def new_in_snapshot(known: DataFrame, viewers: DataFrame) -> DataFrame:
    """What `viewer_ids` lacks of a snapshot of the viewers: new accounts inherit their device's dense id.

    They do where the device was met on a day before sign-up, and its id is nobody else's yet.
    """
    fresh = sign_ups(viewers).join(known, on="viewer_id", how="left_anti")
    met = known.select(F.col("viewer_id").alias("device"), "viewer", "day")
    inherited = fresh.join(met, on="device", how="inner").where(F.col("day") < F.to_date("signed_up_at"))
    names = known.select("viewer", F.col("viewer_id").alias("other"))
    somebody = (inherited["viewer"] == names["viewer"]) & (inherited["device"] != names["other"])
    joined = inherited.join(names, on=somebody, how="left_anti").select("viewer_id", "viewer")
    return _assigned(known, viewers, joined)


def new_in_events(known: DataFrame, events: DataFrame, sign_ups: DataFrame) -> DataFrame:
    """What `viewer_ids` lacks of the viewers of a day's events: new devices join the account that began after them."""
    fresh = sign_ups.join(known.select(F.col("viewer_id").alias("device")), on="device", how="left_anti")
    accounts = fresh.join(known.select("viewer_id", "viewer"), on="viewer_id", how="inner")
    owned = F.broadcast(accounts.select(F.col("device").alias("viewer_id"), "viewer", "signed_up_at"))
    before = events.join(owned, on="viewer_id", how="inner").where(F.col("happened_at") < F.col("signed_up_at"))
    return _assigned(known, events, before.select("viewer_id", "viewer").distinct())


def _assigned(known: DataFrame, met: DataFrame, joined: DataFrame) -> DataFrame:
    """Those joined to an id that `known` has, and new ids for the others that it lacks."""
    both = known.select("viewer_id", "viewer").unionByName(joined)
    return joined.unionByName(ids.assign(both, met, "viewer_id", "viewer"))
