"""Sessions: pauses, midnight, and where people left. One log of two days, told day by day."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest

from foryou import tables
from foryou.signals import sessions, views
from rows import DAY, rows

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
OWN = [{"viewer": NUMBER[name], "video": VIDEOS.index("f")} for name in (CREATOR, HOME)]


def events_of(spark, landed):
    """The dense events that landed on a day."""
    given = [
        {
            "event_id": f"{n:03}",
            "happened_at": moment,
            "viewer_id": viewer,
            "kind": kind,
            "video_id": video,
            "watched_ms": 4_000 if kind == "play" else None,
        }
        for n, (viewer, day, moment, kind, video) in enumerate(LOG)
        if day == landed
    ]
    return rows(spark, tables.EVENTS, *given).drop("day")


def dense(spark, events):
    ids = ({"viewer_id": name, "viewer": number} for name, number in NUMBER.items())
    videos = ({"video_id": name, "video": number} for number, name in enumerate(VIDEOS))
    known = views.dense(events, rows(spark, tables.VIEWER_IDS, *ids), rows(spark, tables.VIDEO_IDS, *videos))
    return views.mark_own(known, rows(spark, tables.POSTS, *OWN))


def people(spark, day):
    """Everybody was first met a month ago, but for some."""
    old, young = datetime.combine(day, time()) - timedelta(30), datetime.combine(day, time(8))
    met = {TWICE: (day, young), ONCE: (day, None), BACK: (day - timedelta(1), young), HOME: (day, old)}
    told = [
        (number, *met.get(name, (old.date(), None)), "tv" if name == ONCE else "phone", "US" if name != BACK else None)
        for name, number in NUMBER.items()
    ]
    schema = "viewer int, first_met date, signed_up_at timestamp, device_class string, country string"
    return spark.createDataFrame(told, schema)


def told(spark, chosen, day):
    """The sessions that a day tells, by viewer, and its exits by (video, device, country)."""
    before = sessions.open_at_midnight(events_of(spark, day - timedelta(1)), day, chosen.views)
    placed = sessions.place(dense(spark, events_of(spark, day)), dense(spark, before), day, chosen.views)
    visits = sessions.visits(placed, people(spark, day), day, chosen.views).cache()
    found = {}
    for row in sessions.build(visits).orderBy("viewer", "session").collect():
        found.setdefault(VIEWERS[row.viewer], []).append(row)
    ends = {
        (VIDEOS[row.video], row.device_class, row.country): row
        for row in sessions.exits(visits, chosen.views).collect()
    }
    visits.unpersist()
    return found, ends


@pytest.fixture(scope="module")
def days(spark, chosen):
    return {day: told(spark, chosen, day) for day in (BEFORE, DAY, AFTER)}


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
    assert told(spark, chosen, DAY + timedelta(9)) == ({}, {})
