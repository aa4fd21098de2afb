"""Simulations of several worlds and seeds, on as many cores as there are, with word of how far they are."""

from __future__ import annotations

import os
import queue
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from typing import Any

from foryou.settings import Settings
from foryou.simulation import compared, loop, parts, worlds
from foryou.simulation.arms import Arm
from foryou.sources.world import WorldParameters, world_hash

REFERENCES = ("popularity", "random", "oracle")
Told = Callable[[str], None]
Task = tuple[str, int]
"""A world's name and the place of a seed."""

_STILL_AT_IT_S = 4.0


@dataclass(frozen=True)
class Plan:
    """The worlds by name, and the arms that live through so many nights in each of them."""

    worlds: Mapping[str, WorldParameters]
    nights: int
    arms: list[Arm]
    settings: Settings


def plan(name: str, nights: int, without: Sequence[str], settings: Settings) -> Plan:
    """The plan for a set of worlds, or one world. Raises ValueError for names that nobody has, and too many nights."""
    chosen = worlds.of(name)
    most = min(parameters.days for parameters in chosen.values()) - worlds.WARM_DAYS
    if not 1 <= nights <= most:
        raise ValueError(f"these worlds are frozen with their days: 1 to {most} nights, not {nights}")
    return Plan(chosen, nights, arms_of(without, settings), settings)


def run(planned: Plan, seeds: int, told: Told, processes: int | None = None) -> dict[str, Any]:
    """By world: its hash and `compared.summary` of its runs; beside them what was asked for."""
    chosen, nights, arms, settings = planned.worlds, planned.nights, planned.arms, planned.settings
    tasks = [(name, place) for place in range(seeds) for name in chosen]
    started = time.monotonic()
    rows: dict[Task, list[dict[str, Any]]] = {}
    with _workers(min(processes or os.cpu_count() or 1, len(tasks))) as (submit, heard):
        running = {submit(_one, task, chosen[task[0]], arms, nights, settings, heard): task for task in tasks}
        for task, found in _results(running, heard, told):
            rows[task] = found
            told(f"{len(rows)} of {len(tasks)} runs done, {time.monotonic() - started:.0f} s")
    return {
        "nights": nights,
        "seeds": seeds,
        "settings": settings.digest(),
        "seconds": round(time.monotonic() - started, 1),
        "arms": [arm.name for arm in arms],
        "worlds": {name: _of_world(name, chosen[name], rows, seeds) for name in chosen},
    }


def arms_of(without: Sequence[str], settings: Settings) -> list[Arm]:
    """The whole system, the measuring rods, and the system without each part named. Raises ValueError for no part."""
    arms = [Arm("foryou", "foryou", settings), *(Arm(kind, kind, settings) for kind in REFERENCES)]
    for part in without:
        changed, skipped = parts.without(settings, part)
        arms.append(Arm(f"without {part}", "foryou", changed, skipped))
    return arms


def _of_world(
    name: str, parameters: WorldParameters, rows: Mapping[Task, list[dict[str, Any]]], seeds: int
) -> dict[str, Any]:
    every = [row | {"seed": place} for place in range(seeds) for row in rows[name, place]]
    return {"world": world_hash(parameters)} | compared.summary(every)


# ---- processes


def _one(
    task: Task, parameters: WorldParameters, arms: list[Arm], nights: int, settings: Settings, heard: Any
) -> list[dict[str, Any]]:
    name, place = task
    told = partial(_tell, heard, f"{name}, seed {place + 1}")
    return loop.run(worlds.seeded(parameters, place), arms, nights, worlds.WARM_DAYS, settings, told)


def _tell(heard: Any, who: str, text: str) -> None:
    heard.put(f"{who}: {text}")


@contextmanager
def _workers(processes: int) -> Iterator[tuple[Callable[..., Future[Any]], Any]]:
    """Processes of their own, each with one thread; and what they tell."""
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    context = get_context("spawn")
    with context.Manager() as manager, ProcessPoolExecutor(processes, context) as pool:
        yield pool.submit, manager.Queue()


def _results(
    running: Mapping[Future[Any], Task], heard: Any, told: Told
) -> Iterator[tuple[Task, list[dict[str, Any]]]]:
    """Runs as they end; what workers tell is passed on now and then, and silence is broken."""
    waiting, last = dict(running), time.monotonic()
    text = "starting Python in each process"
    while waiting:
        with suppress(queue.Empty):
            text = heard.get(timeout=0.5)
        if time.monotonic() - last > _STILL_AT_IT_S:
            told(text)
            last = time.monotonic()
        for future in [future for future in waiting if future.done()]:
            yield waiting.pop(future), future.result()
            last = time.monotonic()
