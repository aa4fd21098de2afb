"""One score out of two kinds of vectors, beside plain numpy."""

from __future__ import annotations

import numpy as np
import pytest

from foryou.candidates import taste

RNG = np.random.default_rng(5)
VIEWERS, VIDEOS = RNG.standard_normal((30, 4)).astype(np.float32), RNG.standard_normal((90, 4)).astype(np.float32) * 3


def test_scores_of_a_viewer_differ_by_the_weight_over_what_may_be_chosen():
    among = np.arange(90) % 3 > 0
    viewers, videos = taste.of_one_scale(VIEWERS, VIDEOS, among, 0.7)
    assert (viewers @ videos.T)[:, among].std(axis=1) == pytest.approx(0.7, rel=1e-4)
    before, after = (VIEWERS @ VIDEOS.T).argsort(axis=1), (viewers @ videos.T).argsort(axis=1)
    assert (before == after).mean() > 0.99, "a viewer's order stays"


def test_a_video_of_which_nothing_is_known_is_neither_raised_nor_lowered():
    unknown = VIDEOS.copy()
    unknown[10] = 0
    viewers, videos = taste.of_one_scale(VIEWERS, unknown, np.ones(90, bool), 1.0)
    others = np.arange(90) != 10
    scores = viewers @ videos.T
    np.testing.assert_allclose(scores[:, 10], scores[:, others].mean(axis=1), atol=1e-4)


@pytest.mark.parametrize("among", [np.zeros(90, bool), np.arange(90) == 4])
def test_where_there_is_nothing_to_tell_apart_all_scores_are_zero(among):
    viewers, videos = taste.of_one_scale(VIEWERS, VIDEOS, among, 1.0)
    assert not (viewers @ videos.T).any()


@pytest.mark.parametrize(("viewers", "videos"), [(VIEWERS[:, :0], VIDEOS), (VIEWERS, VIDEOS[:, :0])])
def test_where_only_one_side_has_vectors_all_scores_are_zero(viewers, videos):
    ours, theirs = taste.of_one_scale(viewers, videos, np.ones(90, bool), 1.0)
    assert not (ours @ theirs.T).any()
    assert (ours @ theirs.T).shape == (30, 90)


def test_a_viewer_of_whom_nothing_is_known_has_no_taste():
    nobody = VIEWERS.copy()
    nobody[2] = 0
    assert not taste.of_one_scale(nobody, VIDEOS, np.ones(90, bool), 1.0)[0][2].any()


def test_scales_tell_what_each_viewers_vector_was_multiplied_with():
    own = VIEWERS.copy()
    own[3] = 0
    scaled, _ = taste.of_one_scale(own, VIDEOS, np.ones(90, bool), 0.7)
    scales = taste.scales(own, scaled)
    np.testing.assert_allclose(own * scales[:, None], scaled, rtol=1e-4)
    assert scales[3] == 0
