"""Events: what each landed line is taken for. All lines of this file are judged at once, as one day's log."""

from __future__ import annotations

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from foryou import secret, tables
from foryou.models import hashing
from foryou.signals import events
from rows import DAY, arrow_lines

SOUND = {
    "happened_at": "2026-03-10T12:00:00Z",
    "viewer_id": "u1",
    "kind": "play",
    "video_id": "v1",
    "watched_ms": 5_000,
    "duration_ms": 30_000,
    "surface": "for_you",
}
SALT = "a grain of salt"
GIVEN: list[dict] = []
"""Every line of the day's log."""


def line(**changed):
    """Adds a line to the day's log, sound but for what is changed; gives its event id."""
    event_id = changed.get("event_id", f"e{len(GIVEN)}")
    GIVEN.append(SOUND | {"event_id": event_id} | changed)
    return event_id


@pytest.fixture(scope="module")
def judged(chosen):
    """All judged rows by event id, as lists."""
    found = of_a_day(GIVEN, chosen.events, earlier=EARLIER)
    assert events.accepted(found).column_names == [name for name in tables.EVENTS.column_names if name != "day"]
    refused = events.rejected(found)
    assert refused.column_names == ["reason", "line"]
    assert not any("phone" in line for line in refused["line"].to_pylist())
    # As whole numbers: Python has no year 0.
    told = found.set_column(1, "happened_at", found["happened_at"].cast(pa.int64()))
    by_id = {}
    for row in told.to_pylist():
        by_id.setdefault(row["event_id"], []).append(SimpleNamespace(**row))
    return by_id


def of_a_day(given, settings, *, earlier=()):
    """All lines of a day, judged and marked."""
    judged = events.judge(arrow_lines("events", *given), DAY, settings, SALT)
    rows = events.mark_unknown_videos(judged, pa.chunked_array([["v1", "v2", "v3"]]))
    told = events.digests(rows)
    sound = np.flatnonzero(told["sound"].to_numpy())
    ids = pa.chunked_array([earlier], pa.string())
    again = events.doubtful(told["event"].to_numpy()[sound], hashing.of_texts(ids))
    again[again] = events.duplicates(rows.take(sound[again]), ids)
    return events.mark(rows, events.codes(told, again, settings))


def only(judged, event_id):
    (row,) = judged[event_id]
    return row


REASONS = {
    line(): None,
    line(surface="tv", position=0, propensity=1.0, duration_ms=None): None,
    line(kind="follow", video_id=None, watched_ms=None, creator_id="c1"): None,
    line(kind="exit", video_id=None, watched_ms=None, duration_ms=None): None,
    line(kind="swipe"): "unknown_kind",
    line(kind="PLAY"): "unknown_kind",
    line(kind=None): "unknown_kind",
    line(video_id=None): "bad_video_id",
    line(kind="like", video_id=None): "bad_video_id",
    line(kind="follow", video_id="../v"): "bad_video_id",
    line(video_id="v9"): "unknown_video",
    line(kind="follow", video_id="v9"): "unknown_video",
    line(kind="follow", video_id=None, creator_id="c 1"): "bad_creator_id",
    line(viewer_id=None): "bad_viewer_id",
    line(viewer_id="", device_id="phone"): "bad_viewer_id",
    line(viewer_id=None, device_id=""): "bad_viewer_id",
    line(watched_ms=None): "bad_watched",
    line(watched_ms=-1): "bad_watched",
    line(watched_ms=86_400_001): "bad_watched",
    line(watched_ms=10**15): "bad_watched",
    line(watched_ms=86_400_000): None,
    line(kind="like", watched_ms=-1): "bad_watched",
    line(duration_ms=-1): "bad_duration",
    line(duration_ms=10**12): "bad_duration",
    line(position=-1): "bad_position",
    line(release_id="r;"): "bad_release_id",
    line(propensity=0.0): "bad_propensity",
    line(propensity=-0.5): "bad_propensity",
    line(propensity=1.01): "bad_propensity",
    line(propensity=float("nan")): "bad_propensity",
    line(propensity=float("inf")): "bad_propensity",
    line(readable=False): "unreadable",
}


@pytest.mark.parametrize("event_id", REASONS)
def test_a_line_is_refused_for_its_first_fault(judged, event_id):
    assert only(judged, event_id).reason == REASONS[event_id]


