"""Staged distribution: how far a new video has been let out, and what the evidence says about letting it further.

A new video is tested on more and more viewers (200, 1,000, 10,000, 100,000 impressions, or a share of the active
viewers where that is less). Below `wide` it reaches feeds only through the places kept for exploring. At the target of
a stage its good watches by distinct viewers are held against the bar, the rate of other videos of its duration shown
in the same way (DESIGN §7, staged distribution). What then happens is `DECISIONS`, a table to be read as one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foryou.catalogue import evidence
from foryou.catalogue.evidence import GROUPS, Evidence
from foryou.settings import Distribution

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

TESTS = ("first", "second", "third", "fourth")
STAGES = ("refused", "waiting", *TESTS, "wide", "paused")
"""`refused`: taken down or a copy. `waiting`: not passed by moderation yet."""


DECISIONS = {
    "first": ("go_on", "widen", "widen_to_groups", "extend", "pause"),
    "second": ("go_on", "widen", "widen_to_groups", "extend", "pause"),
    "third": ("go_on", "widen", "widen_to_groups", "extend", "pause"),
    "fourth": ("go_on", "widen", "widen", "extend", "pause"),
}
"""For each stage under test what follows from the evidence, in the order of `evidence.FOUND`.

The last stage leads to everybody, where taste finds the groups; an extension tried `max_extensions` times is a pause.
"""

ALL_GROUPS = (1 << GROUPS) - 1

NEXT = dict(zip(TESTS, (*TESTS[1:], "wide"), strict=True))


def decide(stage: NDArray[np.str_], found: Ints, extensions: Ints, settings: Distribution) -> NDArray[np.str_]:
    """What `DECISIONS` says for each video under test; a video is not extended for ever."""
    told = np.array([DECISIONS[s][e] for s, e in zip(stage.tolist(), found.tolist(), strict=True)], "U24")
    return np.where((told == "extend") & (extensions >= settings.max_extensions), "pause", told)


def push(days_wide: NDArray[np.int64], settings: Distribution) -> NDArray[np.float32]:
    """How much a video that went wide is still helped along: 1, after some days halved and halved again."""
    late = np.maximum(0, days_wide - settings.push_days)
    return np.power(0.5, late / settings.push_half_life_days).astype(np.float32)


@dataclass(frozen=True)
class Tonight:
    """What a night knows of all videos, arrays by dense id: the gate, and what may bring a paused one back.

    `shown`: passed by moderation, live. `held`: waits for a moderator. `copy`: a near-copy of an earlier video.
    `again`: its creator has been away for the days that
    a revival wants, or sessions end more often than they used to. `promise` orders the first tests.
    """

    shown: Mask
    held: Mask
    copy: Mask
    again: Mask
    promise: NDArray[np.float32]


def entering(known: Ints, first_met: Ints, uploaded: Ints, day: date, last_night: date | None, since_days: int) -> Ints:
    """Videos that begin at the gate: not `known`, met since the last night and by the day, uploaded lately.

    `first_met` and `uploaded` [videos] are days since 1970 (uploaded -1 if unknown: as new as it was met; else within
    `since_days`). Later nights may have met more since: those are no part of this one. A catalogue that is older than
    its first night is as far out as its platform let it.
    """
    today = _number(day)
    after = _number(last_night) if last_night else today - 1
    fresh = (first_met > after) & (first_met <= today) & ((uploaded < 0) | (uploaded > today - since_days))
    fresh[known] = False
    return np.flatnonzero(fresh).astype(np.int32)


def build(
    before: pa.Table,
    fresh: Ints,
    tonight: Tonight,
    evidence_of: Callable[[Ints, Ints], Evidence],
    active_viewers: int,
    room: int,
    day: date,
    settings: Distribution,
) -> pa.Table:
    """One row per video on its way: stage, tonight's decision and why, and the evidence that it rests on.

    `before` has the rows of the last night, `fresh` the videos that begin; `evidence_of(videos, since)` gives what the
    views after each one's day (since 1970) say. `room` is how many impressions the places for exploring give a day:
    tests take turns (`in_turn`). A video that has been wide for longer than its push lasts is let go:
    whoever has no row is wide.
    """
    rows = _carried(before, fresh, day, settings)
    rows = _gated(rows, tonight, day)
    told = evidence_of(rows["video"], rows["since"])
    targets = np.array([evidence.targets(n, active_viewers, settings) for n in range(len(TESTS))], np.int64)
    rows = _tested(rows, told, targets, day, settings)
    rows = _revived(rows, tonight, day, settings)
    rows["given"] = np.where(rows["since"][:, None] < _number(day), told.impressions, 0)
    rows["wanted"] = _wanted(rows, targets)
    missing = np.maximum(0, rows["wanted"] - rows["given"][:, 0])
    prior = _prior(told, tonight.promise[rows["video"]], missing > 0)
    rows["alphas"], rows["betas"] = told.posteriors(prior, settings)
    rows["in_turn"] = in_turn(rows, missing, room, day, settings)
    return _table(rows, told, tonight, day, settings)


Rows = dict[str, NDArray[Any]]


def _carried(before: pa.Table, fresh: Ints, day: date, settings: Distribution) -> Rows:
    """The state as the last night left it, and the new ones at the gate, by dense id."""
    since = before["since"].cast(pa.int32()).to_numpy()
    stage = np.array(before["stage"].to_pylist(), "U24")
    gone = (stage == "wide") & (_number(day) - since > settings.push_days + 10 * settings.push_half_life_days)
    kept = np.flatnonzero(~gone)
    allowed = np.zeros(len(stage), np.int32)
    for number, groups in enumerate(before["groups"].to_pylist()):
        allowed[number] = sum(1 << group for group in groups)
    new = len(fresh)
    rows: Rows = {
        "video": np.concatenate([before["video"].to_numpy()[kept], fresh]).astype(np.int32),
        "stage": np.concatenate([stage[kept], np.full(new, "waiting", "U24")]),
        "since": np.concatenate([since[kept], np.full(new, _number(day))]).astype(np.int32),
        "allowed": np.concatenate([allowed[kept], np.full(new, ALL_GROUPS)]).astype(np.int32),
        "extensions": np.concatenate([before["extensions"].to_numpy()[kept], np.zeros(new)]).astype(np.int32),
        "revived": np.concatenate([before["revived"].to_numpy()[kept], np.zeros(new, bool)]),
    }
    order = np.argsort(rows["video"], kind="stable")
    rows = {name: values[order] for name, values in rows.items()}
    return rows | {"decision": np.full(len(order), "stay", "U24"), "reason": rows["stage"].copy()}


def _gated(rows: Rows, tonight: Tonight, day: date) -> Rows:
    """The gate, every night anew: what is taken down falls out of its stage, what is passed enters the first test."""
    video, stage = rows["video"], rows["stage"]
    shown, held, copy = tonight.shown[video], tonight.held[video], tonight.copy[video]
    out = ~shown & ~held
    rows = _moved(rows, held & ~shown & (stage != "waiting"), "waiting", "hold", "waits_for_moderation", day)
    rows = _moved(rows, out & (stage != "refused"), "refused", "refuse", "taken_down", day)
    rows = _moved(rows, copy & shown & (stage != "refused"), "refused", "refuse", "copy_of_an_earlier_video", day)
    back = shown & ~copy & np.isin(rows["stage"], ("waiting", "refused"))
    return _moved(rows, back, "first", "begin", "passed_the_gate", day)


def _moved(rows: Rows, where: Mask, stage: str, decision: str, reason: str, day: date) -> Rows:
    told: dict[str, Any] = {"stage": stage, "decision": decision, "reason": reason}
    told |= {"since": _number(day), "allowed": ALL_GROUPS, "extensions": 0}
    return rows | {name: np.where(where, np.array(value, rows[name].dtype), rows[name]) for name, value in told.items()}


def _tested(rows: Rows, told: Evidence, targets: NDArray[np.int64], day: date, settings: Distribution) -> Rows:
    """What the evidence decides for the videos under test."""
    under_test = np.flatnonzero((_test(rows["stage"]) >= 0) & (rows["decision"] == "stay"))
    wanted = np.where(_number(day) - rows["since"] >= settings.max_test_days, 0, _wanted(rows, targets))
    found, groups, _ = evidence.judge(told, wanted, settings)
    some = decide(rows["stage"][under_test], found[under_test], rows["extensions"][under_test], settings)
    rows = {name: values.copy() for name, values in rows.items()}
    rows["decision"][under_test] = some
    rows["reason"][under_test] = np.array(evidence.FOUND, "U24")[found[under_test]]
    wider = np.isin(rows["decision"], ("widen", "widen_to_groups"))
    rows["stage"][wider] = [NEXT[stage] for stage in rows["stage"][wider].tolist()]
    only = rows["decision"] == "widen_to_groups"
    rows["allowed"][wider] = ALL_GROUPS
    rows["allowed"][only] = (groups[only] << np.arange(GROUPS)).sum(axis=1)
    rows["extensions"] = np.where(wider, 0, rows["extensions"] + (rows["decision"] == "extend")).astype(np.int32)
    paused = rows["decision"] == "pause"
    rows["stage"][paused] = "paused"
    rows["since"][wider | paused] = _number(day)
    return rows


def _wanted(rows: Rows, targets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Impressions that each video's test wants in all; 0 outside tests."""
    place = _test(rows["stage"])
    return np.where(place >= 0, targets[np.maximum(place, 0)] * (1 + rows["extensions"]), 0).astype(np.int64)


