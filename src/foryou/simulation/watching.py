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
    """Viewers go through their lists, session after session; `lists` changes for those who walk the starters.

    A session goes on where the one before stopped, and ends by its length, in boredom, or with the list.
    """
    course = _Course.begin(world, visits)
    taste = world.taste_on(number)
    pieces = []
    while len(slot := course.next_slots(lists)):
        plays, bored = _react(world, visits, slot, lists, course, taste)
        course.move_on(plays, slot, bored, lists)
        seen = world_sessions.count_before_since(plays.session, bored) == 0
        pieces.append((plays.take(seen), slot[seen], bored[seen]))
    plays = Plays(*(np.concatenate([getattr(p, field.name) for p, _, _ in pieces]) for field in fields(Plays)))
    slot, bored = (np.concatenate([piece[place] for piece in pieces]) for place in (1, 2))
    order = np.argsort(slot)
    plays, slot, bored = plays.take(order), slot[order], bored[order]
    plays = _within_the_day(world_sessions.set_times(plays, visits.sessions, visits.pause_ms[slot]), world, number)
    lines = join([_lines(world, visits, plays, slot, follows), post_lines(world, number)])
    return Answers(plays, slot, bored, lines, follows_after(world, follows, lines))


@dataclass
class _Course:
    """Where everybody stands: `at` is each viewer's next slot and `end` the one behind the last, `taken` counts what
    was watched of the list, `of_topic` [viewers, topics] of the session."""

    world: World
    visits: Visits
    at: Ints
    end: Ints
    taken: Ints
    of_topic: Ints

    @classmethod
    def begin(cls, world: World, visits: Visits) -> _Course:
        viewer = visits.sessions.viewer[visits.session]
        people = np.arange(len(world.viewers))
        at, end = (np.searchsorted(viewer, people, side=side) for side in ("left", "right"))
        topics = np.zeros((len(people), world.parameters.topics), np.int64)
        return cls(world, visits, at, end, np.zeros(len(people), np.int64), topics)

    def next_slots(self, lists: Published) -> Ints:
        """The slots of at most one session of each viewer, and of one slate; no more than the lists have videos."""
        left = (lists.videos >= 0).sum(axis=1) - self.taken
        self.at = np.where(left > 0, self.at, self.end)  # the list is at its end
        viewer = np.flatnonzero(self.at < self.end)
        first = self.at[viewer]
        of_session = self.visits.sessions.length[self.visits.session[first]] - self.visits.place[first]
        count = np.minimum(of_session, np.minimum(left[viewer], lists.room(viewer, self.taken[viewer])))
        self.of_topic[viewer[self.visits.place[first] == 0]] = 0
        starts = np.repeat(first - np.cumsum(count) + count, count)
        return starts + np.arange(len(starts))

    def move_on(self, plays: Plays, slot: Ints, bored: Bools, lists: Published) -> None:
        """After `plays` at these slots, of which those behind one that bored never happened."""
        seen = world_sessions.count_before_since(plays.session, bored) == 0
        viewer, video = plays.viewer[seen], plays.video[seen]
        self.taken += np.bincount(viewer, minlength=len(self.taken))
        np.add.at(self.of_topic, (viewer, self.world.videos.topic[video]), 1)
        np.maximum.at(self.at, plays.viewer, slot + 1)
        session = plays.session[bored & seen]
        over = self.visits.sessions.viewer[session]
        np.maximum.at(self.at, over, np.searchsorted(self.visits.session, session, side="right"))
        lists.go_on(viewer, video, plays.good[seen], self.taken)


def _react(
    world: World, visits: Visits, slot: Ints, lists: Published, course: _Course, taste: NDArray[np.float32]
) -> tuple[Plays, Bools]:
    session = visits.session[slot]
    viewer = visits.sessions.viewer[session]
    place = course.taken[viewer] + world_sessions.count_before(viewer)
    video = lists.videos[viewer, place].astype(np.int64)
    surface = np.full(len(slot), SURFACES.index("for_you"), np.int8)
    shown = Exposures(video, surface, lists.propensity[viewer, place].astype(np.float64))
    topic = world.videos.topic[video]
    of_topic = course.of_topic[viewer, topic] + world_sessions.count_before(session * len(world.videos) + topic)
    places, chance = (visits.place[slot] + 1, of_topic), visits.chance.take(slot)
    return world_sessions.react(session, visits.sessions, shown, places, taste, world.videos, chance)


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
