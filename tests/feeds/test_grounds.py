"""What each video of a feed is said to be there for, and that it is true."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from foryou import tables
from foryou.feeds import finished, reasons
from foryou.feeds.grounds import Grounds, Placed, told
from reason_grounds import grounds, lists_of, rows_of

FACTORS, CONTENT, POPULAR, CREATOR = range(len(tables.PARTS))
OWN, FOLLOWING, TRENDING, EXPLORING, STARTING = range(1 + len(tables.KEPT))
BY_ALL = (1 << len(tables.TASTES)) - 1
COOKING, PASTA, RARE = range(3)


@pytest.fixture
def tell(chosen):
    """Code, object and value of each place, of viewers given in order: `[[(video, source, lead)]]`."""

    def of(ground, feeds, bits=BY_ALL, **changed):
        width = max(map(len, feeds))
        table = np.array([[*row, *[(-1, -1, 0)] * (width - len(row))] for row in feeds], np.int32)
        videos, source, leads = np.moveaxis(table, 2, 0)
        placed = Placed(
            videos,
            source.astype(np.int8),
            np.full(videos.shape, 0.5, np.float32),
            np.full(videos.shape, bits, np.int32),
            leads,
            np.full(videos.shape, 150, np.int32),
        )
        found = told(ground, np.arange(len(feeds), dtype=np.int32), placed, replace(chosen.feeds, **changed))
        return [
            [
                (reasons.CODES[code], int(about), float(value))
                for code, about, value, video in zip(*row, strict=True)
                if video >= 0
            ]
            for row in zip(*found, videos, strict=True)
        ]

    return of


def cook(finished_videos=4, **given):
    """One viewer who finished that many videos tagged #cooking; video 9 is tagged #pasta and #cooking."""
    tagged = {video: [COOKING] for video in range(finished_videos)} | {9: [PASTA, COOKING]}
    past = {"finished": rows_of({0: dict.fromkeys(range(finished_videos), 0.1)}, 1), "tags": lists_of(tagged, 10)}
    return grounds(1, 10, **(past | given))


def test_a_tag_is_told_with_how_many_videos_of_it_were_finished(tell):
    assert tell(cook(), [[(9, OWN, CONTENT)]]) == [[("finished_tag", 1, 4.0)]]


def test_of_two_tags_the_one_of_the_larger_part_is_told(tell):
    both = lists_of({0: [COOKING, PASTA], 1: [PASTA, COOKING], 9: [COOKING, PASTA]}, 10)
    of = cook(2, tags=both, tag_directions=np.array([[1, 0], [2, 0]], np.float32))
    assert tell(of, [[(9, OWN, CONTENT)]]) == [[("finished_tag", 1, 2.0)]]


def test_a_tag_that_speaks_against_a_video_is_no_reason(tell):
    of = cook(tag_directions=-np.ones((2, 2), np.float32), tastes=np.full((1, 2), 9, np.float32))
    ((code, about, _),) = tell(of, [[(9, OWN, CONTENT)]])[0]
    assert (code, about) == ("similar_to", 0)


def test_one_finished_video_is_named_itself(tell):
    ((code, about, value),) = tell(cook(1), [[(9, OWN, CONTENT)]])[0]
    assert (code, about, value) == ("similar_to", 0, pytest.approx(0.2))


def test_one_video_that_gives_more_than_half_of_the_score_is_named_before_a_tag(tell):
    of = cook(finished=rows_of({0: {0: 0.1, 1: 0.1, 2: 0.6}}, 1))
    assert tell(of, [[(9, OWN, CONTENT)]])[0][0][:2] == ("similar_to", 2)


def test_muted_and_blocked_videos_are_neither_counted_nor_named(tell):
    hidden = {"hidden": rows_of({0: {2: 1.0}}, 1), "about": rows_of({2: {0: 1.0, 3: 1.0}}, 3)}
    assert tell(cook(**hidden), [[(9, OWN, CONTENT)]]) == [[("finished_tag", 1, 2.0)]]
    hidden["about"] = rows_of({2: dict.fromkeys(range(4), 1.0)}, 3)
    assert tell(cook(**hidden), [[(9, OWN, CONTENT)]])[0][0][0] == "popular_in"