TIMES = {
    "2026-03-10T00:00:00Z": None,
    "2026-03-10T23:59:59.999Z": None,
    "2026-03-10 12:00:00.123456": None,
    "2026-03-11T01:00:00+02:00": None,
    "2026-03-08T00:00:00Z": None,
    "2026-03-07T23:59:59Z": "outside_days",
    "2026-03-11T00:00:00Z": "outside_days",
    "2026-03-11T12:00:00Z": "outside_days",
    "1970-01-01T00:00:00Z": "outside_days",
    "0001-01-01T00:00:00Z": "outside_days",
    "9999-12-31T23:59:59Z": "outside_days",
    "-0001-03-10T12:00:00Z": "bad_time",
    "292279-01-01T00:00:00Z": "bad_time",
    "12:00:00": "bad_time",
    "T12:00:00Z": "bad_time",
    "2026-02-30T12:00:00Z": "bad_time",
    "2026-03-10T25:00:00Z": "bad_time",
    "1773144000": "bad_time",
    "now": "bad_time",
    "yesterday": "bad_time",
    "": "bad_time",
    None: "bad_time",
}
AT = {text: line(happened_at=text) for text in TIMES}


@pytest.mark.parametrize("text", TIMES)
def test_an_event_has_a_time_of_the_day_or_the_two_before(judged, text):
    assert only(judged, AT[text]).reason == TIMES[text]


BAD_IDS = {
    "empty": "",
    "blank": " ",
    "10 kB": "x" * 10_000,
    "65 letters": "x" * 65,
    "null character": "u\x001",
    "bell": "u\x07",
    "line feed at the end": "u1\n",
    "carriage return at the end": "u1\r",
    "line separator at the end": "u1\u2028",
    "next line at the end": "u1\x85",
    "path": "../../etc/passwd",
    "emoji": "u😀1",
    "letter of another script": "ｕ1",
    "SQL": "u'; DROP TABLE viewers; --",
    "tag": "<script>",
}
FIELDS = {"viewer_id": "bad_viewer_id", "video_id": "bad_video_id", "creator_id": "bad_creator_id"}
SPOILED = {(field, name): line(**{field: text}) for field in FIELDS for name, text in BAD_IDS.items()}
SPOILED_EVENTS = {name: line(event_id=text) for name, text in BAD_IDS.items()}
GOOD_IDS = [line(viewer_id=text, event_id=f"good-{n}") for n, text in enumerate(["7", "A.b_c:d@e-f", "x" * 64])]


@pytest.mark.parametrize("name", BAD_IDS)
def test_an_id_that_is_not_plain_is_refused(judged, name):
    assert only(judged, SPOILED_EVENTS[name]).reason == "bad_event_id"
    for field, reason in FIELDS.items():
        assert only(judged, SPOILED[field, name]).reason == reason


def test_plain_ids_are_taken(judged):
    assert [only(judged, event_id).reason for event_id in GOOD_IDS] == [None] * 3


EARLIER = ["sent-yesterday"]
line(event_id="sent-yesterday")
TWICE = line(event_id="twice", happened_at="2026-03-10T09:00:00Z")
line(event_id="twice", happened_at="2026-03-10T08:00:00Z")
line(event_id="twice", happened_at="2026-03-10T10:00:00Z")
line(event_id="spoiled first", kind="swipe", happened_at="2026-03-10T01:00:00Z")
SHADOWED = line(event_id="shadowed", watched_ms=-1, happened_at="2026-03-10T01:00:00Z")
line(event_id="shadowed", happened_at="2026-03-10T08:00:00Z")


