"""What the report rests on: a night in figures, and no viewer by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from foryou import tables
from foryou.settings import Settings

FIRST = 10
"""What a viewer meets in a first sitting: the head of a feed is counted apart."""

Rows = Sequence[Mapping[str, Any]]
"""Rows of a small table, column by name, as `Table.to_pylist()` gives them."""


@dataclass(frozen=True)
class Mix:
    """What tonight's feeds hold, counted.

    `places` are all slots of all feeds; `videos` the different videos in them; `short` the feeds with fewer videos
    than wanted; `top_share` the share of the places that the most shown 1 % of those videos take. `leads` gives the
    places by the number of their reason, `first_leads` the same of each feed's first ten, `found` the places by the
    source that found the video: more than one source may have.
    """

    viewers: int
    places: int
    videos: int
    short: int
    top_share: float
    leads: tuple[int, ...]
    first_leads: tuple[int, ...]
    found: tuple[int, ...]


@dataclass(frozen=True)
class Tastes:
    """What is known of viewers: how many have a profile and how many a cluster, and how mixed the median taste is."""

    viewers: int
    in_clusters: int
    median_bits: float | None


@dataclass(frozen=True)
class Facts:
    """One night as far as it got: every part may be empty, since a report of a failed night is wanted most.

    `entries` are the journal's, by step. `events` counts the day's sound events, `rejected` the refused lines by
    reason, of which those in `tolerated` are no sign of a broken log. `counts` holds figures by day, by their name.
    `evaluations`, `releases`: rows of several days; `checks`, `fairness`: rows of the day; `popular`: `rank`,
    `video_id`, `caption`, `score`; `distribution`: `stage`, `decision`, `reason`, `videos`; `slate`: `slot`,
    `video_id`, `caption`, `topic`, `score`; `trends`, `creators`: the first of them; `clusters`: `kind`, `cluster`,
    `label`, `size`. `changed` lists settings that differ from base as (name, base's value, tonight's value). `earlier`
    names the report of the night before, if there is one.
    """

    day: date
    entries: Mapping[str, Mapping[str, Any]]
    events: int | None = None
    rejected: Mapping[str, int] = field(default_factory=dict)
    tolerated: Sequence[str] = ()
    catalogue: int = 0
    shown: int = 0
    mix: Mix | None = None
    reasons: Sequence[str] = ()
    evaluations: Rows = ()
    fairness: Rows = ()
    counts: Mapping[str, Mapping[date, int]] = field(default_factory=dict)
    checks: Rows = ()
    model: Mapping[str, Any] | None = None
    reranker: Mapping[str, Any] | None = None
    releases: Rows = ()
    popular: Rows = ()
    distribution: Rows = ()
    slate: Rows = ()
    trends: Rows = ()
    creators: Rows = ()
    clusters: Rows = ()
    tastes: Tastes | None = None
    changed: Sequence[tuple[str, Any, Any]] = ()
    earlier: str | None = None


def mix(blocks: Iterable[pa.RecordBatch], n_videos: int, n_reasons: int, length: int) -> Mix:
    """Adds up blocks of the working table `feeds` (columns `videos`, `reasons`, `sources`; int32 lists).

    `n_videos` bounds the dense ids, `n_reasons` the reasons' numbers; `length` is what a full feed holds.
    """
    shown = np.zeros(n_videos, np.int64)
    leads, first_leads = np.zeros((2, n_reasons), np.int64)
    found = np.zeros(1 << len(tables.SOURCES), np.int64)
    viewers = short = 0
    for block in blocks:
        offsets = block.column("videos").offsets.to_numpy()
        reasons = block.column("reasons").flatten().to_numpy()
        viewers += block.num_rows
        short += int((np.diff(offsets) < length).sum())
        shown += np.bincount(block.column("videos").flatten().to_numpy(), minlength=n_videos)
        found += np.bincount(block.column("sources").flatten().to_numpy(), minlength=len(found))
        leads += np.bincount(reasons, minlength=n_reasons)
        first_leads += np.bincount(reasons[_heads(offsets - offsets[0])], minlength=n_reasons)
    return Mix(
        viewers=viewers,
        places=int(shown.sum()),
        videos=int((shown > 0).sum()),
        short=short,
        top_share=_top_share(shown),
        leads=tuple(leads.tolist()),
        first_leads=tuple(first_leads.tolist()),
        found=tuple(int(found[_with_bit(bit, len(found))].sum()) for bit in range(len(tables.SOURCES))),
    )


def tastes(profiles: pa.Table) -> Tastes | None:
    """Of the rows of `viewer_profiles` (`cluster`, `taste_entropy`); None where nobody has one."""
    bits = profiles["taste_entropy"].drop_null().to_numpy()
    if not profiles.num_rows:
        return None
    inside = profiles.num_rows - profiles["cluster"].null_count
    return Tastes(profiles.num_rows, inside, float(np.median(bits)) if len(bits) else None)


def differing(chosen: Settings, base: Settings) -> list[tuple[str, Any, Any]]:
    """Settings in which the two differ, as (section.name, base's value, chosen value), in the order of base."""
    mine, theirs = asdict(chosen), asdict(base)
    return [
        (f"{section}.{name}", value, mine[section][name])
        for section, values in theirs.items()
        for name, value in values.items()
        if mine[section][name] != value
    ]


def _heads(offsets: np.ndarray) -> np.ndarray:
    """Places of the first ten of each list, given where lists begin and end."""
    slots = offsets[:-1, None] + np.arange(FIRST)
    return slots[slots < offsets[1:, None]]


def _top_share(shown: np.ndarray) -> float:
    counts = np.sort(shown[shown > 0])
    return float(counts[-max(1, len(counts) // 100) :].sum() / counts.sum()) if len(counts) else 0.0


def _with_bit(bit: int, size: int) -> np.ndarray:
    return (np.arange(size) >> bit & 1).astype(bool)
