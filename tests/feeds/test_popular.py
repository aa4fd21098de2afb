"""Popular lists: who counts, how much, and for which segments there is a list."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

from foryou import tables
from foryou.feeds import popular
from rows import DAY, arrow_rows

SEGMENTS = {
    "US:en": {"country": "US", "language": "en"},
    "GB:en": {"country": "GB", "language": "en"},
    "en": {"language": "en"},
    "US": {"country": "US"},
}


def good(viewer, video, age_days=0):
    return {"viewer": viewer, "video": video, "good": True, "day": DAY - timedelta(age_days)}


def lists(settings, views, people=(), videos=()):
    """`{segment: [(video, score), ...]}` in the order of rank; `people` are the segments of viewers 0, 1, ..."""
    viewers = [{"viewer": n, "viewer_id": f"u{n}"} | SEGMENTS[name] for n, name in enumerate(people)]
    catalogue = [{"video": n, "video_id": f"v{n}", "for_all": True} | dict(videos).get(n, {}) for n in range(10)]
    given = (arrow_rows(tables.VIEWS, *views), arrow_rows(tables.VIEWERS, *viewers))
    found = {}
    for row in popular.build(*given, arrow_rows(tables.VIDEOS, *catalogue), DAY, settings).to_pylist():
        found.setdefault(row["segment"], []).append((row["video"], row["score"]))
        assert row["rank"] == len(found[row["segment"]])
    return found


def test_distinct_viewers_of_good_watches_count_halved_with_age(chosen):
    settings = replace(chosen.popular, half_life_days=2)
    watched = [good(0, 1), good(0, 1), good(0, 1, 4), good(1, 2, 2), good(2, 2, 4), good(3, 3, 2), good(4, 3, 2)]
    badly = [{"viewer": 5, "video": 4, "good": False}]
    assert lists(settings, watched + badly) == {"*:*": [(1, 1.0), (3, 1.0), (2, 0.75)]}


def test_only_videos_shown_to_everybody_are_listed_equal_ones_by_the_lower_id(chosen):
    hidden = {video: {"for_all": False} for video in (1, 3, 4)}
    watched = [good(viewer, video, 1) for viewer in range(3) for video in (7, 1, 2, 3, 4, 5, 11)]
    found = lists(chosen.popular, watched, videos=hidden)
    assert [video for video, _ in found["*:*"]] == [2, 5, 7]


def test_segments_with_enough_good_watchers_have_a_list_and_the_widest_always_has(chosen):
    settings = replace(chosen.popular, min_viewers=2, length=2)
    people = ["US:en", "US:en", "GB:en", "en", "US"]
    watched = [good(n, 1) for n in range(5)] + [good(2, 2), good(3, 2), good(4, 3), good(9, 3), good(9, 4)]
    assert lists(settings, watched, people) == {
        "*:*": [(1, 5.0), (2, 2.0)],
        "*:en": [(1, 4.0), (2, 2.0)],
        "US:en": [(1, 2.0)],
    }


def test_nothing_watched_is_no_list(chosen):
    assert lists(chosen.popular, []) == {}
    assert lists(chosen.popular, [], ["US:en"]) == {}


def test_lists_are_those_counted_by_hand_in_whatever_order_the_rows_come(chosen):
    settings = replace(chosen.popular, half_life_days=1, min_viewers=3, length=4)
    draw = random.Random(5)
    people = [draw.choice(list(SEGMENTS)) for _ in range(12)]
    watched = [good(draw.randrange(14), draw.randrange(10), draw.randrange(7)) for _ in range(150)]
    rungs = {"US:en": ["US:en", "*:en"], "GB:en": ["GB:en", "*:en"], "en": ["*:en"]}
    latest, who = {}, {}
    for view in watched:
        key = (view["viewer"], view["video"])
        latest[key] = max(view["day"], latest.get(key, view["day"]))
    scores = {}
    for (viewer, video), day in latest.items():
        named = people[viewer] if viewer < len(people) else ""
        for segment in [*rungs.get(named, []), "*:*"]:
            who.setdefault(segment, set()).add(viewer)
            of = scores.setdefault(segment, {})
            of[video] = of.get(video, 0) + 0.5 ** (DAY - day).days
    expected = {
        segment: sorted(of.items(), key=lambda item: (-item[1], item[0]))[:4]
        for segment, of in scores.items()
        if len(who[segment]) >= 3 or segment == "*:*"
    }
    assert lists(settings, watched, people) == expected
    assert lists(settings, draw.sample(watched, len(watched)), people) == expected
