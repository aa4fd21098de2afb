"""The night as an Airflow DAG: tasks and edges are the processes of `foryou.steps`, one `spark-submit` for each."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import runbook
from airflow.sdk import DAG, Asset, CronDataIntervalTimetable, Param
from landed_day import LandedDay
from spark_task import SparkTask
from told import MACROS

from foryou.contract import Table
from foryou.steps import Step, process_edges, processes

SCHEDULE = os.environ.get("FORYOU_SCHEDULE", "0 0 * * *")
"""When a night may start, as cron in UTC: its day is the one before. Empty: only by hand."""

POOL = "spark"
SLOTS = {"light": 1, "heavy": 2}
PATIENCE = timedelta(hours=12)
TIMEOUTS = {"light": timedelta(hours=1), "heavy": timedelta(hours=3)}

RETRIES = {
    "retries": 2,
    "retry_delay": timedelta(minutes=2),
    "retry_exponential_backoff": 2,
    "max_retry_delay": timedelta(minutes=30),
}
PARAMS = {
    "day": Param(None, type=["null", "string"], format="date", description="The day to run; empty: the schedule's."),
    "overrides": Param([], type=["null", "array"], description="CHECK=REASON: go on although this check fails."),
}


def asset(table: Table) -> Asset:
    """A table as other DAGs may wait for it: by name, wherever the lake lies."""
    return Asset(name=table.path, uri=f"foryou://lake/{table.path}", group="foryou")


def task_of(leader: str, steps: tuple[Step, ...]) -> SparkTask:
    weights = {step.weight for step in steps}
    return SparkTask(
        task_id=leader,
        then=tuple(step.name for step in steps if step.name != leader),
        doc_md="\n\n".join(map(runbook.of_step, steps)),
        outlets=[asset(table) for step in steps for table in step.writes + step.adds_to],
        pool_slots=max(SLOTS[weight] for weight in weights),
        execution_timeout=max(TIMEOUTS[weight] for weight in weights),
    )


with DAG(
    dag_id="nightly",
    description="From a landed day of the log to a published release",
    schedule=CronDataIntervalTimetable(SCHEDULE, timezone="UTC") if SCHEDULE else None,
    start_date=datetime(2020, 1, 1, tzinfo=UTC),
    catchup=False,  # a release of a day long gone serves nobody; the next night builds the days it lacks
    max_active_runs=1,  # nights follow one another: each starts from the factors and ids of the one before
    dagrun_timeout=timedelta(hours=23),  # a night that hangs must not block the next
    default_args={"owner": "foryou", "pool": POOL} | RETRIES,
    params=PARAMS,
    user_defined_macros=MACROS,
    tags=["foryou", "nightly"],
    doc_md=runbook.overview(),
) as dag:
    wait = LandedDay(task_id="wait_for_landing", patience=PATIENCE, poke_interval=60, pool="default_pool")
    missing = SparkTask(task_id="build_missing_days", pool_slots=2, execution_timeout=TIMEOUTS["heavy"])
    tasks = {leader: task_of(leader, steps) for leader, steps in processes().items()}
    for earlier, later in process_edges():
        tasks[earlier] >> tasks[later]
    wait >> missing >> [task for task in tasks.values() if not task.upstream_task_ids]
    # A night that was stopped has its page too: that is when somebody wants to read it.
    page = SparkTask(task_id="report_failure", job="report", trigger_rule="one_failed", pool_slots=1)
    [missing, *(task for name, task in tasks.items() if name != "report")] >> page
