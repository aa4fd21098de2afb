"""Staged distribution: the gate, the way of a video through its tests, and what brings it back."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from foryou import tables
from foryou.catalogue import distribution, evidence
from rows import DAY

TODAY = (DAY - date(1970, 1, 1)).days
KINDS = {
    "video": pa.int32(),
    "stage": pa.string(),
    "since": pa.date32(),
    "groups": pa.list_(pa.int32()),
    "extensions": pa.int32(),
    "revived": pa.bool_(),
}
VIDEOS = 10


def before(*rows):
    plain = {"groups": [0, 1, 2, 3], "extensions": 0, "revived": False}
    told = [plain | row | {"since": DAY - timedelta(row.get("age_days", 1))} for row in rows]
    return pa.Table.from_pylist([{name: row[name] for name in KINDS} for row in told], pa.schema(KINDS))


def tonight(**flags):
    """All videos shown, none held, copied or wanted again, but for those named: `held=[3]`."""
    masks = {name: np.zeros(VIDEOS, bool) for name in ("shown", "held", "copy", "again")}
    masks["shown"][:] = True
    for name, videos in flags.items():
        masks[name][videos] = name != "shown"
    return distribution.Tonight(**masks, promise=np.full(VIDEOS, 0.5, np.float32))


def night(chosen, rows=(), fresh=(), told=None, active=100_000, room=10**9, **flags):
    """The rows of a night by video; `told` is {video: (viewers, good)} of evidence, spread over the groups."""

    def evidence_of(videos, since):
        groups = np.array([[(told or {}).get(v, (0, 0))[n] // 4 for n in (0, 1)] for v in videos.tolist()] or [[0, 0]])
        viewers, good = (np.repeat(groups[: len(videos), [n]], 4, axis=1).astype(np.int64) for n in (0, 1))
        whole = [np.hstack([each.sum(axis=1, keepdims=True), each]) for each in (viewers, viewers, good)]
        return evidence.Evidence(*whole, np.full(len(videos), 0.3))

    found = distribution.build(
        before(*rows),
        np.array(fresh, np.int32),
        tonight(**flags),
        evidence_of,
        active,
        room,
        DAY,
        chosen.distribution,
    )
    return {row["video"]: row for row in found.to_pylist()}


def told_of(row):
    return row["stage"], row["decision"], row["reason"]


def test_new_videos_go_through_the_gate(chosen):
    found = night(chosen, fresh=[1, 2, 3, 4], held=[2], shown=[2, 3], copy=[4])
    assert told_of(found[1]) == ("first", "begin", "passed_the_gate")
    assert told_of(found[2]) == ("waiting", "stay", "waiting")
    assert told_of(found[3]) == ("refused", "refuse", "taken_down")
    assert told_of(found[4]) == ("refused", "refuse", "copy_of_an_earlier_video")
    assert found[1]["wanted"] == 200


@pytest.mark.parametrize(
    ("stage", "told", "after", "decision"),
    [
        ("first", (100, 92), "first", "go_on"),
        ("first", (400, 200), "second", "widen"),
        ("second", (2_000, 1_000), "third", "widen"),
        ("fourth", (200_000, 100_000), "wide", "widen"),
        ("first", (400, 120), "first", "extend"),
        ("first", (400, 40), "paused", "pause"),
    ],
)
def test_the_evidence_decides_as_the_table_says(chosen, stage, told, after, decision):
    row = night(chosen, [{"video": 5, "stage": stage}], told={5: told}, active=10**7)[5]
    assert (row["stage"], row["decision"]) == (after, decision)
    assert row["since"] == (DAY if after != stage else DAY - timedelta(1))
    assert (row["viewers"], row["good"]) == told


def test_every_stage_under_test_has_a_decision_for_every_evidence():
    assert set(distribution.DECISIONS) == set(distribution.TESTS)
    assert {len(row) for row in distribution.DECISIONS.values()} == {len(evidence.FOUND)}


def test_what_three_looks_cannot_tell_from_the_average_is_average(chosen):
    row = night(chosen, [{"video": 5, "stage": "first", "extensions": 2}], told={5: (800, 240)}, active=10**7)[5]
    assert told_of(row) == ("paused", "pause", "undecided")


def test_a_paused_video_gets_one_more_try_and_only_one(chosen):
    rested = {"stage": "paused", "age_days": 14}
    rows = [{"video": 1} | rested, {"video": 2, "revived": True} | rested, {"video": 3} | rested]
    found = night(chosen, rows, again=[1, 2])
    assert [told_of(found[v])[:2] for v in (1, 2, 3)] == [("first", "revive"), ("paused", "stay"), ("paused", "stay")]
    assert [found[v]["revived"] for v in (1, 2, 3)] == [True, True, False]
    assert night(chosen, [{"video": 1, "stage": "paused", "age_days": 13}], again=[1])[1]["stage"] == "paused"


def test_a_video_taken_down_in_a_test_comes_back_to_the_first_one(chosen):
    assert told_of(night(chosen, [{"video": 1, "stage": "third"}], shown=[1])[1])[0] == "refused"
    assert told_of(night(chosen, [{"video": 1, "stage": "refused"}])[1])[:2] == ("first", "begin")
    assert told_of(night(chosen, [{"video": 1, "stage": "wide"}], held=[1], shown=[1])[1])[0] == "waiting"


def test_the_push_of_a_wide_video_cools_after_a_week_and_then_it_is_let_go(chosen):
    ages = {1: 0, 2: 7, 3: 10, 4: 13, 5: 60}
    found = night(chosen, [{"video": v, "stage": "wide", "age_days": age} for v, age in ages.items()])
    assert [found[v]["push"] for v in (1, 2, 3, 4)] == pytest.approx([1, 1, 0.5, 0.25])
    assert 5 not in found


def test_only_what_was_met_since_the_last_night_and_not_long_uploaded_begins():
    known = np.array([0], np.int32)
    first_met = np.array([TODAY, TODAY, TODAY - 1, TODAY - 9, TODAY, TODAY, TODAY + 1], np.int32)
    uploaded = np.array([TODAY, TODAY - 1, TODAY - 1, TODAY - 9, TODAY - 9, -1, -1], np.int32)

    def fresh(last_night):
        return distribution.entering(known, first_met, uploaded, DAY, last_night, 3).tolist()

    assert fresh(DAY - timedelta(1)) == [1, 5]
    assert fresh(DAY - timedelta(3)) == [1, 2, 5]
    assert fresh(None) == [1, 5]


def test_rows_conform_to_their_contract(chosen):
    row = night(chosen, fresh=[1])[1]
    assert set(row) | {"day"} == set(tables.DISTRIBUTION.column_names)


def test_tests_take_turns_where_there_is_room_for_a_few_only(chosen):
    fresh, later = [1, 2, 3, 4], {"video": 5, "stage": "second", "groups": [0, 1, 2, 3]}
    assert sum(row["in_turn"] for row in night(chosen, [later], fresh).values()) == 5
    found = night(chosen, [later], fresh, told={5: (400, 200)}, active=10**7, room=1_100)
    assert found[5]["in_turn"], "what has proved something goes first"
    assert sum(found[video]["in_turn"] for video in fresh) == 3, "600 for the second test, then 200 each"
    assert found == night(chosen, [later], fresh, told={5: (400, 200)}, active=10**7, room=1_100)
    assert not any(row["in_turn"] for row in night(chosen, fresh=fresh, held=fresh, shown=fresh).values()), (
        "no test, no turn"
    )


def test_the_likelier_a_video_is_good_the_likelier_is_its_turn(chosen):
    stages = [{"video": video, "stage": "first"} for video in range(VIDEOS)]
    told = {video: (160, 20 if video < 8 else 100) for video in range(VIDEOS)}
    found = night(chosen, stages, told=told, room=1, active=10**7)
    assert next(video for video, row in found.items() if row["in_turn"]) in (8, 9)


def test_a_rate_is_expected_as_its_kind_and_its_content_promise_and_then_as_viewers_show(chosen):
    stages = [{"video": video, "stage": "first"} for video in (1, 2)]
    found = night(chosen, stages, told={2: (80, 40)}, active=10**7)
    m, bar = chosen.distribution.prior_viewers, 0.3
    assert found[1]["alphas"] == pytest.approx([m * bar] * 5) and found[1]["betas"] == pytest.approx([m * 0.7] * 5)
    mean = (40 + m * bar) / (80 + m)
    assert found[2]["alphas"] == pytest.approx([40 + m * bar] + [10 + m * mean] * 4)
    assert found[2]["betas"] == pytest.approx([40 + m * (1 - bar)] + [10 + m * (1 - mean)] * 4)


def test_what_was_shown_in_an_earlier_stage_is_no_part_of_the_next_test(chosen):
    row = night(chosen, [{"video": 5, "stage": "first"}], told={5: (400, 200)}, active=10**7)[5]
    assert (row["stage"], row["impressions"], row["group_impressions"]) == ("second", 400, [0, 0, 0, 0])


def test_a_test_that_cannot_reach_its_target_is_judged_by_what_it_has(chosen):
    stuck = {"video": 5, "stage": "fourth", "age_days": 14}
    assert night(chosen, [stuck], told={5: (400, 200)}, active=10**7)[5]["decision"] == "widen"
    late = {"video": 5, "stage": "first", "age_days": 14}
    assert night(chosen, [late])[5]["decision"] == "extend"
    assert told_of(night(chosen, [late | {"extensions": 2}])[5]) == ("paused", "pause", "undecided")
    assert night(chosen, [late | {"age_days": 13, "extensions": 2}])[5]["decision"] == "go_on"
