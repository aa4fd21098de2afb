"""The closed loop in one world: a common past, then each arm's nights, each fed by the answers to its own lists."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foryou import tables
from foryou.settings import Settings
from foryou.simulation import arms, given
from foryou.simulation.arms import Arm
from foryou.simulation.given import Day
from foryou.simulation.measures import Record, Setting
from foryou.simulation.memory_lake import MemoryLake
from foryou.simulation.watching import Visits, draw_visits, watch
from foryou.sources.world import WorldParameters, begin
from foryou.sources.world_days import State, World, draw_controls, draw_lines
from foryou.sources.world_lines import join, lines_of

Ints = NDArray[np.int64]
Told = Callable[[str], None]
NOTHING = lines_of("play", *(np.empty(0, np.int64) for _ in range(3)))


def run(
    parameters: WorldParameters,
    chosen: Sequence[Arm],
    nights: int,
    warm_days: int,
    settings: Settings,
    told: Told = lambda text: None,
) -> list[dict[str, Any]]:
    """One row per arm: `arm`, `nights` (a row each) and `total`.

    The world's first `warm_days` run under its own logging policy, the next ones, as many as `nights`, under each
    arm. All arms start from the same lake, and the same viewers come at the same moments.
    """
    with tempfile.TemporaryDirectory(prefix="foryou-simulation-") as folder:
        world, past, state, days = warm_up(parameters, warm_days, settings, Path(folder), told)
        setting = _setting(world, state, warm_days, warm_days + nights - 1)
        visits = [_visits(world, number) for number in range(warm_days, warm_days + nights)]
        rows: list[dict[str, Any]] = []
        for arm in chosen:
            own = Path(folder) / f"arm-{len(rows)}"
            own.mkdir()
            lake = past.copy(own)
            if arm.settings.views != settings.views:  # its own points of the common past
                for number, day in enumerate(days):
                    given.give_views(lake, world, number, day, arm.settings)
            record = Record(setting, _pairs_seen(lake, len(world.videos)))
            _run_arm(world, arm, lake, visits, days[-1], record, told)
            rows.append({"arm": arm.name, "nights": record.nights, "total": record.total()})
    return rows


def warm_up(
    parameters: WorldParameters,
    days: int,
    settings: Settings,
    root: Path,
    told: Told = lambda text: None,
) -> tuple[World, MemoryLake, State, list[Day]]:
    """The world after its first `days`, with what Spark's steps would have left of them, and the days."""
    world, state, rngs = begin(parameters)
    lake, given_days, before = MemoryLake(root), [], NOTHING
    for number in range(days):
        lines, active = draw_lines(world, state, number, rngs[number])
        controls = draw_controls(world, number, active, rngs[number])
        if number == days - 1:  # nothing lands late in a simulation: it would be shown again
            lines, state.late = join([lines, state.late]), NOTHING
        given_days.append(Day(lines, before, state.follows, controls))
        given.give_day(lake, world, number, given_days[-1], settings)
        before = lines
        told(f"day {number + 1} of {days} before the first night")
    return world, lake, state, given_days


def _run_arm(
    world: World,
    arm: Arm,
    lake: MemoryLake,
    visits: list[Visits],
    yesterday: Day,
    record: Record,
    told: Told,
) -> None:
    first = record.setting.first_day
    earlier = np.zeros(len(world.viewers), np.int64)
    for number, of_day in enumerate(visits, start=first):
        published = arms.publish(arm, lake, world, number - 1, world.parameters.seed)
        answers = watch(world, number, of_day, published.still_there(world, number), yesterday.follows)
        record.add(number, of_day, earlier, answers)
        earlier += np.bincount(of_day.sessions.viewer, minlength=len(earlier))
        yesterday = Day(answers.lines, yesterday.lines, answers.follows, of_day.controls)
        given.give_day(lake, world, number, yesterday, arm.settings)
        told(f"{arm.name}, night {number - first + 1} of {len(visits)}")


def _pairs_seen(lake: MemoryLake, videos: int) -> Ints:
    seen = lake.arrow(tables.SEEN, ["viewer", "video"])
    return np.unique(seen["viewer"].to_numpy().astype(np.int64) * videos + seen["video"].to_numpy())


def _visits(world: World, number: int) -> Visits:
    return draw_visits(world, number, np.random.default_rng([world.parameters.seed, number, 4]))


def _setting(world: World, state: State, first_day: int, last_day: int) -> Setting:
    met: NDArray[np.bool_] = np.zeros(len(world.viewers), bool)
    met[state.seen // len(world.videos)] = True
    creators = 1 + int(world.videos.creator.max())
    followers = np.bincount(state.follows["creator"].to_numpy(), minlength=creators)
    return Setting.of(world, first_day, last_day, met, followers)
