"""The DAG run by Airflow with the real jobs, each in its own Spark process, on a tiny world."""

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from deltalake import DeltaTable

from foryou.sources import world
from foryou.sources.world_parameters import WorldParameters
from foryou.steps import processes

pytestmark = pytest.mark.slow

DAYS = (date(2026, 3, 1), date(2026, 3, 2))
QUICK_START = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"  # processes this short end before a second compiler pays


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with two landed days, a third whose file is not what its manifest says, and no lake yet."""
    folder = tmp_path_factory.mktemp("night")
    world.generate(WorldParameters(viewers=150, videos=120, days=2, events=6_000, seed=3), folder / "landing")
    refused = folder / "landing" / "day=2026-03-03" / "events"
    refused.mkdir(parents=True)
    (refused / "part-0.jsonl").write_text("cut sho")
    listed = {"events/part-0.jsonl": {"rows": 1, "bytes": 20, "sha256": "0" * 64}}
    (refused.parent / "_manifest.json").write_text(json.dumps({"day": "2026-03-03", "files": listed}))
    return folder


@pytest.fixture(scope="module")
def run_dag(place, airflow_environment):
    """Runs the DAG for a day, tasks of a pattern taken as done; gives what `run_dag.py` tells."""
    environment = os.environ | airflow_environment
    environment |= {"FORYOU_LANDING": f"{place}/landing", "FORYOU_LAKE": f"{place}/lake", "FORYOU_CONF": "ci"}
    environment |= {"JAVA_TOOL_OPTIONS": QUICK_START}

    def run(*arguments):
        command = [sys.executable, str(Path(__file__).with_name("run_dag.py")), *arguments]
        told = subprocess.run(command, env=environment, cwd=place, capture_output=True, text=True, check=False)
        assert told.returncode == 0, told.stderr[-5_000:]
        return json.loads(told.stdout.splitlines()[-1]) | {"log": told.stdout}

    return run


def live_releases(place):
    releases = DeltaTable(place / "lake" / "published" / "releases").to_pyarrow_table().to_pylist()
    return [row for row in releases if row["state"] == "live"]


@pytest.fixture(scope="module")
def night(run_dag):
    """The night of the second day, on a lake that lacks the first."""
    return run_dag(DAYS[1].isoformat())


def test_a_night_in_airflow_publishes_a_release(night, place):
    assert night["state"] == "success", night["log"][-5_000:]
    assert night["tasks"].pop("report_failure")[0] == "skipped"
    assert {state for state, _ in night["tasks"].values()} == {"success"}
    (live,) = live_releases(place)
    assert live["day"] == DAYS[1]
    feeds = DeltaTable(place / "lake" / "published" / "feeds", version=dict(live["tables"])["feeds"]).to_pyarrow_table()
    assert feeds.num_rows > 100


def test_the_earlier_landed_day_was_built_first(night, place):
    views = DeltaTable(place / "lake" / "views").to_pyarrow_table(columns=["day"])
    assert set(views["day"].to_pylist()) == set(DAYS)


def test_a_refused_day_fails_at_its_first_try_and_leaves_the_release(night, run_dag, place):
    before = live_releases(place)
    told = run_dag("2026-03-03", "wait_for_landing|build_missing_days")
    assert told["tasks"]["build_catalogue"] == ["failed", 1]
    assert "data rejected (exit 4), so it is not tried again" in told["log"]
    assert {told["tasks"][name][0] for name in processes() if name != "build_catalogue"} == {"upstream_failed"}
    assert live_releases(place) == before
    assert told["tasks"]["report_failure"][0] == "success" and told["state"] == "failed"
    assert "part-0.jsonl" in (place / "lake" / "_reports" / "2026-03-03.html").read_text()


def test_a_day_that_never_landed_stops_at_the_wait(run_dag):
    told = run_dag("2020-02-01")
    assert told["tasks"]["wait_for_landing"] == ["failed", 1]
    assert "day=2020-02-01/_manifest.json by 2020-02-02 12:00 UTC; found no manifest" in told["log"]
