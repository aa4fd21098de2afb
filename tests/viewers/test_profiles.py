"""Profiles: golden scores and entropies, and viewers of whom little is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from foryou.viewers import profiles
from foryou.viewers.places import Taste

INTERACTIONS = {"viewer": pa.int32(), "video": pa.int32(), "strength": pa.float32(), "good": pa.bool_()}
VIDEOS = {"video": pa.int32(), "category": pa.string(), "language": pa.string()}
VIEWERS = {"viewer": pa.int32(), "language": pa.string()}
FACTORS = {"viewer": pa.int32(), "factors": pa.list_(pa.float32())}
CLUSTERS = {"kind": pa.string(), "cluster": pa.int32(), "group": pa.int32(), "centroid": pa.list_(pa.float32())}

KITCHEN = [(0, "food", "en"), (1, "food", "es"), (2, "cars", "en"), (3, "art", None), (4, None, "pt")]


def table(columns, rows):
    return pa.Table.from_pylist(
        [dict(zip(columns, row, strict=True)) for row in rows], schema=pa.schema(columns.items())
    )


@pytest.fixture
def build(chosen):
    """`{viewer: row}` of pairs (viewer, video, strength) or (viewer, video, strength, good)."""

    def of(pairs, videos=KITCHEN, viewers=(), factors=(), clusters=(), **changed):
        whole = [pair if len(pair) == 4 else (*pair, pair[2] > 0) for pair in pairs]
        taste = Taste(table(FACTORS, factors), table(CLUSTERS, clusters))
        settings = replace(chosen.profiles, **{"prior_strength": 2.0, "categories": 3} | changed)
        made = profiles.build(
            table(INTERACTIONS, whole), table(VIDEOS, videos), table(VIEWERS, viewers), taste, settings
        )
        assert made["viewer"].to_pylist() == sorted({pair[0] for pair in pairs})
        return {row["viewer"]: row for row in made.to_pylist()}

    return of


def genres(row):
    return dict(zip(row["categories"], np.round(row["genre_scores"], 6).tolist(), strict=True))


# ---- genres


def test_a_genre_score_is_drawn_to_everybodys(build):
    """Food: 3 of viewer 0, -1 of viewer 1, so the prior is 2 / 4 = .5; with m = 2: (3 + 1) / (3 + 2), (-1 + 1) / 3."""
    found = build([(0, 0, 1.0), (0, 1, 2.0), (1, 0, -1.0), (1, 2, 1.0)])
    assert genres(found[0]) == {"food": 0.8}
    assert genres(found[1]) == {"cars": 1.0, "food": 0.0}
    assert found[1]["categories"] == ["cars", "food"]


def test_likes_and_dislikes_of_a_genre_cancel(build):
    """Food: +1 and -1 against a prior of 0: (0 + 0) / (2 + 2)."""
    assert genres(build([(0, 0, 1.0), (0, 1, -1.0)])[0]) == {"food": 0.0}


def test_the_best_genres_are_kept_best_first_and_equal_ones_by_name(build):
    pairs = [(0, 0, 1.0), (0, 2, 1.0), (0, 3, 1.0), (1, 2, -1.0)]
    assert build(pairs)[0]["categories"] == ["art", "food", "cars"]
    assert build(pairs, categories=1)[0]["categories"] == ["art"]


def test_scores_are_what_the_formula_gives_pair_by_pair(build):
    rng = np.random.default_rng(1)
    pairs = [(int(v), int(n), round(float(rng.normal()), 3)) for v in range(20) for n in rng.permutation(4)[:3]]
    category = {video: name for video, name, _ in KITCHEN}
    found = build(pairs, categories=9)
    for viewer, row in found.items():
        for name, score in genres(row).items():
            every = [s for _, n, s in pairs if category[n] == name]
            own = [s for v, n, s in pairs if (v, category[n]) == (viewer, name)]
            prior = sum(every) / sum(map(abs, every))
            assert score == pytest.approx((sum(own) + 2 * prior) / (sum(map(abs, own)) + 2), abs=1e-5)


# ---- how mixed a taste is


@pytest.mark.parametrize(
    ("shares", "bits"),
    [([1, 0, 0], 0.0), ([2, 2, 0], 1.0), ([2, 1, 1], 1.5), ([9, 1, 0], 0.4689956), ([0, 0, 0], np.nan)],
)
def test_entropy_is_told_in_bits(shares, bits):
    found = profiles.entropy_bits(np.array([shares], float))
    np.testing.assert_allclose(found, [bits], atol=1e-7)
    assert not np.signbit(found[0]) or np.isnan(bits)


def test_only_what_is_liked_mixes_a_taste(build):
    found = build([(0, 0, 2.0), (0, 2, 1.0), (0, 3, 1.0), (0, 1, -5.0), (1, 0, -1.0), (2, 4, 3.0)])
    assert found[0]["taste_entropy"] == pytest.approx(1.5)
    assert found[1]["taste_entropy"] is None  # nothing liked
    assert found[2]["taste_entropy"] is None  # nothing liked has a category


# ---- languages


def test_languages_are_the_accounts_own_and_those_watched_often(build):
    pairs = [(0, n, 1.0) for n in (0, 2, 1)] + [(1, 0, 1.0), (1, 4, 0.0)]
    found = build(pairs, viewers=[(0, "fr"), (7, "en")], language_min_share=0.4)
    assert found[0]["languages"] == ["fr", "en"]  # two of three are en, one is es
    assert found[1]["languages"] == ["en"]
    assert build(pairs, viewers=[(0, "es")], language_min_share=0.3)[0]["languages"] == ["es", "en"]


def test_a_language_is_watched_only_where_a_video_was_watched_well(build):
    assert build([(0, 0, 1.0, False), (0, 3, 1.0, True)])[0]["languages"] == []


# ---- who is little known


def test_a_viewer_with_one_event_has_a_profile(build):
    row = build([(5, 0, 1.0)])[5]
    assert row == {
        "viewer": 5,
        "events": 1,
        "categories": ["food"],
        "genre_scores": [1.0],
        "taste_entropy": 0.0,
        "languages": ["en"],
        "cluster": None,
        "group": None,
        "near_clusters": [],
        "proximities": [],
    }


def test_what_was_seen_without_a_sign_counts_as_an_event_and_no_genre(build):
    row = build([(0, 0, 0.0), (0, 1, 0.0)])[0]
    assert (row["events"], row["categories"], row["taste_entropy"]) == (2, [], None)


def test_videos_without_category_or_language_or_place_in_the_catalogue_leave_both_open(build):
    row = build([(0, 4, 1.0), (0, 99, 1.0)], videos=[(4, None, None)])[0]
    assert (row["events"], row["categories"], row["languages"]) == (2, [], [])
    assert build([(0, 99, 1.0)], videos=[])[0]["categories"] == []


def test_an_empty_lake_has_no_profiles(build):
    assert build([]) == {}
    assert build([], videos=[], viewers=[(0, "en")]) == {}


# ---- how it is computed


def test_neither_blocks_nor_the_order_of_rows_change_anything(build, monkeypatch):
    rng = np.random.default_rng(2)
    pairs = [(int(v), int(n), round(float(rng.normal()), 3)) for v in range(30) for n in rng.permutation(5)[:3]]
    viewers = [(n, ("en", "es", None)[n % 3]) for n in range(30)]
    whole = build(pairs, viewers=viewers)
    assert build([pairs[n] for n in rng.permutation(len(pairs))], viewers=viewers) == whole
    monkeypatch.setattr(profiles, "CELLS_AT_ONCE", 20)
    assert build(pairs, viewers=viewers) == whole
