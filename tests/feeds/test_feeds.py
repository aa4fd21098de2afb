"""Feeds: what stands in them with which score, and reasons beside a plain search for what speaks most."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from foryou import tables
from foryou.feeds import feeds, reasons
from foryou.models import matrices

FACTORS, SIMILAR, POPULAR = range(len(tables.TASTES))


@dataclass(frozen=True)
class Candidate:
    video: int
    score: float = 0.0
    lead: int = FACTORS


def rows_of(entries, height):
    """`{row: {column: value}}` as `Rows`."""
    triples = [(row, column, value) for row, columns in entries.items() for column, value in columns.items()]
    row, column, value = zip(*triples, strict=True) if triples else ((), (), ())
    typed = ((row, pa.int32()), (column, pa.int32()), (value, pa.float32()))
    return matrices.rows(*(pa.chunked_array([pa.array(part, kind)]) for part, kind in typed), height)


def file_of(path, candidates, kept, known):
    """`{viewer: [Candidate, ...]}` as a file of the working table; all viewers have the same `kept` lists."""
    of = {name: [[getattr(each, name) for each in row] for row in candidates.values()] for name in ("video", "score")}
    leads = [[each.lead for each in row] for row in candidates.values()]
    ints, floats = pa.list_(pa.int32()), pa.list_(pa.float32())
    table = pa.table(
        {
            "viewer": pa.array([*candidates], pa.int32()),
            "videos": pa.array(of["video"], ints),
            "scores": pa.array(of["score"], floats),
            "sources": pa.array([[1 << lead for lead in row] for row in leads], ints),
            "leads": pa.array(leads, ints),
            "ranks": pa.array([[1] * len(row) for row in leads], ints),
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
        candidates, *, copies=None, liked=None, similar=None, length=100, videos=20, kept=None, known=1.0, passed=None
    ):
        copy_of = np.arange(videos, dtype=np.int32)
        for video, first in (copies or {}).items():
            copy_of[video] = first
        height = max(candidates) + 1
        feeds.Night(
            copy_of=copy_of,
            labels=np.full((videos, 3), -1, np.int32),
            vectors=np.zeros((videos, 2), np.int16),
            similar=rows_of(similar or {}, videos),
            liked=rows_of(liked or {}, height),
            watched=np.full((height, 9), -1, np.int32),
            passed=rows_of(passed or {}, height),
        ).save(tmp_path)
        file = file_of(tmp_path / "candidates.parquet", candidates, kept, known)
        places = {"following_places": (3,), "trending_places": (8,), "exploring_places": (5, 10)}
        blocks = feeds.build(0, [file], tmp_path, replace(chosen.feeds, length=length, **places))
        return {row["viewer"]: row for row in pa.concat_tables(blocks).to_pylist()}

    return of


def test_a_feed_keeps_the_order_and_the_scores_of_its_candidates(fed):
    row = fed({0: [Candidate(7, 3.0), Candidate(2, 2.5), Candidate(9, -1.0)]})[0]
    assert row["videos"] == [7, 2, 9]
    assert row["scores"] == [3.0, 2.5, -1.0]
    assert row["sources"] == [1, 1, 1]


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
    assert [tables.SOURCES[bits.bit_length() - 1] for bits in row["sources"][2:5]] == [
        "following",
        "factors",
        "exploring",
    ]
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


def test_the_leading_source_gives_the_reason(fed):
    row = fed({0: [Candidate(1, 2.0, FACTORS), Candidate(2, 1.0, POPULAR)]})[0]
    assert [reasons.CODES[each] for each in row["reasons"]] == ["like_you", "popular_in"]
    assert row["objects"] == [-1, -1]
    assert row["values"] == [2.0, 1.0]


def test_similar_to_names_the_liked_video_that_speaks_most(fed):
    liked, similar = {0: {3: 1.0, 4: 2.0}}, {3: {8: 0.9}, 4: {8: 0.5}}
    row = fed({0: [Candidate(8, lead=SIMILAR)]}, liked=liked, similar=similar)[0]
    assert [reasons.CODES[each] for each in row["reasons"]] == ["similar_to"]
    assert row["objects"] == [4]
    assert row["values"] == pytest.approx([1.0])


def test_what_speaks_for_one_video_is_not_told_of_another(fed):
    similar = {3: {8: 0.9}}
    both = {0: [Candidate(8, lead=SIMILAR), Candidate(9)], 1: [Candidate(9, lead=SIMILAR), Candidate(8)]}
    rows = fed(both, liked={0: {3: 1.0}}, similar=similar)
    assert [row["objects"] for row in rows.values()] == [[3, -1], [-1, -1]]
    assert rows[1]["reasons"] == [reasons.LIKE_YOU, reasons.LIKE_YOU]


def test_reasons_agree_with_a_plain_search(fed):
    rng = np.random.default_rng(9)
    videos, viewers = 60, 30

    def some(height, each):
        return {row: {int(v): float(rng.random()) for v in rng.choice(videos, each, False)} for row in range(height)}

    liked, similar = some(viewers, 5), some(videos, 12)
    candidates = {
        viewer: [Candidate(int(v), lead=int(rng.integers(3))) for v in rng.choice(videos, 15, replace=False)]
        for viewer in range(viewers)
    }
    rows = fed(candidates, liked=liked, similar=similar, videos=videos)
    named = 0
    for viewer, row in rows.items():
        for place, candidate in enumerate(candidates[viewer]):
            speaks = {
                seed: np.float32(strength) * np.float32(similar[seed][candidate.video])
                for seed, strength in liked[viewer].items()
                if candidate.video in similar[seed]
            }
            if candidate.lead == SIMILAR and speaks:
                best = max(speaks, key=lambda seed: (speaks[seed], -seed))
                assert (row["objects"][place], row["reasons"][place]) == (best, reasons.SIMILAR_TO)
                assert row["values"][place] == pytest.approx(float(speaks[best]))
                named += 1
            else:
                assert row["objects"][place] == -1
    assert named > 20


def test_every_source_has_a_reason_and_every_reason_its_code():
    assert len(feeds._REASON_OF_SOURCE) == len(tables.TASTES)
    assert sorted(feeds._REASON_OF_SOURCE) == sorted({reasons.LIKE_YOU, reasons.SIMILAR_TO, reasons.POPULAR_IN})


def test_files_of_many_viewers_are_read_whole(fed):
    """Beyond one batch of the reader, and with lists of different lengths in it."""
    rows = fed({viewer: [Candidate(v) for v in range(viewer % 5)] for viewer in range(4_500)})
    assert len(rows) == 4_500
    assert all(row["videos"] == [*range(viewer % 5)] for viewer, row in rows.items())
