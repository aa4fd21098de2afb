"""One job of `jobs/` as one Spark process of its own, started by `spark-submit`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from told import DAY, place

from foryou import settings
from foryou.errors import FINAL_EXIT_CODES, ForYouError
from foryou.spark_configuration import on_one_machine, submitted

SPARK_SUBMIT = Path(sys.prefix) / "bin" / "spark-submit"
ENVIRONMENT = {
    "PYSPARK_PYTHON": sys.executable,
    "PYSPARK_DRIVER_PYTHON": sys.executable,
    "OPENBLAS_NUM_THREADS": "1",
}
PLACES = [text for name in ("landing", "lake", "conf") for text in (f"--{name}", f"{{{{ place('{name}') }}}}")]


class SparkTask(SparkSubmitOperator):
    """Runs a job, that of the task's name unless told, and those that share its process, for the run's day.

    Fails without a retry where the job's exit code says that a retry cannot help (`foryou.errors`). The code is
    `spark-submit`'s own, so this holds wherever the driver runs beside it (local, and cluster managers in client mode).
    """

    def __init__(self, job: str = "", then: tuple[str, ...] = (), **kwargs: Any) -> None:
        super().__init__(
            application=str(settings.ROOT / "jobs" / f"{job or kwargs['task_id']}.py"),
            name=f"foryou {kwargs['task_id']} {DAY}",
            application_args=["--day", DAY, *PLACES, *(text for name in then for text in ("--then", name))],
            env_vars=ENVIRONMENT,
            spark_binary=str(SPARK_SUBMIT),
            **kwargs,
        )

    def render_template_fields(self, context: Any, jinja_env: Any = None) -> None:
        """Fills in, with the templates, what the settings say about Spark and which checks a person overrides."""
        super().render_template_fields(context, jinja_env)
        try:
            chosen = settings.load(place("conf")).spark
        except ForYouError as error:
            raise AirflowFailException(str(error)) from error
        self.conf = submitted(chosen)
        self.env_vars = ENVIRONMENT | on_one_machine(chosen)[1]
        for override in context["params"].get("overrides") or []:
            self.application_args += ["--override", override]

    def execute(self, context: Any) -> None:
        try:
            super().execute(context)
        except AirflowException as error:
            code = self._exit_code()
            if code not in FINAL_EXIT_CODES:
                raise
            headline = next(kind.headline for kind in ForYouError.__subclasses__() if kind.exit_code == code)
            raise AirflowFailException(
                f"{self.task_id}: {headline} (exit {code}), so it is not tried again. "
                "What was wanted, what was found and what to do next stands in the last lines of this log."
            ) from error

    def _exit_code(self) -> int | None:
        """The provider keeps the code nowhere else than in its message and its process."""
        process = self._hook._submit_sp if self._hook else None
        return process.returncode if process else None
