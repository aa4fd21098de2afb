"""Lines of a synthetic log while they are still numbers, and their landing records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import polars as pl

from foryou.sources.world_catalogue import Videos
from foryou.sources.world_people import Viewers
from foryou.sources.world_policy import SURFACES

KINDS = (
    "play",
    "like",
    "unlike",
    "share",
    "comment",
    "follow",
    "unfollow",
    "save",
    "profile_visit",
    "post",
    "not_interested",
    "report",
    "exit",
)
KIND = {name: np.int8(code) for code, name in enumerate(KINDS)}
NOWHERE = -1
"""The surface of lines that have none."""

LOGGED_FIGURES = 6
"""Significant figures of a propensity in the log."""


@dataclass(frozen=True)
class Lines:
    """One entry per line. `viewer` and `video` are indices, `kind` and `surface` codes; times are UTC.

    `watched_ms`, `pauses` and `position` hold for plays only and are 0 elsewhere; `propensity` is NaN outside
    random exposures.
    """

    at_ms: npt.NDArray[np.int64]
    kind: npt.NDArray[np.int8]
    viewer: npt.NDArray[np.int32]
    video: npt.NDArray[np.int32]
    watched_ms: npt.NDArray[np.int32]
    pauses: npt.NDArray[np.int8]
    surface: npt.NDArray[np.int8]
    position: npt.NDArray[np.int16]
    propensity: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.at_ms)

    def take(self, which: npt.NDArray[np.integer] | npt.NDArray[np.bool_] | slice) -> Lines:
        """The lines at these places, in this slice, or where this mask is true."""
        return Lines(*(getattr(self, field.name)[which] for field in fields(self)))


def join(pieces: Sequence[Lines]) -> Lines:
    """All lines of several pieces, in order."""
    return Lines(*(np.concatenate([getattr(piece, field.name) for piece in pieces]) for field in fields(Lines)))


def lines_of(
    kind: str,
    at_ms: npt.NDArray[np.integer],
    viewer: npt.NDArray[np.integer],
    video: npt.NDArray[np.integer],
    *,
    watched_ms: npt.NDArray[np.integer] | int = 0,
    pauses: npt.NDArray[np.integer] | int = 0,
    surface: npt.NDArray[np.integer] | int = NOWHERE,
    position: npt.NDArray[np.integer] | int = 0,
    propensity: npt.NDArray[np.floating] | float = np.nan,
) -> Lines:
    """Lines of one kind; a single number holds for all of them."""

    def column(values: object, dtype: type) -> npt.NDArray:
        return np.broadcast_to(np.asarray(values, dtype=dtype), (len(at_ms),))

    return Lines(
        at_ms=column(at_ms, np.int64),
        kind=column(KIND[kind], np.int8),
        viewer=column(viewer, np.int32),
        video=column(video, np.int32),
        watched_ms=column(watched_ms, np.int32),
        pauses=column(pauses, np.int8),
        surface=column(surface, np.int8),
        position=column(position, np.int16),
        propensity=column(propensity, np.float32),
    )


def records(lines: Lines, viewers: Viewers, videos: Videos, prefix: str) -> pl.DataFrame:
    """Landing records in the order of time, numbered `prefix-00000000` on; `at_ms` is kept for merging.

    Before sign-up a line carries the device and no viewer.
    """
    lines = lines.take(np.argsort(lines.at_ms, kind="stable"))
    signed_up = pl.Series(viewers.signed_up_ms[lines.viewer] <= lines.at_ms)
    play = pl.Series(lines.kind == KIND["play"])
    to_creator = pl.Series(np.isin(lines.kind, [KIND[name] for name in ("follow", "unfollow", "profile_visit")]))
    shown = pl.Series(lines.surface != NOWHERE)
    moment = pl.Series(lines.at_ms)
    return pl.select(
        event_id=pl.lit(f"{prefix}-") + pl.int_range(len(lines)).cast(pl.String).str.zfill(8),
        happened_at=moment.cast(pl.Datetime("ms")).dt.to_string("%Y-%m-%dT%H:%M:%S%.3fZ"),
        viewer_id=pl.when(signed_up).then(viewers.frame["viewer_id"].gather(lines.viewer)),
        device_id=pl.when(~signed_up).then(viewers.frame["device_id"].gather(lines.viewer)),
        kind=pl.Series(KINDS).gather(lines.kind),
        video_id=videos.frame["video_id"].gather(lines.video),
        creator_id=pl.when(to_creator).then(videos.frame["creator_id"].gather(lines.video)),
        watched_ms=pl.when(play).then(pl.Series(lines.watched_ms, dtype=pl.Int64)),
        duration_ms=pl.when(play).then(pl.Series(videos.duration_ms[lines.video])),
        pauses=pl.when(play).then(pl.Series(lines.pauses, dtype=pl.Int64)),
        surface=pl.when(shown).then(pl.Series(SURFACES).gather(np.maximum(lines.surface, 0))),
        position=pl.when(shown & play).then(pl.Series(lines.position, dtype=pl.Int64)),
        propensity=pl.Series(lines.propensity.astype(np.float64)).fill_nan(None).round_sig_figs(LOGGED_FIGURES),
        at_ms=moment,
    )
