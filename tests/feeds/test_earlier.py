"""What viewers met before: the end of what they watched, and what they passed over."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from foryou.feeds import earlier
from foryou.feeds.earlier import Served
from foryou.models import matrices

DAY = date(2026, 3, 10)


def served(feeds, watched, height=3):
    """A day: `{viewer: [videos]}` of what was live, and of what was watched."""
    rows = pa.table(
        {
            "viewer": pa.array([*feeds], pa.int32()),
            "videos": pa.array([*feeds.values()], pa.list_(pa.int32())),
        }
    )
    pairs = [(viewer, video) for viewer, videos in watched.items() for video in videos]
    viewers, videos = (pa.chunked_array([pa.array([pair[at] for pair in pairs], pa.int32())]) for at in range(2))
    return Served(rows, matrices.rows(viewers, videos, None, height))


def told(rows):
    """`Rows` as `{viewer: {video: times}}`."""
    return {
        row: dict(zip(rows.indices[a:b].tolist(), rows.values[a:b].tolist(), strict=True))
        for row, (a, b) in enumerate(zip(rows.indptr[:-1], rows.indptr[1:], strict=True))
        if b > a
    }


def passed(days, height=3):
    return told(earlier.look_back(days, height, 0)[1])


def test_what_stood_among_the_watched_and_was_not_was_passed_over():
    day = served({0: [5, 6, 7, 8, 9], 1: [5, 6]}, {0: [6, 8, 20]})
    assert passed([day]) == {0: {5: 1, 7: 1}}


def test_who_watches_in_order_or_does_not_come_passes_over_nothing():
    day = served({0: [5, 6, 7], 1: [5, 6, 7], 2: []}, {0: [5, 6], 2: [6]})
    assert passed([day]) == {}
    assert passed([]) == {}


def test_days_on_which_it_was_passed_over_are_counted():
    first, second = served({0: [5, 6, 7]}, {0: [6]}), served({0: [5, 7, 8]}, {0: [8, 9]})
    assert passed([first, second]) == {0: {5: 2, 7: 1}}


def test_a_list_goes_on_from_the_last_of_it_that_was_watched():
    day = served({0: [5, 6, 7, 8, 9], 1: [5, 6], 2: [5]}, {0: [8, 5, 6, 30], 1: [6]})
    assert earlier.look_back([day], 3, 2)[0].tolist() == [[6, 8], [-1, 6], [-1, -1]]
    assert earlier.look_back([], 3, 2)[0].tolist() == [[-1, -1]] * 3


def test_a_day_without_a_visit_leaves_the_end_of_the_one_before():
    newest, before = served({0: [5, 6], 1: [5, 6]}, {0: [5]}), served({0: [7, 8], 1: [7, 8]}, {0: [8], 1: [7]})
    assert earlier.look_back([newest, before], 3, 2)[0].tolist() == [[-1, 5], [-1, 7], [-1, -1]]


def test_what_is_live_on_a_day_is_of_the_last_night_before_it():
    held = [DAY - timedelta(days=back) for back in (4, 2, 0)]
    assert earlier.served_on(DAY, held) == DAY - timedelta(days=2)
    assert earlier.served_on(DAY - timedelta(days=2), held) == DAY - timedelta(days=4)
    assert earlier.served_on(DAY - timedelta(days=4), held) is None
    assert earlier.last_days(DAY, 2) == [DAY, DAY - timedelta(days=1)]
    assert earlier.last_days(DAY, 0) == []


def test_what_was_watched_on_a_day_is_known_until_it_is_watched_again():
    interactions = pa.table(
        {
            "viewer": pa.array([0, 0, 1], pa.int32()),
            "video": pa.array([3, 4, 3], pa.int32()),
            "last_day": [DAY, DAY - timedelta(days=1), DAY],
        }
    )
    assert told(earlier.watched_on(interactions, DAY, 2)) == {0: {3: 1}, 1: {3: 1}}
    assert told(earlier.watched_on(interactions, DAY - timedelta(days=1), 2)) == {0: {4: 1}}


@pytest.mark.parametrize("seed", range(5))
def test_passed_over_agrees_with_plain_python(seed):
    rng = np.random.default_rng(seed)
    days, expected = [], {}
    for _ in range(3):
        feeds = {viewer: rng.choice(30, rng.integers(0, 12), replace=False).tolist() for viewer in range(0, 8, 2)}
        watched = {viewer: rng.choice(30, rng.integers(0, 9), replace=False).tolist() for viewer in range(8)}
        days.append(served(feeds, watched, 8))
        for viewer, videos in feeds.items():
            for video in videos[: len(watched[viewer])]:
                if video not in watched[viewer]:
                    of = expected.setdefault(viewer, {})
                    of[video] = of.get(video, 0) + 1
    assert passed(days, 8) == expected