def _prior(told: Evidence, promise: NDArray[np.float32], under_test: Mask) -> Floats:
    """The rate to expect of each video before anybody has met it: its bar times its promise over the mean promise."""
    usual = promise[under_test].mean() if under_test.any() else 1.0
    return np.clip(told.bar * promise / max(float(usual), 1e-6), 0.02, 0.98)


def in_turn(rows: Rows, missing: NDArray[np.int64], room: int, day: date, settings: Distribution) -> Mask:
    """Whose tests go on until the next night: as many as `room` impressions suffice for, so that tests come to an end.

    Later stages first, since their videos have proved something. Within a stage the order is drawn, by the odds of
    being the best (Thompson 1933): a rate from each Beta posterior.
    """
    place, under_test = _test(rows["stage"]), missing > 0
    drawn = np.random.default_rng([settings.seed, _number(day)]).beta(rows["alphas"][:, 0], rows["betas"][:, 0])
    order = np.lexsort((rows["video"], -drawn, -place))
    before = np.cumsum(missing[order]) - missing[order]
    chosen = np.zeros(len(order), bool)
    chosen[order] = before < room
    return chosen & under_test


def _test(stage: NDArray[np.str_]) -> Ints:
    """The number of the test that each stage is, -1 for others."""
    return np.array([TESTS.index(each) if each in TESTS else -1 for each in stage.tolist()], np.int32)