@pytest.mark.parametrize(("adult", "count"), [(True, 4.0), (False, 3.0)])
def test_minors_are_not_reminded_of_videos_for_adults(tell, adult, count):
    of = cook(for_all=np.arange(10) != 1, adult=np.array([adult]))
    assert tell(of, [[(9, OWN, CONTENT)]]) == [[("finished_tag", 1, count)]]


def test_what_may_no_longer_be_shown_is_not_named(tell):
    nothing = np.arange(10) > 3
    assert tell(cook(shown=nothing, for_all=nothing), [[(9, OWN, CONTENT)]])[0][0][0] == "popular_in"


def test_people_who_watch_alike_are_told_of_where_they_are_many(tell):
    assert tell(cook(), [[(9, OWN, FACTORS)]]) == [[("like_you", -1, 1.5)]]
    few = cook(liked_by_many=np.zeros(10, bool))
    assert tell(few, [[(9, OWN, FACTORS)]]) == [[("finished_tag", 1, 4.0)]]


def test_what_is_popular_is_told_of_videos_that_are(tell):
    of = cook(0)
    assert tell(of, [[(9, OWN, POPULAR)]]) == [[("popular_in", -1, 1.5)]]
    assert tell(of, [[(9, OWN, POPULAR)]], bits=1) == [[("your_taste", -1, 1.5)]]
    assert tell(of, [[(9, OWN, CONTENT)]], bits=1) == [[("your_taste", -1, 1.5)]]


def test_a_creator_is_praised_who_does_better_than_others(tell):
    assert tell(cook(praised=np.ones(10, bool)), [[(9, OWN, CREATOR)]]) == [[("creator", -1, 1.5)]]
    assert tell(cook(), [[(9, OWN, CREATOR)]]) == [[("finished_tag", 1, 4.0)]]


@pytest.mark.parametrize("source", [OWN, EXPLORING])
def test_new_in_the_country_is_told_where_it_is_the_viewers_own(tell, source):
    here = {"new": np.ones(10, bool), "viewer_country": np.array([3], np.int32)}
    for country, code in ((3, "new_in"), (4, "finished_tag" if source == OWN else "exploring")):
        of = cook(video_country=np.full(10, country, np.int32), **here)
        assert tell(of, [[(9, source, CREATOR)]])[0][0][0] == code
    unknown = cook(new=np.ones(10, bool))
    assert tell(unknown, [[(9, EXPLORING, 0)]]) == [[("exploring", -1, 0.5)]]


def test_kept_places_tell_what_they_are_kept_for(tell):
    found = tell(cook(), [[(9, FOLLOWING, 0), (8, TRENDING, 0), (7, EXPLORING, 0), (6, STARTING, 0)]])
    assert found == [[(name, -1, 0.5) for name in ("following", "trending", "exploring", "starting")]]


def test_the_tag_that_rises_most_in_the_viewers_country_is_named(tell):
    rising = {"rising": rows_of({0: {PASTA: 2.0}, 1: {PASTA: 2.0, COOKING: 3.0}}, 2)}
    for country, about, z in ((0, 0, 2.0), (1, 1, 3.0)):
        of = cook(**rising, rising_in=np.array([country], np.int32))
        assert tell(of, [[(9, TRENDING, 0), (0, EXPLORING, 0)]])[0][0] == ("trending", about, z)
    assert tell(cook(**rising), [[(3, TRENDING, 0)]]) == [[("trending", -1, 0.5)]]


def test_grounds_come_back_from_their_files_as_they_went(tmp_path):
    before = cook()
    before.save(tmp_path)
    after = Grounds.open(tmp_path)
    for field in fields(Grounds):
        one, other = (getattr(each, field.name) for each in (before, after))
        for part in ("indptr", "indices", "values") if hasattr(one, "indptr") else ("real",):
            np.testing.assert_array_equal(getattr(one, part), getattr(other, part))


# ---- beside plain Python


