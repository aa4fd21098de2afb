"""The closed loop in one world: a common past, then each arm's nights, each fed by the answers to its own lists."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foryou.settings import Settings
from foryou.simulation import arms, given
from foryou.simulation.arms import Arm
from foryou.simulation.measures import Record, Setting
from foryou.simulation.memory_lake import MemoryLake
from foryou.simulation.watching import Visits, draw_visits, watch
from foryou.sources.world import WorldParameters, begin
from foryou.sources.world_days import State, World, draw_lines
from foryou.sources.world_lines import Lines, join, lines_of

Told = Callable[[str], None]
NOTHING = lines_of("play", *(np.empty(0, np.int64) for _ in range(3)))


def run(
    parameters: WorldParameters, chosen: Sequence[Arm], nights: int, settings: Settings, told: Told = lambda text: None
) -> list[dict[str, Any]]:
    """One row per arm: `arm`, `nights` (a row each) and `total`.

    The world's first days run under its own logging policy; the last `nights` of them under each arm. All arms start
    from the same lake, and the same viewers come at the same moments.
    """
    with tempfile.TemporaryDirectory(prefix="foryou-simulation-") as folder:
        warm_days = parameters.days - nights
        world, past, state = warm_up(parameters, warm_days, settings, Path(folder))
        setting = _setting(world, state, warm_days)
        visits = [_visits(world, number) for number in range(warm_days, parameters.days)]
        rows = []
        for arm in chosen:
            own = Path(folder) / f"arm-{len(rows)}"
            own.mkdir()
            lake = _its_own(past.copy(own), world, warm_days, arm, settings)
            record = Record(setting, state.seen)
            _run_arm(world, arm, lake, visits, state.follows, record, told)
            rows.append({"arm": arm.name, "nights": record.nights, "total": record.total()})
    return rows


def warm_up(parameters: WorldParameters, days: int, settings: Settings, root: Path) -> tuple[World, MemoryLake, State]:
    """The world after its first `days`, with what Spark's steps would have left of them."""
    world, state, rngs = begin(parameters)
    lake = MemoryLake(root)
    for number in range(days):
        lines, _ = draw_lines(world, state, number, rngs[number])
        if number == days - 1:  # nobody lands late in a simulation: it would be shown again
            lines, state.late = join([lines, state.late]), NOTHING
        given.give_day(lake, world, number, lines, state.follows, settings)
    return world, lake, state


def _run_arm(
    world: World,
    arm: Arm,
    lake: MemoryLake,
    visits: list[Visits],
    follows: pl.DataFrame,
    record: Record,
    told: Told,
) -> None:
    first = record.setting.first_day
    earlier = np.zeros(len(world.viewers), np.int64)
    for number, of_day in enumerate(visits, start=first):
        lists = arms.lists(arm, lake, world, number - 1, world.parameters.seed)
        answers = watch(world, number, of_day, arms.still_there(lists, world, number), follows)
        follows = answers.follows
        record.add(number, of_day, earlier, answers)
        earlier += np.bincount(of_day.sessions.viewer, minlength=len(earlier))
        given.give_day(lake, world, number, answers.lines, follows, arm.settings)
        told(f"{arm.name}, night {number - first + 1} of {len(visits)}")


def _its_own(lake: MemoryLake, world: World, days: int, arm: Arm, settings: Settings) -> MemoryLake:
    """The arm's own points of the common past, where its settings differ from those it was given with."""
    if arm.settings.views != settings.views:
        given.score_again(lake, world, days, arm.settings)
    return lake


def _visits(world: World, number: int) -> Visits:
    return draw_visits(world, number, np.random.default_rng([world.parameters.seed, number, 4]))


def _setting(world: World, state: State, first_day: int) -> Setting:
    met: NDArray[np.bool_] = np.zeros(len(world.viewers), bool)
    met[state.seen // len(world.videos)] = True
    creators = 1 + int(world.videos.creator.max())
    followers = np.bincount(state.follows["creator"].to_numpy(), minlength=creators)
    return Setting.of(world, first_day, met, followers)
