"""Views: the formulas of a viewer-video-day by hand. Each story is one viewer's day with one video."""

from __future__ import annotations

import math
import random
from datetime import timedelta
from types import SimpleNamespace

import numpy as np
import pytest

from dense_rows import dense
from foryou import tables
from foryou.signals import sessions, views
from foryou.signals.views import length
from rows import DAY, NOON, arrow_rows, land, ran

NONE = views.pairs(dense())
STORIES: dict[str, list[dict]] = {}
POSTED: list[str] = []
"""Stories whose viewer posted the video `v` some day."""
RANKS = {120.0: 0.7, 110.0: 0.69, 1.0: 0.99, 130.0: 0.99}
"""The watch quantile of so many seconds of five minutes; there is none for other lengths."""


def play(watched_s, of_s=30, **more):
    return {"kind": "play", "watched_ms": int(1000 * watched_s), "duration_ms": of_s and int(1000 * of_s), **more}


def did(*kinds):
    return [{"kind": kind} for kind in kinds]


def story(name, *events):
    """Remembers a viewer's day under its name; all days are folded at once."""
    assert name not in STORIES
    STORIES[name] = list(events)
    return name


def folded(settings, days):
    """The views of each day, by name: events of a day come a second apart unless they say when."""
    events = [
        {"event_id": f"{who}-{n:03}", "viewer": who, "video": 7, "happened_at": NOON + timedelta(0, n)} | event
        for who, name in enumerate(days)
        for n, event in enumerate(days[name])
    ]
    posted = views.pairs(dense(*({"viewer": [*days].index(name), "video": 7} for name in POSTED)))
    shuffled = random.Random(0).sample(events, len(events))
    placed = sessions.place(views.mark_own(dense(*shuffled), posted), DAY, settings)
    found = {}
    for row in views.build(placed, ranks, settings).to_pylist():
        found.setdefault([*days][row["viewer"]], []).append(SimpleNamespace(**row))
    return found


def ranks(duration_ms, watched_ms):
    """The quantiles that the norms would give, by seconds watched of five minutes."""
    return np.where(duration_ms == 300_000, [RANKS.get(ms / 1000, np.nan) for ms in watched_ms], np.nan)


@pytest.fixture(scope="module")
def all_views(chosen):
    """The views of every story and of every drawn day, by name."""
    return folded(chosen.views, STORIES | DRAWN)


@pytest.fixture(scope="module")
def seen(all_views):
    """The view of each story of one video; None where there is none."""
    return {name: all_views[name][0] if name in all_views else None for name in STORIES if name not in (BOTH, SCROLLED)}


# ---- golden points at 30 s


GOLDEN = {
    story("watched to the end", play(30)): 8,
    story("nine tenths", play(27)): 7.2,
    story("less than nine tenths", play(26.9)): 0,
    story("twice to the end", play(30), play(30)): 18,
    story("twice its length in one go", play(60)): 18,
    story("a second play half through", play(30), play(15)): 18,
    story("a second play not half through", play(30), play(14.9)): 8,
    story("half through at the second play", play(3), play(27)): 10 + 8 * 0.9,
    story("liked", play(30), *did("like")): 10,
    story("saved", play(30), *did("save")): 11,
    story("commented", play(30), *did("comment")): 12,
    story("followed", play(30), *did("follow")): 13,
    story("shared", play(30), *did("share")): 14,
    story("everything", play(30), play(30), *did("share", "follow", "comment", "save", "like")): 38,
    story("everything five times", play(60), *did(*["share", "follow", "comment", "save", "like"] * 5)): 38,
    story("liked without a play", *did("like")): 2,
    story("liked at a third", play(10), *did("like")): 2 + 8 / 3,
    story("left at once", play(1.999)): -2,
    story("left after two seconds", play(2)): 0,
    story("left twice at once", play(0.9), play(0.9)): -2,
    story("not interested", play(30), *did("like", "not_interested")): -10,
    story("reported", play(30), *did("not_interested", "report", "share")): -20,
    story("a glance at a profile", {"kind": "profile_visit"}): 0,
}


@pytest.mark.parametrize("name", GOLDEN)
def test_points_of_a_video_of_thirty_seconds_are_as_in_the_design(seen, name):
    assert seen[name].points == pytest.approx(GOLDEN[name], abs=1e-5)