def test_of_an_id_sent_again_the_earliest_counts(judged):
    told = {row.happened_at // 3_600_000_000 % 24: row.reason for row in judged[TWICE]}
    assert told == {8: None, 9: "duplicate", 10: "duplicate"}


def test_an_id_of_the_days_before_is_a_duplicate(judged):
    assert only(judged, "sent-yesterday").reason == "duplicate"


def test_a_refused_line_does_not_shadow_the_sound_one_of_its_id(judged):
    assert sorted(row.reason or "" for row in judged[SHADOWED]) == ["", "bad_watched"]


SAME = {"event_id": "same", "happened_at": "2026-03-10T08:00:00Z"}
line(**SAME, line="b")
line(**SAME, line="a")
line(**SAME, line="c")


def test_of_lines_that_say_the_same_the_first_text_counts_whatever_their_order(judged):
    assert {row.line: row.reason for row in judged["same"]} == {"a": None, "b": "duplicate", "c": "duplicate"}


DEVICE = line(viewer_id=None, device_id="phone 1 / Müller")
DEVICE_AGAIN = line(viewer_id=None, device_id="phone 1 / Müller")
OTHER_DEVICE = line(viewer_id=None, device_id="x" * 10_000)
SIGNED_UP = line(device_id="phone 1 / Müller")
REFUSED_DEVICE = line(kind="swipe", device_id='phone "2" \\')


def test_someone_not_signed_up_is_known_by_a_digest_of_the_device(judged):
    names = [only(judged, event_id).viewer_id for event_id in (DEVICE, DEVICE_AGAIN, OTHER_DEVICE, SIGNED_UP)]
    assert names[0] == names[1] != names[2]
    assert names[3] == "u1"
    assert names[0] == secret.device_name("phone 1 / Müller", SALT) and re.fullmatch(tables.DEVICE_NAME, names[0])
    assert only(judged, DEVICE).reason is None


TOLD = {
    '{"device_id": "phone", "kind": "swipe"}': '{"...":"...", "kind": "swipe"}',
    '{"device_id" :"pho\\"ne"}': '{"...":"..."}',
    '{"kind":1,"device_id":12345}': '{"kind":1,...',
    '{"Device_Id": ["phone", "x"], "a": 1}': "{...",
    '{"a": 1, "device_id": "pho': '{"a": 1, ...',
    '{"device_id": {"id": "phone"}}': "{...",
    '{"device_id":["a]b","phone"]}': "{...",
    '{"device_info":{"a":{"b":"x"},"c":"phone"}}': "{...",
    "{'a': 1, 'device_id': 'phone'}": "{'a': 1, ...",
    "{event_id: 1, device_id: phone}": "{event_id: 1,...",
    "e1,u1,phone": "...",
    '["phone"]': "...",
    "990000862471854": "...",
    "{\x00d\x00e\x00v\x00i\x00c\x00e\x00": "...",
    '[{"a":1,"device_id":7}]': '[{"a":1,...',
    "<html>502 Bad Gateway</html>": "<html>502 Bad Gateway</html>",
    "null": "null",
    "": "",
    '{"device\\u005fid": "phone"}': "...",
    '{"\\u0064evice_id": "phone"}': "...",
    '{"kind": "device", "a": "phone 2"}': '{"kind": "device", "a": "phone 2"}',
}


@pytest.mark.parametrize("text", TOLD)
def test_a_refused_line_is_kept_without_its_device(chosen, text):
    given = arrow_lines("events", {"line": text, "readable": False}, SOUND | {"line": text, "device_id": "phone"})
    for row in events.judge(given, DAY, chosen.events, SALT).to_pylist():
        assert row["line"] == TOLD[text]


ZERO = line(duration_ms=0)
ODD_SURFACE = line(surface="tv")
LONG_LINE = line(kind="swipe", line="y" * 10_000)


def test_a_duration_of_zero_is_unknown_and_an_odd_surface_is_other(judged):
    assert (only(judged, ZERO).duration_ms, only(judged, ZERO).reason) == (None, None)
    assert only(judged, ODD_SURFACE).surface == "other"


def test_a_long_line_is_kept_cut(judged):
    assert only(judged, LONG_LINE).line == "y" * 2_000


def test_no_line_is_lost(judged):
    assert sum(map(len, judged.values())) == len(GIVEN)


# ---- machines


def at(viewer, *times, **changed):
    """Plays of a viewer at these times of the day, a second line of an id where a time comes twice."""
    return [
        SOUND | {"event_id": f"{viewer}-{time}", "viewer_id": viewer, "happened_at": f"2026-03-10T{time}Z"} | changed
        for time in times
    ]


FAST = ["12:00:00", "12:00:15", "12:00:30", "12:00:45"]
RUNS = {
    "machine": [*at("machine", "11:58:59", "11:59:10", *FAST, "12:01:00", "12:02:00")],
    "liker": [*at("liker", *FAST), *at("liker", "12:00:50", kind="like")],
    "person": at("person", *FAST[:3], "12:01:00", "12:01:10", "12:01:20"),
    "sent twice": at("resent", *FAST[:3], *FAST[:3]),
    "only likes": at("fan", *FAST, kind="like"),
    "broken": at("broken", *FAST, watched_ms=-1),
}
"""Minutes of six viewers, where three plays a minute are the most that a person can start."""


@pytest.fixture(scope="module")
def fast(chosen):
    """The reasons of each run's lines, in the order of time."""
    settings = replace(chosen.events, max_plays_a_minute=3)
    given = [row for run in RUNS.values() for row in run]
    ordered = of_a_day(given, settings).sort_by([("happened_at", "ascending"), ("reason", "descending")])
    found = {}
    for row in ordered.to_pylist():
        found.setdefault(row["viewer_id"], []).append(row["reason"])
    return found


def test_what_a_machine_does_in_a_minute_and_beside_it_is_refused(fast):
    assert fast["machine"] == [None, *["too_fast"] * 6, None]
    assert fast["liker"] == ["too_fast"] * 5


def test_a_person_who_skips_for_some_seconds_is_no_machine(fast):
    assert fast["person"] == [None] * 6
    assert fast["fan"] == [None] * 4


def test_lines_sent_again_or_broken_make_nobody_a_machine(fast):
    assert sorted(map(str, fast["resent"])) == ["None"] * 3 + ["duplicate"] * 3
    assert fast["broken"] == ["bad_watched"] * 4


def test_a_machine_is_no_sign_of_a_broken_log():
    assert "too_fast" in events.NOT_BAD
