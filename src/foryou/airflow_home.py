"""`foryou airflow`: an Airflow of one machine, for one person, on loopback, with our DAGs and a landing folder.

The parts of `airflow standalone` are started here one by one: that command's log servers listen on every interface.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

import psutil

from foryou.errors import ContractBroken, InputMissing
from foryou.settings import ROOT, load
from foryou.sources import landing as landed
from foryou.spark_configuration import LOOPBACK

BIN = Path(sys.prefix) / "bin"
PARTS = {
    "api-server": ("api-server", "--host", LOOPBACK),
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}
HEALTHY = ("metadatabase", "scheduler", "dag_processor", "triggerer")
PATIENCE_S = 180
LEAVE_S = 20


def serve(landing: Path, lake: Path, home: Path, conf: str = "local") -> None:
    """Runs Airflow until Ctrl-C: database, passwords and logs below `home`, nights of `landing` into `lake`.

    Raises InputMissing where no day has landed, ContractBroken where a part of Airflow ends by itself.
    """
    newest = _newest_day(landing)
    home.mkdir(parents=True, exist_ok=True)
    port = _free_port()
    environment = os.environ | airflow_environment(landing, lake, home, port, conf)
    with _until_interrupted():
        _prepare(home, environment)
        with _parts(home, environment) as parts:
            _until_healthy(parts, home, port)
            _tell(home, port, newest)
            while True:
                _require_alive(parts, home)
                time.sleep(1)


def airflow_environment(landing: Path, lake: Path, home: Path, port: int, conf: str) -> dict[str, str]:
    """What Airflow is told through its environment; nothing is written into a configuration file."""
    told: dict[str, dict[str, object]] = {
        "core": {"dags_folder": ROOT / "dags", "load_examples": False, "executor": "LocalExecutor", "parallelism": 4},
        "api": {"host": LOOPBACK, "port": port, "workers": 1, "base_url": f"http://{LOOPBACK}:{port}"},
        "database": {"sql_alchemy_conn": f"sqlite:///{home.resolve()}/airflow.db", "load_default_connections": False},
        "usage_data_collection": {"enabled": False},
    }
    options = {
        f"AIRFLOW__{part}__{key}".upper(): str(value) for part, keys in told.items() for key, value in keys.items()
    }
    return options | {
        "AIRFLOW_HOME": str(home.resolve()),
        "AIRFLOW_CONN_SPARK_DEFAULT": json.dumps({"conn_type": "spark", "host": load(conf).spark.master}),
        "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "FORYOU_LANDING": str(landing.resolve()),
        "FORYOU_LAKE": str(lake.resolve()),
        "FORYOU_CONF": conf,
        "FORYOU_SCHEDULE": "",
    }


def _newest_day(landing: Path) -> str:
    days = landed.days(landing)
    if not days:
        raise InputMissing(
            "landing",
            wanted=f"a landed day below {landing}",
            found="none",
            next_step="run `make demo` first, or name a landing folder with --landing",
        )
    return days[-1].isoformat()


def _free_port(first: int = 8080) -> int:
    for port in range(first, first + 20):
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if trial.connect_ex((LOOPBACK, port)) != 0:
                return port
    raise ContractBroken(
        "airflow",
        wanted=f"a free port from {first} to {first + 19}",
        found="all taken",
        next_step="stop what uses them",
    )


@contextmanager
def _until_interrupted() -> Iterator[None]:
    """Ctrl-C and a plain `kill` are how a person ends it: neither is an error."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    except KeyboardInterrupt:
        print("\nAirflow is stopped", flush=True)
    finally:
        signal.signal(signal.SIGTERM, before)


def _prepare(home: Path, environment: dict[str, str]) -> None:
    passwords = home / "simple_auth_manager_passwords.json.generated"
    if not passwords.exists():
        passwords.touch(mode=0o600)
        passwords.write_text(json.dumps({"admin": secrets.token_urlsafe(9)}), encoding="utf-8")
    for doing, command in (
        ("preparing Airflow's database", ("db", "migrate")),
        ("making the pool `spark`", ("pools", "set", "spark", "2", "Light Spark jobs at once; a heavy one takes two")),
    ):
        print(f"{doing} ...", flush=True)
        with (home / "prepare.log").open("ab") as log:
            done = subprocess.run([BIN / "airflow", *command], env=environment, stdout=log, stderr=log, check=False)
        if done.returncode:
            raise _ended(f"airflow {' '.join(command)}", done.returncode, home / "prepare.log")


@contextmanager
def _parts(home: Path, environment: dict[str, str]) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Airflow's four processes, out of reach of a terminal's Ctrl-C, so that they are ended in order."""
    parts: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, command in PARTS.items():
            with (home / f"{name}.log").open("ab") as log:
                parts[name] = subprocess.Popen(
                    [BIN / "airflow", *command],
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
        yield parts
    finally:
        print("\nstopping Airflow and the job that runs, if any ...", flush=True)
        _stop(parts)


def _stop(parts: dict[str, subprocess.Popen[bytes]]) -> None:
    """Ends the parts and whatever they started: a Spark job outlives the worker that waits for it."""
    started = [child for part in parts.values() for child in _descendants(part)]
    for part in parts.values():
        if part.poll() is None:
            part.terminate()
    until = time.monotonic() + LEAVE_S
    for part in parts.values():
        with suppress(subprocess.TimeoutExpired):
            part.wait(max(0.1, until - time.monotonic()))
    for process in [*started, *parts.values()]:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def _descendants(part: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Taken while the part lives: afterwards nothing tells whose children they were."""
    try:
        return psutil.Process(part.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _until_healthy(parts: dict[str, subprocess.Popen[bytes]], home: Path, port: int) -> None:
    started = time.monotonic()
    while time.monotonic() - started < PATIENCE_S:
        _require_alive(parts, home)
        waiting = [name for name, state in _health(port).items() if state != "healthy"]
        if not waiting:
            return
        print(f"starting Airflow: {time.monotonic() - started:3.0f} s, waiting for {', '.join(waiting)}", flush=True)
        time.sleep(3)
    raise ContractBroken(
        "airflow",
        wanted=f"a healthy Airflow within {PATIENCE_S} s",
        found=str(_health(port)),
        next_step=f"look into the logs in {home}",
    )


def _health(port: int) -> dict[str, str]:
    """The state of each part, as the API server tells it; all unknown while it does not answer."""
    try:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/api/v2/monitor/health", timeout=5) as answer:
            told = json.load(answer)
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return {"api server": "unknown"}
    return {name: str((told.get(name) or {}).get("status")) for name in HEALTHY}


def _require_alive(parts: dict[str, subprocess.Popen[bytes]], home: Path) -> None:
    for name, part in parts.items():
        code = part.poll()
        if code is not None:
            raise _ended(f"airflow {name}", code, home / f"{name}.log")


def _ended(command: str, code: int, log: Path) -> ContractBroken:
    return ContractBroken(
        "airflow",
        wanted=f"`{command}` to do its work",
        found=f"it ended with {code}",
        next_step=f"see the end of {log}",
    )


def _tell(home: Path, port: int, newest: str) -> None:
    password = json.loads((home / "simple_auth_manager_passwords.json.generated").read_text(encoding="utf-8"))["admin"]
    print(
        f"""
Airflow is ready:  http://{LOOPBACK}:{port}     user admin, password {password}

  run a night      open the DAG `nightly`, press Trigger, give the day {newest} and leave "unpause" ticked
  what happens     its Graph; a task's page says what it does and what to do when it fails
  logs, database   {home}
  stop             Ctrl-C
""",
        flush=True,
    )
