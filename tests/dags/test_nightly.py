"""The nightly DAG agrees with the plan, and its tasks know their day."""

import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from foryou.steps import STEPS, process_edges, processes

PROCESSES = processes()
each_process = pytest.mark.parametrize(("leader", "steps"), PROCESSES.items(), ids=list(PROCESSES))
WAIT, MISSING, PAGE = "wait_for_landing", "build_missing_days", "report_failure"


def test_parsing_imports_no_engine_and_needs_no_place(airflow_environment):
    code = "import nightly, sys; print(sorted({'pyspark', 'mlflow', 'great_expectations'} & set(sys.modules)))"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("FORYOU_")}
    told = subprocess.run(
        [sys.executable, "-c", code], env=environment | airflow_environment, capture_output=True, text=True, check=False
    )
    assert (told.returncode, told.stdout) == (0, "[]\n"), told.stderr


def test_the_tasks_are_the_processes_after_the_wait_and_the_missing_days(nightly):
    assert set(nightly.dag.task_ids) == {WAIT, MISSING, *PROCESSES, PAGE}


def test_whatever_fails_the_night_has_its_page(nightly):
    page = nightly.dag.get_task(PAGE)
    assert page.upstream_task_ids == {MISSING, *PROCESSES} - {"report"}
    assert page.trigger_rule == "one_failed"
    assert page.application.endswith("jobs/report.py")


def test_the_edges_are_those_of_the_processes(nightly):
    found = {(task.task_id, later) for task in nightly.dag.tasks for later in task.downstream_task_ids}
    found = {edge for edge in found if PAGE not in edge}
    between_steps = {edge for edge in found if not {WAIT, MISSING} & set(edge)}
    assert between_steps == set(process_edges())
    first = set(PROCESSES) - {later for _, later in process_edges()}
    assert found - between_steps == {(WAIT, MISSING)} | {(MISSING, name) for name in first}


@each_process
def test_a_task_announces_the_tables_that_its_steps_write(nightly, leader, steps):
    written = [table.path for step in steps for table in step.writes + step.adds_to]
    assert [asset.name for asset in nightly.dag.get_task(leader).outlets] == written


@each_process
def test_a_heavy_step_leaves_no_slot_for_another(nightly, leader, steps):
    task = nightly.dag.get_task(leader)
    assert (task.pool, task.pool_slots) == ("spark", 2 if "heavy" in {step.weight for step in steps} else 1)


def test_every_step_stands_in_the_runbook_and_has_a_page(nightly):
    for step in STEPS:
        assert step.name in nightly.dag.doc_md
        assert step.doc in nightly.dag.get_task(step.process or step.name).doc_md


def test_nights_run_one_at_a_time_and_are_not_caught_up(nightly):
    assert (nightly.dag.max_active_runs, nightly.dag.catchup) == (1, False)


def test_a_scheduled_run_takes_the_day_that_has_ended(nightly):
    assert nightly.MACROS["night"]({"day": None}, datetime(2026, 1, 9, tzinfo=UTC)) == "2026-01-09"


def test_a_day_asked_for_comes_first(nightly):
    assert nightly.MACROS["night"]({"day": "2025-12-31"}, datetime(2026, 1, 9, tzinfo=UTC)) == "2025-12-31"


@pytest.mark.parametrize(("asked", "told"), [(None, "trigger it with"), ("yesterday", "YYYY-MM-DD")])
def test_a_run_that_cannot_know_its_day_says_so(nightly, asked, told):
    from airflow.sdk.exceptions import AirflowFailException

    with pytest.raises(AirflowFailException, match=told):
        nightly.MACROS["night"]({"day": asked}, None)


@pytest.mark.parametrize("variable", ["FORYOU_LANDING", "FORYOU_LAKE", "FORYOU_CONF"])
def test_a_missing_place_fails_the_task_by_name(task, monkeypatch, variable):
    from airflow.sdk.exceptions import AirflowFailException

    monkeypatch.delenv(variable)
    with pytest.raises(AirflowFailException, match=variable):
        task("build_events").render_template_fields({"params": {"day": "2026-01-09"}})
