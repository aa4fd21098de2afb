"""Sessions: pauses, midnight, and where people left. One log of two days, told day by day."""

from __future__ import annotations

import random
from datetime import datetime, time, timedelta
from types import SimpleNamespace

import pyarrow as pa
import pytest

from dense_rows import dense
from foryou import tables
from foryou.signals import sessions, views
from rows import DAY, NOON, arrow_rows

BEFORE, AFTER = DAY - timedelta(1), DAY + timedelta(1)
VIDEOS = "abcdef"
LOG: list[tuple] = []
"""Viewer, landing day, moment, kind, video."""


def plays(viewer, videos, *clocks, day=DAY, landed=None, kind="play"):
    """What a viewer plays at these times of a day, a video each."""
    for video, clock in zip(videos, clocks, strict=True):
        LOG.append((viewer, landed or day, datetime.combine(day, time.fromisoformat(clock)), kind, video))
    return viewer


TWICE = plays("twice", "abc", "10:00", "10:29:59.999", "10:59:59.999")
MIDNIGHT = plays("midnight", "ab", "23:40", "23:58", day=BEFORE)
plays("midnight", "cd", "00:10", "00:20")
WAITING = plays("waiting", "a", "23:30", day=BEFORE)
ENDED = plays("ended", "a", "23:29:59", day=BEFORE)
plays("ended", "b", "00:01")
OPEN = plays("open", "ab", "09:00", "23:45")
LATE = plays("late", "a", "21:00", day=BEFORE, landed=DAY)
plays("late", "b", "12:00")
TIES = plays("ties", "abcabc", *["12:00"] * 6)
ONCE = plays("once", "a", "12:00")
BACK = plays("back", "abb", "12:00", "12:01", "12:02")
CREATOR = plays("creator", "fab", "12:00", "12:01", "12:02")
HOME = plays("home", "af", "12:00", "12:01")
LIKER = plays("liker", "a", "12:00", kind="like")
VIEWERS = sorted({row[0] for row in LOG})
NUMBER = {name: number for number, name in enumerate(VIEWERS)}
OLD = BEFORE - timedelta(30)
SINCE = {TWICE: DAY, ONCE: DAY, BACK: BEFORE}
"""Since when viewers are known: the others for a month."""
OWN = (CREATOR, HOME)
"""They posted the video f."""


def events_of(landed, *, today=True):
    """The dense events that landed on a day."""
    return [
        {
            "event_id": f"{n:03}",
            "happened_at": moment,
            "viewer": NUMBER[viewer],
            "kind": kind,
            "video": VIDEOS.index(video),
            "watched_ms": 4_000 if kind == "play" else None,
            "since": SINCE.get(viewer, OLD),
            "device_class": "tv" if viewer == ONCE else "phone",
            "country": "US" if viewer != BACK else None,
            "named": video == "f" and viewer in OWN,
            "today": today,
        }
        for n, (viewer, day, moment, kind, video) in enumerate(LOG)
        if day == landed
    ]


def still_open(settings, day):
    """The dense plays of the day before, of viewers whose session may go on."""
    yesterday = events_of(day - timedelta(1), today=False)
    logged = [
        {"event_id": each["event_id"], "happened_at": each["happened_at"], "kind": each["kind"]}
        | {"viewer_id": str(each["viewer"])}
        for each in yesterday
    ]
    events = arrow_rows(tables.EVENTS, *logged)
    found = sessions.plays_of(events, sessions.awake_at_midnight(events, day, settings), day)
    kept = set(found["event_id"].to_pylist())
    return [each for each in yesterday if each["event_id"] in kept]


def told(settings, day):
    """The sessions that a day tells, by viewer, and its exits by (video, device, country)."""
    events = events_of(day) + still_open(settings, day)
    shuffled = random.Random(1).sample(events, len(events))
    placed = sessions.place(views.mark_own(dense(*shuffled), views.pairs(dense())), day, settings)
    visits = sessions.visits(placed, day, settings)
    found = {}
    for row in sessions.build(visits, settings).to_pylist():
        found.setdefault(VIEWERS[row["viewer"]], []).append(SimpleNamespace(**row))
    ends = {
        (VIDEOS[row["video"]], row["device_class"], row["country"]): SimpleNamespace(**row)
        for row in sessions.exits(visits, settings).to_pylist()
    }
    return found, ends


@pytest.fixture(scope="module")
def days(chosen):
    return {day: told(chosen.views, day) for day in (BEFORE, DAY, AFTER)}


@pytest.fixture(scope="module")
def today(days):
    return days[DAY][0]


@pytest.fixture(scope="module")
def ends(days):
    return days[DAY][1]


def clocks(found):
    return [(f"{row.started_at:%H:%M}", f"{row.ended_at:%H:%M}", row.plays) for row in found]


def test_a_pause_of_half_an_hour_ends_a_session(today):
    assert clocks(today[TWICE]) == [("10:00", "10:29", 2), ("10:59", "10:59", 1)]
    assert [row.session for row in today[TWICE]] == [1, 2]


