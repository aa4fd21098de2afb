"""Where viewers stand among the clusters: their own, its coarse group, and the nearest others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foryou.models import kmeans, matrices

Ints = NDArray[np.int32]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Taste:
    """Where viewers stand: rows (viewer, factors), and `clusters` (kind, cluster, group, centroid) of its model."""

    factors: pa.Table
    clusters: pa.Table


def of_viewers(met: Ints, taste: Taste, near: int) -> dict[str, pa.Array]:
    """Columns of those met: `cluster` (the nearest by cosine), its `group`, `near_clusters` with their `proximities`.

    Null and empty for who has no direction.
    """
    own = taste.clusters.filter(pc.equal(taste.clusters["kind"], "viewers")).sort_by("cluster")
    directions, rows = _directions(met, taste.factors)
    cluster, group = np.full((2, len(met)), -1, np.int32)
    close, proximity = np.zeros((len(met), near), np.int32), np.zeros((len(met), near), np.float32)
    kept = np.zeros((len(met), near), bool)
    if own.num_rows and len(rows):
        numbers, groups = own["cluster"].to_numpy(), own["group"].to_numpy()
        cosines = kmeans.cosines(directions, np.array(own["centroid"].to_pylist(), np.float32))
        order = np.argsort(-cosines, axis=1, kind="stable")
        cluster[rows], group[rows] = numbers[order[:, 0]], groups[order[:, 0]]
        others = order[:, 1 : 1 + near]
        of = np.ix_(rows, np.arange(others.shape[1]))
        close[of], proximity[of], kept[of] = numbers[others], np.take_along_axis(cosines, others, axis=1), True
    return {
        "cluster": pa.array(cluster, mask=cluster < 0),
        "group": pa.array(group, mask=group < 0),
        "near_clusters": matrices.lists(close, kept),
        "proximities": matrices.lists(proximity, kept),
    }


def _directions(met: Ints, factors: pa.Table) -> tuple[Floats, NDArray[np.int64]]:
    """Directions of those met who have one, and their places among those met."""
    ids = factors["viewer"].to_numpy()
    height = 1 + int(max(met.max(initial=-1), ids.max(initial=-1)))
    return kmeans.directions(matrices.dense(factors["viewer"], factors["factors"], height)[met])
