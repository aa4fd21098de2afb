"""Blending beside the same rule in plain Python."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foryou.models.blend import PLACE_STEP, blend_lists


def plain(lists, weights, k, floor, fewest):
    """One viewer: `lists` holds each source's [(id, score)]; the rule read from the docstring."""
    total, base, bits, tail = {}, 0.0, {}, []
    big = [s for s, entries in enumerate(lists) if len(entries) >= fewest]
    union = {video for s in big for video, _ in lists[s]}
    for s in big:
        scores = np.array([score for _, score in lists[s]], np.float64)
        z = (scores - scores.mean()) / max(scores.std(), floor)
        of = dict(zip((video for video, _ in lists[s]), z, strict=True))
        base += weights[s] * z.min()
        for video in union:
            total[video] = total.get(video, 0.0) + weights[s] * of.get(video, z.min())
    for s, entries in enumerate(lists):
        for video, _ in entries:
            bits[video] = bits.get(video, 0) | 1 << s
            if s not in big and video not in union and video not in tail:
                tail.append(video)
    blended = sorted(total, key=lambda video: (-np.float32(total[video]), video))
    scores = [total[video] for video in blended] + [base - PLACE_STEP * (i + 1) for i in range(len(tail))]
    ids = blended + tail
    return ids[:k], scores[:k], [bits[video] for video in ids[:k]]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), k=st.integers(1, 60), videos=st.integers(30, 90))
def test_it_agrees_with_the_rule_in_plain_python(seed, k, videos):
    rng = np.random.default_rng(seed)
    weights, lengths, viewers = [1.0, 0.5, 2.0], [30, 25, 10], 4
    ids = [np.full((viewers, length), -1, np.int32) for length in lengths]
    scores = [np.full((viewers, length), -np.inf, np.float32) for length in lengths]
    for its_ids, its_scores in zip(ids, scores, strict=True):
        for row in range(viewers):
            count = rng.integers(0, its_ids.shape[1] + 1)
            its_ids[row, :count] = rng.choice(videos, count, replace=False)
            its_scores[row, :count] = -np.sort(-rng.standard_normal(count))
    found = blend_lists(ids, scores, k, weights=weights, fewest=8, deviation_floor=0.01, threads=2)
    for row in range(viewers):
        lists = [
            [(int(v), float(x)) for v, x in zip(i[row], s[row], strict=True) if v >= 0]
            for i, s in zip(ids, scores, strict=True)
        ]
        wanted = plain(lists, weights, k, 0.01, 8)
        size = len(wanted[0])
        assert found[0][row, :size].tolist() == wanted[0]
        assert found[2][row, :size].tolist() == wanted[2]
        np.testing.assert_allclose(found[1][row, :size], wanted[1], rtol=1e-5, atol=1e-6)
        assert (found[0][row, size:] == -1).all()


def one(*pairs):
    ids, scores = zip(*pairs, strict=True)
    return np.array([ids], np.int32), np.array([scores], np.float32)


def test_a_video_in_both_lists_beats_the_first_of_either():
    a, b = one((1, 3.0), (2, 2.5), (3, 0.0)), one((4, 30.0), (2, 25.0), (5, 0.0))
    ids, _, sources = blend_lists([a[0], b[0]], [a[1], b[1]], 5, fewest=1)
    assert ids.tolist() == [[2, 1, 4, 3, 5]]
    assert sources.tolist() == [[3, 1, 2, 1, 2]]


def test_equal_scores_are_not_blown_up_by_a_deviation_of_zero():
    a, b = one((7, 1.0), (8, 1.0)), one((8, 2.0), (9, 1.0))
    ids, scores, _ = blend_lists([a[0], b[0]], [a[1], b[1]], 3, fewest=1)
    assert ids.tolist() == [[8, 7, 9]]
    assert np.isfinite(scores).all()


def test_a_short_source_is_appended_in_its_own_order_and_scores_keep_falling():
    a, b = one((1, 2.0), (2, 1.0)), one((9, 99.0), (1, 98.0), (5, 97.0))
    ids, scores, sources = blend_lists([b[0], a[0]], [b[1], a[1]], 4, fewest=3)
    assert ids.tolist() == [[9, 1, 5, 2]]
    assert sources.tolist() == [[1, 3, 1, 2]]
    assert (np.diff(scores) < 0).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_score_that_is_not_finite_is_refused(bad):
    a = one((1, bad))
    with pytest.raises(ValueError, match="not finite"):
        blend_lists([a[0]], [a[1]], 1)
