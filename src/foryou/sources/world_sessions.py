"""One day of watching in a synthetic world: who comes when, and what is watched how long."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from foryou.sources.world_catalogue import Videos
from foryou.sources.world_parameters import DAY_MS
from foryou.sources.world_people import Viewers
from foryou.sources.world_policy import Exposures
from foryou.sources.world_truth import sigmoid
from foryou.sources.world_words import COUNTRIES

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

MEAN_LENGTH, LONGEST = 15, 80
SAME_TOPIC, MOST_OF_TOPIC, FURTHER_DOWN = 0.12, 8, 0.008
"""Log-odds lost per earlier video of the topic in the session, up to so many, and per place further down."""
WATCHED_AGAIN = 0.05
LONG_MS = 60_000
"""Of longer videos half may be a good watch; shorter ones are watched to the end."""


@dataclass(frozen=True)
class Sessions:
    """One entry per session, in random order: who, and when it begins."""

    viewer: Ints
    start_ms: Ints
    length: Ints


@dataclass(frozen=True)
class Plays:
    """One entry per play, by session and position (from 1); `at_ms` is when it began, `again_ms` a second watch."""

    session: Ints
    viewer: Ints
    video: Ints
    surface: npt.NDArray[np.int8]
    propensity: Floats
    position: Ints
    good: Bools
    watched_ms: Ints
    again_ms: Ints
    at_ms: Ints

    def __len__(self) -> int:
        return len(self.session)

    def take(self, which: npt.NDArray[np.integer] | Bools) -> Plays:
        return Plays(*(getattr(self, field.name)[which] for field in fields(self)))


@dataclass(frozen=True)
class Chance:
    """What chance adds to taste: `mood` per session, the others per impression, whatever the video turns out to be."""

    mood: Floats
    good: Floats
    ending: Floats
    ratio: Floats
    loops: Floats
    part: Floats
    skip: Floats
    again: Floats
    again_share: Floats
    bored: Floats

    def take(self, which: npt.NDArray[np.integer] | Bools) -> Chance:
        """The same moods, and what these impressions draw."""
        drawn = [getattr(self, field.name)[which] for field in fields(self)[1:]]
        return Chance(self.mood, *drawn)


def draw_chance(sessions: int, impressions: int, rng: np.random.Generator) -> Chance:
    mood = 0.3 * rng.standard_normal(sessions)
    good, ending, ratio = (rng.random(impressions) for _ in range(3))
    loops, part = rng.exponential(0.6, impressions), rng.beta(1.1, 2.2, impressions)
    skip, again = (rng.random(impressions) for _ in range(2))
    again_share, bored = rng.uniform(0.4, 1.0, impressions), rng.random(impressions)
    return Chance(mood, good, ending, ratio, loops, part, skip, again, again_share, bored)


def draw_sessions(plays: int, day: int, day_start_ms: int, viewers: Viewers, rng: np.random.Generator) -> Sessions:
    """Sessions enough for about `plays` impressions, of people already there, by the hours of their country."""
    activity = np.where(viewers.active_from <= day, viewers.activity, 0.0)
    count = max(1, -(-plays // MEAN_LENGTH))
    viewer = np.searchsorted(np.cumsum(activity), rng.random(count) * activity.sum(), side="right")
    viewer = np.minimum(viewer, len(activity) - 1)
    length = np.minimum(rng.geometric(1 / MEAN_LENGTH, count), LONGEST)
    local = np.select(
        [(part := rng.random(count)) < 0.6, part < 0.8],
        [rng.normal(20.5, 2.5, count), rng.normal(12.5, 1.5, count)],
        rng.uniform(0, 24, count),
    )
    ahead = np.array([place.ahead_h for place in COUNTRIES])[viewers.country[viewer]]
    hour = (local - ahead) % 24
    return Sessions(viewer, day_start_ms + (hour / 24 * DAY_MS).astype(np.int64), length)


def watch(
    session: Ints,
    sessions: Sessions,
    shown: Exposures,
    taste: npt.NDArray[np.float32],
    videos: Videos,
    rng: np.random.Generator,
) -> Plays:
    """What becomes of impressions (sorted by session): good watches by the truth, worn down by satiation.

    Some sessions end early in boredom; their later impressions never happen.
    """
    place = count_before(session) + 1
    of_topic = count_before(session * len(videos) + videos.topic[shown.video])
    chance = draw_chance(len(sessions.viewer), len(session), rng)
    plays, bored = react(session, sessions, shown, (place, of_topic), taste, videos, chance)
    return plays.take(count_before_since(session, bored) == 0)


def react(
    session: Ints,
    sessions: Sessions,
    shown: Exposures,
    places: tuple[Ints, Ints],
    taste: npt.NDArray[np.float32],
    videos: Videos,
    chance: Chance,
) -> tuple[Plays, Bools]:
    """What becomes of each impression, if the session lasts until then, and whether its viewer is bored by it.

    `places` are the place in the session, from 1, and how many of the topic came before in it.
    """
    viewer, video = sessions.viewer[session], shown.video
    position, of_topic = places
    odds = _pair_odds(taste, videos.appeal, viewer, video) + chance.mood[session]
    odds -= SAME_TOPIC * np.minimum(of_topic, MOST_OF_TOPIC) + FURTHER_DOWN * position
    good = chance.good < sigmoid(odds)
    watched = _watch_time(good, odds, videos.duration_ms[video], chance)
    again = good & (chance.again < WATCHED_AGAIN)
    plays = Plays(
        session=session,
        viewer=viewer,
        video=video,
        surface=shown.surface,
        propensity=shown.propensity,
        position=position,
        good=good,
        watched_ms=watched,
        again_ms=np.where(again, watched * chance.again_share, 0).astype(np.int64),
        at_ms=np.zeros(len(video), dtype=np.int64),
    )
    return plays, chance.bored < 0.03 * sigmoid(-2.2 - odds)


def draw_pauses(impressions: int, rng: np.random.Generator) -> Ints:
    """Milliseconds between one play and the next."""
    return rng.integers(200, 1_200, impressions)


def set_times(plays: Plays, sessions: Sessions, pause_ms: Ints) -> Plays:
    """The same plays with the moments they began; a viewer's sessions of the day do not overlap."""
    spent = plays.watched_ms + plays.again_ms + pause_ms
    before = np.cumsum(spent) - spent
    first = np.searchsorted(plays.session, np.arange(len(sessions.viewer)))
    total = np.bincount(plays.session, weights=spent, minlength=len(sessions.viewer)).astype(np.int64)
    start = _apart(sessions, total)
    moment = start[plays.session] + before - before[np.minimum(first, max(len(plays) - 1, 0))][plays.session]
    return Plays(**{field.name: getattr(plays, field.name) for field in fields(Plays)} | {"at_ms": moment})


