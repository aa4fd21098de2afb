"""Clusters of videos and viewers: found, numbered for good, labelled by what tells them apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from scipy import sparse

from foryou.catalogue import clusters
from foryou.catalogue.clusters import Points

TOPICS = ("art", "cars", "food")
NO_CLUSTERS = clusters._NONE
GOOD = {"viewer": pa.int32(), "video": pa.int32()}
CATALOGUE = {"video": pa.int32(), "tags": pa.list_(pa.string()), "category": pa.string()}


def table(columns, rows):
    return pa.Table.from_pylist(
        [dict(zip(columns, row, strict=True)) for row in rows], schema=pa.schema(columns.items())
    )


def points(vectors, ids=None):
    ids = range(len(vectors)) if ids is None else ids
    given = pa.table(
        {"ids": pa.array(ids, pa.int32()), "factors": pa.array([*map(list, vectors)], pa.list_(pa.float32()))}
    )
    return Points.of(given["ids"], given["factors"])


def planted(count, *, topics=3, width=4, noise=0.1, seed=1):
    """Vectors around the first axes, in turn."""
    rng = np.random.default_rng(seed)
    return np.eye(width)[np.arange(count) % topics] + noise * rng.standard_normal((count, width))


def world(videos=60, viewers=60, tagged=True, drift=0.0):
    """Three topics in turn, of videos and of viewers; each viewer watches two videos of its topic well."""
    catalogue = [(n, [TOPICS[n % 3], "fyp"] if tagged else [], TOPICS[n % 3].upper()) for n in range(videos)]
    good = [(n, (n + 3 * step) % videos) for n in range(viewers) for step in range(2)]
    shift = drift * np.random.default_rng(9).standard_normal((1, 4))
    return (
        points(planted(videos) + shift),
        points(planted(viewers, seed=2) + shift),
        table(GOOD, good),
        table(CATALOGUE, catalogue),
    )


@pytest.fixture
def build(chosen):
    def of(*parts, before=NO_CLUSTERS, **changed):
        settings = replace(chosen.clusters, **{"video_clusters": 3, "viewer_clusters": 3, "min_points": 10} | changed)
        return clusters.build(*parts, before, settings)

    return of


def of_kind(found, kind):
    return [row for row in found.to_pylist() if row["kind"] == kind]


def labels_by_number(found, kind):
    return {row["cluster"]: row["label"] for row in of_kind(found, kind)}


def test_topics_are_found_and_called_by_their_tags(build):
    found, members = build(*world())
    assert sorted(row["label"] for row in of_kind(found, "videos")) == ["art", "cars", "food"]
    assert sorted(row["label"] for row in of_kind(found, "viewers")) == ["art", "cars", "food"]
    assert [row["size"] for row in of_kind(found, "videos")] == [20, 20, 20]
    names = labels_by_number(found, "videos")
    assert [names[number] for number in members["cluster"].to_pylist()] == [TOPICS[n % 3] for n in range(60)]


def test_groups_are_clusters_of_the_clusters_of_viewers(build):
    found, _ = build(*world(), viewer_groups=2)
    viewers, groups = of_kind(found, "viewers"), of_kind(found, "groups")
    assert {row["group"] for row in viewers} == {row["cluster"] for row in groups} == {0, 1}
    for group in groups:
        inside = [row for row in viewers if row["group"] == group["cluster"]]
        assert group["size"] == sum(row["size"] for row in inside)
        assert set(group["label"].split(", ")) <= {row["label"] for row in inside}
    assert {row["group"] for row in of_kind(found, "videos")} == {None}


def test_without_tags_a_cluster_is_called_by_its_categories_and_without_both_by_its_number(build):
    *factors, good, catalogue = world(tagged=False)
    found, _ = build(*factors, good, catalogue)
    assert sorted(row["label"] for row in of_kind(found, "videos")) == ["ART", "CARS", "FOOD"]
    bare = catalogue.set_column(2, "category", pa.nulls(60, pa.string()))
    found, _ = build(*factors, good, bare)
    assert labels_by_number(found, "videos") == {n: f"cluster {n}" for n in range(3)}


def test_a_video_without_factors_has_no_cluster(build):
    videos, viewers, good, catalogue = world()
    known = Points(videos.ids[:-5], videos.directions[:-5])
    _, members = build(known, viewers, good, catalogue)
    assert members["video"].to_pylist() == [*range(60)]
    assert members["cluster"].to_pylist()[-5:] == [None] * 5
    assert members["cluster"].null_count == 5
    gone_from_the_catalogue = catalogue.slice(0, 30)
    assert build(videos, viewers, good, gone_from_the_catalogue)[1]["cluster"].null_count == 0


def test_factors_at_zero_give_no_cluster():
    found = points([[0, 1], [0, 0], [1, 0]], ids=[4, 2, 0])
    assert found.ids.tolist() == [0, 4]
    assert found.directions.tolist() == [[1, 0], [0, 1]]


def test_the_order_of_rows_changes_nothing(build):
    videos, viewers, good, catalogue = world()
    order = np.random.default_rng(5).permutation(60)
    mixed = points(planted(60)[order], ids=order), points(planted(60, seed=2)[order], ids=order)
    turned = good.take(np.arange(good.num_rows)[::-1]), catalogue.take(order)
    assert build(*mixed, *turned)[0].equals(build(videos, viewers, good, catalogue)[0])
    assert build(*mixed, *turned)[1].equals(build(videos, viewers, good, catalogue)[1])


def test_numbers_mean_the_same_taste_the_night_after(build):
    first, members = build(*world())
    renamed = {0: 7, 1: 0, 2: 4}  # as an older lake may have them, and in another order
    old = first.set_column(1, "cluster", pa.array([renamed[n] for n in first["cluster"].to_pylist()], pa.int32()))
    second, then = build(*world(drift=0.2), before=old.take([8, 3, 1, 0, 7, 2, 6, 4, 5]))
    for kind in ("videos", "viewers"):
        assert labels_by_number(second, kind) == {
            renamed[n]: label for n, label in labels_by_number(first, kind).items()
        }
    assert then["cluster"].to_pylist() == [renamed[n] for n in members["cluster"].to_pylist()]


def test_with_another_number_of_factors_numbers_begin_anew(build):
    old = NO_CLUSTERS.schema.empty_table()
    row = {"kind": "videos", "cluster": 30, "label": "x", "size": 1, "group": None, "centroid": [1.0, 0.0]}
    found, _ = build(*world(), before=pa.concat_tables([old, pa.Table.from_pylist([row], schema=old.schema)]))
    assert sorted(labels_by_number(found, "videos")) == [0, 1, 2]


@pytest.mark.parametrize(("videos", "wanted"), [(1, 1), (9, 1), (19, 1), (20, 2), (60, 3)])
def test_a_cluster_takes_ten_points(build, videos, wanted):
    found, members = build(*world(videos=videos))
    assert len(of_kind(found, "videos")) == wanted
    assert set(members["cluster"].to_pylist()) == {*range(wanted)}


def test_an_empty_lake_has_no_clusters(build):
    nothing = points(np.zeros((0, 4)))
    found, members = build(nothing, nothing, table(GOOD, []), table(CATALOGUE, []))
    assert (found.num_rows, members.num_rows) == (0, 0)
    assert found.schema.equals(NO_CLUSTERS.schema)
    _, members = build(nothing, nothing, table(GOOD, []), table(CATALOGUE, [(0, [], None)]))
    assert members.to_pylist() == [{"video": 0, "cluster": None}]


# ---- labels


def told(chosen, counts, sizes, names=("a", "b", "c", "d"), **changed):
    settings = replace(chosen.clusters, **{"label_min_count": 2, "label_min_share": 0.1, "label_words": 3} | changed)
    given = sparse.csr_matrix(np.array(counts, float))
    return clusters.labels(given, np.array(sizes, float), pa.array(names[: given.shape[1]]), settings)


def test_words_are_told_by_their_lift(chosen):
    """Of 10 and 30 videos: a is in 5 and 5 (lift .5 / .25 = 2), b in 4 and 0 (4), c in all (1), d in 0 and 3 (4/3)."""
    assert told(chosen, [[5, 4, 10, 0], [5, 0, 30, 3]], [10, 30]) == ["b, a", "d"]


def test_words_that_are_rare_or_no_more_frequent_than_everywhere_tell_nothing(chosen):
    counts, sizes = [[5, 4, 10, 0], [5, 0, 30, 3]], [10, 30]
    assert told(chosen, counts, sizes, label_min_count=5) == ["a", ""]
    assert told(chosen, counts, sizes, label_min_share=0.45) == ["a", ""]
    assert told(chosen, counts, sizes, label_words=1) == ["b", "d"]
    assert told(chosen, [[7, 8]], [8]) == [""]  # a cluster of everything is like everything


def test_equal_lifts_go_by_name(chosen):
    assert told(chosen, [[2, 4, 3], [0, 0, 0]], [10, 10], label_words=2) == ["a, b", ""]


def test_a_cluster_that_watched_nothing_well_has_no_words(chosen):
    assert told(chosen, [[3, 0], [0, 0]], [3, 0]) == ["", ""]