def random_world(seed, viewers=25, videos=40, tags=8, width=3):
    rng = np.random.default_rng(seed)

    def some(height, most, values):
        return {
            r: {int(c): float(values()) for c in rng.choice(videos, rng.integers(most), False)} for r in range(height)
        }

    past, about = some(viewers, 15, lambda: rng.uniform(0.1, 0.75)), some(3, 9, lambda: 1.0)
    tagged = {v: rng.permutation(tags)[: rng.integers(4)].tolist() for v in range(videos)}
    for_all = rng.random(videos) < 0.8
    of = grounds(
        viewers,
        videos,
        finished=rows_of(past, viewers),
        tags=lists_of(tagged, videos),
        tag_directions=rng.normal(size=(tags, width)).astype(np.float32),
        tastes=rng.normal(size=(viewers, width)).astype(np.float32),
        vectors=rng.normal(size=(videos, width)).astype(np.float32),
        hidden=rows_of({v: {int(rng.integers(3)): 1.0} for v in range(0, viewers, 2)}, viewers),
        about=rows_of(about, 3),
        adult=rng.random(viewers) < 0.5,
        for_all=for_all,
        shown=for_all | (rng.random(videos) < 0.5),
        liked_by_many=rng.random(videos) < 0.5,
    )
    feeds = [
        [(int(v), OWN, int(rng.integers(4))) for v in rng.choice(videos, 12, replace=False)] for _ in range(viewers)
    ]
    return of, feeds, past, tagged, about


def remembered(of, viewer, past, about):
    """What the viewer finished and may be reminded of."""
    hidden = {video for target in row_of(of.hidden, viewer) for video in about[target]}
    allowed = of.shown if of.adult[viewer] else of.for_all
    return {video: strength for video, strength in past[viewer].items() if allowed[video] and video not in hidden}


def row_of(rows, number):
    return rows.indices[rows.indptr[number] : rows.indptr[number + 1]].tolist()


@pytest.mark.parametrize("seed", range(5))
def test_every_reason_is_true_and_is_the_largest_part(tell, seed):
    of, feeds, past, tagged, about = random_world(seed)
    seen = set()
    for viewer, row in enumerate(tell(of, feeds)):
        own = remembered(of, viewer, past, about)
        for (video, _, lead), (code, named, value) in zip(feeds[viewer], row, strict=True):
            seen.add(code)
            with_tag = {tag: [v for v in own if tag in tagged[v]] for tag in tagged[video]}
            parts = {v: strength * float(of.vectors[v] @ of.vectors[video]) for v, strength in own.items()}
            of_tag = {tag: float(of.tastes[viewer] @ of.tag_directions[tag]) for tag in tagged[video]}
            if code == "finished_tag":
                tag = tagged[video][named]
                assert value == len(with_tag[tag]) >= 2
                assert of_tag[tag] == max(part for t, part in of_tag.items() if len(with_tag[t]) >= 2) > 0
            elif code == "similar_to":
                assert named in own and value == pytest.approx(max(parts.values()), rel=1e-5) and value > 0
                told_of = [t for t in of_tag if len(with_tag[t]) >= 2 and of_tag[t] > 0]
                assert not told_of or value > 0.499 * float(of.tastes[viewer] @ of.vectors[video])
            elif code == "like_you":
                assert lead == FACTORS and of.liked_by_many[video]
            else:
                assert code == "popular_in"
                assert lead == POPULAR or not any(part > 1e-6 for part in parts.values())
    assert seen >= {"finished_tag", "similar_to", "like_you", "popular_in"}


@pytest.mark.parametrize("empty", ["tastes", "vectors"])
def test_where_no_content_is_known_nothing_is_made_of_it(tell, empty):
    of = cook(**{empty: np.empty((1 if empty == "tastes" else 10, 0), np.float32)})
    if empty == "vectors":
        of = replace(of, tag_directions=np.empty((8, 0), np.float32))
    assert tell(of, [[(9, OWN, CONTENT)]])[0][0][0] == ("similar_to" if empty == "tastes" else "popular_in")


def test_one_viewers_past_says_nothing_about_another(tell):
    of = grounds(2, 10, finished=rows_of({0: {0: 0.5, 1: 0.5}}, 2), tags=lists_of({v: [0] for v in range(10)}, 10))
    first, second = tell(of, [[(9, OWN, CONTENT)], [(9, OWN, CONTENT)]], bits=1)
    assert first[0][0] == "finished_tag" and second[0][0] == "your_taste"


def test_counts_of_tags_are_taken_back():
    counts = np.zeros(3, np.int32)
    tags = lists_of({0: [0, 2], 1: [2]}, 2)
    parts = (tags.indptr, tags.indices, tags.values)
    finished.count_tags(0, 2, np.array([0, 1], np.int32), parts, 1, counts)
    assert counts.tolist() == [1, 0, 2]
    finished.count_tags(0, 2, np.array([0, 1], np.int32), parts, -1, counts)
    assert not counts.any()
