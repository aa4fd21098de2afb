"""The baseline score: the worked example, and the product that scores every pair by what was known before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from foryou.feeds import baseline
from foryou.models import pairs

VIEWS = {
    "viewer": pa.int32(),
    "video": pa.int32(),
    "completion": pa.float32(),
    "liked": pa.bool_(),
    "shared": pa.bool_(),
    "followed": pa.bool_(),
}
GOOD = {"viewer": pa.int32(), "video": pa.int32()}
FOLLOWS = {"viewer": pa.int32(), "creator_id": pa.string()}
VIEWERS = {"viewer": pa.int32(), "language": pa.string(), "country": pa.string()}
VIDEOS = {
    "video": pa.int32(),
    "creator_id": pa.string(),
    "sound_id": pa.string(),
    "tags": pa.list_(pa.string()),
    "language": pa.string(),
    "country": pa.string(),
}

EXAMPLE = [
    (1, "creator1", "sound123", ["comedy", "prank"], "en", "US"),
    (2, "creator2", "sound456", ["dance", "tutorial"], "en", "UK"),
    (3, "creator3", "sound789", ["cooking"], "es", "MX"),
    (4, None, None, ["comedy", "dance"], None, None),
    (5, None, "sound123", [], None, None),
]


def table(columns, rows):
    named = [dict(zip(columns, row, strict=True)) for row in rows]
    return pa.Table.from_pylist(named, schema=pa.schema(columns.items()))


@pytest.fixture
def known(chosen):
    """Scores [viewers, videos] of what was known before, without what everybody thinks of a video unless `views`."""

    def of(videos=EXAMPLE, views=(), good=(), follows=(), viewers=(), shape=(2, 6), **changed):
        before = baseline.Before(
            table(VIEWS, views),
            table(GOOD, good),
            table(FOLLOWS, follows),
            table(VIEWERS, viewers),
            table(VIDEOS, videos),
        )
        settings = replace(chosen.evaluation, **{"baseline_likes": 10, "baseline_prior_views": 1.0} | changed)
        viewer, video = (part.ravel().astype(np.int32) for part in np.indices(shape))
        return pairs.products(*baseline.heads(before, *shape, settings), viewer, video).reshape(shape)

    return of


def test_the_worked_example_gives_one_forty_five_eighty_and_nothing():
    """The viewer follows creator1, likes the tags comedy and dance and sound123, speaks en and is in US.

    v1 by creator1, tagged comedy and prank, with sound123, en, US, liked, watched to .95; v2 tagged dance and tutorial,
    sound456, en, UK, shared, watched to .75; v3 tagged cooking, sound789, es, MX.
    """
    scores = baseline.score(
        completion=np.array([0.95, 0.75, np.nan]),
        liked=np.array([True, False, False]),
        shared=np.array([False, True, False]),
        followed=np.array([True, False, False]),
        shared_tags=np.array([1, 1, 0]),
        sound=np.array([True, False, False]),
        language=np.array([True, True, False]),
        country=np.array([True, False, False]),
    )
    np.testing.assert_allclose(scores, [1.45, 0.80, 0.00], atol=1e-12)


@pytest.mark.parametrize(
    ("known_of_a_pair", "worth"),
    [
        ({"completion": 1.0}, 0.4),
        ({"liked": True}, 0.3),
        ({"shared": True}, 0.25),
        ({"followed": True}, 0.35),
        ({"shared_tags": 3}, 0.6),
        ({"sound": True}, 0.15),
        ({"language": True}, 0.05),
        ({"country": True}, 0.02),
        ({}, 0.0),
    ],
    ids=str,
)
def test_each_part_is_worth_its_weight(known_of_a_pair, worth):
    assert float(baseline.score(**known_of_a_pair)) == pytest.approx(worth)


def test_the_day_before_the_example_is_known_but_for_what_the_viewer_will_do(known):
    """Without completion, like and share: v1 .35 + .2 + .15 + .05 + .02, v2 .2 + .05, v3 nothing."""
    scores = known(good=[(0, 4), (0, 5)], follows=[(0, "creator1")], viewers=[(0, "en", "US")])
    np.testing.assert_allclose(scores[0, 1:4], [0.77, 0.25, 0.0], atol=1e-6)
    np.testing.assert_allclose(scores[1], 0.0, atol=1e-6)


def test_everybodys_views_stand_for_what_the_viewer_will_do(known):
    """Video 1: completion (.9 + .5 + .7) / 3, likes (1 + .5) / 3; video 0 is taken for an average one, .7 and .5."""
    views = [(8, 1, 0.9, True, False, False), (9, 1, 0.5, False, False, False)]
    scores = known(views=views, shape=(10, 6))
    np.testing.assert_allclose(scores[:, 1], 0.4 * 0.7 + 0.3 * 0.5, atol=1e-6)
    np.testing.assert_allclose(scores[:, 0], 0.4 * 0.7 + 0.3 * 0.5, atol=1e-6)
    unlike = known(views=[*views, (9, 2, None, False, True, False)], shape=(10, 6))
    liked, shared = 1 / 3, 1 / 3
    np.testing.assert_allclose(unlike[:, 2], 0.4 * 0.7 + 0.3 * (0 + liked) / 2 + 0.25 * (1 + shared) / 2, atol=1e-6)


def test_a_creator_followed_from_a_video_is_followed_once(known):
    views = [(0, 1, None, False, False, True)]
    assert known(views=views)[0, 1] == pytest.approx(0.35)
    assert known(views=views, follows=[(0, "creator1"), (0, "nobody")])[0, 1] == pytest.approx(0.35)


def test_only_the_tags_watched_most_often_are_liked(known):
    tagged = [(n, None, None, tags, None, None) for n, tags in enumerate((["a"], ["a", "b"], ["b"], ["c"]))]
    good = [(0, 0), (0, 1), (0, 2), (0, 3)]
    np.testing.assert_allclose(known(tagged, good=good)[0, :4], [0.2, 0.4, 0.2, 0.2], atol=1e-6)
    np.testing.assert_allclose(known(tagged, good=good, baseline_likes=2)[0, :4], [0.2, 0.4, 0.2, 0.0], atol=1e-6)
    np.testing.assert_allclose(known(tagged, good=good, baseline_likes=1)[0, :4], [0.2, 0.2, 0.0, 0.0], atol=1e-6)


def test_nothing_known_is_nothing_scored(known):
    np.testing.assert_array_equal(known(videos=[]), np.zeros((2, 6)))
    assert known(videos=[], shape=(0, 0)).shape == (0, 0)