def test_a_session_across_midnight_is_told_once_and_whole_on_the_day_of_its_end(days):
    told = {day: clocks(found.get(MIDNIGHT, [])) for day, (found, _) in days.items()}
    assert told == {BEFORE: [], DAY: [("23:40", "00:20", 4)], AFTER: []}


def test_a_session_that_may_go_on_at_midnight_is_told_by_the_next_day(days):
    assert [clocks(days[day][0].get(WAITING, [])) for day in (BEFORE, DAY)] == [[], [("23:30", "23:30", 1)]]
    assert [clocks(days[day][0].get(OPEN, [])) for day in (DAY, AFTER)] == [
        [("09:00", "09:00", 1)],
        [("23:45", "23:45", 1)],
    ]


def test_a_session_that_ended_before_midnight_is_told_once(days):
    assert [clocks(days[day][0][ENDED]) for day in (BEFORE, DAY)] == [[("23:29", "23:29", 1)], [("00:01", "00:01", 1)]]


def test_every_play_that_landed_in_time_is_told_once(days):
    plays = sum(row.plays for found, _ in days.values() for rows in found.values() for row in rows)
    in_time = [1 for _, landed, moment, kind, _ in LOG if kind == "play" and moment.date() == landed]
    assert plays == len(in_time)


def test_a_play_that_landed_late_belongs_to_no_session(today):
    assert clocks(today[LATE]) == [("12:00", "12:00", 1)]


def test_plays_of_one_moment_are_one_session_in_the_order_of_their_ids(today, ends):
    (row,) = today[TIES]
    assert (row.plays, row.videos, row.videos_a_minute) == (6, 3, None)
    assert row.watched_ms == 24_000


def test_someone_with_one_play_has_a_session_and_someone_with_none_has_none(today):
    (row,) = today[ONCE]
    assert (row.plays, row.videos, row.videos_a_minute) == (1, 1, None)
    assert LIKER not in today


def test_scroll_speed_is_the_videos_passed_a_minute(today):
    assert today[TWICE][0].videos_a_minute == pytest.approx(1 / 30, rel=1e-3)
    assert today[BACK][0].videos_a_minute == 0.5


def test_only_who_came_within_the_last_day_is_new(today):
    assert {name for name, found in today.items() if found[0].is_new} == {TWICE, ONCE, BACK}


def test_a_session_ends_within_the_video_of_its_last_play(ends):
    everybody = {key: (row.sessions, row.exits) for key, row in ends.items()}
    assert everybody["a", "tv", "US"] == (1, 1)
    assert everybody["b", "phone", None] == (1, 1) and everybody["a", "phone", None] == (1, 0)
    # twice, midnight, waiting, open, ties, creator, home: it was the last of two of them
    assert everybody["a", "phone", "US"] == (7, 2)


def test_ones_own_video_is_neither_shown_nor_left(today, ends):
    assert not [key for key in ends if key[0] == "f"]
    assert (today[HOME][0].plays, today[HOME][0].videos) == (2, 1)


def test_new_viewers_who_leave_within_the_first_videos_count_once_more(ends):
    new = {key: (row.new_sessions, row.new_exits) for key, row in ends.items() if row.new_sessions}
    assert new == {
        ("a", "tv", "US"): (1, 1),
        ("a", "phone", None): (1, 1),
        ("b", "phone", None): (1, 1),
        ("a", "phone", "US"): (1, 1),
        ("b", "phone", "US"): (1, 1),
        ("c", "phone", "US"): (1, 1),
    }


def test_a_day_without_plays_has_no_sessions(spark, chosen):
    assert told(chosen.views, DAY + timedelta(9)) == ({}, {})


def test_parts_of_exits_add_up_to_the_whole(chosen):
    events = events_of(DAY) + still_open(chosen.views, DAY)

    def exits(given):
        placed = sessions.place(views.mark_own(dense(*given), views.pairs(dense())), DAY, chosen.views)
        return sessions.exits(sessions.visits(placed, DAY, chosen.views), chosen.views)

    parts = [exits([each for each in events if each["viewer"] % 3 == part]) for part in range(3)]
    assert sessions.add_up(pa.concat_tables(parts)) == exits(events)


def test_sessions_agree_with_going_through_the_plays_one_by_one(chosen):
    draw = random.Random(4)
    given = [
        {
            "viewer": draw.randrange(5),
            "event_id": f"{n:04}",
            "happened_at": NOON + timedelta(minutes=draw.randrange(600)),
        }
        for n in range(200)
    ]
    placed = sessions.place(dense(*given), DAY, chosen.views).to_pylist()
    told, last = {}, {}
    for row in sorted(given, key=lambda row: (row["viewer"], row["happened_at"], row["event_id"])):
        viewer, moment = row["viewer"], row["happened_at"]
        number, position, before = last.get(viewer, (0, 0, None))
        goes_on = before is not None and moment - before < timedelta(minutes=30)
        last[viewer] = (number, position + 1, moment) if goes_on else (number + 1, 1, moment)
        told[row["event_id"]] = last[viewer][:2]
    assert {row["event_id"]: (row["session"], row["position"]) for row in placed} == told
    assert max(number for number, _ in told.values()) > 3
