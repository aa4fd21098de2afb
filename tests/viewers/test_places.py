"""Where viewers stand among the clusters."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from foryou.viewers import places

SCHEMA = {"kind": pa.string(), "cluster": pa.int32(), "group": pa.int32(), "centroid": pa.list_(pa.float32())}
AXES = np.eye(3, dtype=np.float32).tolist()


def clusters(*rows):
    """Rows are (kind, cluster, group, centroid)."""
    named = [dict(zip(SCHEMA, row, strict=True)) for row in rows]
    return pa.Table.from_pylist(named, schema=pa.schema(SCHEMA.items()))


THREE = clusters(
    ("videos", 0, None, [0.0, 0.0, 1.0]),
    ("viewers", 9, 1, AXES[2]),
    ("viewers", 4, 0, AXES[0]),
    ("viewers", 7, 1, AXES[1]),
    ("groups", 0, None, AXES[0]),
)


def stand(factors, found=THREE, near=2, met=None):
    """Columns as lists; factors are `{viewer: vector}`."""
    taste = places.Taste(
        pa.table(
            {
                "viewer": pa.array([*factors], pa.int32()),
                "factors": pa.array([*factors.values()], pa.list_(pa.float32())),
            }
        ),
        found,
    )
    met = np.array(sorted(factors) if met is None else met, np.int32)
    return {name: column.to_pylist() for name, column in places.of_viewers(met, taste, near).items()}


def test_a_viewer_is_in_the_nearest_cluster_and_in_its_group():
    found = stand({3: [0.0, 5.0, 1.0], 1: [2.0, 0.0, 0.0]})
    assert found["cluster"] == [4, 7]
    assert found["group"] == [0, 1]


def test_the_nearest_others_come_with_their_cosines():
    found = stand({0: [0.6, 0.8, 0.0]})
    assert found["near_clusters"] == [[4, 9]]
    assert found["proximities"][0] == pytest.approx([0.6, 0.0])
    assert stand({0: [0.6, 0.8, 0.0]}, near=1)["near_clusters"] == [[4]]


def test_equally_near_clusters_go_by_number():
    found = stand({0: [1.0, 1.0, 1.0]})
    assert (found["cluster"], found["near_clusters"]) == ([4], [[7, 9]])


def test_fewer_clusters_than_asked_for_give_fewer_neighbours():
    found = stand({0: [1.0, 0.0, 0.0]}, near=5)
    assert found["near_clusters"] == [[7, 9]]
    alone = clusters(("viewers", 4, 0, AXES[0]))
    assert stand({0: [1.0, 0.0, 0.0]}, alone)["near_clusters"] == [[]]


def test_who_has_no_factors_stands_nowhere():
    found = stand({0: [0.0, 0.0, 0.0], 2: [1.0, 0.0, 0.0], 5: [1.0, 0.0, 0.0]}, met=[0, 1, 2])
    assert found["cluster"] == [None, None, 4]
    assert found["group"] == [None, None, 0]
    assert found["near_clusters"] == [[], [], [7, 9]]


def test_without_clusters_or_factors_nobody_stands_anywhere():
    nowhere = {"cluster": [None], "group": [None], "near_clusters": [[]], "proximities": [[]]}
    assert stand({0: [1.0, 0.0, 0.0]}, clusters()) == nowhere
    assert stand({}, met=[0]) == nowhere
    assert stand({}, clusters(), met=[]) == {name: [] for name in nowhere}
