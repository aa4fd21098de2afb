"""The headline: how the night ended, in words, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from foryou import steps
from foryou.report import words
from foryou.report.facts import Facts

ON_PURPOSE = ("DataRejected", "ModelRejected")
"""Errors that mean: the night works as it should, and what came in was refused."""

NIGHT = tuple(step.name for step in steps.STEPS if step.name != "report")


@dataclass(frozen=True)
class Reason:
    """One thing that a person should know, the step it comes from, and what to do next, if anything."""

    step: str
    text: str
    next_step: str = ""


@dataclass(frozen=True)
class Status:
    """`state` is one of `words.STATES`."""

    state: str
    reasons: tuple[Reason, ...]

    @property
    def sentence(self) -> str:
        return words.STATES[self.state]


@dataclass(frozen=True)
class Ran:
    """One line of the table of steps; `share` is its part of the longest step's seconds, for the bar."""

    name: str
    doc: str
    state: str
    seconds: float | None
    share: float
    notes: str


def status(facts: Facts) -> Status:
    """The worst thing that happened gives the state; every reason is told, in the order of the steps."""
    stopped = [name for name in NIGHT if facts.entries.get(name, {}).get("state") == "failed"]
    if stopped:
        on_purpose = all(facts.entries[name].get("error") in ON_PURPOSE for name in stopped)
        reasons = [_stop(name, facts.entries[name]) for name in stopped]
        return Status("refused" if on_purpose else "failed", (*reasons, *_fallbacks(facts)))
    missing = [name for name in NIGHT if name not in facts.entries]
    if missing:
        text = (
            "has left no entry, nor have the steps after it that need it" if len(missing) > 1 else "has left no entry"
        )
        waiting = Reason(missing[0], text, "see whether the night still runs; if not, run it again")
        return Status("unfinished", (waiting, *_fallbacks(facts)))
    fallbacks = _fallbacks(facts)
    return Status("degraded" if fallbacks else "ok", fallbacks)


def ran(facts: Facts) -> list[Ran]:
    """Every step of a night in order, those that did not run as `not run`."""
    longest = max((entry.get("seconds") or 0 for entry in facts.entries.values()), default=0) or 1
    return [_ran(steps.BY_NAME[name], facts.entries.get(name, {}), longest) for name in NIGHT]


def _ran(step: steps.Step, entry: Mapping[str, Any], longest: float) -> Ran:
    state = entry.get("state", "not run")
    if entry.get("error") in ON_PURPOSE:
        state = "refused"
    taken = entry.get("seconds")
    return Ran(step.name, step.doc, state, taken, (taken or 0) / longest, words.noted(entry.get("notes") or {}))


def _stop(name: str, entry: Mapping[str, Any]) -> Reason:
    if "error" not in entry:
        text = "stopped on an error that nobody foresaw"
        return Reason(name, text, "read the traceback that the step printed, and Spark’s log below _logs/ in the lake")
    where = f" in {entry['table']}" if entry.get("table") else ""
    text = f"wanted {entry.get('wanted')}{where}; found {entry.get('found')}"
    return Reason(name, text, str(entry.get("next_step") or ""))


def _fallbacks(facts: Facts) -> tuple[Reason, ...]:
    return tuple(
        Reason(name, str(text)) for name in NIGHT for text in facts.entries.get(name, {}).get("degraded") or ()
    )
