"""Airflow on one machine: what it is told, and that it goes when it is told to."""

import subprocess
import sys
import time

import psutil
import pytest

from foryou import airflow_home
from foryou.errors import InputMissing


def test_nothing_listens_beyond_this_machine(tmp_path):
    told = airflow_home.airflow_environment(tmp_path, tmp_path, tmp_path, 8081, "local")
    assert told["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert told["AIRFLOW__API__BASE_URL"] == "http://127.0.0.1:8081"
    assert {name for name, command in airflow_home.PARTS.items() if "--skip-serve-logs" in command} == {
        "scheduler",
        "triggerer",
    }


def test_the_master_is_that_of_the_settings(tmp_path):
    told = airflow_home.airflow_environment(tmp_path, tmp_path, tmp_path, 8081, "cluster")
    assert told["AIRFLOW_CONN_SPARK_DEFAULT"] == '{"conn_type": "spark", "host": "yarn"}'


def test_without_a_landed_day_it_says_how_to_get_one(tmp_path):
    (tmp_path / "day=2026-03-01").mkdir()
    with pytest.raises(InputMissing, match="make demo"):
        airflow_home.serve(tmp_path, tmp_path / "lake", tmp_path / "home")
    assert not (tmp_path / "home").exists()


def test_stopping_ends_what_the_parts_started_in_sessions_of_their_own():
    sleeper = "import time; time.sleep(60)"
    starter = (
        f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {sleeper!r}], start_new_session=True).wait()"
    )
    part = subprocess.Popen([sys.executable, "-c", starter])
    until = time.monotonic() + 20
    while not (children := psutil.Process(part.pid).children(recursive=True)) and time.monotonic() < until:
        time.sleep(0.05)
    airflow_home._stop({"scheduler": part})
    assert part.poll() is not None
    gone, alive = psutil.wait_procs(children, timeout=5)
    assert (len(gone), alive) == (1, [])
