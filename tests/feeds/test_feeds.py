"""Feeds: what stands in them with which score and reason (`test_grounds.py` has what reasons rest on)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from foryou import tables
from foryou.feeds import feeds, reasons
from reason_grounds import grounds, lists_of, rows_of

FACTORS, CONTENT, POPULAR, CREATOR = range(len(tables.PARTS))
FOUND_BY_ALL = (1 << len(tables.TASTES)) - 1


@dataclass(frozen=True)
class Candidate:
    video: int
    score: float = 0.0
    lead: int = FACTORS


def file_of(path, candidates, kept, known, reranked=None):
    """`{viewer: [Candidate, ...]}` as a file of the working table; all viewers have the same `kept` lists."""
    of = {name: [[getattr(each, name) for each in row] for row in candidates.values()] for name in ("video", "score")}
    leads = [[each.lead for each in row] for row in candidates.values()]
    ints, floats = pa.list_(pa.int32()), pa.list_(pa.float32())
    table = pa.table(
        {
            "viewer": pa.array([*candidates], pa.int32()),
            "videos": pa.array(of["video"], ints),
            "scores": pa.array(of["score"], floats),
            "sources": pa.array([[FOUND_BY_ALL] * len(row) for row in leads], ints),
            "leads": pa.array(leads, ints),
            "leads_by": pa.array([[150] * len(row) for row in leads], ints),
            "reranked": pa.array([reranked] * len(candidates), ints),
            "known": pa.array([known] * len(candidates), pa.float32()),
            "propensities": pa.array([[0.25] * len((kept or {}).get("exploring", ()))] * len(candidates), floats),
        }
        | {name: pa.array([(kept or {}).get(name, [])] * len(candidates), ints) for name in tables.KEPT}
    )
    pq.write_table(table, path)
    return str(path)


@pytest.fixture
def fed(tmp_path, chosen):
    """Feeds by viewer of `{viewer: [Candidate, ...]}`."""

    def of(
        candidates, *, copies=None, length=100, videos=20, kept=None, known=1.0, passed=None, reranked=None, **given
    ):
        copy_of = np.arange(videos, dtype=np.int32)
        for video, first in (copies or {}).items():
            copy_of[video] = first
        height = max(candidates) + 1
        feeds.Night(
            copy_of=copy_of,
            labels=np.full((videos, 3), -1, np.int32),
            vectors=np.zeros((videos, 2), np.int16),
            watched=np.full((height, 9), -1, np.int32),
            passed=rows_of(passed or {}, height),
        ).save(tmp_path)
        grounds(height, videos, **given).save(tmp_path)
        file = file_of(tmp_path / "candidates.parquet", candidates, kept, known, reranked)
        places = {"following_places": (3,), "trending_places": (8,), "exploring_places": (5, 10)}
        blocks = feeds.build(0, [file], tmp_path, replace(chosen.feeds, length=length, **places))
        return {row["viewer"]: row for row in pa.concat_tables(blocks).to_pylist()}

    return of


def test_a_feed_keeps_the_order_and_the_scores_of_its_candidates(fed):
    row = fed({0: [Candidate(7, 3.0), Candidate(2, 2.5), Candidate(9, -1.0)]})[0]
    assert row["videos"] == [7, 2, 9]
    assert row["scores"] == [3.0, 2.5, -1.0]
    assert row["sources"] == [FOUND_BY_ALL] * 3


def test_the_rerankers_order_takes_the_places_and_each_video_keeps_its_own_score(fed):
    own = {0: [Candidate(7, 3.0), Candidate(2, 2.5), Candidate(9, 1.0), Candidate(4, 0.5)]}
    row = fed(own, reranked=[2, 0, 1])[0]
    assert row["videos"] == [9, 7, 2, 4]
    assert row["scores"] == [1.0, 3.0, 2.5, 0.5]


def test_of_copies_the_first_in_order_stays(fed):
    copies = {5: 4, 6: 4}
    row = fed({0: [Candidate(6, 3.0), Candidate(1, 2.0), Candidate(4, 1.0), Candidate(5, 0.0)]}, copies=copies)[0]
    assert row["videos"] == [6, 1]
    assert row["scores"] == [3.0, 2.0]


def test_a_copy_in_one_feed_does_not_keep_it_from_another(fed):
    both = fed({0: [Candidate(4), Candidate(5)], 1: [Candidate(5), Candidate(4)]}, copies={5: 4})
    assert [row["videos"] for row in both.values()] == [[4], [5]]


def test_a_copy_makes_room_for_the_next_candidate(fed):
    row = fed({0: [Candidate(4), Candidate(5), Candidate(6)]}, copies={5: 4}, length=2)[0]
    assert row["videos"] == [4, 6]


def test_a_feed_is_no_longer_than_asked_and_may_be_shorter(fed):
    rows = fed({0: [Candidate(v) for v in range(9)], 1: [Candidate(1)], 2: []}, length=4)
    assert [len(row["videos"]) for row in rows.values()] == [4, 1, 0]


# ---- places kept for other lists


def test_kept_places_are_filled_from_their_lists_and_say_so(fed):
    kept = {"following": [11], "trending": [12], "exploring": [13, 14]}
    row = fed({0: [Candidate(v, 9.0 - v) for v in range(10)]}, kept=kept, length=10)[0]
    assert row["videos"] == [0, 1, 11, 2, 13, 3, 4, 12, 5, 14]
    names = [reasons.CODES[each] for each in row["reasons"]]
    assert [name for name in names if name != "like_you"] == ["following", "exploring", "trending", "exploring"]
    named = [[name for bit, name in enumerate(tables.SOURCES) if bits >> bit & 1] for bits in row["sources"][2:5]]
    assert named == [["following"], list(tables.TASTES), ["exploring"]]
    assert row["propensities"] == [0, 0, 0, 0, 0.25, 0, 0, 0, 0, 0.25]
    assert row["scores"] == [9, 8, 8, 7, 7, 6, 5, 5, 4, 4]
    assert row["relaxed"] == [0] * 10


def test_a_kept_place_has_the_score_of_the_own_candidate_above_it_or_else_of_the_first(fed):
    kept = {"following": [11], "starting": [12, 13]}
    row = fed({0: [Candidate(0, 5.0), Candidate(1, 4.0)]}, kept=kept, known=0.0, length=5)[0]
    assert row["videos"] == [12, 13, 11, 0, 1]
    assert row["scores"] == [5, 5, 5, 5, 4]
    assert fed({0: []}, kept=kept, known=0.0, length=3)[0]["scores"] == [0, 0, 0]


def test_scores_rise_where_what_was_passed_over_sinks(fed):
    row = fed({0: [Candidate(7, 3.0), Candidate(2, 2.5), Candidate(9, -1.0)]}, passed={0: {7: 3.0}})[0]
    assert row["videos"] == [2, 7, 9]
    assert row["scores"] == [2.5, 3.0, -1.0]


def test_a_list_without_a_fresh_video_leaves_its_place_to_taste(fed):
    row = fed({0: [Candidate(v) for v in range(5)]}, kept={"following": [1, 6]}, copies={6: 0})[0]
    assert row["videos"] == [0, 1, 2, 3, 4]


def test_who_is_half_known_gets_every_second_place_from_the_starters(fed):
    row = fed({0: [Candidate(v) for v in range(5)]}, kept={"starting": [10, 11, 12]}, known=0.5, length=6)[0]
    assert row["videos"] == [0, 10, 1, 11, 2, 12]
    assert fed({0: []}, kept={"starting": [10, 11, 12]}, known=0.0)[0]["videos"] == [10, 11, 12]


# ---- reasons


def test_each_video_has_the_reason_of_its_own_place(fed):
    cooking = {video: [0] for video in (1, 2, 3, 4)}
    row = fed(
        {0: [Candidate(4, 3.0, CONTENT), Candidate(5, 2.0, FACTORS), Candidate(6, 1.0, POPULAR)]},
        kept={"following": [12]},
        finished=rows_of({0: {1: 0.1, 2: 0.1, 3: 0.1}}, 1),
        tags=lists_of(cooking, 20),
    )[0]
    assert row["videos"] == [4, 5, 12, 6]
    names = [reasons.CODES[each] for each in row["reasons"]]
    assert names == ["finished_tag", "like_you", "following", "popular_in"]
    assert row["objects"] == [0, -1, -1, -1]
    assert row["values"] == [3.0, 1.5, 2.0, 1.5]


def test_files_of_many_viewers_are_read_whole(fed):
    """Beyond one batch of the reader, and with lists of different lengths in it."""
    rows = fed({viewer: [Candidate(v) for v in range(viewer % 5)] for viewer in range(4_500)})
    assert len(rows) == 4_500
    assert all(row["videos"] == [*range(viewer % 5)] for viewer, row in rows.items())