LOOPS = story("a hundred loops", *[play(30)] * 100)


def test_a_hundred_loops_by_one_viewer_count_as_one_rewatch(seen):
    assert seen[LOOPS].plays == 100
    assert seen[LOOPS].points == seen["twice to the end"].points == 18


SKIPS = story("two skips of a short video", play(0.5, 10), play(0.4, 10))


def test_two_skips_are_no_rewatch(seen):
    assert not seen[SKIPS].rewatched and not seen["left twice at once"].rewatched
    assert (seen[SKIPS].skipped, seen[SKIPS].points) == (True, -2)


ALL_FIVE = ("rewatch", "completion", "share", "comment", "like")
WATCHED = {(0, 0): [], (0, 1): [play(30)], (1, 0): [play(15), play(15)], (1, 1): [play(30), play(15)]}
"""Plays of 30 s that are a rewatch or not, watched to the end or not; a rewatch alone leaves half a completion."""
COMBINED = """
    00000:0  00001:2  00010:4  00011:6  00100:6  00101:8  00110:10 00111:12
    01000:8  01001:10 01010:12 01011:14 01100:14 01101:16 01110:18 01111:20
    10000:0  10001:16 10010:18 10011:20 10100:20 10101:22 10110:24 10111:26
    11000:18 11001:20 11010:22 11011:24 11100:24 11101:26 11110:28 11111:30
"""
"""Which of the five were done, in their order, and the points: 10, 8, 6, 4, 2; and 4 for half a completion.

Half watched twice with nothing done is no good watch (10000).
"""
FIVE = {
    story(f"the five: {bits}", *WATCHED[int(bits[0]), int(bits[1])], *did(*done)) if bits != "00000" else "": int(n)
    for bits, n in (each.split(":") for each in COMBINED.split())
    for done in [[kind for bit, kind in zip(bits[2:], ALL_FIVE[2:], strict=True) if bit == "1"]]
}


def test_points_of_all_combinations_of_the_five_actions_are_as_in_the_design(seen):
    assert len(FIVE) == 32 and FIVE.pop("") == 0  # nothing done is no view
    assert {name: seen[name].points for name in FIVE} == FIVE


# ---- completion and length


UNKNOWN = story("unknown length", play(60, None))
UNKNOWN_LEFT = story("unknown length, left", play(1, None))
UNKNOWN_SHARED = story("unknown length, shared", play(60, None), *did("share"))
LOOPED = story("looped within one play", play(95))
PIECES = story("ten pieces of a tenth", *[play(3)] * 10)


def test_completion_is_the_longest_single_play(seen):
    assert seen[LOOPED].completion == 1
    assert seen[PIECES].completion == pytest.approx(0.1)
    assert (seen[PIECES].plays, seen[PIECES].watched_ms, seen[PIECES].good) == (10, 30_000, False)


def test_an_unknown_length_is_no_completion(seen):
    assert seen[UNKNOWN].completion is None and seen["liked without a play"].completion is None
    assert [seen[name].points for name in (UNKNOWN, UNKNOWN_LEFT, UNKNOWN_SHARED)] == [0, -2, 6]
    assert [seen[name].good for name in (UNKNOWN, UNKNOWN_LEFT, UNKNOWN_SHARED)] == [False, False, True]
    assert not seen[UNKNOWN].rewatched


TINY = story("three seconds to the end", play(3, 3))
TINY_LOOPED = story("three seconds three times", *[play(3, 3)] * 3)
LONG = story("ten minutes to the end", play(600, 600))
MINUTE = story("a minute to the end", play(60, 60))


def test_finishing_a_few_seconds_says_nothing_and_a_long_video_no_more_than_a_rewatch(seen, chosen):
    assert (seen[TINY].good, seen[TINY].points) == (False, 0)
    assert (seen[TINY_LOOPED].good, seen[TINY_LOOPED].points) == (True, 10 + 8 * 0.5)
    assert seen[MINUTE].points == pytest.approx(8 * math.log(61) / math.log(31), rel=1e-6)
    assert seen[LONG].points == 8 * 1.25 <= chosen.views.points_rewatch


SHORT_BOUND = story("a second of eleven", play(1, 11))
SHORT_SEEN = story("a second of ten", play(1, 10))


