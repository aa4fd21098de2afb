"""What viewers of a synthetic world do about what they watch, as lines of the log."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from foryou.sources.world_lines import Lines, join, lines_of
from foryou.sources.world_people import Viewers
from foryou.sources.world_sessions import Plays

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

AFTER_GOOD_AND_OTHER = {
    "like": (0.046, 0.0025),
    "comment": (0.0085, 0.0007),
    "share": (0.0030, 0.0002),
    "follow": (0.0034, 0.0001),
    "save": (0.0060, 0.0004),
    "profile_visit": (0.0120, 0.0020),
    "not_interested": (0.0, 0.0003),
    "report": (0.0, 0.00004),
}
"""Probability per play of a viewer of average talkativeness; over all plays these come near KuaiRand's rates."""


def happenings(plays: Plays, follows_already: Bools, viewers: Viewers, rng: np.random.Generator) -> tuple[Lines, Ints]:
    """All lines that the plays leave in the log, and the session of each."""
    pieces: list[tuple[Lines, Ints]] = [play_lines(plays, np.arange(len(plays)))]
    pieces.append(replay_lines(plays, np.flatnonzero(plays.again_ms)))
    for kind, (after_good, after_other) in AFTER_GOOD_AND_OTHER.items():
        rate = np.where(plays.good, after_good, after_other) * np.minimum(viewers.talkative[plays.viewer], 12)
        happens = rng.random(len(plays)) < rate
        if kind == "follow":
            happens &= ~follows_already
        done = np.flatnonzero(happens)
        pieces.append(action_lines(kind, plays, done, rng.random(len(done)), 0))
        if kind == "like":
            undone = done[rng.random(len(done)) < 0.03]
            pieces.append(action_lines("unlike", plays, undone, np.ones(len(undone)), 3_000))
    left = np.flatnonzero(follows_already & ~plays.good & (rng.random(len(plays)) < 0.004))
    pieces.append(action_lines("unfollow", plays, left, np.ones(len(left)), 0))
    last = np.flatnonzero(np.append(plays.session[1:] != plays.session[:-1], True)[: len(plays)])
    noted = last[rng.random(len(last)) < 0.85]
    pieces.append(action_lines("exit", plays, noted, np.ones(len(noted)), 50))
    return join([lines for lines, _ in pieces]), np.concatenate([session for _, session in pieces])


def play_lines(plays: Plays, which: Ints) -> tuple[Lines, Ints]:
    some = plays.take(which)
    lines = lines_of(
        "play",
        some.at_ms,
        some.viewer,
        some.video,
        watched_ms=some.watched_ms,
        pauses=(some.watched_ms % 11 == 0).astype(np.int8) * (1 + some.watched_ms % 3),
        surface=some.surface,
        position=some.position,
        propensity=some.propensity,
    )
    return lines, some.session


def replay_lines(plays: Plays, which: Ints) -> tuple[Lines, Ints]:
    """A second play of the same video right after the first."""
    some = plays.take(which)
    lines = lines_of(
        "play",
        some.at_ms + some.watched_ms + 100,
        some.viewer,
        some.video,
        watched_ms=some.again_ms,
        surface=some.surface,
        position=some.position,
        propensity=some.propensity,
    )
    return lines, some.session


def action_lines(kind: str, plays: Plays, which: Ints, part: Floats, after_ms: int) -> tuple[Lines, Ints]:
    """Lines of something done at a `part` (0 to 1) of the watch, or so long after it."""
    some = plays.take(which)
    moment = some.at_ms + (part * some.watched_ms).astype(np.int64) + after_ms
    return lines_of(kind, moment, some.viewer, some.video, surface=some.surface), some.session
