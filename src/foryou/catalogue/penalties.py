"""What creators are held to account for: videos that were rejected or reported, until it has faded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foryou.settings import Creators

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Rejected:
    """Videos that count against their creators: by creator, then video; `on` in days since 1970."""

    creator: Ints
    video: Ints
    on: Ints

    def of(self, chosen: NDArray[np.bool_]) -> Rejected:
        return Rejected(self.creator[chosen], self.video[chosen], self.on[chosen])


def remembered(before: pa.Table, names: pa.Array) -> Rejected:
    """The rejected videos of the last night's rows of `creators`; of those creators that `names` has."""
    lists = before["rejected"].combine_chunks()
    of_row = pc.fill_null(pc.index_in(before["creator_id"], names), -1).to_numpy()
    creator = of_row[pc.list_parent_indices(lists).to_numpy()].astype(np.int64)
    on = before["rejected_on"].combine_chunks().flatten().cast(pa.int32())
    found = Rejected(creator, lists.flatten().to_numpy().astype(np.int64), on.to_numpy().astype(np.int64))
    return found.of(creator >= 0)


def rejected(videos: pa.Table, creator: Ints, known: Rejected, first_night: bool, day: date, days: int) -> Rejected:
    """Which rejected videos count as of the day, each with the day on which a night first saw it rejected.

    `creator` is that of each row of `videos` (`video`, `moderation`, `uploaded_at`), -1 if unknown; `known` are those
    of the night before. A first night cannot know when it was, and takes the day of the upload. A video that has passed
    since no longer counts; one that has gone counts until it has faded, or deleting it would be a way out.
    """
    today = (day - _EPOCH).days
    video = videos["video"].to_numpy()
    bad = pc.equal(videos["moderation"], "rejected").to_numpy()
    uploaded = pc.fill_null(videos["uploaded_at"].cast(pa.date32()).cast(pa.int32()), today).to_numpy()
    on = np.minimum(uploaded, today) if first_night else np.full(len(video), today)
    fresh = bad & (creator >= 0) & ~np.isin(video, known.video)
    faded = today - known.on >= days
    kept = known.of(np.isin(known.video, video[bad]) | (~np.isin(known.video, video) & ~faded))
    parts = (kept.creator, creator[fresh]), (kept.video, video[fresh]), (kept.on, on[fresh])
    found = Rejected(*(np.concatenate(part).astype(np.int64) for part in parts))
    order = np.lexsort((found.video, found.creator))
    return Rejected(found.creator[order], found.video[order], found.on[order])


def for_rejected(found: Rejected, videos: Ints, day: date, settings: Creators) -> Floats:
    """`weight · sum(fade) / (videos + m)` of each creator: the share of what was uploaded, each fading evenly.

    `videos` counts those of each creator that were not rejected.
    """
    fade = _fade(found.on, day, settings.penalty_days)
    strikes = np.bincount(found.creator, fade, minlength=len(videos))
    uploaded = videos + np.bincount(found.creator, minlength=len(videos))
    return np.minimum(1.0, settings.penalty_rejected * strikes / (uploaded + settings.prior_videos))


def for_reports(reporters: Ints, viewers: Ints, settings: Creators) -> Floats:
    """By how much more of the viewers than usual reported a creator's videos, times the weight, up to the limit."""
    usual = reporters.sum() / max(1, viewers.sum())
    rate = (reporters + settings.prior_reporters * usual) / (viewers + settings.prior_reporters)
    return np.clip(settings.penalty_reported * (rate - usual), 0, settings.max_penalty_reported)


def held(fresh: Floats, before: pa.Table, names: pa.Array, day: date, days: int) -> tuple[Floats, Ints, Floats]:
    """The penalty for reports that each creator bears, as it was; the day of it; and what is left of it.

    The one of the night before, unless tonight's is at least as large as what is left of that.
    """
    row = pc.index_in(names, before["creator_id"].combine_chunks())
    known = pc.fill_null(row, -1).to_numpy()
    was = np.append(before["report_penalty"].to_numpy().astype(np.float64), 0.0)[known]
    on = np.append(pc.fill_null(before["reported_on"].cast(pa.int32()), 0).to_numpy().astype(np.int64), 0)[known]
    left = was * _fade(on, day, days)
    anew = fresh >= left
    today = np.full(len(fresh), (day - _EPOCH).days)
    return np.where(anew, fresh, was), np.where(anew, today, on), np.maximum(fresh, left)


def _fade(on: Ints, day: date, days: int) -> Floats:
    """1 on the day itself, 0 from so many days later on, evenly between."""
    return np.clip(1 - ((day - _EPOCH).days - on) / days, 0, 1)
