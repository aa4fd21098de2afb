"""Candidates of a small random night beside the same rules in plain Python."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import numpy as np
import pyarrow as pa
import pytest

from foryou import tables
from foryou.candidates import candidates, night, thompson
from foryou.models import matrices
from foryou.models.matrices import Rows

VIEWERS, VIDEOS, LENGTH, TARGETS = 40, 150, 30, 12
WITHIN = 20
NO_FACTORS, NOTHING_SEEN = 3, 5
WEIGHTS = {"taste": 1.0, "popular": 0.1}


def sparse(rng, height, width, each):
    """Random rows of `each` entries, values between .1 and 2."""
    column = np.concatenate([rng.choice(width, each, replace=False) for _ in range(height)]).astype(np.int32)
    row = np.repeat(np.arange(height, dtype=np.int32), each)
    value = (0.1 + 1.9 * rng.random(row.size)).astype(np.float32)
    return matrices.rows(*(pa.chunked_array([pa.array(part)]) for part in (row, column, value)), height)


@pytest.fixture(scope="module")
def tonight():
    """A third of the viewers grown up; a fifth of the videos not to be shown, a fifth of the rest for adults."""
    rng = np.random.default_rng(4)
    viewer_factors = rng.standard_normal((VIEWERS, 4)).astype(np.float32)
    viewer_factors[NO_FACTORS] = 0
    has_factors = rng.random(VIDEOS) < 0.9
    video_factors = rng.standard_normal((VIDEOS, 4)).astype(np.float32) * has_factors[:, None]
    shown = rng.random(VIDEOS) < 0.8
    seen = sparse(rng, VIEWERS, VIDEOS, 20)
    seen.values[:] = 1
    kept = np.arange(seen.indices.size) // 20 != NOTHING_SEEN
    seen = matrices.Rows(
        np.concatenate([[0], np.cumsum(np.bincount(np.repeat(np.arange(VIEWERS), 20)[kept], minlength=VIEWERS))]),
        seen.indices[kept],
        seen.values[kept],
    )
    return night.Night(
        viewers=rng.permutation(VIEWERS).astype(np.int32)[:-2],
        viewer_factors=viewer_factors,
        video_factors=video_factors,
        has_factors=has_factors,
        viewer_contents=rng.standard_normal((VIEWERS, 3)).astype(np.float32),
        video_contents=rng.standard_normal((VIDEOS, 3)).astype(np.float32),
        scales=np.ones((VIEWERS, 2), np.float32),
        seen=seen,
        hidden=sparse(rng, VIEWERS, TARGETS, 2),
        faded=Rows(np.arange(VIEWERS + 1), rng.integers(0, TARGETS, VIEWERS).astype(np.int32), fading(rng)),
        about=sparse(rng, TARGETS, VIDEOS, 4),
        liked=sparse(rng, VIEWERS, VIDEOS, 6),
        similar=sparse(rng, VIDEOS, VIDEOS, 12),
        popular=sparse(rng, 3, VIDEOS, 70),
        segments=rng.integers(0, 3, VIEWERS).astype(np.int32),
        follows=sparse(rng, VIEWERS, 8, 2),
        new_of_creator=sparse(rng, 8, VIDEOS, 9),
        trending=sparse(rng, 2, VIDEOS, 40),
        countries=rng.integers(0, 2, VIEWERS).astype(np.int32),
        log_multipliers=rng.uniform(-0.2, 0.2, VIDEOS).astype(np.float32),
        known=np.ones(VIEWERS, np.float32),
        shown=shown,
        for_all=shown & (rng.random(VIDEOS) < 0.8),
        adult=rng.random(VIEWERS) < 0.3,
        wide=np.arange(VIDEOS) % 10 != 0,
        tests=np.arange(0, VIDEOS, 10, dtype=np.int32),
        test_room=np.ones((5, VIDEOS // 10), np.float32),
        test_logs=np.stack([thompson.log_cdfs(*rng.uniform(5, 30, (2, VIDEOS // 10))) for _ in range(5)]),
        test_newness=np.zeros(VIDEOS // 10, np.float32),
        groups=rng.integers(-1, 4, VIEWERS).astype(np.int32),
        seed=np.array([7], np.uint64),
        starting=sparse(rng, 3, VIDEOS, 30),
    )


@pytest.fixture(scope="module")
def found(tonight, chosen, tmp_path_factory):
    """Candidates by viewer, one row each."""
    return by_viewer(built(tonight, chosen.candidates, tmp_path_factory.mktemp("night")))


def built(tonight, section, folder, parts=1, **changed):
    tonight.save(folder)
    asked = replace(section, **({"length": LENGTH, "block_viewers": 7, "trending_within": WITHIN} | changed))
    return pa.concat_tables([block for part in range(parts) for block in candidates.build(part, folder, asked)])


def fading(rng):
    """Logarithms of multipliers; every second viewer is tired of nothing."""
    return np.where(np.arange(VIEWERS) % 2, np.log(rng.uniform(0.2, 1, VIEWERS)), 0).astype(np.float32)


def by_viewer(table):
    return {row["viewer"]: row for row in table.to_pylist()}


def row_of(rows, number):
    span = slice(rows.indptr[number], rows.indptr[number + 1])
    return dict(zip(rows.indices[span].tolist(), rows.values[span].astype(float).tolist(), strict=True))


# ---- the same in plain Python


def scores_of(tonight, viewer):
    """Of each source: the score of every video that it reaches, whatever may be shown."""
    taste = tonight.viewer_factors[viewer].astype(float)
    by_factors = {v: float(taste @ tonight.video_factors[v]) for v in range(VIDEOS) if tonight.has_factors[v]}
    by_likeness = {}
    for liked, strength in row_of(tonight.liked, viewer).items():
        for video, cosine in row_of(tonight.similar, liked).items():
            by_likeness[video] = by_likeness.get(video, 0.0) + strength * cosine
    return {
        "factors": by_factors if taste.any() else {},
        "similar": by_likeness,
        "popular": row_of(tonight.popular, tonight.segments[viewer]),
    }


def hidden_from(tonight, viewer):
    return {video: 1 for target in row_of(tonight.hidden, viewer) for video in row_of(tonight.about, target)}


def faded(tonight, viewer, pairs):
    """The pairs after what the viewer tires of has stood back."""
    ((target, loss),) = row_of(tonight.faded, viewer).items()
    about = row_of(tonight.about, target)
    stood_back = [(video, score + (loss if video in about else 0)) for video, score in pairs]
    return sorted(stood_back, key=lambda pair: (-np.float32(pair[1]), pair[0]))


def best_of(tonight, viewer):
    """Of each source: its list of (video, score) for the viewer."""
    allowed = tonight.wide & (tonight.shown if tonight.adult[viewer] else tonight.for_all)
    seen = row_of(tonight.seen, viewer) | hidden_from(tonight, viewer)
    lists = {}
    for source, scores in scores_of(tonight, viewer).items():
        open_to = [(video, score) for video, score in scores.items() if allowed[video] and video not in seen]
        lists[source] = sorted(open_to, key=lambda pair: (-np.float32(pair[1]), pair[0]))[:LENGTH]
    return lists


def whole_taste(tonight, viewer, lists):
    """The best of what any source found, by both kinds of vectors."""
    found = {video for pairs in lists.values() for video, _ in pairs}
    return [(video, taste_for(tonight, viewer, video)) for video in by_taste(tonight, viewer, found)][:LENGTH]


def taste_for(tonight, viewer, video):
    sides = [(tonight.viewer_factors, tonight.video_factors), (tonight.viewer_contents, tonight.video_contents)]
    return float(sum(np.float32(float(a[viewer].astype(float) @ b[video])) for a, b in sides))


def by_taste(tonight, viewer, videos):
    return sorted(videos, key=lambda video: (-np.float32(taste_for(tonight, viewer, video)), video))


def blended(lists, taste, weights, log_multipliers):
    """Sum of weighted z; a video that a source lacks gets its lowest. All lists hold at least 20, or none.

    Creators move videos within the list that taste has made.
    """
    total = {video: 0.0 for pairs in lists.values() for video, _ in pairs}
    for source, pairs in {"taste": taste, "popular": lists["popular"]}.items():
        if not pairs:
            continue
        scores = np.array([score for _, score in pairs])
        z = (scores - scores.mean()) / scores.std()
        of = dict(zip((video for video, _ in pairs), z, strict=True))
        for video in total:
            total[video] += weights[source] * of.get(video, z.min())
    best = sorted(total.items(), key=lambda pair: (-np.float32(pair[1]), pair[0]))[:LENGTH]
    moved = [(video, score + float(log_multipliers[video])) for video, score in best]
    return sorted(moved, key=lambda pair: (-np.float32(pair[1]), pair[0]))


def test_the_lists_are_the_blend_of_every_sources_best(tonight, found):
    compared = 0
    for viewer in tonight.viewers.tolist():
        lists = best_of(tonight, viewer)
        if any(0 < len(pairs) < 20 for pairs in lists.values()):
            continue  # a short source is only appended: tests/models/test_blend.py
        taste = whole_taste(tonight, viewer, lists)
        wanted = faded(tonight, viewer, blended(lists, taste, WEIGHTS, tonight.log_multipliers))
        assert found[viewer]["videos"] == [video for video, _ in wanted]
        np.testing.assert_allclose(found[viewer]["scores"], [score for _, score in wanted], rtol=1e-4, atol=1e-5)
        compared += 1
    assert compared > 10


def test_sources_tell_who_found_a_video(tonight, found):
    for viewer in tonight.viewers.tolist():
        places = {
            number: {video: rank for rank, (video, _) in enumerate(best_of(tonight, viewer)[name], start=1)}
            for number, name in enumerate(tables.TASTES)
        }
        row = found[viewer]
        for video, bits in zip(row["videos"], row["sources"], strict=True):
            assert bits == sum(1 << number for number in places if video in places[number])


def parts_of(tonight, viewer, lists, taste):
    """By part what every candidate gets from it in its score, in plain Python."""
    deviation = np.std([score for _, score in taste])
    popular = dict(lists["popular"])
    spread = np.std([*popular.values()]) if popular else 1.0
    least = min(popular.values(), default=0.0)
    sides = [(tonight.viewer_factors, tonight.video_factors), (tonight.viewer_contents, tonight.video_contents)]
    by_taste = [lambda v, a=a, b=b: float(a[viewer].astype(float) @ b[v]) / deviation for a, b in sides]
    enough = len(popular) >= 20
    by_popular = lambda v: WEIGHTS["popular"] * (popular.get(v, least) - least) / spread if enough else 0.0  # noqa: E731
    return [*by_taste, by_popular, lambda v: float(tonight.log_multipliers[v])]


def test_the_leading_part_sets_a_video_apart_from_the_viewers_other_candidates(tonight, found, chosen):
    least, led = chosen.candidates.lead_min_deviations, set()
    for viewer in tonight.viewers.tolist():
        lists, row = best_of(tonight, viewer), found[viewer]
        parts = np.array(
            [
                [of(v) for v in row["videos"]]
                for of in parts_of(tonight, viewer, lists, whole_taste(tonight, viewer, lists))
            ]
        )
        excess = parts - parts.mean(axis=1, keepdims=True)
        may_lead = (parts > 0) & (excess >= np.array([[-np.inf], [-np.inf], [least], [least]]))
        for place, (lead, by) in enumerate(zip(row["leads"], row["leads_by"], strict=True)):
            wanted = np.where(may_lead[:, place], excess[:, place], -np.inf)
            if np.isfinite(wanted).any():
                assert wanted[lead] == pytest.approx(wanted.max(), abs=1e-4)
            else:
                assert tables.PARTS[lead] == "popular"
            assert by == pytest.approx(100 * excess[lead, place], abs=0.51)
            led.add(tables.PARTS[lead])
    assert led == set(tables.PARTS)


def test_scales_turn_dot_products_into_parts_of_the_score(tonight, found):
    for viewer in tonight.viewers.tolist():
        taste = whole_taste(tonight, viewer, best_of(tonight, viewer))
        deviation = np.std([score for _, score in taste])
        assert found[viewer]["taste_scales"] == pytest.approx([1 / deviation] * 2, rel=1e-4)


def test_the_settings_weights_are_those_that_are_checked_here(chosen):
    assert chosen.candidates.weight_popular == WEIGHTS["popular"]
    assert tuple(source.__name__ for source in candidates.TASTES) == tables.TASTES


# ---- what no list may hold


def test_nothing_seen_nothing_twice_nothing_that_may_not_be_shown(tonight, found):
    for viewer, row in found.items():
        assert row["videos"], viewer
        assert not set(row["videos"]) & set(row_of(tonight.seen, viewer))
        assert not set(row["videos"]) & set(hidden_from(tonight, viewer))
        assert len(set(row["videos"])) == len(row["videos"])
        assert tonight.shown[row["videos"]].all()


def test_videos_for_adults_reach_grown_ups_only(tonight, found):
    reached = {True: set(), False: set()}
    for viewer, row in found.items():
        reached[bool(tonight.adult[viewer])] |= set(np.array(row["videos"])[~tonight.for_all[row["videos"]]].tolist())
    assert reached[True]
    assert not reached[False]


def test_every_viewer_to_be_served_has_one_row_in_their_order(tonight, chosen, tmp_path):
    table = built(tonight, chosen.candidates, tmp_path)
    assert table["viewer"].to_pylist() == tonight.viewers.tolist()


def test_a_viewer_without_factors_is_served_by_the_other_sources(found):
    bits = set(found[NO_FACTORS]["sources"])
    assert bits
    assert all(bit & 1 == 0 for bit in bits)


# ---- lists with places of their own


def test_following_lists_the_newest_videos_of_creators_followed(tonight, found):
    for viewer, row in found.items():
        worth = {}
        for creator, ones in row_of(tonight.follows, viewer).items():
            for video, value in row_of(tonight.new_of_creator, creator).items():
                worth[video] = worth.get(video, 0) + ones * value
        allowed = tonight.wide & (tonight.shown if tonight.adult[viewer] else tonight.for_all)
        unwanted = row_of(tonight.seen, viewer) | hidden_from(tonight, viewer)
        fresh = {v: w for v, w in worth.items() if allowed[v] and v not in unwanted}
        newest = sorted(fresh, key=lambda v: (-np.float32(fresh[v]), v))[:100]
        assert row["following"] == by_taste(tonight, viewer, newest)[:20]


def test_trending_lists_what_rises_in_the_viewers_country_and_fits_as_well_as_the_own(tonight, found):
    left_out = 0
    for viewer, row in found.items():
        allowed = tonight.wide & (tonight.shown if tonight.adult[viewer] else tonight.for_all)
        rising = row_of(tonight.trending, tonight.countries[viewer])
        unwanted = row_of(tonight.seen, viewer) | hidden_from(tonight, viewer)
        fresh = {v: w for v, w in rising.items() if allowed[v] and v not in unwanted}
        most = sorted(fresh, key=lambda v: (-np.float32(fresh[v]), v))[:100]
        least = whole_taste(tonight, viewer, best_of(tonight, viewer))[WITHIN - 1][1]
        fitting = [v for v in by_taste(tonight, viewer, most) if taste_for(tonight, viewer, v) >= least - 1e-6]
        assert row["trending"] == fitting[:20]
        left_out += len(most) - len(fitting)
    assert left_out > 100


def test_what_rises_is_shown_whatever_it_is_to_whoever_has_no_taste(tonight, chosen, tmp_path):
    nothing = {name: np.zeros_like(getattr(tonight, name)) for name in ("viewer_factors", "viewer_contents")}
    for viewer, row in by_viewer(built(replace(tonight, **nothing), chosen.candidates, tmp_path)).items():
        scores = row_of(tonight.trending, tonight.countries[viewer])
        assert row["trending"] == sorted(row["trending"], key=lambda v: (-np.float32(scores[v]), v))
        assert row["trending"]


def test_whoever_has_no_taste_gets_the_newest_of_whom_they_follow(tonight, chosen, tmp_path):
    nothing = {name: np.zeros_like(getattr(tonight, name)) for name in ("viewer_factors", "viewer_contents")}
    rows = by_viewer(built(replace(tonight, **nothing), chosen.candidates, tmp_path))
    told_apart = 0
    for viewer, row in rows.items():
        worth = {}
        for creator, ones in row_of(tonight.follows, viewer).items():
            for video, value in row_of(tonight.new_of_creator, creator).items():
                worth[video] = worth.get(video, 0) + ones * value
        newest = [worth[video] for video in row["following"]]
        assert newest == sorted(newest, reverse=True)
        told_apart += row["following"] != sorted(row["following"])
    assert told_apart > 10


def test_a_viewer_has_the_list_of_the_country_or_that_of_all():
    listed = pa.table({"country": ["*", "US"], "video": pa.array([5, 6], pa.int32()), "score": [0.5, 0.25]})
    names, lists = night.trending_rows(listed)
    viewers = pa.table({"viewer": pa.array([3, 0, 1], pa.int32()), "country": ["US", "DE", None]})
    assert [row_of(lists, number) for number in night.own_countries(viewers, names, 5)] == [
        {5: 0.5},
        {5: 0.5},
        {5: 0.5},
        {6: 0.25},
        {5: 0.5},
    ]


def test_starting_lists_what_the_segment_starts_with(tonight, found):
    for viewer, row in found.items():
        worth = row_of(tonight.starting, tonight.segments[viewer])
        allowed = tonight.wide & (tonight.shown if tonight.adult[viewer] else tonight.for_all)
        unwanted = row_of(tonight.seen, viewer) | hidden_from(tonight, viewer)
        fresh = [v for v in worth if allowed[v] and v not in unwanted]
        assert row["starting"] == sorted(fresh, key=lambda v: (-np.float32(worth[v]), v))[:20]


def test_only_exploring_holds_videos_under_test(tonight, found):
    tests, drawn = set(tonight.tests.tolist()), 0
    for viewer, row in found.items():
        allowed = tonight.shown if tonight.adult[viewer] else tonight.for_all
        assert set(row["exploring"]) <= {v for v in tests if allowed[v]} - set(row_of(tonight.seen, viewer))
        assert not tests & {v for name in ("videos", "following", "trending", "starting") for v in row[name]}
        assert all(0 < chance <= 1 for chance in row["propensities"])
        assert len(row["propensities"]) == len(row["exploring"])
        drawn += len(row["exploring"])
    assert drawn > 100


def test_a_segment_without_a_slate_starts_with_that_of_a_wider_one_and_goes_on_with_its_own_popular():
    kinds = {"video": pa.int32(), "slot": pa.int32(), "rank": pa.int32()}

    def table(**columns):
        return pa.table({name: pa.array(values, kinds.get(name)) for name, values in columns.items()})

    slates = table(segment=["*:en"] * 3, path=["", "", "x"], slot=[1, 2, 1], video=[5, 6, 7])
    popular = table(segment=["US:en", "*:*"], rank=[1, 1], video=[6, 9])
    rows = night.starting_rows(slates, popular, ["*:*", "US:en"])
    assert row_of(rows, 0) == {9: 0.5}
    assert row_of(rows, 1) == pytest.approx({5: 1.99, 6: 1.98})


# ---- how the work is cut makes no difference


@pytest.mark.parametrize(("block", "part"), [(1, 25_000), (40, 25_000), (7, 11), (4, 1)])
def test_the_result_does_not_depend_on_blocks_or_parts(tonight, chosen, tmp_path, monkeypatch, block, part):
    whole = built(tonight, chosen.candidates, tmp_path / "whole")
    monkeypatch.setattr(candidates, "VIEWERS_A_PART", part)
    parts = -(-len(tonight.viewers) // part)
    cut = built(tonight, chosen.candidates, tmp_path / "cut", parts, block_viewers=block)
    assert cut.combine_chunks().equals(whole.combine_chunks())


def test_a_night_of_children_alone_and_one_of_grown_ups_alone_run(tonight, chosen, tmp_path):
    for name, adult in (("children", False), ("adults", True)):
        alike = replace(tonight, adult=np.full(VIEWERS, adult))
        rows = by_viewer(built(alike, chosen.candidates, tmp_path / name))
        allowed = tonight.wide & (tonight.shown if adult else tonight.for_all)
        assert all(allowed[row["videos"]].all() for row in rows.values())


# ---- what the night is made of


def interactions(*rows):
    return pa.table(
        {
            "viewer": pa.array([row[0] for row in rows], pa.int32()),
            "video": pa.array([row[1] for row in rows], pa.int32()),
            "strength": pa.array([row[2] for row in rows], pa.float32()),
            "last_day": pa.array([date(2026, 3, row[3]) for row in rows], pa.date32()),
        }
    )


def test_the_newest_liked_come_first_then_the_stronger_then_the_lower_id():
    met = interactions(
        (1, 10, 5.0, 1), (1, 11, 1.0, 3), (1, 12, 2.0, 3), (1, 13, 2.0, 3), (1, 14, -9.0, 4), (0, 9, 1, 1)
    )
    assert set(row_of(night.newest_liked(met, 1, 2), 1)) == {12}
    assert set(row_of(night.newest_liked(met, 2, 2), 1)) == {12, 13}
    assert row_of(night.newest_liked(met, 3, 2), 1) == {11: 1.0, 12: 2.0, 13: 2.0}
    assert row_of(night.newest_liked(met, 9, 2), 0) == {9: 1.0}


def test_nothing_liked_is_a_row_without_entries():
    assert night.newest_liked(interactions((0, 1, -1.0, 1)), 5, 3).indptr.tolist() == [0, 0, 0, 0]


def test_a_viewer_belongs_to_the_narrowest_segment_that_has_a_list():
    people = [(0, "US", "en"), (1, "DE", "en"), (2, "DE", "de"), (3, None, "en"), (4, "US", None), (5, None, None)]
    viewers = pa.table(
        {
            "viewer": pa.array([row[0] for row in people], pa.int32()),
            "country": pa.array([row[1] for row in people], pa.string()),
            "language": pa.array([row[2] for row in people], pa.string()),
        }
    )
    names = ["*:*", "*:en", "US:en"]
    own = night.own_segments(viewers, names, 7)
    assert [names[place] for place in own] == ["US:en", "*:en", "*:*", "*:en", "*:*", "*:*", "*:*"]


def test_follows_become_places_of_creators_who_have_videos():
    videos = pa.table(
        {
            "video": pa.array([0, 1, 2, 3], pa.int32()),
            "creator_id": ["b", "a", None, "b"],
            "uploaded_at": pa.array([datetime(2026, 3, day, 9) for day in (9, 10, 10, 1)], pa.timestamp("us")),
        }
    )
    creators, new = night.new_of_creators(videos, date(2026, 3, 10), 4)
    assert creators.to_pylist() == ["a", "b"]
    assert [row_of(new, place) for place in (0, 1)] == [{1: 1.0}, {0: 0.75}]
    ids = pa.table({"viewer_id": ["u", "t"], "viewer": pa.array([0, 1], pa.int32())})
    follows = pa.table({"viewer_id": ["t", "t", "x", "u"], "creator_id": ["b", "nobody", "a", "a"]})
    rows = night.followed(follows, ids, creators)
    assert [set(row_of(rows, viewer)) for viewer in (0, 1)] == [{0}, {1}]


def test_a_viewer_of_few_events_is_known_in_part():
    met = interactions(*[(1, video, 1.0, 1) for video in range(5)], *[(2, video, 1.0, 1) for video in range(50)])
    assert night.known(met, 20, 4).tolist() == pytest.approx([0.0, 1 - 0.75**4, 1.0, 0.0])


def test_popular_lists_become_rows_and_everywhere_is_always_there():
    popular = pa.table(
        {
            "segment": ["US:en", "US:en"],
            "video": pa.array([4, 2], pa.int32()),
            "score": pa.array([3.0, 1.0], pa.float32()),
        }
    )
    names, rows = night.popular_rows(popular)
    assert names == ["*:*", "US:en"]
    assert row_of(rows, 0) == {}
    assert row_of(rows, 1) == {2: 1.0, 4: 3.0}
    assert night.popular_rows(popular.slice(0, 0))[1].indptr.tolist() == [0, 0]


def test_a_night_comes_back_from_its_files_as_it_went(tonight, tmp_path):
    tonight.save(tmp_path)
    opened = night.Night.open(tmp_path)
    np.testing.assert_array_equal(opened.segments, tonight.segments)
    np.testing.assert_array_equal(opened.similar.csr(VIDEOS).toarray(), tonight.similar.csr(VIDEOS).toarray())
