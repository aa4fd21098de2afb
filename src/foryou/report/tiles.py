"""The figures at the head of the page: one line of a night for someone who reads no further."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from foryou.report import words
from foryou.report.facts import Facts


@dataclass(frozen=True)
class Tile:
    value: str
    name: str
    note: str


def tiles(facts: Facts, measures: Sequence[Mapping[str, Any]]) -> list[Tile]:
    """Events, viewers, videos, quality (the first of the measures) and time."""
    taken = [entry.get("seconds") or 0 for entry in facts.entries.values()]
    steps = f"{len(taken)} step{'' if len(taken) == 1 else 's'} ran"
    time = Tile(words.seconds(sum(taken)) if taken else words.number(None), "in all steps", steps)
    return [_events(facts), _viewers(facts), _videos(facts), _quality(measures), time]


def lines_read(facts: Facts) -> int:
    return (facts.events or 0) + sum(facts.rejected.values())


def bad_lines(facts: Facts) -> int:
    """Refused lines that speak of a broken log: duplicates, videos that land tomorrow and machines do not."""
    return sum(rows for reason, rows in facts.rejected.items() if reason not in facts.tolerated)


def _events(facts: Facts) -> Tile:
    read = lines_read(facts)
    if facts.events is None and not read:
        return Tile(words.number(None), "events read", "none of this day")
    note = f"{words.percent(bad_lines(facts) / read)} refused as bad" if read else "an empty log"
    return Tile(words.number(read), "events read", note)


def _viewers(facts: Facts) -> Tile:
    """Viewers with a feed tonight, against the newest release of an earlier day."""
    by_day = facts.counts.get("viewers", {})
    tonight = facts.mix.viewers if facts.mix else by_day.get(facts.day)
    earlier = [day for day in by_day if day < facts.day]
    before = by_day[max(earlier)] if earlier else 0
    if tonight is None:
        note = "no feeds tonight"
    else:
        note = f"{100 * (tonight / before - 1):+.1f} % on the release before" if before else "no release before"
    return Tile(words.number(tonight), "viewers served", note)


def _videos(facts: Facts) -> Tile:
    if not facts.mix or not facts.shown:
        return Tile(words.number(None), "of videos covered", "no feeds tonight")
    note = f"{facts.mix.videos:,} of {facts.shown:,} that may be shown"
    return Tile(words.percent(facts.mix.videos / facts.shown), "of videos covered", note)


def _quality(measures: Sequence[Mapping[str, Any]]) -> Tile:
    judged = [row for row in measures if row["factors"]]
    if not judged:
        return Tile(words.number(None), "quality", "nothing to judge yet")
    first = judged[0]
    note = f"popularity {words.number(first['popularity']['value'])}" if first["popularity"] else "yesterday’s factors"
    return Tile(words.number(first["factors"]["value"]), first["name"], note)
