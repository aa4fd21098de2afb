"""Controls: which lines are sound, and which events a reset forgets."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from foryou import tables
from foryou.signals import controls
from rows import DAY, NOON, arrow_lines, arrow_rows, land, ran


def control(kind, target=None, at="2026-03-10T12:00:00Z", viewer_id="u1"):
    return {"viewer_id": viewer_id, "kind": kind, "target": target, "happened_at": at}


DEVICE = "device-0123456789abcdef01234567"
LINES = {
    "a tag of any language": (control("mute_tag", "#Кошки и собаки"), None),
    "a sound": (control("mute_sound", "s1"), None),
    "the same use, written in another way": (control("mute_sound", "s1") | {"line": "-"}, None),
    "a sound that nobody has heard of": (control("mute_sound", "s-never", viewer_id="u-never"), None),
    "an erasure": (control("erase"), None),
    "a target where there is none": (control("opt_out", "whatever"), None),
    "a tag without a word": (control("mute_tag", "# "), "bad_target"),
    "a tag that is none": (control("mute_tag"), "bad_target"),
    "a creator that is no id": (control("block_creator", "c 1"), "bad_target"),
    "no creator": (control("mute_creator"), "bad_target"),
    "no such control": (control("forget"), "unknown_kind"),
    "no control": (control(None, "c1"), "unknown_kind"),
    "a mute of nothing we know": (control("mute_all", "c 1"), "unknown_kind"),
    "a clock without a day": (control("opt_out", at="12:00:00"), None),
    "tomorrow": (control("opt_out", at="2026-03-11T00:00:03Z"), None),
    "no time": (control("opt_out", at=None), None),
    "coming back tomorrow": (control("opt_in", at="2026-03-11T00:00:03Z"), "bad_time"),
    "who goes by the name of a device": (control("mute_sound", "s1", viewer_id=DEVICE), "bad_viewer_id"),
    "no plain viewer": (control("opt_out", viewer_id="u\n"), "bad_viewer_id"),
    "nothing": ({"readable": False, "line": ""}, "unreadable"),
}


def test_controls_name_what_they_are_about():
    judged = controls.judge(arrow_lines("controls", *(line for line, _ in LINES.values())), DAY)
    kept = controls.sound(judged)
    assert Counter(judged["reason"].to_pylist()) == Counter(reason for _, reason in LINES.values())
    assert kept.column_names == [name for name in tables.CONTROLS.column_names if name != "day"]
    assert {(row["viewer_id"], row["kind"], row["target"]) for row in kept.to_pylist()} == {
        ("u1", "mute_tag", "кошки и собаки"),
        ("u1", "mute_sound", "s1"),
        ("u-never", "mute_sound", "s-never"),
        ("u1", "erase", None),
        ("u1", "opt_out", None),
    }
    last = datetime(2026, 3, 10, 23, 59, 59, 999_999, tzinfo=UTC)
    left = {row["happened_at"] for row in kept.to_pylist() if row["kind"] == "opt_out"}
    assert left == {datetime(2026, 3, 10, 12, tzinfo=UTC), last}, "a clock that is off is no reason to stay"
    assert kept.num_rows == 6
    assert controls.leaving_refused(judged) == 1, "the one of no plain viewer"


# ---- what a reset forgets of the events of its day

IDS = pa.table({"viewer_id": ["ann", DEVICE, "bob"], "viewer": pa.array([0, 0, 1], pa.int32())})


def until(*used):
    """By name, until when events are forgotten, after (viewer_id, kind, hour)."""
    asked = [
        {"viewer_id": name, "kind": kind, "happened_at": NOON.replace(tzinfo=UTC, hour=hour)}
        for name, kind, hour in used
    ]
    types = [("viewer_id", pa.string()), ("kind", pa.string()), ("happened_at", pa.timestamp("us", "UTC"))]
    found = controls.forgotten_until(pa.Table.from_pylist(asked, pa.schema(types)), IDS)
    return {row["viewer_id"]: row["until"].hour for row in found.to_pylist()}


@pytest.mark.parametrize(
    ("used", "found"),
    [
        ([("ann", "reset_feed", 9), ("ann", "reset_feed", 7)], {"ann": 9, DEVICE: 9}),
        ([(DEVICE, "reset_feed", 9), ("ann", "erase", 11)], {"ann": 11, DEVICE: 11}),
        ([("bob", "erase", 9), ("ann", "opt_out", 9), ("ann", "mute_tag", 9)], {"bob": 9}),
        ([("nobody yet", "reset_feed", 9)], {}),
        ([], {}),
    ],
)
def test_a_reset_forgets_under_both_names_of_its_viewer(used, found):
    assert until(*used) == found


def test_events_up_to_the_moment_itself_are_forgotten():
    moments = [NOON - timedelta(seconds=1), NOON, NOON + timedelta(seconds=1)]
    happened = [{"viewer_id": who, "happened_at": at} for who in "ab" for at in moments]
    until = pa.table({"viewer_id": ["a"], "until": pa.array([NOON.replace(tzinfo=UTC)], pa.timestamp("us", "UTC"))})
    events = arrow_rows(tables.EVENTS, *happened)
    assert controls.forgotten(events, until).tolist() == [True, True, False, False, False, False]
    assert not controls.forgotten(events, until.slice(0, 0)).any()


# ---- the jobs


def play(name, hour, viewer_id="ann", video_id="v1"):
    return {
        "event_id": name,
        "happened_at": f"{DAY}T{hour:02}:00:00Z",
        "viewer_id": viewer_id,
        "kind": "play",
        "video_id": video_id,
        "watched_ms": 30_000,
        "duration_ms": 30_000,
    }


VIDEO = {"moderation": "auto_ok", "status": "live", "audience": "all"}


@pytest.fixture
def landing(tmp_path):
    """A day on which ann reset her feed at noon, having watched v1 before and v2 after; bob watched both."""
    events = [play("e1", 9), play("e2", 15, video_id="v2"), play("e3", 9, "bob"), play("e4", 10, "bob", "v2")]
    asked = [control("reset_feed", viewer_id="ann"), control("reset_feed", viewer_id="ann"), b"{broken"]
    files = {"events/a.jsonl": events, "controls/a.jsonl": asked}
    files["videos/a.jsonl"] = [VIDEO | {"video_id": name} for name in ("v1", "v2")]
    land(tmp_path / "landing", DAY, files)
    return tmp_path / "landing"


def pairs(lake, table):
    names = {row["viewer"]: row["viewer_id"] for row in lake.arrow(tables.VIEWER_IDS).to_pylist()}
    return {(names[row["viewer"]], row["video"]) for row in lake.arrow(table, ["viewer", "video"]).to_pylist()}


def test_on_its_own_day_a_reset_forgets_what_was_before_it_and_seen_stays_seen(landing, lake, chosen):
    for job in ("build_controls", "build_video_ids", "build_events", "build_views"):
        run = ran(job, landing, lake, chosen)
    assert run.notes["views"] == 3
    assert pairs(lake, tables.VIEWS) == {("ann", 1), ("bob", 0), ("bob", 1)}
    assert pairs(lake, tables.SEEN) == {("ann", 0), ("ann", 1), ("bob", 0), ("bob", 1)}
    assert lake.count(tables.SEEN, [DAY]) == 4


def test_a_second_run_leaves_what_one_run_leaves_and_a_bad_line_of_few_stops_nothing(landing, lake, chosen):
    first, second = (ran("build_controls", landing, lake, chosen) for _ in range(2))
    assert first.notes == second.notes == {"controls": 1, "rejected_by_reason": {"unreadable": 1}}
    (row,) = lake.arrow(tables.CONTROLS).to_pylist()
    assert (row["viewer_id"], row["kind"], row["target"]) == ("ann", "reset_feed", None)
    assert row["happened_at"] == datetime(2026, 3, 10, 12, tzinfo=UTC)
    assert [row["passed"] for row in lake.arrow(tables.CHECKS).to_pylist()] == [True]
