"""Working rows turned into published ones: names for dense ids, codes for reasons, the release on every row."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from foryou.feeds import reasons
from foryou.publishing import publish

DAY, NAME = date(2026, 3, 10), "2026-03-10.a"
VIDEO_IDS = pa.table({"video_id": ["b", "d", "a", "c"], "video": pa.array([0, 1, 2, 3], pa.int32())})
VIEWER_IDS = pa.table({"viewer_id": ["y", "x"], "viewer": pa.array([1, 0], pa.int32())})
SEGMENTS = ["*:*", "US:en"]
INTS, FLOATS = pa.list_(pa.int32()), pa.list_(pa.float32())


@pytest.fixture
def names(tmp_path):
    """Viewer x is of the US, viewer y of nowhere known."""
    videos = pa.table(
        {
            "video": pa.array([2, 1, 0], pa.int32()),
            "tags": pa.array([[], ["pasta"], ["pasta", None, "cooking", "pasta", "a:b"]], pa.list_(pa.string())),
            "creator_id": ["c1", None, "c2"],
            "country": ["US", "US", None],
        }
    )
    publish.save_names(tmp_path, VIEWER_IDS, VIDEO_IDS, SEGMENTS, np.array([1, 0], np.int32), videos)
    return tmp_path


def file_of(folder, **columns):
    kinds = {"viewer": pa.int32(), "scores": FLOATS, "values": FLOATS, "propensities": FLOATS}
    path = folder / "part-00000.parquet"
    pq.write_table(pa.table({name: pa.array(v, kinds.get(name, INTS)) for name, v in columns.items()}), path)
    return [str(path)]


def test_candidates_are_named(names):
    files = file_of(names, viewer=[0, 1], videos=[[2, 0], [3]], scores=[[2.0, 1.0], [0.5]], sources=[[5, 1], [2]])
    (rows,) = (block.to_pylist() for block in publish.candidates(0, files, names, DAY, NAME))
    assert [(row["day"], row["release_id"], row["viewer_id"]) for row in rows] == [(DAY, NAME, "x"), (DAY, NAME, "y")]
    assert rows[0]["items"] == [
        {"video_id": "a", "score": 2.0, "sources": 5},
        {"video_id": "b", "score": 1.0, "sources": 1},
    ]
    assert rows[1]["items"] == [{"video_id": "c", "score": 0.5, "sources": 2}]


def test_reasons_become_codes_with_their_objects(names):
    files = file_of(
        names,
        viewer=[0, 1],
        videos=[[0, 1, 2], [0]],
        scores=[[3.0, 2.0, 1.0], [1.0]],
        sources=[[1, 2, 4], [4]],
        reasons=[[reasons.LIKE_YOU, reasons.SIMILAR_TO, reasons.POPULAR_IN], [reasons.POPULAR_IN]],
        objects=[[-1, 3, -1], [-1]],
        values=[[3.0, 0.7, 1.0], [1.0]],
        propensities=[[0.0, 0.25, 0.0], [0.0]],
    )
    (rows,) = (block.to_pylist() for block in publish.feeds(0, files, names, DAY, NAME))
    assert [item["reason"] for item in rows[0]["items"]] == ["like_you", "similar_to:c", "popular_in:US:en"]
    assert [item["reason"] for item in rows[1]["items"]] == ["popular_in:*:*"]
    assert [item["propensity"] for item in rows[0]["items"]] == [None, 0.25, None]
    assert [item["reason_value"] for item in rows[0]["items"]] == pytest.approx([3.0, 0.7, 1.0])


def test_reasons_name_tags_creators_and_countries_of_their_video(names):
    told = [
        (0, reasons.FINISHED_TAG, 2, "finished_tag:cooking"),
        (0, reasons.FINISHED_TAG, 3, "finished_tag:pasta"),
        (1, reasons.FINISHED_TAG, 0, "finished_tag:pasta"),
        (0, reasons.TRENDING, 4, "trending:a:b"),
        (0, reasons.TRENDING, -1, "trending"),
        (0, reasons.FOLLOWING, -1, "following:c2"),
        (2, reasons.CREATOR, -1, "creator:c1"),
        (1, reasons.CREATOR, -1, "creator"),
        (2, reasons.NEW_IN, -1, "new_in:US"),
        (0, reasons.EXPLORING, -1, "exploring"),
        (3, reasons.FOLLOWING, -1, "following"),
        (3, reasons.YOUR_TASTE, -1, "your_taste"),
    ]
    video, code, about, wanted = zip(*told, strict=True)
    ones = [[1.0] * len(told)]
    files = file_of(
        names,
        viewer=[1],
        videos=[list(video)],
        scores=ones,
        sources=[[1] * len(told)],
        reasons=[list(code)],
        objects=[list(about)],
        values=ones,
        propensities=[[0.0] * len(told)],
    )
    (rows,) = (block.to_pylist() for block in publish.feeds(0, files, names, DAY, NAME))
    assert [item["reason"] for item in rows[0]["items"]] == list(wanted)


def similar(lists, shown=(True,) * 4, for_all=(True,) * 4):
    """`{video: [neighbours]}`, each with a score that tells its place, as published."""
    rows = pa.table(
        {
            "video": pa.array([*lists], pa.int32()),
            "videos": pa.array([*lists.values()], INTS),
            "scores": pa.array([[1 - place / 10 for place, _ in enumerate(each)] for each in lists.values()], FLOATS),
        }
    )
    found = publish.similar(rows, VIDEO_IDS, np.array(shown), np.array(for_all), DAY, NAME).to_pylist()
    return {row["video_id"]: [item["video_id"] for item in row["items"]] for row in found}


def test_similar_videos_are_sorted_by_id_and_keep_their_order():
    found = similar({0: [1, 2], 2: [3, 0, 1], 1: [0]})
    assert list(found) == ["a", "b", "d"]
    assert found == {"b": ["d", "a"], "a": ["c", "b", "d"], "d": ["b"]}


def test_a_video_that_may_not_be_shown_has_no_row():
    assert similar({0: [1], 2: [1]}, shown=(False, True, True, True)) == {"a": ["d"]}


def test_a_video_for_every_age_has_no_neighbours_for_adults():
    found = similar({0: [1, 2], 1: [2, 0], 2: [1]}, for_all=(True, False, True, True))
    assert found == {"b": ["a"], "d": ["a", "b"]}


def test_scores_stay_with_their_videos():
    rows = pa.table(
        {
            "video": pa.array([0, 2], pa.int32()),
            "videos": pa.array([[1, 2, 3], [1, 3]], INTS),
            "scores": pa.array([[0.9, 0.8, 0.7], [0.6, 0.5]], FLOATS),
        }
    )
    for_all = np.array([True, False, True, True])
    found = publish.similar(rows, VIDEO_IDS, np.ones(4, bool), for_all, DAY, NAME).to_pylist()
    told = {row["video_id"]: [(item["video_id"], round(item["score"], 1)) for item in row["items"]] for row in found}
    assert told == {"b": [("a", 0.8), ("c", 0.7)], "a": [("c", 0.5)]}


def test_nothing_alike_is_an_empty_table():
    assert similar({}) == {}


def test_popular_is_sorted_by_segment_and_rank():
    rows = pa.table(
        {
            "segment": ["US:en", "*:*", "*:*"],
            "rank": pa.array([1, 2, 1], pa.int32()),
            "video": pa.array([3, 0, 2], pa.int32()),
            "score": pa.array([1.0, 2.0, 3.0], pa.float32()),
        }
    )
    found = publish.popular(rows, VIDEO_IDS, DAY, NAME).to_pylist()
    assert [(row["segment"], row["rank"], row["video_id"], row["reason"]) for row in found] == [
        ("*:*", 1, "a", "popular_in:*:*"),
        ("*:*", 2, "b", "popular_in:*:*"),
        ("US:en", 1, "c", "popular_in:US:en"),
    ]
    assert {(row["day"], row["release_id"]) for row in found} == {(DAY, NAME)}
