"""How good each video is, as far as anybody can know yet, and how often sessions end with it (DESIGN §7)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy import special

from foryou.settings import VideoStats

INTERACTIONS = ["viewer", "video", "good"]
"""What is read of `interactions`."""

UNKNOWN = "unknown"
"""The device class or country of sessions of which it is not known."""

EVERY = "*"

EXITS = ["video", "device_class", "country", "sessions", "exits", "new_sessions", "new_exits"]
"""What is read of `exits`."""

_SHORTEST, _LONGEST = 3, 9
"""Buckets of doubling length: up to 8 s, 16 s, ... and from 512 s on."""

_SMALLEST_SPREAD = 0.01
"""Where all videos are alike, or only one was watched, nobody stands out."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Rates:
    """Arrays by video: distinct `viewers`, those among them who watched it well, and the share to expect of it."""

    viewers: Ints
    good: Ints
    prior: Floats


def build(interactions: pa.Table, posts: pa.Table, exits: pa.Table, videos: pa.Table, settings: VideoStats) -> pa.Table:
    """One row per video of the catalogue, by dense id: what it is worth, surely, and how often sessions end with it.

    `viewers`, `good`: distinct viewers of the window and those who watched it well; who posted it (`posts`: viewer,
    video) is no viewer of it. `quality`: the setting's quantile of the posterior Beta(m·p + good, m·(1 - p) +
    viewers - good), so that what few have seen is not praised before its time; p is the mean share of good watches
    of the videos of its duration bucket, and m the setting's number of viewers. `z`: how many deviations the
    posterior's mean lies above p, over all videos that were watched.

    `sessions`, `exits`: sessions of the days of `exits` that showed it, and that ended with it. `exit_rate` =
    `(exits + m·e) / (sessions + m)`, e the share of all, m the setting's sessions; `new_exit_rate` the same of new
    viewers' first two videos. Rows of other videos are left out: nobody can be shown them.
    """
    video = np.sort(videos["video"].to_numpy())
    height = 1 + int(video.max(initial=-1))
    rates = _rates(interactions, posts, _buckets(videos, height), height, settings)
    left = {name: _by_video(exits, name, height) for name in ("sessions", "exits", "new_sessions", "new_exits")}
    columns = {
        "viewers": rates.viewers.astype(np.int32),
        "good": rates.good.astype(np.int32),
        "quality": _lower_bounds(rates, settings).astype(np.float32),
        "z": _standings(rates, settings.prior_viewers).astype(np.float32),
        "sessions": left["sessions"].astype(np.int32),
        "exits": left["exits"].astype(np.int32),
        "exit_rate": shrunk(left["exits"], left["sessions"], settings.prior_sessions).astype(np.float32),
        "new_exit_rate": shrunk(left["new_exits"], left["new_sessions"], settings.prior_sessions).astype(np.float32),
    }
    return pa.table({"video": video.astype(np.int32)} | {name: column[video] for name, column in columns.items()})


def exit_rates(exits: pa.Table, settings: VideoStats) -> pa.Table:
    """One row per device class and country, `*` for all of them: how often sessions ended within a video.

    `sessions` counts a session for each video that it showed, so `rate` is per video shown: `(exits + m·e) /
    (sessions + m)` as for videos. A row of fewer than `min_sessions` is left out; the rows with `*` still count it.
    """
    named = {name: pc.fill_null(exits[name], UNKNOWN).dictionary_encode() for name in ("device_class", "country")}
    every = pa.array([EVERY] * exits.num_rows, pa.string()).dictionary_encode()
    levels = [named, named | {"country": every}, named | {"device_class": every}, dict.fromkeys(named, every)]
    rows = pa.concat_tables([_counted(exits, level) for level in levels])
    left, shown = rows["exits"].to_numpy(), rows["sessions"].to_numpy()
    rate = shrunk(left, shown, settings.prior_sessions).astype(np.float32)  # each level adds up to the same
    told = rows.append_column("rate", pa.array(rate)).filter(pa.array(shown >= settings.min_sessions))
    return told.sort_by([("device_class", "ascending"), ("country", "ascending")])


def shrunk(part: Ints | Floats, whole: Ints | Floats, prior: float) -> Floats:
    """`(part + m·p) / (whole + m)`, p the share of all of them together; 0 where there is nothing at all."""
    share = part.sum() / whole.sum() if whole.any() else 0.0
    return (part + prior * share) / (whole + prior)


