"""Runs the nightly DAG for a day in a process of its own and tells, as JSON, how each task ended and at which try.

python run_dag.py DAY [TASKS_TO_MARK_AS_DONE]
"""

import json
import sys

from airflow.models import DagBag  # noqa: F401  (models first: the database module needs them all)
from airflow.utils.db import initdb
from nightly import dag


def main(day: str, skipped: str | None) -> None:
    initdb()
    run = dag.test(logical_date=None, run_conf={"day": day}, mark_success_pattern=skipped)
    told = {ti.task_id: [str(ti.state), ti.try_number] for ti in run.get_task_instances()}
    print("\n" + json.dumps({"state": str(run.state), "tasks": told}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)
