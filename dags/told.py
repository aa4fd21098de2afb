"""What a run is told: its day by whoever triggers it or by the schedule, its places by the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from airflow.sdk.exceptions import AirflowFailException

VARIABLES = {"landing": "FORYOU_LANDING", "lake": "FORYOU_LAKE", "conf": "FORYOU_CONF"}
"""Read when a task runs, never when the file is parsed: a missing one fails the task that needs it, by name."""

DAY = "{{ night(params, data_interval_start | default(none)) }}"
"""The night's day as a template. `ds` would be another day on a manual run and none after an asset."""


def night(params: Mapping[str, Any], data_interval_start: datetime | None) -> str:
    """`params.day`, else the day whose data interval has ended. Raises AirflowFailException where there is neither."""
    asked = params.get("day")
    if asked is None and data_interval_start is None:
        raise AirflowFailException(
            'This run has no data interval, so it cannot know its day: trigger it with {"day": "YYYY-MM-DD"}.'
        )
    if asked is None:
        return f"{data_interval_start:%Y-%m-%d}"
    try:
        return date.fromisoformat(asked).isoformat()
    except (TypeError, ValueError) as error:
        raise AirflowFailException(f"`day` has the form YYYY-MM-DD; found {asked!r}.") from error


def place(name: str) -> str:
    """Where the days land (`landing`), where the lake is (`lake`), or which settings hold (`conf`)."""
    found = os.environ.get(VARIABLES[name])
    if not found:
        raise AirflowFailException(f"{VARIABLES[name]} is not set: give it to Airflow's workers, then clear this task.")
    return found


MACROS = {"night": night, "place": place}