def test_the_bound_of_a_skip_is_a_tenth_of_a_short_video(seen):
    assert [seen[name].skipped for name in (SHORT_BOUND, SHORT_SEEN)] == [True, False]


LEFT_AND_LIKED = story("left at once but liked", play(1), *did("like"))


def test_a_view_shorter_than_the_bound_is_never_good(seen):
    view = seen[LEFT_AND_LIKED]
    assert (view.skipped, view.good, view.points, view.liked) == (False, False, 0, True)


story("long but not ended", play(120, 300))
story("below seven in ten", play(110, 300))
story("ranked, yet left at once", play(1, 300))
story("ranked, yet refused", play(130, 300), *did("not_interested"))


def test_a_view_longer_than_seven_in_ten_of_its_length_is_good_though_not_ended(seen):
    assert seen["long but not ended"].good and seen["long but not ended"].points == pytest.approx(8 * 0.4 * 1.25)
    assert [seen[name].good for name in ("below seven in ten", "ranked, yet left at once")] == [False, False]
    assert seen["ranked, yet left at once"].points == -2
    assert not seen["ranked, yet refused"].good


GLANCE = story("a tenth of a second", play(0.1))


def test_a_view_of_less_than_a_second_is_a_view(seen):
    assert (seen[GLANCE].plays, seen[GLANCE].watched_ms, seen[GLANCE].skipped) == (1, 100, True)


# ---- one's own


POSTED += [
    story("own, to the end", play(30), *did("like")),
    story("own, left at once", play(0.1)),
    story("own, reported", play(30), *did("report")),
]
NAMED = story("named as the creator", play(30, named=True))
OTHERS = story("somebody else's", play(30, named=False))


def test_ones_own_videos_are_seen_and_say_nothing(seen):
    for name in (*POSTED, NAMED):
        view = seen[name]
        assert (view.own, view.points, view.good, view.skipped) == (True, 0, False, False), name
    assert not seen[OTHERS].own and seen[OTHERS].good


# ---- its place in the session


def late(hours, **more):
    return play(30, happened_at=NOON - timedelta(hours=hours), **more)


SCROLLED = story("scrolled on", play(3), *did("like"), play(1, video=8, happened_at=NOON + timedelta(0, 9)))
LATE = story("landed late, and again today", late(15), play(3))
ONLY_LATE = story("landed late", late(15))


def test_a_view_knows_its_place_in_the_session_and_when_the_next_began(all_views, seen):
    first, second = sorted(all_views[SCROLLED], key=lambda view: view.video)
    assert [(first.position, first.scroll_s), (second.position, second.scroll_s)] == [(1, 9.0), (2, None)]
    assert (seen[LOOPS].position, seen[LOOPS].scroll_s) == (1, 1.0)
    assert (seen["liked without a play"].position, seen["liked without a play"].scroll_s) == (None, None)


def test_a_play_that_landed_late_counts_but_has_no_place(seen):
    assert (seen[LATE].plays, seen[LATE].position, seen[LATE].points) == (2, 1, 8)
    assert (seen[ONLY_LATE].plays, seen[ONLY_LATE].position, seen[ONLY_LATE].good) == (1, None, True)


# ---- what is taken back, what is refused


TAKEN_BACK = story("taken back", play(30), *did("like", "follow", "unlike", "unfollow"))
LIKED_AGAIN = story("liked again", play(30), *did("like", "unlike", "like"))
UNLIKED_ALONE = story("only unliked", play(30), *did("unlike"))
AT_ONCE = story("at one moment", *({"kind": kind, "happened_at": NOON} for kind in ("like", "unlike")))


def test_unlike_and_unfollow_cancel(seen):
    assert [seen[name].liked for name in (TAKEN_BACK, LIKED_AGAIN, UNLIKED_ALONE)] == [False, True, False]
    assert (seen[TAKEN_BACK].followed, seen[TAKEN_BACK].points, seen[LIKED_AGAIN].points) == (False, 8, 10)


def test_of_two_events_of_one_moment_the_later_id_counts(seen):
    assert not seen[AT_ONCE].liked


def test_what_is_refused_or_reported_is_not_good(seen):
    assert not seen["not interested"].good and not seen["reported"].good


# ---- what makes a view at all


