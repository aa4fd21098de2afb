"""Fairness: shares, Gini and entropy that can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from foryou.evaluation import fairness


def feeds(relaxed=None, **by_viewer):
    return pa.RecordBatch.from_pydict(
        {
            "viewer": pa.array([int(name[1:]) for name in by_viewer], pa.int32()),
            "videos": pa.array([*by_viewer.values()], pa.list_(pa.int32())),
            "relaxed": pa.array(relaxed or [[0] * len(each) for each in by_viewer.values()], pa.list_(pa.int32())),
        }
    )


def measured(blocks, minors=()):
    """Six videos of three creators, topics 0, 0, 0, 1, 1 and none; creator 2 is new; video 5 is for adults."""
    of = fairness.Catalogue(
        creator=np.array([0, 0, 1, 1, 2, -1], np.int32),
        topic=np.array([0, 0, 0, 1, 1, -1], np.int32),
        for_adults=np.arange(6) == 5,
        tier=np.array([0, 1, 2], np.int32),
        new=np.array([False, False, True]),
    )
    found = fairness.measures(blocks, of, np.isin(np.arange(4), minors))
    return {(measure, of_what): value for measure, of_what, value in found}


def test_exposure_is_shared_out_by_tier_and_to_new_creators():
    found = measured([feeds(v0=[0, 1, 2, 4]), feeds(v1=[0, 5])])
    assert [found["exposure", name] for name in fairness.TIERS] == pytest.approx([0.6, 0.2, 0.2])
    assert found["exposure", "new creators"] == pytest.approx(0.2)


def test_entropy_and_the_most_frequent_topic_are_means_over_viewers():
    found = measured([feeds(v0=[0, 3], v1=[0, 1], v2=[5])])
    assert found["topic_entropy_bits", "viewers"] == pytest.approx(0.5)
    assert found["most_frequent_topic_share", "viewers"] == pytest.approx(0.75)


def test_what_is_for_adults_is_counted_in_feeds_of_minors_alone():
    blocks = [feeds(v0=[5, 1], v1=[5])]
    assert measured(blocks, minors=[1])["videos_for_adults_shown_to_minors", "places"] == 1
    assert measured(blocks)["videos_for_adults_shown_to_minors", "places"] == 0


def test_tiers_are_cut_by_followers_then_videos():
    followers, videos = np.zeros(200, np.int64), np.zeros(200, np.int64)
    followers[7], followers[9], videos[3] = 50, 40, 1
    tier = fairness.tiers(followers, videos)
    assert [int((tier == n).sum()) for n in range(3)] == [2, 18, 180]
    assert (tier[7], tier[9], tier[3]) == (0, 0, 1)


def test_the_places_that_break_a_rule_are_counted_by_rule():
    blocks = [feeds(v0=[0, 1, 2], relaxed=[[0, 1, 0b10001]]), feeds(v1=[3], relaxed=[[1]])]
    found = measured(blocks)
    assert found["relaxed", "category_share"] == pytest.approx(3 / 4)
    assert found["relaxed", "creator_most"] == pytest.approx(1 / 4)
    assert found["relaxed", "sound_gap"] == 0


def test_no_feed_at_all_has_its_zeros():
    assert all(value == 0 for value in measured([]).values())
