"""What every job gets and leaves behind: its day, lake, settings, and a journal entry; one clear message on failure."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from foryou import settings, steps, tables
from foryou.errors import AlreadyRunning, DataRejected, ForYouError, InputMissing
from foryou.platform import checks, spark, tracking
from foryou.platform.checks import Outcome
from foryou.platform.lake import Lake
from foryou.settings import Settings

JOBS = settings.ROOT / "jobs"


@dataclass
class Run:
    """One step's run for one day.

    `notes` are the figures that a person sees beside the step; `degraded` tells what the step fell back on;
    `overrides` maps the name of a check to a person's reason for going on although it fails; `manifest` is the digest
    of the landed day's manifest, of a step that reads what has landed. `record_training` keeps a trained model where
    people find it: in MLflow, unless nobody will look for it.
    """

    step: str
    day: date
    landing: Path
    lake: Lake
    settings: Settings
    overrides: dict[str, str] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)
    degraded: list[str] = field(default_factory=list)
    manifest: str | None = None
    record_training: Callable[..., tracking.TrackedModel] = tracking.record_training

    def window(self, days: int) -> list[date]:
        """The last `days` days up to and with the run's own."""
        return [self.day - timedelta(days=back) for back in reversed(range(days))]

    def note(self, **figures: Any) -> None:
        self.notes.update(figures)

    def degrade(self, reason: str) -> None:
        """The night goes on and is published as `degraded`."""
        self.degraded.append(reason)

    def record_checks(self, outcomes: Iterable[Outcome], detail: str = "") -> None:
        """Writes the outcomes to `checks`; raises DataRejected if one that gates failed and nobody overrode it.

        `detail` is what a person should know beside the outcomes, should the night stop here.
        """
        found = list(outcomes)
        overridden = [self.overrides.get(outcome.expectation) for outcome in found]
        rows = [outcome.as_row(self.step) for outcome in found]
        for row, reason, outcome in zip(rows, overridden, found, strict=True):
            row["override"] = None if outcome.passed else reason
        self.lake.replace_day(tables.CHECKS, self.day, _rows(rows), where=f"step = '{self.step}'")
        failed = [o for o, reason in zip(found, overridden, strict=True) if not o.passed and not reason]
        self._gate([outcome for outcome in failed if outcome.gates], detail)
        for outcome, reason in zip(found, overridden, strict=True):
            if reason and not outcome.passed:
                self.degrade(f"{outcome.expectation} overridden: {reason}")

    def _gate(self, stopping: list[Outcome], detail: str) -> None:
        if not stopping:
            return
        observed = "; ".join(str(outcome.observed) for outcome in stopping)
        raise DataRejected(
            stopping[0].table,
            day=self.day,
            wanted="; ".join(outcome.expectation for outcome in stopping),
            found=f"{observed} ({detail})" if detail else observed,
            next_step="mend the input and run the night again, or go on with "
            f"--override '{stopping[0].expectation}=why it may pass' (recorded)",
        )


def journal(lake_root: Path, day: date) -> Path:
    """Where the steps of a night leave their entries, one JSON file a step."""
    return lake_root / "_nights" / day.isoformat()


def finished(lake_root: Path, day: date, step: str) -> bool:
    """Whether the step's last run for that day came to its end."""
    return read_json(journal(lake_root, day) / f"{step}.json").get("state", "failed") != "failed"


def manifests_read(lake_root: Path, day: date) -> dict[str, str]:
    """By step of the night: the digest of the manifest that it read, of those that read what has landed."""
    paths = [path for path in sorted(journal(lake_root, day).glob("*.json")) if path.stem in steps.BY_NAME]
    entries = map(read_json, paths)
    return {entry["step"]: entry["manifest"] for entry in entries if entry.get("manifest")}


def degraded_steps(lake_root: Path, day: date, before: str) -> list[str]:
    """What the night's steps before that one fell back on, each with the step's name.

    Entries of that step and later ones may be there too, left by an earlier run of the night.
    """
    later = [*steps.BY_NAME][[*steps.BY_NAME].index(before) :]
    paths = [path for path in sorted(journal(lake_root, day).glob("*.json")) if path.stem not in later]
    entries = map(read_json, paths)
    return [f"{entry['step']}: {reason}" for entry in entries for reason in entry.get("degraded", [])]