RANDOM = story("shown by chance", play(30, propensity=0.25), play(30, propensity=0.5), play(30))


def test_only_events_with_a_known_video_and_viewer_make_a_view():
    people = views.people(arrow_rows(tables.VIEWER_IDS, {"viewer_id": "u1", "viewer": 5}), arrow_rows(tables.VIEWERS))
    videos = arrow_rows(tables.VIDEO_IDS, {"video_id": "v", "video": 7})
    given = [{"video_id": "v"}, {"video_id": None, "kind": "profile_visit"}, {"video_id": "unheard of"}]
    given += [{"video_id": "v", "creator_id": "u1"}, {"video_id": "v", "viewer_id": "u2"}]
    events = arrow_rows(tables.EVENTS, *({"viewer_id": "u1", "event_id": f"{n}"} | row for n, row in enumerate(given)))
    found = views.dense(events, people, videos, today=True)
    assert found.schema == dense().schema
    assert {(row["event_id"], row["viewer"], row["video"], row["named"]) for row in found.to_pylist()} == {
        ("0", 5, 7, False),
        ("3", 5, 7, True),
    }


def test_someone_is_known_since_the_lake_met_them_or_since_signing_up():
    met = ({"viewer_id": name, "viewer": n, "day": DAY} for n, name in enumerate("abc"))
    signed_up = {"b": None, "a": NOON - timedelta(9)}
    known = ({"viewer_id": name, "signed_up_at": moment, "country": name} for name, moment in signed_up.items())
    found = views.people(arrow_rows(tables.VIEWER_IDS, *met), arrow_rows(tables.VIEWERS, *known)).to_pylist()
    told = {row["viewer"]: ((DAY - row["since"]).days, row["country"]) for row in found}
    assert told == {0: (9, "a"), 1: (0, "b"), 2: (0, None)}


def test_what_was_posted_on_earlier_days_is_one_s_own(chosen):
    events = dense({"viewer": 1, "video": 7}, {"viewer": 2, "video": 7}, {"viewer": 1, "video": 8})
    placed = sessions.place(views.mark_own(events, views.pairs(events.slice(0, 1))), DAY, chosen.views)
    built = views.build(placed, ranks, chosen.views).to_pylist()
    assert [(row["viewer"], row["video"], row["own"]) for row in built] == [(1, 7, True), (1, 8, False), (2, 7, False)]


def test_posts_are_those_of_the_day_each_once():
    post = {"kind": "post", "viewer": 3, "video": 4}
    given = dense(post, post, post | {"video": 5, "today": False}, {"viewer": 3, "video": 6})
    assert views.posts(given).to_pylist() == [{"viewer": 3, "video": 4}]


def test_no_events_make_no_views(chosen):
    for events in (dense(), dense({"today": False})):
        placed = sessions.place(views.mark_own(events, NONE), DAY, chosen.views)
        assert views.build(placed, ranks, chosen.views).num_rows == 0


def test_the_propensity_of_a_random_exposure_is_kept(seen):
    assert seen[RANDOM].propensity == 0.25
    assert seen["liked"].propensity is None


BOTH = story("two videos", play(30), play(1, video=8))


def test_each_viewer_and_video_met_is_one_view(all_views):
    assert {(view.video, view.points) for view in all_views[BOTH]} == {(7, 8.0), (8, -2.0)}
    assert [name for name, views in all_views.items() if len(views) > 1] == [SCROLLED, BOTH]


def test_length_grows_between_its_ends(chosen):
    seconds = [1, 5, 30, 90, 91, 100_000]
    clipped = [min(1.25, max(0.5, math.log1p(s) / math.log1p(30))) for s in seconds]
    assert length(np.array([math.nan, *seconds]), chosen.views) == pytest.approx([1.0, *clipped])


# ---- beside a reference that goes through the events one by one


