"""Trends: what rises, what only seems to, and which videos are listed for it."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, time, timedelta

import numpy as np
import pytest

from foryou import tables
from foryou.catalogue import trending, trends
from rows import DAY, arrow_rows

VIEWERS = 40
"""Of two countries, by turns; the last ten have none that is known."""


@pytest.fixture
def settings(chosen):
    return replace(
        chosen.trends,
        window_days=14,
        min_days=3,
        min_viewers=10,
        min_views=4,
        min_watchers=3,
        min_posters=2,
        min_z=2.0,
        min_rise=1.25,
        floor_share=0.01,
    )


def views(daily):
    """Views of the days before, the night's last: each `{video: number}`, by viewers in turn."""
    rows = []
    for ago, counts in enumerate(reversed(daily)):
        for video, number in counts.items():
            rows += [{"viewer": n % VIEWERS, "video": video, "day": DAY - timedelta(ago)} for n in range(number)]
    return rows


def catalogue(*videos):
    plain = {"for_all": True, "shown": True}
    return [plain | {"video": n, "video_id": f"v{n}"} | given for n, given in enumerate(videos)]


def people():
    countries = ["US", "GB"] * 15 + [None] * 10
    return [{"viewer": n, "viewer_id": f"u{n}", "country": country} for n, country in enumerate(countries)]


def rising(settings, seen, videos):
    """`{(country, kind, name): row}`."""
    tables_of = (arrow_rows(tables.VIEWS, *seen), arrow_rows(tables.VIEWERS, *people()))
    built = trends.build(*tables_of, arrow_rows(tables.VIDEOS, *videos), DAY, settings).to_pylist()
    found = {(row["country"], row["kind"], row["name"]): row for row in built}
    assert len(found) == len(built)
    return found


def test_the_golden_numbers(settings):
    daily = [{0: 4, 1: 16}, {0: 2, 1: 18}, {0: 6, 1: 14}, {0: 20, 1: 20}]
    found = rising(settings, views(daily), catalogue({"tags": ["up"]}, {"tags": ["other"]}))
    before = [0.2, 0.1, 0.3]
    z = (0.5 - 0.2) / np.sqrt(np.var(before, ddof=1) + 0.5 * 0.5 / 40 + 0.01**2)
    up = found["*", "tag", "up"]
    assert (up["count"], up["share"], up["rank"]) == (20, 0.5, 1)
    assert (up["mean"], up["z"]) == (pytest.approx(0.2, rel=1e-6), pytest.approx(z, rel=1e-6))
    assert ("*", "tag", "other") not in found


def test_a_steady_tag_and_one_that_everybody_has_do_not_trend_and_a_rise_does(settings):
    draw = random.Random(4)
    steady = [{0: 30 + draw.randrange(-5, 6), 1: 60, 2: 30} for _ in range(14)]
    videos = catalogue({"tags": ["steady", "all"]}, {"tags": ["all"]}, {"tags": ["all", "late"], "sound_id": "s1"})
    assert rising(settings, views([*steady, {0: 33, 1: 60, 2: 30}]), videos) == {}
    found = rising(settings, views([*steady, {0: 30, 1: 60, 2: 120}]), videos)
    assert {(kind, name) for country, kind, name in found if country == "*"} == {("tag", "late"), ("sound", "s1")}


def test_a_fifth_more_every_day_is_a_rise(settings):
    daily = [{0: 1000, 1: round(20 * 1.2**n)} for n in range(15)]
    videos = catalogue({}, {"tags": ["grows"]})
    assert ("*", "tag", "grows") in rising(replace(settings, floor_share=0.0005), views(daily), videos)