def run_step(run: Run, main: Callable[[Run], None]) -> dict[str, Any]:
    """Runs the step and leaves its journal entry: state, seconds, notes; a failure is entered and raised again.

    `started_at` and `finished_at` are epoch seconds, so that what was measured from outside finds its step.
    """
    started, started_at = time.monotonic(), time.time()
    entry: dict[str, Any] = {"step": run.step, "day": run.day.isoformat(), "state": "failed"}
    try:
        main(run)
        entry |= {"state": "degraded" if run.degraded else "ok", "degraded": run.degraded}
    except ForYouError as error:
        entry |= error.as_dict()
        raise
    finally:
        entry |= {"seconds": round(time.monotonic() - started, 2), "notes": run.notes, "manifest": run.manifest}
        entry |= {"started_at": round(started_at, 3), "finished_at": round(time.time(), 3)}
        write_json(journal(run.lake.root, run.day) / f"{run.step}.json", entry)
    return entry


def write_json(path: Path, content: Any) -> None:
    """Writes the file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8") as file:
        json.dump(content, file, indent=1, sort_keys=True, default=str)
        file.flush()
        os.fsync(file.fileno())  # else a power cut may leave an empty file of the final name
    part.replace(path)


def read_json(path: Path) -> dict[str, Any]:
    """What `write_json` left there; nothing where nothing is, or where it cannot be read: that was not done then."""
    try:
        found = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def override(text: str) -> tuple[str, str]:
    """`CHECK=REASON` as check and reason. Raises ValueError where one is missing."""
    check, _, reason = text.partition("=")  # a reason may hold another; no check's name does
    if not check.strip() or not reason.strip():
        raise ValueError(f"an override needs the form CHECK=REASON, not {text!r}")
    return check.strip(), reason.strip()


def spark_log(lake: Path, name: str) -> Path:
    """Where Spark's log of that name goes. Raises InputMissing for a path where no lake can be written."""
    folder = lake / "_logs"
    try:
        if set('*?[]{}\\%"') & set(str(lake.absolute())):
            raise ValueError('it has one of * ? [ ] { } \\ % ", which mean something else to Spark or Delta')
        str(lake).encode()
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder / f"{name}.log"
    except (OSError, ValueError) as error:
        raise InputMissing(
            "lake",
            wanted=f"a folder that can be written at {lake}",
            found=str(error),
            next_step="check --lake and who may write there",
        ) from error


@contextmanager
def at_night(lake: Lake, *, shared: bool) -> Iterator[None]:
    """The lake for writing: a whole night's process has it alone, the jobs of a scheduled night share it.

    Raises AlreadyRunning if another process is in the way.
    """
    with ExitStack() as held:
        try:
            held.enter_context(lake.locked("nights", wait=False, shared=shared))
        except BlockingIOError as error:
            raise AlreadyRunning(
                "lake",
                wanted=f"{lake.root} to ourselves",
                found="another process running nights on it",
                next_step="wait until it is done; if a process hangs, end it: its lock goes with it",
            ) from error
        yield


def main_of(name: str) -> Callable[[Run], None]:
    """What the job file of that name does with a run."""
    spec = importlib.util.spec_from_file_location(f"foryou_job_{name}", JOBS / f"{name}.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(JOBS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Callable[[Run], None] = module.main
    return found


def job(main: Callable[[Run], None]) -> None:
    """The entry of a job file under `spark-submit` or plain Python; exits with the codes of `foryou.errors`.

    Then come the jobs named by `--then`, in the same process; a failure ends it, and each leaves its own entry.
    """
    arguments = _arguments()
    name = Path(sys.argv[0]).stem
    try:
        chosen = settings.load(*arguments.conf)
        log = spark_log(arguments.lake, f"{arguments.day}-{name}")
        lake = Lake(arguments.lake, lambda: spark.session(chosen.spark, f"foryou {name} {arguments.day}", log))
        with at_night(lake, shared=True):
            if name in steps.ALSO_WRITES_CHECKS:
                checks.import_early()
            for each, does in ((name, main), *((other, main_of(other)) for other in arguments.then)):
                run = Run(each, arguments.day, arguments.landing, lake, chosen, dict(arguments.override))
                print(json.dumps(run_step(run, does), default=str), flush=True)
    except ForYouError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("--day", type=date.fromisoformat, required=True, help="the night's day, YYYY-MM-DD")
    parser.add_argument("--landing", type=Path, required=True, help="where the days land")
    parser.add_argument("--lake", type=Path, required=True, help="the root of the lake")
    parser.add_argument("--conf", action="append", default=[], help="a settings file over conf/base.yaml")
    help = "CHECK=REASON: go on although it fails"
    parser.add_argument("--override", action="append", default=[], type=override, help=help)
    parser.add_argument("--then", action="append", default=[], choices=steps.BY_NAME, help="another job, after it")
    return parser.parse_args()


def _rows(rows: list[dict[str, Any]]) -> pa.Table:
    columns = [column for column in tables.CHECKS.columns if column.name != "day"]
    kinds = {"string": pa.string(), "boolean": pa.bool_()}
    return pa.Table.from_pylist(rows, schema=pa.schema([(c.name, kinds[c.type]) for c in columns]))
