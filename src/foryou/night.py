"""Nights in one process: the steps of `steps.py` one after another, with what the lake lacks built before them."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from foryou import secret, steps, tables
from foryou.errors import ContractBroken, DataRejected, ForYouError, InputMissing
from foryou.platform import checks, spark
from foryou.platform.job import (
    JOBS,
    Run,
    at_night,
    finished,
    journal,
    main_of,
    read_json,
    run_step,
    spark_log,
    write_json,
)
from foryou.platform.lake import Lake
from foryou.settings import Settings
from foryou.sources import landing as landed

Told = Callable[[date, str, dict[str, Any] | None], None]
"""Told of a step's start (day, step, None) and of its end (day, step, journal entry)."""


@dataclass
class Night:
    """One lake with what its nights need; opened by `opened`."""

    landing: Path
    lake: Lake
    settings: Settings
    overrides: dict[str, str] = field(default_factory=dict)
    told: Told = lambda day, step, entry: None

    def run(self, day: date) -> dict[str, Any]:
        """Runs the night of a day and gives its summary; steps that a broken attempt finished are not run again.

        Raises the error of the step that failed; what was published before stays as it was, and the night's report
        tells what happened.
        """
        started = time.monotonic()
        require_landed(self.landing, day)
        inputs = self._inputs(day)  # as the night begins: what lands while it runs belongs to the next attempt
        checks.import_early()
        to_start_spark = self._start_spark(day)
        before = self._first_of_all(day)
        done = self._finished(day, inputs)
        self._forget_all_but(day, done)
        try:
            entries = [before, *(self._step(day, step.name, done, inputs) for step in steps.STEPS)]
        except ForYouError:
            self._report_failure(day)
            raise
        summary = _summary(day, entries, time.monotonic() - started) | {"to_start_spark": to_start_spark}
        summary["overrides_unused"] = self._unused(day)
        write_json(self._state_file(day), {"inputs": inputs, "finished": summary})
        return summary

    def _unused(self, day: date) -> list[str]:
        """Overrides of checks that passed, or that nobody makes."""
        rows = self.lake.arrow(tables.CHECKS, ["expectation", "override"], days=[day]).to_pylist()
        return sorted(set(self.overrides) - {row["expectation"] for row in rows if row["override"]})

    def finished(self, day: date) -> dict[str, Any] | None:
        """The summary of a night that is done and would read the same inputs with the same settings and code again."""
        state = self._state(day)
        return state.get("finished") if state.get("inputs") == self._inputs(day) else None

    def _start_spark(self, day: date) -> float:
        """The seconds that it took; told apart, since else the first step that needs Spark looks slow."""
        since = time.monotonic()
        if not self.lake.has_spark:
            self.told(day, "start_spark", None)
            self.lake.spark  # noqa: B018 - to ask for it is to start it
            seconds = round(time.monotonic() - since, 2)
            self.told(day, "start_spark", {"state": "ok", "seconds": seconds, "notes": {}})
        return round(time.monotonic() - since, 2)

    def _report_failure(self, day: date) -> None:
        """A night that was stopped has its page too: that is when somebody wants to read it."""
        run = Run("report", day, self.landing, self.lake, self.settings, self.overrides)
        run_step(run, main_of("report"))

    def build_missing_days(self, run: Run) -> None:
        """Builds the views of every earlier landed day of the window that the lake lacks; takes all earlier controls.

        A day whose data is refused is left out, which degrades the night: its own night has said what to do about
        it, and the nights after it must not stop for as long as the window reaches back.
        """
        built = []
        as_landed = replace(self, overrides={})  # tonight's reasons say nothing about other days
        for each in self._missing(run.window(self.settings.interactions.window_days)[:-1]):
            inputs = as_landed._inputs(each)
            done = as_landed._finished(each, inputs)
            try:
                for name in steps.PER_LANDED_DAY:
                    as_landed._step(each, name, done, inputs)
                built.append(each.isoformat())
            except (InputMissing, DataRejected, ContractBroken) as error:
                run.degrade(f"{each} is left out: {error.headline} ({error.table}): {error.found}")
        run.note(built=built)
        as_landed._take_controls(run)

    def _take_controls(self, run: Run) -> None:
        """Takes the controls of every earlier landed day whose have never been: they hold beyond any window.

        Whether they have been says the journal, since a day without any leaves no rows.
        """
        held = set(self.lake.days(tables.CONTROLS))
        for each in landed.days(self.landing):
            if each < run.day and not self._has_controls(each, held):
                earlier = Run("build_controls", each, self.landing, self.lake, self.settings)
                try:
                    run_step(earlier, main_of(earlier.step))
                except (InputMissing, DataRejected, ContractBroken) as error:
                    run.degrade(f"controls of {each} are left out: {error.headline} ({error.table}): {error.found}")

    def _has_controls(self, day: date, held: set[date]) -> bool:
        """Whether the day's have been taken, and are still there."""
        if not finished(self.lake.root, day, "build_controls"):
            return False
        return day in held or not read_json(journal(self.lake.root, day) / "build_controls.json")["notes"]["controls"]

    def _missing(self, days: list[date]) -> list[date]:
        """The landed ones of the days of which the lake lacks something; `seen` is what a day's steps write last."""
        have = set(self.lake.days(tables.VIEWS)) & set(self.lake.days(tables.SEEN))
        return [each for each in days if each not in have and self._landed(each)]

    def _first_of_all(self, day: date) -> dict[str, Any]:
        run = Run("build_missing_days", day, self.landing, self.lake, self.settings, self.overrides)
        entry = run_step(run, self.build_missing_days)
        if run.degraded:
            self.told(day, run.step, entry)
        return entry

    def _step(self, day: date, name: str, done: set[str], inputs: str) -> dict[str, Any]:
        if name in done:
            return read_json(journal(self.lake.root, day) / f"{name}.json")
        self.told(day, name, None)
        run = Run(name, day, self.landing, self.lake, self.settings, self.overrides)
        try:
            entry = run_step(run, main_of(name))
        except ForYouError as error:
            self.told(day, name, {"step": name, "state": "failed", **error.as_dict()})
            raise
        write_json(self._state_file(day), {"inputs": inputs, "done": sorted(done | {name})})
        done.add(name)
        self.told(day, name, entry)
        return entry

    def _finished(self, day: date, inputs: str) -> set[str]:
        """Steps that an unfinished attempt with the same inputs has behind it."""
        state = self._state(day)
        done = state.get("done", []) if state.get("inputs") == inputs else []
        return {name for name in done if finished(self.lake.root, day, name)}

    def _forget_all_but(self, day: date, done: set[str]) -> None:
        """Removes the entries of an earlier run of the night: its page would tell of them as of this one's."""
        for name in set(steps.BY_NAME) - done:
            (journal(self.lake.root, day) / f"{name}.json").unlink(missing_ok=True)

    def _state(self, day: date) -> dict[str, Any]:
        """What the night's last attempt left: its inputs, and the steps done or the summary."""
        return read_json(self._state_file(day))

    def _state_file(self, day: date) -> Path:
        return self.lake.root / "_nights" / f"{day.isoformat()}.json"

    def _inputs(self, day: date) -> str:
        """A digest of all that the night depends on; with another one, nothing of an earlier attempt is kept.

        That is what was landed of the window, what was asked for, which salt devices are named with, and the code.
        """
        told = hashlib.sha256(self.settings.digest().encode() + json.dumps(self.overrides, sort_keys=True).encode())
        told.update(secret.digest(secret.salt()).encode())
        first = day - timedelta(days=self.settings.interactions.window_days)
        for each in landed.days(self.landing):
            if first < each <= day:
                told.update(Path(steps.manifest(str(self.landing), each.isoformat())).read_bytes())
        for file in sorted((*Path(__file__).parent.rglob("*.py"), *JOBS.glob("*.py"))):
            told.update(file.read_bytes())
        return told.hexdigest()

    def _landed(self, day: date) -> bool:
        return Path(steps.manifest(str(self.landing), day.isoformat())).is_file()


