"""What a synthetic world's platform showed: the logging policy, stated here and nowhere learned from us.

Each impression comes from one way, drawn with these shares: a personal pick .54, the popular .24, new uploads
.08, a random video (`explore`, with its propensity) by parameter, a followed creator .07, search .03, a
profile .02. The personal pick knows a blurred copy of the viewer's taste and takes the best of six videos
(three of a topic it believes in, three popular), with noise. Nothing taken down is shown, nothing for adults
to minors, and what was seen is seldom shown again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from foryou.sources.world_catalogue import Videos
from foryou.sources.world_people import Viewers
from foryou.sources.world_words import TOPICS

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

SURFACES = ("for_you", "explore", "following", "search", "profile")
WAYS = ("personal", "popular", "new", "explore", "following", "search", "profile")
SHARES = (0.54, 0.24, 0.08, 0.0, 0.07, 0.03, 0.02)
SURFACE_OF_WAY = np.array([0, 0, 0, 1, 2, 3, 4], dtype=np.int8)
CANDIDATES = 6
BLOCK = 1 << 16
"""Impressions ranked at a time: keeps the gathered vectors near 50 MB."""


@dataclass(frozen=True)
class Beliefs:
    """What the platform thinks of its viewers: vectors [viewers, d] and cumulative topic shares [viewers, topics]."""

    vectors: npt.NDArray[np.float32]
    topic_bounds: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Exposures:
    """One entry per impression: the video, the surface (index into `SURFACES`), the propensity or NaN."""

    video: Ints
    surface: npt.NDArray[np.int8]
    propensity: Floats


@dataclass(frozen=True)
class Shelf:
    """The videos that can be shown on one day, ordered for drawing.

    `pool` is all of them and `share` their shares of the heat; `by_topic` and `by_creator` are the pool sorted.
    `topic_heat` is cumulative over `by_topic`, and topic t has its heat from `topic_from[t]` to `topic_from[t + 1]`.
    """

    pool: Ints
    share: Floats
    by_topic: Ints
    topic_heat: Floats
    topic_from: Floats
    by_creator: Ints
    creator_of: Ints
    new: Ints


def form_beliefs(taste: npt.NDArray[np.float32], topics: int, rng: np.random.Generator) -> Beliefs:
    """A blurred copy of the truth; one viewer in seven is hardly known at all."""
    known = np.where(rng.random(len(taste)) < 0.15, 0.15, 0.75).astype(np.float32)[:, None]
    vectors = taste * known + 0.2 * rng.standard_normal(taste.shape, dtype=np.float32)
    shares = np.exp(1.2 * vectors[:, :topics])
    bounds = np.cumsum(shares / shares.sum(axis=1, keepdims=True), axis=1)
    bounds[:, -1] = 1.0
    return Beliefs(vectors, bounds)


def set_shelf(videos: Videos, heat: Floats, day: int) -> Shelf:
    """The shelf of a day: uploaded by then, not taken down, not waiting for a moderator."""
    pool = np.flatnonzero((videos.flagged_until <= day) & (videos.gone_from > day))
    if not len(pool):
        pool = np.arange(1)
    by_topic = pool[np.argsort(videos.topic[pool], kind="stable")]
    heat_of_topic = np.bincount(videos.topic[pool], weights=heat[pool], minlength=len(TOPICS))
    by_creator = pool[np.argsort(videos.creator[pool], kind="stable")]
    new = pool[videos.uploaded_day[pool] >= day - 1]
    return Shelf(
        pool=pool,
        share=heat[pool] / heat[pool].sum(),
        by_topic=by_topic,
        topic_heat=np.cumsum(heat[by_topic]),
        topic_from=np.concatenate([[0.0], np.cumsum(heat_of_topic)]),
        by_creator=by_creator,
        creator_of=videos.creator[by_creator],
        new=new if len(new) else pool,
    )


def expose(
    viewer: Ints,
    follows: tuple[Ints, Ints],
    shelf: Shelf,
    beliefs: Beliefs,
    videos: Videos,
    languages: Ints,
    explore_share: float,
    rng: np.random.Generator,
) -> Exposures:
    """A video for each impression of `viewer`; `follows` are (viewers ascending, creators)."""
    shares = np.array(SHARES) * (1 - explore_share) / sum(SHARES)
    shares[WAYS.index("explore")] = explore_share
    way = rng.choice(len(WAYS), len(viewer), p=shares)
    video = _popular(languages[viewer], shelf, videos, rng)
    searched = np.isin(way, (WAYS.index("personal"), WAYS.index("search")))
    video[searched] = _personal(viewer[searched], video[searched], shelf, beliefs, videos, rng)
    new, random = (np.flatnonzero(way == WAYS.index(name)) for name in ("new", "explore"))
    video[new] = rng.choice(shelf.new, len(new))
    video[random] = rng.choice(shelf.pool, len(random))
    asked = np.flatnonzero(np.isin(way, (WAYS.index("following"), WAYS.index("profile"))))
    of_creator = _followed(viewer[asked], follows, shelf, rng)
    found = of_creator >= 0
    video[asked[found]] = of_creator[found]
    surface = SURFACE_OF_WAY[way]
    # Somebody who follows nobody is shown the popular instead.
    surface[asked[~found]] = 0
    propensity = np.where(surface == 1, 1 / len(shelf.pool), np.nan)
    return Exposures(video, surface, propensity)


def _popular(language: Ints, shelf: Shelf, videos: Videos, rng: np.random.Generator) -> Ints:
    """A video in proportion to its heat; of two, the one in the viewer's language."""
    first, second = (_by_heat(len(language), shelf, rng) for _ in range(2))
    return np.where(videos.language[first] == language, first, second)