def _revived(rows: Rows, tonight: Tonight, day: date, settings: Distribution) -> Rows:
    """A paused video gets one more first test, once it has rested and `again` asks for it."""
    rested = _number(day) - rows["since"] >= settings.revival_days
    again = (rows["stage"] == "paused") & ~rows["revived"] & rested & tonight.again[rows["video"]]
    rows = rows | {"revived": rows["revived"] | again}
    return _moved(rows, again, "first", "revive", "one_more_try", day)


def _table(rows: Rows, told: Evidence, tonight: Tonight, day: date, settings: Distribution) -> pa.Table:
    stage, seen = rows["stage"], told.viewers[:, 0]
    allowed = (rows["allowed"][:, None] >> np.arange(GROUPS) & 1).astype(bool)
    offsets = np.concatenate([[0], np.cumsum(allowed.sum(axis=1))]).astype(np.int32)
    rate = told.good[:, 0] / np.maximum(1, seen)
    days_wide = np.where(stage == "wide", _number(day) - rows["since"], 10_000)
    return pa.table(
        {
            "video": rows["video"],
            "stage": stage.tolist(),
            "decision": rows["decision"].tolist(),
            "reason": rows["reason"].tolist(),
            "since": pa.array(rows["since"], pa.int32()).cast(pa.date32()),
            "wanted": rows["wanted"],
            "impressions": told.impressions[:, 0],
            "viewers": seen,
            "good": told.good[:, 0],
            "rate": pa.array(rate, pa.float32(), mask=seen == 0),
            "bar": told.bar.astype(np.float32),
            "posterior": told.posterior(settings)[:, 0].astype(np.float32),
            "promise": tonight.promise[rows["video"]],
            "push": push(days_wide, settings),
            "in_turn": rows["in_turn"],
            "groups": pa.ListArray.from_arrays(pa.array(offsets), pa.array(np.nonzero(allowed)[1].astype(np.int32))),
            "group_impressions": _lists(rows["given"][:, 1:].astype(np.int64)),
            "alphas": _lists(rows["alphas"].astype(np.float32)),
            "betas": _lists(rows["betas"].astype(np.float32)),
            "extensions": rows["extensions"],
            "revived": rows["revived"],
        }
    )


def _lists(values: NDArray[Any]) -> pa.Array:
    flat = pa.array(values.ravel())
    return pa.FixedSizeListArray.from_arrays(flat, values.shape[1]).cast(pa.list_(flat.type))


def _number(day: date) -> int:
    return (day - date(1970, 1, 1)).days