def _rates(interactions: pa.Table, posts: pa.Table, bucket: Ints, height: int, settings: VideoStats) -> Rates:
    viewer, video = (interactions[name].to_numpy() for name in ("viewer", "video"))
    inside = video < height
    inside[inside] &= (bucket >= 0)[video[inside]]
    inside[inside] &= _posters(posts, height)[video[inside]] != viewer[inside]
    viewers = np.bincount(video[inside], minlength=height)
    good = np.bincount(video[inside & interactions["good"].to_numpy()], minlength=height)
    return Rates(viewers, good, _priors(good, viewers, bucket, settings.prior_viewers))


def _priors(good: Ints, viewers: Ints, bucket: Ints, m: float) -> Floats:
    """What to expect of each video: the mean share of good watches of the videos of its bucket.

    A video weighs n / (n + m), as far as its own share can be trusted, so that the few that everybody watches do not
    speak for the many. The bucket's mean is drawn to that of all videos as if by m more of them.
    """
    known = [
        np.bincount(np.maximum(bucket, 0), counts / (viewers + m), minlength=_LONGEST + 1) for counts in (good, viewers)
    ]
    return shrunk(known[0], known[1], m)[bucket]


def _posters(posts: pa.Table, height: int) -> Ints:
    """The viewer who posted each video, -1 if nobody knows; the lowest id of several."""
    poster = np.full(height, -1, np.int64)
    latest_first = posts.filter(pc.less(posts["video"], height)).sort_by([("viewer", "descending")])
    poster[latest_first["video"].to_numpy()] = latest_first["viewer"].to_numpy()
    return poster


def _buckets(videos: pa.Table, height: int) -> Ints:
    """The duration bucket of each video: the whole part of the binary logarithm of its seconds; 0 if unknown.

    -1 is an id that the catalogue lacks.
    """
    bucket = np.full(height, -1, np.int64)
    seconds = pc.fill_null(videos["duration_ms"], 0).to_numpy() / 1000
    known = seconds > 0
    places = np.floor(np.log2(np.maximum(seconds, 1))).astype(np.int64)
    bucket[videos["video"].to_numpy()] = np.where(known, np.clip(places, _SHORTEST - 1, _LONGEST), 0)
    return bucket


def _lower_bounds(rates: Rates, settings: VideoStats) -> Floats:
    """The quantile of each posterior; 0 or 1 where the bucket has only bad or only good watches."""
    m, prior = settings.prior_viewers, np.clip(rates.prior, 1e-6, 1 - 1e-6)
    good, other = m * prior + rates.good, m * (1 - prior) + rates.viewers - rates.good
    return special.betaincinv(good, other, settings.quality_quantile)


def _standings(rates: Rates, prior_viewers: float) -> Floats:
    """By how many deviations each posterior's mean lies above the prior's; 0 for what nobody watched."""
    mean = (rates.good + prior_viewers * rates.prior) / (rates.viewers + prior_viewers)
    binomial = np.sqrt(np.maximum(rates.prior * (1 - rates.prior), _SMALLEST_SPREAD**2))
    above = (mean - rates.prior) / binomial
    watched = above[rates.viewers > 0]
    return above / max(np.sqrt((watched**2).mean()) if len(watched) else 0.0, _SMALLEST_SPREAD)


def _by_video(exits: pa.Table, name: str, height: int) -> Ints:
    """The sum of a column of `exits` by video; whole numbers, so that their order does not matter."""
    video = exits["video"].to_numpy()
    inside = video < height
    return np.bincount(video[inside], exits[name].to_numpy()[inside], minlength=height).astype(np.int64)


def _counted(exits: pa.Table, names: dict[str, pa.Array]) -> pa.Table:
    """One row per pair of the two names: the sums of `sessions` and `exits`."""
    numbers = {name: exits[name].cast(pa.int64()) for name in ("sessions", "exits")}
    sums = pa.table(names | numbers).group_by([*names]).aggregate([(name, "sum") for name in numbers])
    named = sums.rename_columns([name.removesuffix("_sum") for name in sums.column_names])
    plain = {name: named[name].cast(pa.string()) for name in names}
    return pa.table(plain | {name: named[name] for name in numbers})
