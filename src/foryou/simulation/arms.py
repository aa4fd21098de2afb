"""The ways to make lists that a simulation compares, all from one state and under the same rules.

Nothing seen, nothing that may not be shown, nothing for adults to those not known to be, one of several copies.
`popularity`, `random` and `oracle` are the measuring rods; `foryou` is the night itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foryou import tables
from foryou.candidates import night
from foryou.settings import Settings
from foryou.simulation import nights
from foryou.simulation.given import day_of
from foryou.simulation.memory_lake import MemoryLake
from foryou.simulation.starting import Walk, slates
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


@dataclass(frozen=True)
class Published:
    """Lists; with what probability each entry was drawn for its place, NaN where it was not; and who walks starters."""

    videos: Lists
    propensity: NDArray[np.float32]
    walk: Walk | None = None

    @classmethod
    def plain(cls, videos: Lists) -> Published:
        return cls(videos, np.full(videos.shape, np.nan, np.float32))

    def still_there(self, world: World, number: int) -> Published:
        """The lists less what has been taken down by day `number`: apps do not play it."""
        there = (self.videos >= 0) & (world.videos.gone_from > number)[self.videos]
        order = np.argsort(~there, axis=1, kind="stable")
        videos = np.take_along_axis(np.where(there, self.videos, -1), order, axis=1)
        return Published(videos, np.take_along_axis(self.propensity, order, axis=1), self.walk)

    def room(self, viewers: NDArray[np.integer], taken: NDArray[np.integer]) -> NDArray[np.int64]:
        """How many videos each may watch until the list may change."""
        return (self.walk or Walk({}, [])).room(viewers, taken)

    def go_on(
        self,
        viewer: NDArray[np.integer],
        video: NDArray[np.integer],
        good: NDArray[np.bool_],
        taken: NDArray[np.integer],
    ) -> None:
        """After these plays, with `taken` [viewers] videos in all: changes the lists of those at the end of a slate."""
        if self.walk is None:
            return
        for one in np.intersect1d(viewer, np.fromiter(self.walk.paths, np.int64, len(self.walk.paths))).tolist():
            watched_well = video[(viewer == one) & good].tolist()
            self.walk.go_on(self.videos, one, int(taken[one]), watched_well)


def publish(arm: Arm, lake: MemoryLake, world: World, number: int, seed: int) -> Published:
    """The lists that the night of day `number` leaves for the next day."""
    day, length = day_of(world, number), arm.settings.feeds.length
    if arm.kind == "foryou":
        nights.run(lake, day, arm.settings, nights.steps_of_a_night(arm.skipped))
        return _with_feeds(lake, world, day, length)
    rules = _Rules.of(lake, world, day)
    if arm.kind == "popularity":
        nights.run(lake, day, arm.settings, ["build_popular"])
        return Published.plain(rules.best(_popular_scores(lake, world, day), length))
    if arm.kind == "random":
        rng = np.random.default_rng([seed, number, 3])
        return Published.plain(rules.best(rng.random(rules.allowed.shape, dtype=np.float32), length))
    return Published.plain(rules.best(world.taste_on(number + 1) @ world.videos.appeal.T, length))


def _with_feeds(lake: MemoryLake, world: World, day: date, length: int) -> Published:
    """Feeds of those who have one; for everybody else starters, then the segment's popular list, less what was seen."""
    names, popular = _segment_lists(lake, world, day)
    videos = _compact(np.where(_seen(lake, world, popular), -1, popular))[:, :length]
    videos = np.pad(videos, ((0, 0), (0, length - videos.shape[1])), constant_values=-1)
    propensity = np.full(videos.shape, np.nan, np.float32)
    feeds = lake.arrow(tables.FEEDS, ["viewer", "videos", "propensities"], days=[day])
    of, (row, place) = feeds["viewer"].to_numpy(), _places(feeds["videos"])
    videos[of] = -1
    videos[of[row], place] = feeds["videos"].combine_chunks().flatten().to_numpy()
    drawn = feeds["propensities"].combine_chunks().flatten().to_numpy()
    propensity[of[row], place] = np.where(drawn > 0, drawn, np.nan)
    gone = world.videos.gone_from <= (day - world.parameters.first_day).days + 1
    walk = Walk.by_ladder(slates(lake.arrow(tables.STARTERS, days=[day]), gone), names)
    walk.begin(videos, np.setdiff1d(np.arange(len(videos)), np.append(of, lake.arrow(tables.SEEN)["viewer"])))
    return Published(videos, propensity, walk)


def _seen(lake: MemoryLake, world: World, listed: Lists) -> NDArray[np.bool_]:
    """Which entries their viewers have seen."""
    seen = lake.arrow(tables.SEEN, ["viewer", "video"])
    met = np.zeros((len(world.viewers), len(world.videos) + 1), bool)
    met[seen["viewer"].to_numpy(), seen["video"].to_numpy()] = True
    return np.take_along_axis(met, np.where(listed < 0, len(world.videos), listed), axis=1)


def _places(lists_of: pa.ChunkedArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row and place of every entry of the lists."""
    lengths = pc.list_value_length(lists_of).to_numpy()
    row = np.repeat(np.arange(len(lengths)), lengths)
    return row, np.arange(len(row)) - np.repeat(np.cumsum(lengths) - lengths, lengths)


def _segment_lists(lake: MemoryLake, world: World, day: date) -> tuple[list[str], Lists]:
    """For each viewer of the world, known or not, the segment and what is popular in it."""
    names, rows = night.popular_rows(lake.arrow(tables.POPULAR, days=[day]))
    order = np.lexsort((rows.indices, -rows.values, np.repeat(np.arange(len(names)), np.diff(rows.indptr))))
    lengths = np.diff(rows.indptr)
    listed = np.full((len(names), max(1, lengths.max(initial=0))), -1, np.int32)
    listed[np.arange(listed.shape[1]) < lengths[:, None]] = rows.indices[order]
    own = _segments(names, world)
    return [names[segment] for segment in own.tolist()], listed[own]


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
        return _compact(np.where(_copies(np.where(found >= 0, self.copy_of[found], -1)), -1, found))[:, :length]


def _copies(groups: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Which entries have had their group before them in the row."""
    order = np.argsort(groups, axis=1, kind="stable")
    rising = np.take_along_axis(groups, order, axis=1)
    again = np.zeros(groups.shape, bool)
    np.put_along_axis(again, order[:, 1:], rising[:, 1:] == rising[:, :-1], axis=1)
    return again


def _compact(lists: Lists) -> Lists:
    """The same lists without the gaps between their entries."""
    return np.take_along_axis(lists, np.argsort(lists < 0, axis=1, kind="stable"), axis=1)
