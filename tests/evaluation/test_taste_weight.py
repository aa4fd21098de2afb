"""What content is worth beside factors: known answers, whatever was shown, and nothing where the day does not tell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from foryou.evaluation import taste_weight

VIEWERS, VIDEOS = 300, 200


@pytest.fixture
def sides():
    """Factors and contents whose scores are independent and have a deviation of 1."""
    rng = np.random.default_rng(1)

    def side(n):
        rows = rng.standard_normal((VIEWERS, n))
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows.astype(np.float32), rng.standard_normal((VIDEOS, n)).astype(np.float32)

    return side(8), side(6)


def day(sides, worth, shown, seed=2):
    """Views of what `shown` picks by the scores [viewers, videos]; good by the factors' and `worth` x the contents'."""
    rng = np.random.default_rng(seed)
    factors, contents = (viewers @ videos.T for viewers, videos in sides)
    viewer, video = np.nonzero(shown(factors, contents, rng))
    level = rng.uniform(0.2, 0.4, VIEWERS)[viewer]
    odds = level + 0.05 * (factors[viewer, video] + worth * contents[viewer, video])
    good = rng.random(len(odds)) < odds
    return pa.table({"viewer": viewer.astype(np.int32), "video": video.astype(np.int32), "good": good})


def by_chance(factors, contents, rng):
    return rng.random(factors.shape) < 0.5


def by_a_feed(factors, contents, rng):
    """What a feed of weight 1 would show: 20 videos."""
    scores = factors + contents
    return scores >= np.partition(scores, -60, axis=1)[:, [-60]]


def found(sides, views, chosen, **changed):
    rows = taste_weight.content_weight(views, *sides, replace(chosen.evaluation, **changed))
    return rows[0] if rows else None


@pytest.mark.parametrize("shown", [by_chance, by_a_feed])
@pytest.mark.parametrize("worth", [0.0, 0.4, 1.0])
def test_what_content_is_worth_is_found_whoever_chose_what_was_shown(sides, chosen, shown, worth):
    row = found(sides, day(sides, worth, shown), chosen)
    assert row["low"] - 0.05 <= worth <= row["high"] + 0.05
    assert row["value"] == pytest.approx(worth, abs=0.2)
    assert (row["ranking"], row["measure"], row["viewers"]) == ("taste", "content_weight", VIEWERS)


def test_it_is_never_below_nothing_nor_above_a_blend(sides, chosen):
    assert found(sides, day(sides, -0.6, by_chance), chosen)["value"] == 0
    assert found(sides, day(sides, 2.5, by_chance), chosen)["value"] == taste_weight.MOST


def test_a_day_that_does_not_tell_has_no_row(sides, chosen):
    views = day(sides, 0.5, by_chance)
    assert found(sides, views.slice(0, 300), chosen) is None  # too few
    assert found(sides, views.slice(0, 0), chosen) is None
    blind = (sides[0], tuple(np.zeros_like(side) for side in sides[1]))
    assert found(blind, views, chosen) is None
    same = (sides[0], sides[0])
    assert found(same, views, chosen) is None
    opposite = views.set_column(2, "good", pa.array(~views["good"].to_numpy(zero_copy_only=False)))
    assert found(sides, opposite, chosen) is None, "factors that rank the wrong way round are nothing to weigh by"


def test_viewers_without_a_taste_of_both_kinds_are_not_asked(sides, chosen):
    views = day(sides, 0.5, by_chance)
    half = np.arange(VIEWERS) < VIEWERS // 2
    contents = (sides[1][0] * half[:, None], sides[1][1])
    known = views.filter(pa.array(half[views["viewer"].to_numpy()]))
    assert found((sides[0], contents), views, chosen) == found(sides, known, chosen)
    assert found(sides, views, chosen, max_viewers=40)["viewers"] == 40
