"""A simulated night: the jobs of every step after `views`, as they are, on a lake in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from functools import cache
from typing import Any, cast

from foryou import steps
from foryou.platform.job import Run, main_of
from foryou.platform.lake import Lake
from foryou.platform.tracking import TrackedModel
from foryou.settings import Settings
from foryou.simulation.memory_lake import MemoryLake

FIRST_AFTER, END = "build_views", "publish"


def steps_of_a_night(without: Iterable[str] = ()) -> list[str]:
    """The steps between `views` and publishing, less those named."""
    names = [step.name for step in steps.STEPS]
    between = names[names.index(FIRST_AFTER) + 1 : names.index(END)]
    return [name for name in between if name not in set(without)]


def run(lake: MemoryLake, day: date, settings: Settings, names: Iterable[str]) -> list[str]:
    """Runs the steps named for the day; gives back what they fell back on."""
    fell_back = []
    for name in names:
        # MemoryLake has the methods of a lake that these jobs use; a test holds the two to one form.
        run = Run(name, day, lake.root, cast(Lake, lake), settings, record_training=_untracked)
        _main(name)(run)
        fell_back += [f"{name}: {reason}" for reason in run.degraded]
    return fell_back


@cache
def _main(name: str) -> Callable[[Run], None]:
    return main_of(name)


def _untracked(root: object, day: date, *, faults: list[str], **_: Any) -> TrackedModel:
    """Nobody will look for a simulated model."""
    return TrackedModel("simulated", None if faults else f"simulated/{day}", "", day)
