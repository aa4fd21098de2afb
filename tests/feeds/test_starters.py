"""Starters: whom newcomers meet first, and where a topic that they watch leads them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from foryou.feeds import starters

TOPICS = ["cooking", "dance", "pets", "sport", "travel", "games", "music", "cars", "diy", "news", "art", "beauty"]


def pool(*videos):
    """Videos as (topic, sound, creator), best first; their ids are their places."""
    topic, sound, creator = zip(*videos, strict=True)
    best = np.linspace(0.9, 0.1, len(videos), dtype=np.float32)
    return starters.Pool(
        np.arange(len(videos), dtype=np.int32), best, *(np.array(each, np.int32) for each in (topic, sound, creator))
    )


def wide_pool():
    """Six videos of every topic in turn, each with a sound and a creator of its own."""
    return pool(*[(n % len(TOPICS), n, n) for n in range(6 * len(TOPICS))])


def slates(built, segment="*:*"):
    """`{path: [(video, topic), ...]}` in the order of slots."""
    found = {}
    for row in built.to_pylist():
        if row["segment"] == segment:
            found.setdefault(row["path"], []).append((row["video"], row["topic"]))
            assert row["slot"] == len(found[row["path"]])
    return found


def build(chosen, pools, **changed):
    return starters.build(pools, TOPICS, replace(chosen.starters, **changed))


def test_the_first_slate_takes_the_best_of_eight_topics_sounds_and_creators(chosen):
    best = [(0, 1, 1), (0, 2, 2), (1, 1, 3), (1, 3, 1), (2, 4, 4), *[(3 + n, 10 + n, 10 + n) for n in range(9)]]
    found = slates(build(chosen, {"*:*": pool(*best)}))[""]
    assert [video for video, _ in found] == [0, 4, 5, 6, 7, 8, 9, 10]


def test_what_was_watched_leads_to_four_of_its_topic_and_four_new_ones(chosen):
    found = slates(build(chosen, {"*:*": wide_pool()}))
    first, second = found[""], found["dance"]
    assert [topic for _, topic in second] == ["dance"] * 4 + TOPICS[8:]
    third = found["dance>dance"]
    assert [topic for _, topic in third].count("dance") == 1  # five of six are shown by then
    assert len(third) == 8
    shown = [video for slate in (first, second, third) for video, _ in slate]
    assert len(set(shown)) == len(shown)


def test_every_topic_on_a_slate_leads_on_and_paths_end_where_they_are_told_to(chosen):
    found = slates(build(chosen, {"*:*": wide_pool()}, steps=1))
    assert set(found) == {"", *(topic for _, topic in found[""])}
    two = slates(build(chosen, {"*:*": wide_pool()}, steps=2))
    assert {path.split(">")[0] for path in two if ">" in path} == {topic for _, topic in found[""]}


def test_a_segment_that_cannot_fill_its_first_slate_goes_up_the_ladder(chosen):
    small = pool((0, 1, 1), (1, 2, 2))
    built = build(chosen, {"US:en": small, "*:*": small})
    assert slates(built, "US:en") == {}
    assert slates(built)[""] == [(0, "cooking"), (1, "dance")]
    assert build(chosen, {}).num_rows == 0


def stats(**columns):
    plain = {"viewers": 500, "quality": 0.5, "new_exit_rate": 0.0} | columns
    return pa.table({name: pa.array([value], pa.float32()) for name, value in plain.items()} | {"video": [3]})


@pytest.mark.parametrize(
    ("column", "value"), [("viewers", 1), ("quality", 0.01), ("new_exit_rate", 0.99), ("clusters", 1)]
)
def test_each_floor_keeps_a_video_from_newcomers(chosen, column, value):
    settings = replace(chosen.starters, min_viewers=10, min_quality=0.1, max_exit_rate=0.5, min_clusters=3)
    clusters = np.full(5, 3 if column != "clusters" else value, np.int32)
    told = stats(**({} if column == "clusters" else {column: value}))
    assert starters.fit_to_start(told, clusters, 5, settings).tolist() == [-1] * 5
    fine = starters.fit_to_start(stats(new_exit_rate=None), np.full(5, 3, np.int32), 5, settings)
    assert fine.tolist() == [-1, -1, -1, 0.5, -1]


def test_clusters_are_counted_once_however_many_of_them_watched():
    viewer, video = np.array([0, 1, 2, 3, 4], np.int32), np.array([7, 7, 7, 7, 2], np.int32)
    found = starters.clusters_reached(viewer, video, np.array([5, 5, 6, -1, 5], np.int32), 9)
    assert (found[7], found[2], found.sum()) == (2, 1, 3)


def test_pools_hold_a_segments_popular_videos_by_quality_then_rank():
    videos = pa.table(
        {
            "video": pa.array([0, 1, 2, 3], pa.int32()),
            "sound_id": ["s", None, "s", None],
            "creator_id": ["a", "b", None, None],
        }
    )
    popular = pa.table({"segment": ["*:*"] * 4, "rank": [1, 2, 3, 4], "video": pa.array([3, 0, 2, 1], pa.int32())})
    quality, topics = np.array([0.5, 0.9, 0.5, -1], np.float32), np.array([0, 1, 2, 3], np.int32)
    found = starters.pools(popular, quality, videos, topics)["*:*"]
    assert found.videos.tolist() == [1, 0, 2]
    assert found.sound[1] == found.sound[2]
    assert len(set(found.creator.tolist())) == 3
    without = starters.pools(popular, quality, videos, np.array([0, -1, 2, 3], np.int32))["*:*"]
    assert without.videos.tolist() == [0, 2]


def test_a_topic_is_the_category_else_the_label_of_the_cluster_and_never_holds_what_joins_paths():
    videos = pa.table({"video": pa.array([3, 0, 1, 2], pa.int32()), "category": ["pets", "a>b", None, None]})
    of_video = pa.table({"video": pa.array([1], pa.int32()), "cluster": pa.array([7], pa.int32())})
    clusters = pa.table({"cluster": pa.array([5, 7], pa.int32()), "label": ["cats", "dogs"]})
    names, topics = starters.topics(videos, of_video, clusters, 5)
    assert [names[topic] if topic >= 0 else None for topic in topics] == ["a›b", "dogs", None, "pets", None]


def test_a_segment_that_opens_as_the_wider_one_does_leaves_its_newcomers_to_that(chosen):
    other = starters.Pool(*(column[::-1].copy() for column in vars(wide_pool()).values()))
    pools = {
        "US:en": wide_pool(),
        "*:*": wide_pool(),
        "*:de": other,
        "US:de": other,
        "US:de@age_band=18-24": wide_pool(),
    }
    built = build(chosen, pools)
    assert set(built["segment"].to_pylist()) == {"*:*", "*:de", "US:de@age_band=18-24"}