def _watch_time(good: Bools, odds: Floats, duration: Ints, chance: Chance) -> Ints:
    """Milliseconds watched. Good: to the end, exactly or with loops, of long videos at least half.

    Other: quick skips (the likelier the worse the match), some under a second, or a part under nine tenths.
    """
    draw, ratio = chance.ending, chance.ratio
    to_end = np.select([draw < 0.38, draw < 0.62], [1.0, 1.0 + chance.loops], 0.9 + 0.1 * ratio)
    long = duration > LONG_MS
    to_end = np.where(long & (draw >= 0.3), 0.45 + 0.55 * ratio, to_end)
    part = np.minimum(duration * 0.88 * chance.part, 40_000 + 10_000 * ratio)
    skips = chance.skip < sigmoid(-0.9 - 0.7 * odds) * 0.75
    skip = np.minimum(2_000, 0.1 * duration) * np.sqrt(ratio)
    watched = np.where(good, np.minimum(to_end, 6.0) * duration, np.where(skips, skip, np.maximum(part, 300)))
    return np.maximum(np.rint(watched), 20).astype(np.int64)


def _pair_odds(taste: npt.NDArray[np.float32], appeal: npt.NDArray[np.float32], viewer: Ints, video: Ints) -> Floats:
    """`taste · appeal` pair by pair, a block at a time."""
    odds = np.empty(len(viewer))
    for start in range(0, len(viewer), 1 << 17):
        block = slice(start, start + (1 << 17))
        odds[block] = np.einsum("nd,nd->n", taste[viewer[block]], appeal[video[block]])
    return odds


def count_before(group: Ints) -> Ints:
    """How many earlier entries have the same group."""
    order = np.argsort(group, kind="stable")
    ordered = group[order]
    first = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])[: len(group)])
    sizes = np.diff(np.append(first, len(group)))
    count = np.empty(len(group), dtype=np.int64)
    count[order] = np.arange(len(group)) - np.repeat(first, sizes)
    return count


def count_before_since(group: Ints, flag: Bools) -> Ints:
    """How many earlier entries of the same group are flagged; groups are contiguous."""
    flagged: Ints = np.cumsum(flag) - flag
    first = np.flatnonzero(np.append(True, group[1:] != group[:-1])[: len(group)])
    sizes = np.diff(np.append(first, len(group)))
    return flagged - np.repeat(flagged[first], sizes)


def _apart(sessions: Sessions, total_ms: Ints) -> Ints:
    """Starts moved so that each session of a viewer begins half an hour after the one before at the earliest."""
    order = np.lexsort((sessions.start_ms, sessions.viewer))
    rank = count_before(sessions.viewer[order])
    start = sessions.start_ms[order].copy()
    end = start + total_ms[order]
    for turn in range(1, int(rank.max(initial=0)) + 1):
        here = np.flatnonzero(rank == turn)
        start[here] = np.maximum(start[here], end[here - 1] + 31 * 60_000)
        end[here] = start[here] + total_ms[order][here]
    moved = np.empty_like(start)
    moved[order] = start
    return moved
