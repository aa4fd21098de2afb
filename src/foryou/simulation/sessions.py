"""Sessions of a simulated day: what `signals/sessions.py` tells with Spark, of the world's lines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foryou.settings import Views
from foryou.sources.world_lines import KIND, Lines
from foryou.sources.world_parameters import DAY_MS

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Placed:
    """One entry per line: `session` and `position` (from 1) of plays in time, else 0; `scroll_s` NaN for the last."""

    session: Ints
    position: Ints
    scroll_s: Floats

    def take(self, which: NDArray[np.integer] | slice) -> Placed:
        return Placed(self.session[which], self.position[which], self.scroll_s[which])


def open_at_midnight(before: Lines, start_ms: int, settings: Views) -> Lines:
    """The plays of the day before `start_ms` of viewers whose session may go on."""
    plays = before.take((before.kind == KIND["play"]) & (before.at_ms >= start_ms - DAY_MS))
    late = plays.viewer[plays.at_ms >= start_ms - _gap_ms(settings)]
    return plays.take(np.isin(plays.viewer, late))


def place(lines: Lines, since_ms: Ints, settings: Views) -> Placed:
    """Where the lines stand; of plays that happened before `since_ms` [lines] the session was told without them."""
    timely = np.flatnonzero((lines.kind == KIND["play"]) & (lines.at_ms >= since_ms))
    order = timely[np.lexsort((lines.at_ms[timely], lines.viewer[timely]))]
    viewer, moment = lines.viewer[order], lines.at_ms[order]
    first = np.append(True, viewer[1:] != viewer[:-1])[: len(order)]
    since = np.where(first, np.iinfo(np.int64).max, np.diff(moment, prepend=0))
    opens = since >= _gap_ms(settings)
    number, opened = np.cumsum(opens), np.flatnonzero(opens)
    before = np.maximum.accumulate(np.where(first, number - 1, 0))
    placed = Placed(*(np.zeros(len(lines), np.int64) for _ in range(2)), np.full(len(lines), np.nan))
    placed.session[order] = number - before
    placed.position[order] = np.arange(len(order)) - opened[number - 1] + 1 if len(order) else 0
    goes_on = np.append(~opens[1:], False)[: len(order)]
    placed.scroll_s[order] = np.where(goes_on, np.append(since[1:], 0)[: len(order)] / 1000, np.nan)
    return placed


def build(
    lines: Lines, placed: Placed, own: Bools, people: pl.DataFrame, start_ms: int, settings: Views
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows of `sessions` and of `exits` that the day of `start_ms` tells, without `day`.

    `lines` begin with the plays that `open_at_midnight` gave; `own` says of each whether it is the viewer's video.
    `people` has `viewer, device_class, country, first_met, signed_up_at`.
    """
    shown = _visits(lines, placed, own, people, start_ms, settings)
    first = pl.col("is_new") & (pl.col("place") < settings.first_videos)
    exits = (
        shown.select("device_class", "country", "is_new", "last", "videos", "shown")
        .with_columns(place=pl.int_ranges(pl.col("shown").list.len()))
        .explode("shown", "place")
        .rename({"shown": "video"})
        .drop_nulls("video")
        .group_by("video", "device_class", "country")
        .agg(
            sessions=pl.len(),
            exits=(pl.col("last") == pl.col("video")).sum(),
            new_sessions=first.sum(),
            new_exits=(first & (pl.col("videos") <= settings.first_videos)).sum(),
        )
    )
    return shown.drop("shown", "last", "device_class", "country"), exits


def _visits(
    lines: Lines, placed: Placed, own: Bools, people: pl.DataFrame, start_ms: int, settings: Views
) -> pl.DataFrame:
    """One row per session told, with the videos shown in their order, each once, and the last."""
    timely = placed.session > 0
    plays = pl.DataFrame(
        {
            "viewer": lines.viewer[timely],
            "session": placed.session[timely],
            "at_ms": lines.at_ms[timely],
            "position": placed.position[timely],
            "watched_ms": lines.watched_ms[timely].astype(np.int64),
            "video": pl.Series(lines.video[timely]).set(pl.Series(own[timely]), None),
        }
    ).sort("viewer", "session", "position")
    folded = plays.group_by("viewer", "session", maintain_order=True).agg(
        started_at=pl.col("at_ms").min(),
        ended_at=pl.col("at_ms").max(),
        plays=pl.len(),
        watched_ms=pl.col("watched_ms").sum(),
        shown=pl.col("video").drop_nulls().unique(maintain_order=True),
        last=pl.col("video").last(),
    )
    end = start_ms + DAY_MS - _gap_ms(settings)
    told = folded.filter(pl.col("ended_at").is_between(end - DAY_MS, end, closed="left"))
    minutes = (pl.col("ended_at") - pl.col("started_at")) / 60_000
    measured = told.with_columns(videos=pl.col("shown").list.len().cast(pl.Int32)).with_columns(
        videos_a_minute=pl.when((pl.col("videos") > 1) & (minutes > 0)).then((pl.col("videos") - 1) / minutes)
    )
    moments = [pl.col(name).cast(pl.Datetime("ms")).dt.replace_time_zone("UTC") for name in ("started_at", "ended_at")]
    known = measured.with_columns(moments).join(people, on="viewer", how="left")
    started = pl.col("started_at").dt.date()
    met = (started - pl.col("first_met")).dt.total_days() <= settings.new_viewer_days
    signed_up = (started - pl.col("signed_up_at").dt.date()).dt.total_days() <= settings.new_viewer_days
    is_new = met.fill_null(False) & signed_up.fill_null(True)
    return known.with_columns(is_new=is_new).drop("first_met", "signed_up_at")


def _gap_ms(settings: Views) -> int:
    return settings.session_gap_min * 60_000