def test_few_views_and_few_viewers_are_no_trend(settings):
    quiet = [{0: 40}] * 5
    videos = catalogue({"tags": ["base"]}, {"tags": ["up"]}, {"tags": ["up"]}, {"tags": ["up"]}, {"tags": ["up"]})
    of_few = [{"viewer": n % 2, "video": 1 + n // 2, "day": DAY} for n in range(8)]
    assert rising(settings, views([*quiet, {0: 40, 1: 3}]), videos) == {}
    assert rising(settings, views([*quiet, {0: 40}]) + of_few, videos) == {}
    assert ("*", "tag", "up") in rising(settings, views([*quiet, {0: 40, 1: 8}]), videos)


def test_too_few_days_before_are_nothing_to_compare_with(settings):
    videos = catalogue({}, {"tags": ["up"]})
    assert rising(settings, views([{0: 20}, {0: 20}, {0: 20, 1: 20}]), videos) == {}
    assert rising(settings, views([{0: 20}, {0: 20}, {0: 20}, {0: 20, 1: 20}]), videos) != {}


def test_a_small_country_counts_in_all_of_them_and_is_not_told_of(settings):
    daily = [{0: 40}] * 5 + [{0: 40, 1: 40}]
    videos = catalogue({}, {"tags": ["up"]})
    found = rising(replace(settings, min_viewers=15), views(daily), videos)
    assert {(country, row["count"]) for (country, _, _), row in found.items()} == {("*", 40), ("US", 15), ("GB", 15)}
    assert {country for country, _, _ in rising(replace(settings, min_viewers=16), views(daily), videos)} == {"*"}


def posted(tag, ago, creator, country="US", **more):
    uploaded = datetime.combine(DAY - timedelta(ago), time(9))
    return {"tags": [tag], "uploaded_at": uploaded, "creator_id": creator, "country": country} | more


def test_a_challenge_is_a_tag_that_several_creators_post(settings):
    usual = [posted("usual", ago, f"c{n}") for ago in range(15) for n in range(4)]
    spam = [posted("spam", 0, "c1") for _ in range(6)]
    hidden = [posted("hidden", 0, f"c{n}", shown=False) for n in range(6)]
    dance = [posted("dance", 0, f"c{n}", "GB") for n in range(6)]
    watched = views([{0: 40}])  # so that both countries are large enough
    found = rising(settings, watched, catalogue(*usual, *spam, *hidden, *dance))
    assert {key: row["count"] for key, row in found.items()} == {("*", "challenge", "dance"): 6}
    assert rising(settings, watched, catalogue(*usual)) == {}


def test_the_order_of_rows_does_not_matter_and_an_empty_lake_has_no_trends(settings):
    draw = random.Random(1)
    daily = [{n: draw.randrange(60) for n in range(6)} for _ in range(9)]
    videos = catalogue(*({"tags": [f"t{n}", f"t{(n * 7) % 5}"], "sound_id": f"s{n % 2}"} for n in range(6)))
    seen, loose = views(daily), replace(settings, min_z=0.2, min_rise=1.0)
    found = rising(loose, seen, videos)
    assert len(found) > 3
    assert rising(loose, draw.sample(seen, len(seen)), draw.sample(videos, len(videos))) == found
    assert rising(settings, [], []) == {}
    assert rising(settings, seen, catalogue({})) == {}  # all but one video have gone


# ---- the best videos of what rises


def listed(settings, trends_of, seen, videos, quality):
    """`{country: [video, ...]}` by rank."""
    built = trending.build(
        arrow_rows(tables.TRENDS, *trends_of),
        arrow_rows(tables.VIEWS, *seen),
        arrow_rows(tables.VIEWERS, *people()),
        arrow_rows(tables.VIDEOS, *videos),
        arrow_rows(tables.VIDEO_STATS, *({"video": v, "quality": q} for v, q in enumerate(quality))),
        settings,
    ).to_pylist()
    found = {}
    for row in built:
        found.setdefault(row["country"], []).append(row["video"])
        assert (row["rank"], row["score"]) == (len(found[row["country"]]), pytest.approx(quality[row["video"]]))
    return found


def trend(country, kind, name):
    return {"country": country, "kind": kind, "name": name}


def test_listed_are_the_best_videos_of_what_rises_that_were_watched_there(settings):
    videos = catalogue(
        {"tags": ["up"]},
        {"tags": ["up"], "for_all": False},
        {"tags": ["up"]},
        {"sound_id": "s1"},
        {"tags": ["s1"]},
        {"tags": ["up"]},
        {"tags": ["up"], "sound_id": "s1"},
    )
    seen = [{"viewer": viewer, "video": video} for viewer in (0, 35) for video in range(5)]
    seen += [{"viewer": 1, "video": 6}]  # in GB; nobody watched 5
    rows = [
        trend("US", "tag", "up"),
        trend("*", "sound", "s1"),
        trend("*", "challenge", "up"),
        trend("US", "tag", "no"),
    ]
    quality = [0.3, 0.9, 0.3, 0.5, 0.9, 0.9, 0.1]
    assert listed(settings, rows, seen, videos, quality) == {"*": [3, 0, 2, 6], "US": [0, 2]}
    one = replace(settings, videos_a_trend=1)
    assert listed(one, rows, seen, videos, quality) == {"*": [3, 0], "US": [0]}
    assert listed(replace(settings, trending_length=1), rows, seen, videos, quality) == {"*": [3], "US": [0]}


def test_nothing_rises_nothing_is_listed(settings):
    assert listed(settings, [], [], [], []) == {}
