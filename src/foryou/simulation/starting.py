"""Newcomers of a simulation: how they walk the starter slates, each leading on to what was watched well in it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foryou.feeds.starters import SLATE
from foryou.tables import ladder

Lists = NDArray[np.int32]
Slates = dict[tuple[str, str], list[tuple[int, str]]]
"""By segment and path: videos with their topics."""


@dataclass
class Walk:
    """`segments` [viewers]: whose slates each walks; `paths`: where those who still walk are, and nobody else; `good`:
    what they watched well so far."""

    slates: Slates
    segments: list[str]
    paths: dict[int, str] = field(default_factory=dict)
    good: dict[int, list[int]] = field(default_factory=dict)

    @classmethod
    def by_ladder(cls, slates: Slates, segments: list[str]) -> Walk:
        """Whoever's segment has no slates walks those of the next rung, `*:en` or `*:*`, as the reader has it."""
        own = {}
        for segment in set(segments):
            own[segment] = next((rung for rung in ladder(segment) if (rung, "") in slates), segment)
        return cls(slates, [own[segment] for segment in segments])

    def begin(self, lists: Lists, newcomers: NDArray[np.integer]) -> None:
        """The first slate goes to the head of the newcomers' lists, what is there already behind it."""
        for viewer in newcomers.tolist():
            if self._put(lists[viewer], viewer, "", 0):
                self.paths[viewer] = ""

    def go_on(self, lists: Lists, viewer: int, taken: int, good: list[int]) -> None:
        """After some more watched: at the end of a slate the next one follows, by the last topic watched well in it.

        Where none was, or no slate leads on, what is popular follows.
        """
        self.good.setdefault(viewer, []).extend(good)
        if taken % SLATE:
            return
        path = self.paths.pop(viewer)
        topics = dict(self.slates[self.segments[viewer], path])
        watched = [topics[video] for video in self.good[viewer] if video in topics]
        longer = f"{path}>{watched[-1]}".lstrip(">") if watched else ""
        if watched and self._put(lists[viewer], viewer, longer, taken):
            self.paths[viewer] = longer

    def room(self, viewers: NDArray[np.integer], taken: NDArray[np.integer]) -> NDArray[np.int64]:
        """How many videos each may watch until a slate ends; without bound for those who do not walk."""
        walking = np.isin(viewers, np.fromiter(self.paths, np.int64, len(self.paths)))
        return np.where(walking, SLATE - taken % SLATE, np.iinfo(np.int32).max)

    def _put(self, row: Lists, viewer: int, path: str, at: int) -> bool:
        """Puts a whole slate at a place of the viewer's list; false if there is none, or if part of it was shown."""
        slate = [video for video, _ in self.slates.get((self.segments[viewer], path), [])]
        if len(slate) < SLATE or np.isin(slate, row[:at]).any():
            return False
        rest = row[at:][~np.isin(row[at:], slate)]
        row[at:] = np.append(slate, rest)[: len(row) - at]
        return True


def slates(starters: pa.Table, gone: NDArray[np.bool_]) -> Slates:
    """The slates of a night, less those with a video that is gone [videos] by now."""
    found: Slates = {}
    broken = set()
    for row in starters.sort_by([("segment", "ascending"), ("path", "ascending"), ("slot", "ascending")]).to_pylist():
        key = (row["segment"], row["path"])
        found.setdefault(key, []).append((row["video"], row["topic"]))
        if gone[row["video"]]:
            broken.add(key)
    return {key: slate for key, slate in found.items() if key not in broken}
