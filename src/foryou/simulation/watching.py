"""A simulated day of watching: lists go in, what their viewers did about them comes out.

Who comes when, for how long, in what mood and with what luck is drawn once for a day and holds for all arms (common
random numbers): they differ in what is shown alone.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foryou.simulation.arms import Published
from foryou.sources import world_actions, world_sessions
from foryou.sources.world_days import World, draw_controls, follows_after, member, post_lines
from foryou.sources.world_lines import Lines, join
from foryou.sources.world_parameters import DAY_MS
from foryou.sources.world_policy import SURFACES, Exposures
from foryou.sources.world_sessions import Chance, Plays, Sessions

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

KINDS = tuple(world_actions.AFTER_GOOD_AND_OTHER)


@dataclass(frozen=True)
class Visits:
    """Who comes on a day: sessions by viewer and time, and one slot per place of each, with what chance adds.

    `turn` is the how-manieth session of the viewer on that day, from 0. `done` [kinds, slots] decides what is done
    about a video, `moment` when; the rest is `world_sessions`'.
    """

    sessions: Sessions
    turn: Ints
    session: Ints
    place: Ints
    chance: Chance
    done: Floats
    moment: Floats
    pause_ms: Ints
    controls: pl.DataFrame

    def __len__(self) -> int:
        return len(self.session)


@dataclass(frozen=True)
class Answers:
    """What came of a day: the plays with the slots they took, those that bored, the day's log, the follows after it."""

    plays: Plays
    slot: Ints
    bored: Bools
    lines: Lines
    follows: pl.DataFrame


def draw_visits(world: World, number: int, rng: np.random.Generator) -> Visits:
    """The sessions of a day; about as many plays as the world's log of the day has lines."""
    parameters = world.parameters
    start = parameters.day_start_ms(number)
    drawn = world_sessions.draw_sessions(parameters.lines_of_day(number), number, start, world.viewers, rng)
    order = np.lexsort((drawn.start_ms, drawn.viewer))
    sessions = Sessions(*(getattr(drawn, field.name)[order] for field in fields(Sessions)))
    session = np.repeat(np.arange(len(order)), sessions.length)
    slots = len(session)
    return Visits(
        sessions=sessions,
        turn=world_sessions.count_before(sessions.viewer),
        session=session,
        place=world_sessions.count_before(session),
        chance=world_sessions.draw_chance(len(order), slots, rng),
        done=rng.random((len(KINDS), slots)),
        moment=rng.random(slots),
        pause_ms=world_sessions.draw_pauses(slots, rng),
        controls=draw_controls(world, number, np.unique(sessions.viewer), rng),
    )


def watch(world: World, number: int, visits: Visits, lists: Published, follows: pl.DataFrame) -> Answers:
    """Viewers go through their lists, session after session.

    A session goes on where the one before stopped, and ends by its length, in boredom, or with the list.
    """
    taste, taken = world.taste_on(number), np.zeros(len(lists.videos), np.int64)
    pieces = []
    for turn in range(int(visits.turn.max(initial=-1)) + 1):
        slot = np.flatnonzero(visits.turn[visits.session] == turn)
        plays, slot, bored = _watch_once(world, visits, slot, lists, taken, taste)
        taken += np.bincount(plays.viewer, minlength=len(taken))
        pieces.append((plays, slot, bored))
    plays = Plays(*(np.concatenate([getattr(p, field.name) for p, _, _ in pieces]) for field in fields(Plays)))
    slot, bored = (np.concatenate([piece[place] for piece in pieces]) for place in (1, 2))
    order = np.argsort(slot)
    plays, slot, bored = plays.take(order), slot[order], bored[order]
    plays = _within_the_day(world_sessions.set_times(plays, visits.sessions, visits.pause_ms[slot]), world, number)
    lines = join([_lines(world, visits, plays, slot, follows), post_lines(world, number)])
    return Answers(plays, slot, bored, lines, follows_after(world, follows, lines))


def _watch_once(
    world: World, visits: Visits, slot: Ints, lists: Published, taken: Ints, taste: NDArray[np.float32]
) -> tuple[Plays, Ints, Bools]:
    """At most one session of each viewer."""
    viewer = visits.sessions.viewer[visits.session[slot]]
    place, length = taken[viewer] + visits.place[slot], lists.videos.shape[1]
    video = np.where(place < length, lists.videos[viewer, np.minimum(place, length - 1)], -1)
    there = video >= 0
    slot, video, propensity = slot[there], video[there].astype(np.int64), lists.propensity[viewer[there], place[there]]
    session = visits.session[slot]
    surface = np.full(len(slot), SURFACES.index("for_you"), np.int8)
    shown = Exposures(video, surface, propensity.astype(np.float64))
    of_topic = world_sessions.count_before(session * len(world.videos) + world.videos.topic[video])
    places = (visits.place[slot] + 1, of_topic)
    chance = visits.chance.take(slot)
    plays, bored = world_sessions.react(session, visits.sessions, shown, places, taste, world.videos, chance)
    seen = world_sessions.count_before_since(session, bored) == 0
    return plays.take(seen), slot[seen], bored[seen]


def _within_the_day(plays: Plays, world: World, number: int) -> Plays:
    """Whoever would watch past midnight comes earlier by as much: a day's log is that day's."""
    start = world.parameters.day_start_ms(number)
    late = np.zeros(len(world.viewers), np.int64)
    np.maximum.at(late, plays.viewer, plays.at_ms + plays.watched_ms + plays.again_ms + 5_000 - (start + DAY_MS))
    moved = np.maximum(start, plays.at_ms - late[plays.viewer])
    return Plays(**{field.name: getattr(plays, field.name) for field in fields(Plays)} | {"at_ms": moved})


def _lines(world: World, visits: Visits, plays: Plays, slot: Ints, follows: pl.DataFrame) -> Lines:
    """The log: plays, second plays, and what was done at some moment of the watch, at the world's rates."""
    creators, people = world.videos.creator[plays.video], world.viewers
    key = follows["viewer"].to_numpy() * len(world.videos) + follows["creator"].to_numpy()
    followed = member(plays.viewer * len(world.videos) + creators, key)
    pieces = [world_actions.play_lines(plays, np.arange(len(plays)))]
    pieces.append(world_actions.replay_lines(plays, np.flatnonzero(plays.again_ms)))
    for number, (kind, (after_good, after_other)) in enumerate(world_actions.AFTER_GOOD_AND_OTHER.items()):
        rate = np.where(plays.good, after_good, after_other) * np.minimum(people.talkative[plays.viewer], 12)
        happens = visits.done[number, slot] < rate
        done = np.flatnonzero(happens & ~followed if kind == "follow" else happens)
        pieces.append(world_actions.action_lines(kind, plays, done, visits.moment[slot[done]], 0))
    last = np.flatnonzero(np.append(plays.session[1:] != plays.session[:-1], True)[: len(plays)])
    pieces.append(world_actions.action_lines("exit", plays, last, np.ones(len(last)), 50))
    return join([lines for lines, _ in pieces])
