"""Rows to learn from: which views become one, and what the night before is taken to have known."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from foryou import tables
from foryou.candidates import exposed, pair_features
from foryou.models import matrices
from foryou.models.reranker import FEATURES

DAY = date(2026, 3, 10)


def ints(*values):
    return pa.chunked_array([pa.array(values, pa.int32())])


def met(*pairs, height=9):
    viewer, video = zip(*pairs, strict=True)
    return matrices.rows(ints(*viewer), ints(*video), None, height)


@pytest.fixture
def files(tmp_path):
    """Candidates of viewers 4, 1 and 7, in two files."""

    def written(name, rows):
        viewers, lists = zip(*rows, strict=True)
        table = {
            "viewer": pa.array(viewers, pa.int32()),
            "videos": pa.array(lists, pa.list_(pa.int32())),
            "scores": pa.array([[v / 10 for v in row] for row in lists], pa.list_(pa.float32())),
            "sources": pa.array([[v % 8 for v in row] for row in lists], pa.list_(pa.int32())),
            "leads_by": pa.array([[v + 100 for v in row] for row in lists], pa.list_(pa.int32())),
        }
        pq.write_table(pa.table(table), tmp_path / name)
        return str(tmp_path / name)

    return [written("a", [(4, [30, 20, 10]), (1, [])]), written("b", [(7, [5, 30])])]


def test_a_pair_stands_where_its_viewers_list_has_it(files):
    found = exposed.standing(files, met((1, 30), (4, 10), (4, 30), (4, 99), (7, 10), (7, 30), (8, 30)))
    none = float("nan")
    np.testing.assert_array_equal(found.rank, [none, 3, 1, none, none, 2, none])
    np.testing.assert_allclose(found.score, np.float32([none, 1, 3, none, none, 3, none]))
    np.testing.assert_array_equal(found.lead_by, [none, 110, 130, none, none, 130, none])
    assert found.sources.tolist() == [-1, 2, 6, -1, -1, 6, -1]


@pytest.mark.parametrize("seed", range(3))
def test_standing_agrees_with_a_loop(tmp_path, seed):
    rng = np.random.default_rng(seed)
    lists = [rng.permutation(40)[: rng.integers(0, 12)] for _ in range(20)]
    columns = {name: pa.array([row.tolist() for row in lists], pa.list_(pa.int32())) for name in exposed.LISTED}
    pq.write_table(pa.table({"viewer": pa.array(rng.permutation(20), pa.int32())} | columns), tmp_path / "f")
    viewers = pq.read_table(tmp_path / "f")["viewer"].to_pylist()
    own = dict(zip(viewers, lists, strict=True))
    pairs = sorted({(int(rng.integers(0, 25)), int(rng.integers(0, 40))) for _ in range(150)})
    found = exposed.standing([str(tmp_path / "f")], met(*pairs, height=25))
    for place, (viewer, video) in enumerate(pairs):
        at = np.flatnonzero(own.get(viewer, np.empty(0)) == video)
        assert (found.rank[place] == at[0] + 1) if at.size else np.isnan(found.rank[place])


def known():
    """Two viewers and three videos; viewer 1 and video 2 are known by nothing."""
    vectors = pair_features.units(np.array([[1, 0], [3, 4], [0, 0]], np.float32))
    none = np.array([0.5, 1.5, np.nan], np.float32)
    return pair_features.Known(
        vectors[[1, 2]],
        vectors,
        vectors[[1, 1, 2]],
        vectors[[0, 2]],
        vectors,
        {"language": np.array([3, -1], np.int32), "country": np.array([1, 1], np.int32)},
        {"language": np.array([3, 4, -1], np.int32), "country": np.array([1, 0, 1], np.int32)},
        np.array([20, 0], np.float32),
        none,
        none,
        none,
        none,
    )


def features_of(viewer, video, listed):
    found = pair_features.features(known(), np.array(viewer), np.array(video), listed)
    assert found.dtype == np.float32 and found.shape[1] == len(FEATURES)
    return [dict(zip(FEATURES, row, strict=True)) for row in found.tolist()]


def listed(*bits):
    some = np.where(np.array(bits) >= 0, 2.0, np.nan).astype(np.float32)
    return pair_features.Standing(some, some, some, np.array(bits, np.int32))


def test_features_by_hand():
    first, second = features_of([0, 0], [0, 1], listed(0b101, -1))
    assert (first["factor_cosine"], second["factor_cosine"]) == pytest.approx((0.6, 1.0))
    assert (first["content_cosine"], second["content_cosine"]) == pytest.approx((1.0, 0.6))
    assert first["cluster_cosine"] == pytest.approx(1.0)
    assert [first[f"found_by_{name}"] for name in tables.TASTES] == [1, 0, 1]
    assert np.isnan([second["score"], second["rank"], second[f"found_by_{tables.TASTES[0]}"]]).all()
    assert (first["same_language"], second["same_language"], second["same_country"]) == (1, 0, 0)
    assert (first["videos_met"], first["quality"], second["age_days"]) == (20, 0.5, 1.5)


def test_what_is_not_known_is_nan():
    (row,) = features_of([1], [2], listed(-1))
    unknown = {name for name, value in row.items() if np.isnan(value)}
    assert unknown == set(FEATURES) - {"videos_met", "same_country"}


def views(rows):
    """Rows are (viewer, video, good, propensity, own)."""
    viewer, video, good, propensity, own = zip(*rows, strict=True)
    return pa.table(
        {
            "viewer": pa.array(viewer, pa.int32()),
            "video": pa.array(video, pa.int32()),
            "good": pa.array(good),
            "propensity": pa.array(propensity, pa.float32()),
            "own": pa.array(own),
        }
    )


def test_candidates_and_random_exposures_are_rows_and_nothing_names_the_viewer(chosen):
    drawn = exposed.draw(
        views(
            [
                (1, 2, True, None, False),
                (0, 1, False, None, False),
                (0, 0, True, None, False),
                (0, 2, True, 0.5, False),
                (1, 0, True, 0.001, False),
                (1, 1, True, None, True),
            ]
        ),
        DAY,
        chosen.reranker,
    )
    assert drawn["video"].to_pylist() == [0, 1, 2, 0, 2]
    found = exposed.rows(drawn, listed(1, -1, -1, 1, 1), known(), replace(chosen.reranker, max_weight=5))
    assert found.column_names == ["group", "place", "good", "weight", "features"]
    assert found["group"].to_pylist() == [0, 0, 1, 1] and found["place"].to_pylist() == [0, 1, 0, 1]
    assert found["weight"].to_pylist() == [1, 2, 5, 1]
    assert {len(row) for row in found["features"].to_pylist()} == {len(FEATURES)}


def test_so_many_viewers_are_drawn_the_same_again_and_others_the_day_after(chosen):
    many = views([(viewer, 0, True, None, False) for viewer in range(50)])
    settings = replace(chosen.reranker, max_viewers=10)
    one, again, other = (
        exposed.draw(many, day, settings)["viewer"].to_pylist() for day in (DAY, DAY, date(2026, 3, 11))
    )
    assert len(one) == 10 and one == again == sorted(one) and one != other


def test_columns_by_id_are_nan_where_there_is_nothing():
    found = pair_features.by_id(ints(2, 0), pa.chunked_array([pa.array([5_000, None], pa.int64())]), 3, 1_000)
    np.testing.assert_array_equal(found, [np.nan, np.nan, 5])
    times = pa.chunked_array([pa.array([datetime(2026, 3, 8, 23), None], pa.timestamp("us"))])
    np.testing.assert_array_equal(pair_features.age_days(ints(0, 1), times, DAY, 2), [2, np.nan])


def test_codes_are_equal_where_the_texts_are():
    viewers = pa.table({"viewer": [0, 1, 2], "language": ["en", "pt", None]})
    videos = pa.table({"video": [1, 3], "language": ["pt", "fr"]})
    one, other = pair_features.codes(viewers, videos, "language", (4, 4))
    assert one[1] == other[1] >= 0 and one[0] != other[3]
    assert one[2:].tolist() == [-1, -1] and other[[0, 2]].tolist() == [-1, -1]
