"""What fixes a synthetic world: its parameters, and the hash that freezes it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime
from typing import Any

import numpy as np

from foryou.sources.world_words import COUNTRIES, TOPICS

DAY_MS = 86_400_000
RECIPE = 1
"""Raised when the same parameters begin to give another world, so that no result is compared across recipes."""

_LATER = ("early_share", "topic_sd", "latent_sd", "true_tags", "home_share", "creator_share", "drift")


@dataclass(frozen=True)
class WorldParameters:
    """The size of a world and the rates of what happens in it.

    `viewers` and `videos` count all there will be on the last day; `events` counts the lines of the log over
    all days, duplicates and broken ones included. Rates are shares of the lines of a day.

    Of new viewers `early_share` first watch on a device without an account. `topic_sd` and `latent_sd` are how much
    tastes differ, in topics and in what no tag explains; `drift` is how far each wanders a day towards another one,
    in quarter turns. `true_tags` is the share of videos whose tags, words, category and sound are of their own topic,
    `home_share` that of creators' videos in their home topic, `creator_share` how much of a video's quality and style
    its creator settles.
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
    early_share: float = 0.3
    topic_sd: float = 0.9
    latent_sd: float = 0.9
    true_tags: float = 1.0
    home_share: float = 0.8
    creator_share: float = 0.6
    drift: float = 0.0

    def __post_init__(self) -> None:
        sizes = (self.viewers, self.videos, self.days, self.latent)
        rates = (self.robot_rate, self.duplicate_rate, self.late_rate, self.dirt_rate, self.broken_rate)
        shares = [self.known_viewers, self.known_videos, self.explore_share, self.early_share, self.true_tags]
        shares += [self.home_share, self.creator_share, self.drift]
        if min(sizes) < 1 or self.events < 0 or self.seed < 0:
            raise ValueError("a world needs at least one viewer, one video, one day and one latent taste")
        if not (1 <= self.topics <= len(TOPICS) and 1 <= self.countries <= len(COUNTRIES)):
            raise ValueError(f"a world has 1 to {len(TOPICS)} topics and 1 to {len(COUNTRIES)} countries")
        if min(self.topic_sd, self.latent_sd) < 0:
            raise ValueError("tastes in a world differ by at least 0")
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
    text = json.dumps({"recipe": RECIPE} | told(parameters), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def told(parameters: WorldParameters) -> dict[str, Any]:
    """The parameters by name. Those that came later are left out at their defaults: older worlds keep their hash."""
    later = {field.name: field.default for field in fields(WorldParameters) if field.name in _LATER}
    return {name: value for name, value in asdict(parameters).items() if name not in later or value != later[name]}
