"""The wait for a landing day: held by the triggerer, not by a worker, and ended by a deadline."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from glob import escape
from typing import Any

from airflow.providers.standard.sensors.filesystem import FileSensor
from airflow.sdk.exceptions import AirflowFailException, AirflowSensorTimeout
from told import DAY

from foryou.errors import InputMissing
from foryou.steps import manifest


class LandedDay(FileSensor):
    """Waits for the manifest of the run's day, at most until `patience` after that day has ended (UTC).

    The deadline belongs to the day, not to the task: a backfill of a day that never landed fails at once.
    """

    template_fields = ("filepath", "day")

    def __init__(self, *, patience: timedelta, **kwargs: Any) -> None:
        super().__init__(filepath=manifest("{{ place('landing') }}", DAY), deferrable=True, **kwargs)
        self.day = DAY
        self.patience = patience

    @property
    def path(self) -> str:
        """The provider joins it to the path of a connection and reads it as a glob; ours is neither."""
        return escape(self.filepath)

    @property
    def deadline(self) -> datetime:
        return datetime.fromisoformat(self.day).replace(tzinfo=UTC) + timedelta(days=1) + self.patience

    def execute(self, context: Any) -> None:
        left = (self.deadline - datetime.now(UTC)).total_seconds()
        if left <= 0 and not self.poke(context):
            raise AirflowFailException(self._missing())
        self.timeout = max(left, 1.0)
        super().execute(context)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Any) -> Any:
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except AirflowSensorTimeout as error:
            raise AirflowFailException(self._missing()) from error

    def _missing(self) -> str:
        return str(
            InputMissing(
                f"landing, day {self.day}",
                wanted=f"{self.filepath} by {self.deadline:%Y-%m-%d %H:%M} UTC",
                found="no manifest",
                next_step="see that the export of the day ran and wrote its manifest last, then clear this task; "
                "the release of the night before stays live until then",
            )
        )