@contextmanager
def opened(
    landing: Path,
    lake: Path,
    settings: Settings,
    *,
    overrides: dict[str, str] | None = None,
    told: Told = lambda day, step, entry: None,
) -> Iterator[Night]:
    """A lake for nights in this process alone.

    Raises AlreadyRunning if another process runs nights on it, and InputMissing where no lake can be written.
    """
    log = spark_log(lake, "spark")

    def session() -> SparkSession:
        return spark.session(settings.spark, "foryou", log)

    opened_lake = Lake(lake, session)
    with at_night(opened_lake, shared=False):
        yield Night(landing, opened_lake, settings, overrides or {}, told)


def require_landed(landing: Path, day: date) -> None:
    """Raises InputMissing for a day that has not landed."""
    manifest = Path(steps.manifest(str(landing), day.isoformat()))
    if not manifest.is_file():
        raise InputMissing(
            "landing",
            day=day,
            wanted=str(manifest),
            found="no such file",
            next_step="wait for the day to land (its manifest comes last), or check --landing and --day",
        )


def days_between(landing: Path, first: date, last: date) -> list[date]:
    """The landed days from `first` to `last`. Raises InputMissing if there are none."""
    found = [day for day in landed.days(landing) if first <= day <= last]
    if not found:
        raise InputMissing(
            "landing",
            wanted=f"landed days from {first} to {last} below {landing}",
            found="none",
            next_step="check --landing, --from and --to",
        )
    return found


def _summary(day: date, entries: list[dict[str, Any]], seconds: float) -> dict[str, Any]:
    degraded = [f"{entry['step']}: {reason}" for entry in entries for reason in entry.get("degraded", [])]
    return {
        "day": day.isoformat(),
        "status": "degraded" if degraded else "ok",
        "degraded": degraded,
        "built_days": entries[0]["notes"]["built"],
        "seconds": round(seconds, 1),
        "steps": {entry["step"]: {"seconds": entry["seconds"], **entry["notes"]} for entry in entries},
    }
