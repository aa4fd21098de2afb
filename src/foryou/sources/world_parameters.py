"""What fixes a synthetic world: its parameters, and the hash that freezes it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime

import numpy as np

from foryou.sources.world_words import COUNTRIES, TOPICS

DAY_MS = 86_400_000
RECIPE = 1
"""Raised when the same parameters begin to give another world, so that no result is compared across recipes."""


@dataclass(frozen=True)
class WorldParameters:
    """The size of a world and the rates of what happens in it.

    `viewers` and `videos` count all there will be on the last day; `events` counts the lines of the log over
    all days, duplicates and broken ones included. Rates are shares of the lines of a day.
    """

    viewers: int = 3_000
    videos: int = 2_500
    days: int = 10
    events: int = 250_000
    seed: int = 1
    first_day: date = date(2026, 3, 1)
    topics: int = 24
    countries: int = 6
    latent: int = 8
    known_viewers: float = 0.75
    known_videos: float = 0.6
    explore_share: float = 0.02
    robot_rate: float = 0.004
    duplicate_rate: float = 0.004
    late_rate: float = 0.002
    dirt_rate: float = 0.002
    broken_rate: float = 0.00005

    def __post_init__(self) -> None:
        sizes = (self.viewers, self.videos, self.days, self.latent)
        rates = (self.robot_rate, self.duplicate_rate, self.late_rate, self.dirt_rate, self.broken_rate)
        shares = (self.known_viewers, self.known_videos, self.explore_share)
        if min(sizes) < 1 or self.events < 0 or self.seed < 0:
            raise ValueError("a world needs at least one viewer, one video, one day and one latent taste")
        if not (1 <= self.topics <= len(TOPICS) and 1 <= self.countries <= len(COUNTRIES)):
            raise ValueError(f"a world has 1 to {len(TOPICS)} topics and 1 to {len(COUNTRIES)} countries")
        if not all(0 <= rate <= 0.2 for rate in rates) or not all(0 <= share <= 1 for share in shares):
            raise ValueError("rates are between 0 and 0.2, shares between 0 and 1")

    def day_start_ms(self, number: int) -> int:
        """Midnight UTC that begins day `number` (0 is the first), in milliseconds since 1970."""
        day = self.first_day
        return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000) + number * DAY_MS

    def lines_of_day(self, number: int) -> int:
        """Lines of the log of one day; days differ by weekday, and all days sum to `events`."""
        week = np.array([0.97, 0.95, 0.96, 0.98, 1.05, 1.07, 1.02])
        share = week[(self.first_day.weekday() + np.arange(self.days)) % 7]
        bounds = np.rint(np.concatenate([[0.0], np.cumsum(share)]) / share.sum() * self.events)
        return int(bounds[number + 1] - bounds[number])


def world_hash(parameters: WorldParameters) -> str:
    """Twelve hex digits that change whenever a world would: two results compare only under the same hash."""
    text = json.dumps({"recipe": RECIPE} | asdict(parameters), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
