"""Checks of a table's content: the only file that knows Great Expectations, whose import takes 8 s and so waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """How one expectation on one table came out.

    `expectation` is the name that a person overrides it by; `observed` tells counts and shares, never a row's values.
    """

    table: str
    expectation: str
    passed: bool
    gates: bool
    observed: str | None = None

    def as_row(self, step: str) -> dict[str, Any]:
        """The row of the table `checks`, without its day."""
        return {
            "step": step,
            "table": self.table,
            "expectation": self.expectation,
            "passed": self.passed,
            "gates": self.gates,
            "observed": self.observed,
            "override": None,
        }
