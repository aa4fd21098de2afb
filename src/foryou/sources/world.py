"""The synthetic world: days of a short-video platform whose truth is known.

Who likes what, what is shown to whom and what is logged about it are simulated with numpy, one day after
another, each from its own seed, and written as landing days; the truth is saved apart. A world is fixed by its
parameters: the same ones give the same bytes. The recommender never imports this module.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from foryou.sources import world_policy
from foryou.sources.world_catalogue import draw_videos
from foryou.sources.world_days import State, World, follows_frame, write_one_day
from foryou.sources.world_lines import KIND, lines_of
from foryou.sources.world_parameters import DAY_MS, WorldParameters, told, world_hash
from foryou.sources.world_people import draw_viewers
from foryou.sources.world_truth import Truth, draw_taste, open_truth

__all__ = ["Summary", "Truth", "WorldParameters", "begin", "generate", "open_truth", "world_hash"]


@dataclass(frozen=True)
class Summary:
    """What was generated. `lines` counts log lines by day; `shares` are per play, except `good` (of plays)."""

    landing: Path
    world: str
    lines: dict[date, int]
    plays: int
    shares: dict[str, float]

    @property
    def events(self) -> int:
        return sum(self.lines.values())


def generate(parameters: WorldParameters, out: Path, progress: Callable[[date, int], None] | None = None) -> Summary:
    """Write the landing days of a world into `out`, and its truth into `out/_truth`.

    `progress` is called after each day with its date and its number of log lines. Memory stays with one day's
    lines and 8 bytes per pair ever seen.
    """
    out = Path(out)
    world, state, rngs = begin(parameters)
    _save_truth(world, out)
    lines = {}
    for number, rng in enumerate(rngs):
        day = parameters.first_day + timedelta(days=number)
        lines[day] = write_one_day(world, state, number, day, out, rng)
        if progress:
            progress(day, lines[day])
    return _summary(state, parameters, out, lines)


def begin(parameters: WorldParameters) -> tuple[World, State, list[np.random.Generator]]:
    """A world on the eve of its first day, and the chance of each of its days."""
    seeds = np.random.SeedSequence(parameters.seed).spawn(parameters.days + 1)
    world = _make_world(parameters, np.random.default_rng(seeds[0]))
    state = _first_state(world, np.random.default_rng(seeds[0].spawn(1)[0]))
    return world, state, [np.random.default_rng(seed) for seed in seeds[1:]]


def _make_world(parameters: WorldParameters, rng: np.random.Generator) -> World:
    viewers = draw_viewers(parameters, rng)
    videos = draw_videos(parameters, max(1, viewers.known(-1)), rng)
    sizes = {"topic_sd": parameters.topic_sd, "latent_sd": parameters.latent_sd}
    taste = draw_taste(parameters.topics, parameters.latent, viewers.language, rng, **sizes)
    beliefs = world_policy.form_beliefs(taste, parameters.topics, rng)
    count = min(parameters.viewers // 100, 1 + parameters.viewers // 2_000)
    robots = rng.choice(max(1, viewers.known(-1)), count, replace=False)
    other = np.random.default_rng([parameters.seed, 2])
    later = draw_taste(parameters.topics, parameters.latent, viewers.language, other, **sizes)
    return World(parameters, viewers, videos, taste, later, beliefs, robots)


def _save_truth(world: World, out: Path) -> None:
    robot = np.zeros(len(world.viewers), dtype=bool)
    robot[world.robots] = True
    Truth(
        viewer_ids=world.viewers.frame["viewer_id"].to_numpy().astype(str),
        video_ids=world.videos.frame["video_id"].to_numpy().astype(str),
        taste=world.taste_on(world.parameters.days - 1),
        appeal=world.videos.appeal,
        topic=world.videos.topic,
        quality=world.videos.quality,
        first_day=world.videos.flagged_until,
        last_day=world.videos.gone_from - 1,
        adult=world.videos.adult,
        minor=world.viewers.minor,
        robot=robot,
    ).save(out / "_truth")
    facts = {"world": world_hash(world.parameters)} | told(world.parameters)
    (out / "_truth" / "parameters.json").write_text(json.dumps(facts, indent=1, default=str) + "\n")


def _first_state(world: World, rng: np.random.Generator) -> State:
    """The eve of the first day: heat as if the platform had run before, a few follows each, nothing seen."""
    videos, parameters = world.videos, world.parameters
    age = np.maximum(0, -videos.uploaded_day)
    heat = np.exp(1.1 * videos.quality + 0.5 * rng.standard_normal(len(videos))) * 0.5 ** (age / 20)
    daily = parameters.events / parameters.days / max(1, videos.known(0))
    none = np.empty(0, dtype=np.int64)
    return State(
        heat=0.3 * daily * heat + 0.05,
        seen=none,
        follows=_old_follows(world, rng),
        late=lines_of("play", none, none, none),
    )


def _old_follows(world: World, rng: np.random.Generator) -> pl.DataFrame:
    """About two follows per known viewer from before the first day, by the platform's picks."""
    known = world.viewers.known(-1)
    viewer = np.repeat(np.arange(known), rng.poisson(2.0, known))
    shelf = world_policy.set_shelf(world.videos, np.exp(world.videos.quality), -1)
    shown = world_policy.expose(
        viewer, (viewer[:0], viewer[:0]), shelf, world.beliefs, world.videos, world.viewers.language, 0.0, rng
    )
    start = world.parameters.day_start_ms(0)
    since = start - 1 - rng.integers(0, 90 * DAY_MS, len(viewer))
    since = np.maximum(since, world.viewers.signed_up_ms[viewer])
    return follows_frame(viewer, world.videos.creator[shown.video], since)


def _summary(state: State, parameters: WorldParameters, out: Path, lines: dict[date, int]) -> Summary:
    plays = int(state.counts[KIND["play"]])
    shares = {name: float(state.counts[code]) / max(1, plays) for name, code in KIND.items() if name != "play"}
    shares |= {"good": state.good / max(1, plays), "long_view": state.long_views / max(1, plays)}
    return Summary(out, world_hash(parameters), lines, plays, shares)
