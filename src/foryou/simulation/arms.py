"""The ways to make lists that a simulation compares, all from one state and under the same rules.

Nothing seen, nothing that may not be shown, nothing for adults to those not known to be, one of several copies.
`popularity`, `random` and `oracle` are the measuring rods; `foryou` is the night itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import numpy as np
from numpy.typing import NDArray

from foryou import tables
from foryou.candidates import night
from foryou.feeds import feeds
from foryou.models import matrices
from foryou.settings import Settings
from foryou.simulation import nights
from foryou.simulation.given import day_of
from foryou.simulation.memory_lake import MemoryLake
from foryou.sources.world_days import World

Lists = NDArray[np.int32]
"""[viewers, length]: a list per viewer of the world, best first, -1 behind its end."""

SPARE = 20
"""So many more are looked for than are listed, since copies fall out."""


@dataclass(frozen=True)
class Arm:
    """`kind` is how lists are made; for `foryou` with these settings and without these steps."""

    name: str
    kind: str
    settings: Settings
    skipped: tuple[str, ...] = field(default=())


def lists(arm: Arm, lake: MemoryLake, world: World, number: int, seed: int) -> Lists:
    """The lists that the night of day `number` leaves for the next day."""
    day, length = day_of(world, number), arm.settings.feeds.length
    if arm.kind == "foryou":
        nights.run(lake, day, arm.settings, nights.steps_of_a_night(arm.skipped))
        return _with_feeds(lake, world, day, length)
    rules = _Rules.of(lake, world, day)
    if arm.kind == "popularity":
        nights.run(lake, day, arm.settings, ["build_popular"])
        return rules.best(_popular_scores(lake, world, day), length)
    if arm.kind == "random":
        rng = np.random.default_rng([seed, number, 3])
        return rules.best(rng.random(rules.allowed.shape, dtype=np.float32), length)
    return rules.best(world.taste_on(number + 1) @ world.videos.appeal.T, length)


def _with_feeds(lake: MemoryLake, world: World, day: date, length: int) -> Lists:
    """Feeds of those who have one; the segment's popular list for everybody else, as the reader gives it."""
    found = _segment_lists(lake, world, day)[:, :length]
    published = lake.arrow(tables.FEEDS, ["viewer", "videos"], days=[day])
    if not published.num_rows:
        return found
    padded = feeds.padded_lists(published["videos"])[:, :length]
    of = published["viewer"].to_numpy()
    found[of] = -1
    found[of, : padded.shape[1]] = padded
    return found


def _segment_lists(lake: MemoryLake, world: World, day: date) -> Lists:
    """For each viewer of the world, known or not, what is popular in the segment."""
    names, rows = night.popular_rows(lake.arrow(tables.POPULAR, days=[day]))
    order = np.lexsort((rows.indices, -rows.values, np.repeat(np.arange(len(names)), np.diff(rows.indptr))))
    lengths = np.diff(rows.indptr)
    listed = np.full((len(names), max(1, lengths.max(initial=0))), -1, np.int32)
    listed[np.arange(listed.shape[1]) < lengths[:, None]] = rows.indices[order]
    return listed[_segments(names, world)]


def _popular_scores(lake: MemoryLake, world: World, day: date) -> NDArray[np.float32]:
    names, rows = night.popular_rows(lake.arrow(tables.POPULAR, days=[day]))
    scores = np.full((len(names), len(world.videos)), -np.inf, np.float32)
    scores[np.repeat(np.arange(len(names)), np.diff(rows.indptr)), rows.indices] = rows.values
    return scores[_segments(names, world)]


def _segments(names: list[str], world: World) -> NDArray[np.int32]:
    people = world.viewers.frame.select("country", "language").to_arrow()
    numbered = people.append_column("viewer", [np.arange(people.num_rows, dtype=np.int32)])
    return night.own_segments(numbered, names, people.num_rows)


@dataclass(frozen=True)
class _Rules:
    """`allowed` [viewers, videos]: what may be listed for whom; `copy_of` [videos]."""

    allowed: NDArray[np.bool_]
    copy_of: NDArray[np.int32]

    @classmethod
    def of(cls, lake: MemoryLake, world: World, day: date) -> _Rules:
        videos = lake.arrow(tables.VIDEOS, ["video", "shown", "for_all", "copy_of"], days=[day])
        viewers = lake.arrow(tables.VIEWERS, ["viewer", "adult"], days=[day])
        people, count = len(world.viewers), len(world.videos)
        shown, for_all = (night.flags(videos.filter(videos[name])["video"], count) for name in ("shown", "for_all"))
        adult = night.flags(viewers.filter(viewers["adult"])["viewer"], people)
        allowed = np.where(adult[:, None], shown, for_all)
        seen = lake.arrow(tables.SEEN, ["viewer", "video"])
        allowed[seen["viewer"].to_numpy(), seen["video"].to_numpy()] = False
        copy_of = np.arange(count, dtype=np.int32)
        copy_of[: videos.num_rows] = videos["copy_of"].to_numpy()
        return cls(allowed, copy_of)

    def best(self, scores: NDArray[np.float32], length: int) -> Lists:
        """For each viewer the allowed videos of highest finite score, one of several copies; ties by id."""
        kept = np.where(self.allowed & np.isfinite(scores), scores, -np.inf)
        some = min(length + SPARE, kept.shape[1])
        top = np.sort(np.argpartition(-kept, some - 1, axis=1)[:, :some], axis=1)
        values = np.take_along_axis(kept, top, axis=1)
        order = np.argsort(-values, axis=1, kind="stable")
        found = np.take_along_axis(np.where(np.isfinite(values), top, -1), order, axis=1).astype(np.int32)
        places = feeds.without_copies(found, self.copy_of, length)
        return np.where(places >= 0, np.take_along_axis(found, np.maximum(places, 0), axis=1), -1).astype(np.int32)


def still_there(lists: Lists, world: World, number: int) -> Lists:
    """The lists less what has been taken down by day `number`: apps do not play it."""
    there = (lists >= 0) & (world.videos.gone_from > number)[lists]
    order = np.argsort(~there, axis=1, kind="stable")
    return np.take_along_axis(np.where(there, lists, -1), order, axis=1)
