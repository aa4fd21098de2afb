"""The creators of a night and their videos, as arrays: what everything about creators is counted from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

VIDEOS = ["video", "creator_id", "uploaded_at", "moderation"]
VIEWS = ["video", "completion", "points", "day"]
BEFORE = ["creator_id", "authority", "authority_viewers", "rejected", "rejected_on", "report_penalty", "reported_on"]
STATS = ["video", "viewers", "good", "exits", "z"]

_EPOCH = date(1970, 1, 1)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Given:
    """The tables of a night, with the columns named above; `before` is `creators` as an earlier night left it.

    `interactions` (`viewer`, `video`, `good`), `viewers` (`viewer`, `country`), `follows` (`creator_id`), `profiles`
    (`viewer`, `cluster`); `trends` whole. `views` holds the days of the window. `reported` is the number of points that
    a view with a report has: no view has fewer.
    """

    videos: pa.Table
    stats: pa.Table
    views: pa.Table
    interactions: pa.Table
    viewers: pa.Table
    follows: pa.Table
    trends: pa.Table
    profiles: pa.Table
    before: pa.Table
    reported: float


@dataclass(frozen=True)
class Roster:
    """The creators, sorted by `names`, and arrays by dense video id: the creator, -1 if none, and what the video did.

    `age_days` since the upload is -1 where it is unknown; `counts` says which videos were not rejected.
    """

    names: pa.Array
    of: Ints
    age_days: Ints
    counts: NDArray[np.bool_]
    viewers: Ints
    good: Ints
    exits: Ints
    z: Floats

    @classmethod
    def of_night(cls, given: Given, day: date) -> Roster:
        """The creators of the catalogue, and those that the night before knew."""
        tables = (given.videos, given.stats, given.views, given.interactions)
        height = 1 + max((pc.max(table["video"]).as_py() or 0) for table in tables)
        here, gone = given.videos["creator_id"].drop_null().to_pylist(), given.before["creator_id"].to_pylist()
        names = pa.array(sorted({*here, *gone}), pa.string())
        video = given.videos["video"].to_numpy()
        of, age_days, counts = np.full(height, -1), np.full(height, -1), np.zeros(height, bool)
        of[video] = pc.fill_null(pc.index_in(given.videos["creator_id"], names), -1).to_numpy()
        uploaded = given.videos["uploaded_at"].cast(pa.date32()).cast(pa.int32())
        age_days[video] = pc.fill_null(pc.subtract((day - _EPOCH).days, uploaded), -1).to_numpy()
        counts[video] = pc.not_equal(given.videos["moderation"], "rejected").to_numpy()
        viewers, good, exits, z = (_by_video(given.stats, name, height) for name in STATS[1:])
        whole = (viewers.astype(np.int64), good.astype(np.int64), exits.astype(np.int64))
        return cls(names, of, age_days, counts & (of >= 0), *whole, z)

    def add(self, values: NDArray[np.generic], only: NDArray[np.bool_] | None = None) -> Floats:
        """The sum of values by dense video id, of each creator."""
        chosen = self.of >= 0 if only is None else (self.of >= 0) & only
        return np.bincount(self.of[chosen], values[chosen], minlength=len(self.names)).astype(np.float64)

    def number(self, only: NDArray[np.bool_]) -> Ints:
        return self.add(np.ones(len(self.of)), only).astype(np.int64)


def _by_video(stats: pa.Table, name: str, height: int) -> Floats:
    found = np.zeros(height)
    found[stats["video"].to_numpy()] = stats[name].to_numpy()
    return found