def points_by_hand(day, s):
    """The points of one viewer's day with one video, straight from the words of the design."""
    plays = [event for event in day if event["kind"] == "play"]
    kinds = [event["kind"] for event in day]
    duration = max((event["duration_ms"] or 0 for event in plays), default=0) / 1000
    watched = [event["watched_ms"] / 1000 for event in plays]

    def last_is(kind, undone):
        of_kind = [each for each in kinds if each in (kind, undone)]
        return bool(of_kind) and of_kind[-1] == kind

    liked, followed = last_is("like", "unlike"), last_is("follow", "unfollow")
    actions = {"share": s.points_share, "comment": s.points_comment, "save": s.points_save}
    earned = sum(points for kind, points in actions.items() if kind in kinds)
    earned += s.points_like * liked + s.points_follow * followed
    acted = liked or followed or any(kind in kinds for kind in actions)
    completion = min(1.0, max(watched) / duration) if watched and duration else 0.0
    bound = min(s.skip_max_s, s.skip_max_share * duration) if duration else s.skip_max_s
    short = bool(watched) and sum(watched) < bound
    finished = completion >= s.completion_good and sum(watched) >= s.min_good_watched_s
    if "report" in kinds:
        return s.points_report
    if "not_interested" in kinds:
        return s.points_not_interested
    if short:
        return 0 if acted else s.points_skip
    if not (acted or finished):
        return 0
    rewatched = duration and (sum(watched) >= 2 * duration or any(each >= duration / 2 for each in watched[1:]))
    weight = min(s.length_max, max(s.length_min, math.log1p(duration) / math.log1p(s.length_reference_s)))
    return earned + s.points_rewatch * bool(rewatched) + s.points_completion * completion * weight


def drawn_days():
    draw = random.Random(5)
    actions = [kind for kind in tables.KINDS if kind not in ("play", "post", "not_interested", "report")]

    def day():
        of_s = draw.choice([None, 3, 12, 30, 200])
        plays = [play(draw.choice([0.1, 0.5, 1, 0.95, 2.5]) * (of_s or 40), of_s) for _ in range(draw.randint(0, 3))]
        refused = draw.choices(["not_interested", "report"], k=draw.random() < 0.1)
        events = plays + did(*draw.choices(actions, k=draw.randint(0, 4)), *refused) or did("exit")
        return draw.sample(events, len(events))

    return {f"day {n}": day() for n in range(300)}


DRAWN = drawn_days()


def test_points_agree_with_going_through_the_events_one_by_one(all_views, chosen):
    wanted = {name: points_by_hand(events, chosen.views) for name, events in DRAWN.items()}
    assert len(set(wanted.values())) > 50
    for name, events in DRAWN.items():
        assert all_views[name][0].points == pytest.approx(wanted[name], rel=1e-5), events


# ---- the job


TRIED = [f"u{n}" for n in range(8)]
"""Enough that under two names some would be dealt to two parts."""


def test_a_device_and_the_account_that_it_became_are_one_viewer_of_one_view(tmp_path, lake, chosen):
    def event(name, hour, kind="play", **who):
        at = {"event_id": name, "happened_at": f"{DAY}T{hour:02}:00:00Z", "kind": kind, "video_id": "v"}
        return at | {"watched_ms": 30_000, "duration_ms": 30_000} | who

    before = [event(f"{name}-before", 9, device_id=f"phone of {name}") for name in TRIED]
    after = [event(f"{name}-after", 9, viewer_id=name) | {"happened_at": f"{DAY}T09:10:00Z"} for name in TRIED]
    accounts = [
        {"viewer_id": name, "device_id": f"phone of {name}", "signed_up_at": f"{DAY}T09:05:00Z"} for name in TRIED
    ]
    video = {"video_id": "v", "moderation": "auto_ok", "status": "live", "audience": "all"}
    files = {"events/a.jsonl": before[:4], "events/b.jsonl": before[4:] + after[:2], "events/c.jsonl": after[2:]}
    land(tmp_path / "landing", DAY, {**files, "videos/a.jsonl": [video], "viewers/a.jsonl": accounts})
    for job in ("build_catalogue", "build_controls", "build_events", "build_views"):
        ran(job, tmp_path / "landing", lake, chosen)
    met = lake.arrow(tables.VIEWS, ["viewer", "plays", "rewatched"]).sort_by("viewer").to_pylist()
    assert [(row["viewer"], row["plays"], row["rewatched"]) for row in met] == [(n, 2, True) for n in range(8)]
    told = lake.arrow(tables.SESSIONS, ["viewer", "session", "plays"]).to_pylist()
    assert sorted((row["viewer"], row["session"], row["plays"]) for row in told) == [(n, 1, 2) for n in range(8)]
    assert lake.count(tables.SEEN, [DAY]) == 8
