"""Evidence on videos under test, and what known rates make of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest

from foryou.catalogue import evidence
from rows import DAY

TODAY = (DAY - DAY.replace(year=1970, month=1, day=1)).days
TYPES = {
    "viewer": pa.int32(),
    "video": pa.int32(),
    "day": pa.date32(),
    "good": pa.bool_(),
    "own": pa.bool_(),
    "duration_ms": pa.int32(),
    "propensity": pa.float32(),
}


def view(viewer, video, good=True, age_days=0, own=False, propensity=0.1, duration_ms=20_000):
    day = DAY - timedelta(age_days)
    return dict(zip(TYPES, (viewer, video, day, good, own, duration_ms, propensity), strict=True))


def gather(views, videos=(7,), since=(TODAY - 3,), group=(0, 0, 1, -1, 2)):
    table = pa.Table.from_pylist(views, pa.schema(TYPES))
    return evidence.gather(table, *(np.array(each, np.int32) for each in (group, videos, since)))


def test_distinct_viewers_count_once_well_if_ever_well_and_never_their_own_views():
    found = gather([view(0, 7, False), view(0, 7, True, 1), view(1, 7, False), view(4, 7, own=True), view(2, 5)])
    assert found.impressions[0].tolist() == [3, 3, 0, 0, 0]
    assert found.viewers[0].tolist() == [2, 2, 0, 0, 0]
    assert found.good[0].tolist() == [1, 1, 0, 0, 0]


def test_only_views_after_the_stage_began_count_and_strangers_count_in_the_whole():
    found = gather([view(0, 7, age_days=3), view(0, 7, age_days=2), view(3, 7), view(2, 7)])
    assert found.viewers[0].tolist() == [3, 1, 1, 0, 0]


def test_the_bar_is_the_rate_of_the_same_kind_of_views():
    explored = [view(n % 4, 100 + n, n % 4 == 0) for n in range(4_000)]
    fed = [view(n % 4, 100 + n, True, propensity=None) for n in range(4_000)]
    found = gather([*explored, *fed, view(0, 7), view(1, 8, propensity=None)], (7, 8), (0, 0))
    assert found.bar[0] == pytest.approx(0.25, abs=0.02)
    assert found.bar[1] == pytest.approx(1.0, abs=0.02)


def test_without_a_view_there_is_no_evidence():
    found = gather([], (7, 9), (0, 0))
    assert found.impressions.sum() == 0
    assert found.bar.tolist() == [0.0, 0.0]


def test_a_stage_wants_its_number_or_its_share_of_the_active_viewers(chosen):
    assert [evidence.targets(stage, 10_000_000, chosen.distribution) for stage in range(4)] == [
        200,
        1_000,
        10_000,
        100_000,
    ]
    assert [evidence.targets(stage, 1_000, chosen.distribution) for stage in range(4)] == [50, 150, 400, 800]
    assert evidence.targets(0, 0, chosen.distribution) == 1


def passes(bar, rate, settings, videos=4_000, wanted=200, good_group=None):
    """The share of videos of a true good rate that pass the first test, extensions and all."""
    rng = np.random.default_rng(11)
    viewers, good = np.zeros((2, videos, evidence.GROUPS), np.int64)
    rates = np.full(evidence.GROUPS, rate)
    if good_group is not None:
        rates[good_group] = 0.9
    passed, open_ = np.zeros(videos, bool), np.ones(videos, bool)
    for look in range(1 + settings.max_extensions):
        shown = rng.multinomial(wanted, [1 / evidence.GROUPS] * evidence.GROUPS, videos)
        viewers, good = viewers + shown, good + rng.binomial(shown, rates)
        told = evidence.Evidence(*(_with_whole(each) for each in (viewers, viewers, good)), np.full(videos, bar))
        found, _, _ = evidence.judge(told, np.full(videos, wanted * (1 + look)), settings)
        better = np.isin(found, [evidence.FOUND.index(each) for each in ("better", "better_in_groups")])
        passed |= open_ & better
        open_ &= ~better & (found != evidence.FOUND.index("worse"))
    return passed.mean()


def _with_whole(groups):
    return np.hstack([groups.sum(axis=1, keepdims=True), groups])


@pytest.mark.parametrize("bar", [0.15, 0.3, 0.5])
def test_an_average_video_seldom_passes_and_one_forty_percent_better_nearly_always(chosen, bar):
    assert passes(bar, bar, chosen.distribution) <= 0.07
    assert passes(bar, 1.4 * bar, chosen.distribution) >= 0.9


def test_a_video_for_one_group_alone_passes_by_it(chosen):
    assert passes(0.4, 0.2, chosen.distribution, good_group=2) >= 0.9


def test_too_little_evidence_decides_nothing(chosen):
    told = evidence.Evidence(*(np.full((1, 5), n, np.int64) for n in (40, 40, 40)), np.array([0.3]))
    found, _, _ = evidence.judge(told, np.array([50]), replace(chosen.distribution, min_group_impressions=50))
    assert evidence.FOUND[found[0]] == "too_little"


def room(*views):
    return evidence.room(pa.Table.from_pylist(list(views), pa.schema(TYPES)), pa.chunked_array([[7, 8]], pa.int32()))


def test_tests_have_as_many_places_as_views_were_drawn_for_them():
    drawn = [view(viewer, video) for viewer in range(3) for video in (7, 8)]
    assert room(*drawn, view(0, 9), view(0, 7, propensity=None)) == 6


def test_tests_have_a_place_a_viewer_where_nobody_is_shown_what_was_drawn():
    assert room(view(0, 7), *(view(viewer, 9, propensity=None) for viewer in range(5))) == 5
    assert room() == 0
