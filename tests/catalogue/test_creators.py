"""Creators: what credibility is made of, what it forgives and when, and how little followers count."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, time, timedelta

import numpy as np
import pytest

from foryou import tables
from foryou.catalogue import creators, roster
from foryou.errors import ContractBroken
from rows import DAY, arrow_rows

REPORT = -20.0


def video(creator, age_days=10, **given):
    return {"creator_id": creator, "uploaded_at": at(age_days), "moderation": "auto_ok"} | given


def at(age_days):
    return None if age_days is None else datetime.combine(DAY - timedelta(age_days), time(9))


def rated(viewers=0, good=0, z=0.0, exits=0):
    return {"viewers": viewers, "good": good, "z": z, "exits": exits}


def build(settings, videos, stats=(), day=DAY, before=None, **given):
    """`{creator: row}`; `stats` are those of the first videos, the other tables are rows by their name."""
    listed = [{"video": n, "video_id": f"v{n}"} | row for n, row in enumerate(videos)]
    known = [{"video": n} | row for n, row in enumerate(stats)]
    of = {name: given.get(name, ()) for name in ("views", "interactions", "viewers", "follows", "trends")}
    of["viewer_profiles"] = given.get("profiles", ())
    night = roster.Given(
        arrow_rows(tables.VIDEOS, *listed),
        arrow_rows(tables.VIDEO_STATS, *known),
        **{name.split("_")[-1]: arrow_rows(getattr(tables, name.upper()), *rows) for name, rows in of.items()},
        before=arrow_rows(tables.CREATORS) if before is None else before,
        reported=REPORT,
    )
    built = creators.build(night, day, settings)
    return built if given.get("whole") else {row["creator_id"]: row for row in built.to_pylist()}


def test_the_golden_numbers(chosen):
    settings = replace(chosen.creators, prior_viewers=100.0, prior_videos=3.0, first_videos=5)
    # c0: uploads of four weeks out of twelve, two newer videos against two older ones; c1 has more followers.
    ages = [60, 50, 20, 10]
    stats = [rated(100, 30, 0.0), rated(100, 30, 1.0), rated(100, 60, 1.5), rated(100, 80, 2.5), rated(600, 200)]
    follows = [{"viewer_id": f"u{n}", "creator_id": "c1"} for n in range(3)] + [{"viewer_id": "u0", "creator_id": "c0"}]
    found = build(settings, [*(video("c0", age) for age in ages), video("c1")], stats, follows=follows)["c0"]
    usual = 400 / 1000
    rate = (200 + 100 * usual) / 500
    rise = (2.0 - 0.5) * 2 / (2 + 3)
    parts = (rate / (rate + usual), 4 / 12, 0.5 + 0.5 * rise / (1 + rise), 0 / 2)
    credibility = np.dot((0.4, 0.3, 0.2, 0.1), parts)
    authority = min(1.2, 1 + settings.authority_slope * 5 / (4 + 3))
    share = credibility * authority / 1.2
    multiplier = math.exp(math.log(0.9) + (math.log(1.25) - math.log(0.9)) * share)
    names = ("engagement", "activity", "quality_trend", "reach")
    assert [found[name] for name in names] == pytest.approx(parts, rel=1e-6)
    assert found["good_rate"] == pytest.approx(rate, rel=1e-6)
    assert found["credibility"] == pytest.approx(credibility, rel=1e-6)
    assert found["authority"] == pytest.approx(authority, rel=1e-6)
    assert found["multiplier"] == pytest.approx(multiplier, rel=1e-6)
    assert (found["videos"], found["followers"], found["authority_viewers"]) == (4, 1, 400)


@pytest.mark.parametrize("seed", range(5))
def test_whatever_happened_the_numbers_stay_within_their_bounds(chosen, seed):
    draw = np.random.default_rng(seed)
    videos = [
        video(f"c{draw.integers(6)}", int(draw.integers(0, 400)), moderation=str(draw.choice(tables.MODERATION)))
        for _ in range(40)
    ]
    counts = draw.integers(0, 10_000, 40)
    stats = [rated(int(n), int(n * draw.random()), float(draw.normal(0, 5))) for n in counts]
    views = [{"viewer": n, "video": int(draw.integers(40)), "points": REPORT} for n in range(int(draw.integers(50)))]
    follows = [{"viewer_id": f"u{n}", "creator_id": f"c{draw.integers(3)}"} for n in range(50)]
    for row in build(chosen.creators, videos, stats, views=views, follows=follows).values():
        for name in ("engagement", "activity", "quality_trend", "reach", "credibility", "penalty", "good_rate"):
            assert 0 <= row[name] <= 1, name
        assert 0.9 - 1e-6 <= row["authority"] <= 1.2 + 1e-6
        assert 0.9 - 1e-6 <= row["multiplier"] <= 1.25 + 1e-6


@pytest.mark.parametrize("seed", range(3))
def test_followers_never_weigh_more_than_a_tenth(chosen, seed):
    draw = np.random.default_rng(seed)
    videos = [video(f"c{n % 10}", int(draw.integers(0, 80))) for n in range(40)]
    stats = [rated(100, int(draw.integers(0, 100)), float(draw.normal())) for _ in videos]

    def multipliers(followers):
        follows = [{"viewer_id": f"u{n}", "creator_id": "c0"} for n in range(followers)]
        follows += [{"viewer_id": f"u{n}", "creator_id": f"c{c}"} for c in range(1, 10) for n in range(5)]
        return build(chosen.creators, videos, stats, follows=follows)["c0"]

    none, many = multipliers(0), multipliers(2_000)
    span = math.log(chosen.creators.multiplier_max / chosen.creators.multiplier_min)
    assert none["credibility"] < many["credibility"] <= none["credibility"] + 0.1 + 1e-6
    assert 0 < math.log(many["multiplier"] / none["multiplier"]) <= 0.1 * span + 1e-6


def test_weights_that_give_followers_more_are_refused(chosen):
    with pytest.raises(ContractBroken, match="at most"):
        replace(chosen.creators, weight_reach=0.2, weight_quality_trend=0.1)
    with pytest.raises(ContractBroken, match="multiplier_min"):
        replace(chosen.creators, multiplier_min=1.1)


# ---- penalties


def nights(settings, videos_of_day, ages):
    """The rows of c0 on days so many days before `DAY`, each night knowing the one before."""
    before, rows = None, []
    for age in ages:
        built = build(settings, videos_of_day(age), day=DAY - timedelta(age), before=before, whole=True)
        rows.append(next((row for row in built.to_pylist() if row["creator_id"] == "c0"), None))
        before = built.select(roster.BEFORE)
    return rows


def test_a_penalty_is_what_share_was_rejected_and_fades_evenly(chosen):
    settings = replace(chosen.creators, penalty_days=180, penalty_rejected=1.0, prior_videos=3.0)

    def videos(age):
        bad = "rejected" if age <= 300 else "auto_ok"
        return [video("c0", 400), video("c0", 310, moderation=bad)]

    found = nights(settings, videos, [301, 300, 210, 121, 120, 0])
    assert [row["penalty"] for row in found] == pytest.approx([0, 1 / 5, 0.5 / 5, 1 / 5 / 180, 0, 0], abs=1e-7)
    assert found[-1]["rejected_on"] == [DAY - timedelta(300)]  # else it would be new again


def test_a_first_night_dates_rejected_videos_by_their_upload(chosen):
    settings = replace(chosen.creators, penalty_days=180, prior_videos=3.0)
    for age, left in ((0, 1.0), (90, 0.5), (200, 0.0), (None, 1.0)):
        found = build(settings, [video("c0", age, moderation="rejected")])["c0"]
        assert found["penalty"] == pytest.approx(left / 4), age


def test_a_video_that_passes_after_all_is_forgiven_and_one_that_is_deleted_is_not(chosen):
    passed = nights(
        chosen.creators, lambda age: [video("c0", 50, moderation="rejected" if age else "human_ok")], [1, 0]
    )
    assert passed[0]["penalty"] > passed[1]["penalty"] == 0
    settings = replace(chosen.creators, penalty_days=10)
    deleted = nights(settings, lambda age: [video("c0", 50, moderation="rejected")] if age > 8 else [], [9, 8, 4, 0])
    # The first night dates it by its upload, too long ago to count, and nothing is left of the creator.
    assert [row and row["penalty"] for row in deleted] == [0, None, None, None]
    fresh = nights(settings, lambda age: [video("c0", 9, moderation="rejected")] if age > 8 else [], [9, 8, 4, 0])
    assert [row and round(row["penalty"] * 40) for row in fresh] == [10, 9, 5, 1]
    assert (fresh[1]["videos"], fresh[1]["stage"]) == (0, "dormant")


def test_a_creator_with_all_videos_rejected_has_nothing_left(chosen):
    found = build(chosen.creators, [video("c0", 0, moderation="rejected") for _ in range(10)] + [video("c1")])
    assert (found["c0"]["videos"], found["c0"]["stage"], found["c0"]["credibility"]) == (0, "dormant", 0)
    assert found["c0"]["multiplier"] == pytest.approx(chosen.creators.multiplier_min)
    assert len(found["c0"]["rejected"]) == 10


def test_reports_cost_by_their_share_of_viewers_up_to_a_limit_and_fade(chosen):
    settings = replace(chosen.creators, prior_reporters=100.0, penalty_reported=10.0, penalty_days=180)
    videos, stats = [video(f"c{n}") for n in range(4)], [rated(900), rated(900), rated(100), rated(100)]
    reports = [{"viewer": n, "video": 0, "points": REPORT} for n in range(4)]
    reports += [{"viewer": n, "video": 2, "points": REPORT} for n in range(96)]
    disliked = [{"viewer": n, "video": 1, "points": -10.0} for n in range(50)]
    built = build(settings, videos, stats, views=reports + disliked, whole=True)
    found = {row["creator_id"]: row["penalty"] for row in built.to_pylist()}
    assert found == pytest.approx({"c0": 0, "c1": 0, "c2": settings.max_penalty_reported, "c3": 0})
    few = build(settings, videos, stats, views=reports[:4])["c0"]["penalty"]
    usual = 4 / 2000
    assert few == pytest.approx(10 * ((4 + 100 * usual) / 1000 - usual), rel=1e-5)
    later = build(settings, videos, stats, day=DAY + timedelta(90), before=built.select(roster.BEFORE), whole=True)
    assert later.to_pylist()[2]["penalty"] == pytest.approx(settings.max_penalty_reported / 2)
    again = build(settings, videos, stats, day=DAY + timedelta(180), before=later.select(roster.BEFORE))
    assert (again["c2"]["penalty"], again["c2"]["reported_on"]) == (0, None)


# ---- authority, stages, audience


def test_authority_looks_at_the_first_five_videos_and_keeps_what_it_knew(chosen):
    settings = replace(chosen.creators, prior_videos=3.0, authority_slope=0.1)
    videos = [video("c0", 100 - n) for n in range(7)]
    stats = [rated(10, z=1.0)] * 4 + [rated(0)] + [rated(10, z=-9.0)] * 2
    built = build(settings, videos, stats, whole=True)
    assert built["authority"].to_pylist() == pytest.approx([1 + 0.1 * 4 / 7])
    faded = build(settings, videos, [rated(10, z=-1.0)], before=built.select(roster.BEFORE))["c0"]
    assert (faded["authority"], faded["authority_viewers"]) == (pytest.approx(1 + 0.1 * 4 / 7), 40)
    more = build(settings, videos, [rated(50, z=-1.0)], before=built.select(roster.BEFORE))["c0"]
    assert (more["authority"], more["authority_viewers"]) == (pytest.approx(1 - 0.1 / 4), 50)


def test_stages(chosen):
    settings = replace(chosen.creators, recent_days=28, first_videos=5, rising_ratio=1.5, rising_min_views=10)
    videos = (
        [video("new", 3)] + [video("gone", 28)] * 9 + [video("up", 5)] * 5 + [video("old", n) for n in range(5, 30, 5)]
    )
    seen = [(10, 8, 5), (10, 2, 20), (15, 8, 95), (15, 2, 90)]
    views = [
        {"viewer": n, "video": number, "day": DAY - timedelta(ago)} for number, ago, count in seen for n in range(count)
    ]
    found = build(settings, videos, views=views)
    stages = {name: row["stage"] for name, row in found.items()}
    assert stages == {"new": "new", "gone": "dormant", "up": "rising", "old": "established"}


def test_the_audience_is_told_by_cluster_and_by_what_rises_where_it_is(chosen):
    settings = replace(chosen.creators, clusters=2, rising_tags=2, min_audience=4)
    good = [{"viewer": n, "video": 0, "good": True} for n in range(6)] + [{"viewer": 9, "video": 0, "good": False}]
    good += [{"viewer": 0, "video": 1, "good": True}]
    profiles = [{"viewer": n, "cluster": cluster} for n, cluster in enumerate([7, 7, 7, 2, 3, None])]
    viewers = [{"viewer": n, "viewer_id": f"u{n}", "country": "US" if n < 3 else "GB"} for n in range(10)]
    rises = [("*", "tag", "everywhere", 2.0), ("US", "tag", "here", 3.0), ("US", "challenge", "here", 2.0)]
    rises += [("GB", "tag", "there", 3.0), ("*", "sound", "s1", 9.0)]
    trends = [dict(zip(("country", "kind", "name", "z"), row, strict=True)) for row in rises]
    found = build(
        settings,
        [video("c0"), video("c1")],
        interactions=good,
        viewers=viewers,
        trends=trends,
        profiles=profiles,
    )
    assert (found["c0"]["clusters"], found["c0"]["audience"]) == ([7, 2], pytest.approx([0.6, 0.2]))
    assert found["c0"]["rising_tags"] == ["here", "everywhere"]
    assert (found["c1"]["clusters"], found["c1"]["audience"]) == ([], [])  # one viewer is nobody's business
    assert found["c1"]["rising_tags"] == ["here", "everywhere"]


def test_completion_and_exits_are_those_of_all_videos(chosen):
    views = [{"viewer": n, "video": n % 2, "completion": share} for n, share in enumerate((0.5, 1.0, None, 0.9))]
    found = build(
        chosen.creators, [video("c0"), video("c0"), video("c1")], [rated(exits=3), rated(exits=4)], views=views
    )
    assert found["c0"]["completion"] == pytest.approx(0.8)
    assert found["c0"]["exits_a_video"] == 3.5
    assert (found["c1"]["completion"], found["c1"]["exits_a_video"]) == (None, 0)


def test_log_multipliers_are_by_video_and_nothing_for_nobody():
    rows = arrow_rows(tables.CREATORS, {"creator_id": "a", "multiplier": 1.2}, {"creator_id": "b", "multiplier": 0.9})
    owners = {0: "b", 2: "a", 3: None, 4: "c"}
    videos = arrow_rows(tables.VIDEOS, *({"video": n, "video_id": f"v{n}", "creator_id": c} for n, c in owners.items()))
    found = creators.log_multipliers(rows, videos, 6)
    assert found.tolist() == pytest.approx([math.log(0.9), 0, math.log(1.2), 0, 0, 0], abs=1e-7)


def test_the_order_of_rows_does_not_matter_and_without_creators_there_are_none(chosen):
    videos = [video(f"c{n % 3}", n, video=n, moderation="rejected" if n == 4 else "auto_ok") for n in range(9)]
    stats = [rated(10 * n, 4 * n, 0.1 * n) | {"video": n} for n in range(9)]
    views = [{"viewer": n, "video": n % 9, "completion": 0.1 * (n % 10)} for n in range(60)]
    interactions = [{"viewer": n, "video": n % 9, "good": n % 2 == 0} for n in range(60)]
    found = build(chosen.creators, videos, stats, views=views, interactions=interactions)
    turned = build(chosen.creators, videos[::-1], stats[::-1], views=views[::-1], interactions=interactions[::-1])
    assert found == turned
    assert len(found) == 3
    assert build(chosen.creators, []) == {}
    assert build(chosen.creators, [video(None)]) == {}