def _personal(
    viewer: Ints, popular: Ints, shelf: Shelf, beliefs: Beliefs, videos: Videos, rng: np.random.Generator
) -> Ints:
    """The best of a few candidates by believed taste plus Gumbel noise, block by block."""
    best = np.empty(len(viewer), dtype=np.int64)
    for start in range(0, len(viewer), BLOCK):
        block = slice(start, start + BLOCK)
        some = viewer[block]
        columns = [_of_believed_topic(some, shelf, beliefs, rng) for _ in range(CANDIDATES // 2)]
        columns += [popular[block], *(_by_heat(len(some), shelf, rng) for _ in range(CANDIDATES // 2 - 1))]
        candidates = np.column_stack(columns)
        scores = np.einsum("nd,nkd->nk", beliefs.vectors[some], videos.appeal[candidates])
        scores += 0.8 * rng.gumbel(size=scores.shape)
        best[block] = candidates[np.arange(len(some)), scores.argmax(axis=1)]
    return best


def _of_believed_topic(viewer: Ints, shelf: Shelf, beliefs: Beliefs, rng: np.random.Generator) -> Ints:
    """A video in proportion to heat within a topic drawn from the viewer's believed shares."""
    draws = rng.random((2, len(viewer)), dtype=np.float32)
    topic = (draws[0][:, None] >= beliefs.topic_bounds[viewer]).sum(axis=1)
    low, high = shelf.topic_from[topic], shelf.topic_from[topic + 1]
    place = np.searchsorted(shelf.topic_heat, low + draws[1] * (high - low), side="right")
    return shelf.by_topic[np.minimum(place, len(shelf.by_topic) - 1)]


def _followed(viewer: Ints, follows: tuple[Ints, Ints], shelf: Shelf, rng: np.random.Generator) -> Ints:
    """A video on the shelf by a creator the viewer follows, -1 where there is none."""
    followers, creators = follows
    follow = _any_match(followers, viewer, rng)
    creator = np.where(follow >= 0, np.append(creators, -1)[follow], -1)
    video = _any_match(shelf.creator_of, creator, rng)
    return np.where(video >= 0, shelf.by_creator[video], -1)


def _any_match(ascending: Ints, wanted: Ints, rng: np.random.Generator) -> Ints:
    """For each wanted value a random place among its equals in a sorted array, -1 where it does not occur."""
    low, high = (np.searchsorted(ascending, wanted, side=side) for side in ("left", "right"))
    return np.where(high > low, low + (rng.random(len(wanted)) * (high - low)).astype(np.int64), -1)


def _by_heat(count: int, shelf: Shelf, rng: np.random.Generator) -> Ints:
    """So many videos in proportion to their heat. Counting first and shuffling after is faster than searching."""
    return rng.permutation(np.repeat(shelf.pool, rng.multinomial(count, shelf.share)))


def forbidden(viewer: Ints, moment_ms: Ints, video: Ints, viewers: Viewers, videos: Videos) -> Bools:
    """Impressions that the platform does not make: adult to minors, and before the upload."""
    return (viewers.minor[viewer] & videos.adult[video]) | (videos.uploaded_ms[video] > moment_ms)
