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


_FIGURES = 5


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
    state: str
    seconds: float | None
    share: float
    notes: str


def status(facts: Facts) -> Status:
    """The worst thing that happened gives the state; every reason is told, in the order of the steps."""
    stopped = [name for name in names(facts) if facts.entries.get(name, {}).get("state") == "failed"]
    if stopped:
        on_purpose = all(facts.entries[name].get("error") in ON_PURPOSE for name in stopped)
        reasons = [_stop(name, facts.entries[name]) for name in stopped]
        return Status("refused" if on_purpose else "failed", (*reasons, *_fallbacks(facts)))
    missing = [name for name in NIGHT if name not in facts.entries]
    if missing:
        others = f", nor have {len(missing) - 1} others" if missing[1:] else ""
        waiting = Reason(missing[0], f"has left no entry{others}", "see whether the night still runs; if not, run it")
        return Status("unfinished", (waiting, *_fallbacks(facts)))
    fallbacks = _fallbacks(facts)
    return Status("degraded" if fallbacks else "ok", fallbacks)


def names(facts: Facts) -> tuple[str, ...]:
    """What may have run, in order: what prepares a night leaves an entry too, and is no step of every night."""
    return (*sorted(set(facts.entries) - set(NIGHT)), *NIGHT)


def ran(facts: Facts) -> list[Ran]:
    """Every step of a night in order; those without an entry as `not run`, those overtaken as `earlier run`."""
    longest = max((entry.get("seconds") or 0 for entry in facts.entries.values()), default=0) or 1
    old = overtaken(facts.entries)
    return [_ran(name, facts.entries.get(name, {}), longest, name in old) for name in names(facts)]


def overtaken(entries: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Steps whose entry is an earlier attempt's: one that they wait for failed after they had begun."""
    found: set[str] = set()
    for earlier, later in steps.edges():
        before, after = entries.get(earlier, {}), entries.get(later, {})
        failed_since = before.get("state") == "failed" and after.get("started_at", 0) < before.get("started_at", 0)
        if after and (failed_since or earlier in found):
            found.add(later)
    return found


def _ran(name: str, entry: Mapping[str, Any], longest: float, old: bool) -> Ran:
    state = entry.get("state", "not run")
    if entry.get("error") in ON_PURPOSE:
        state = "refused"
    taken = entry.get("seconds")
    return Ran(name, "earlier run" if old else state, taken, (taken or 0) / longest, _figures(entry))


def _figures(entry: Mapping[str, Any]) -> str:
    """The first few notes in words: counts and names. Measures and tables have their own place on the page."""
    notes = entry.get("notes") or {}
    plain = {name: value for name, value in notes.items() if not isinstance(value, Mapping | float)}
    told = words.noted(dict([*plain.items()][:_FIGURES]))
    return f"{told}, …" if len(plain) > _FIGURES else told


def _stop(name: str, entry: Mapping[str, Any]) -> Reason:
    if "error" not in entry:
        text = "stopped on an error that nobody foresaw"
        return Reason(name, text, "read the traceback that the step printed, and Spark’s log below _logs/ in the lake")
    where = f" in {entry['table']}" if entry.get("table") else ""
    text = f"wanted {entry.get('wanted')}{where}; found {entry.get('found')}"
    return Reason(name, text, str(entry.get("next_step") or ""))


def _fallbacks(facts: Facts) -> tuple[Reason, ...]:
    return tuple(
        Reason(name, str(text)) for name in names(facts) for text in facts.entries.get(name, {}).get("degraded") or ()
    )
