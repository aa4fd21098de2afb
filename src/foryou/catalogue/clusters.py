"""Clusters of videos and of viewers: directions in the space of the factors, numbered for good and labelled."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy import sparse

from foryou.models import codes, kmeans, matrices
from foryou.models.kmeans import Fitted
from foryou.settings import Clusters

Ints = NDArray[np.int32]


@dataclass(frozen=True)
class Points:
    """Who has a taste: dense ids [n], rising, and directions [n, factors] of unit length."""

    ids: Ints
    directions: NDArray[np.float32]

    @classmethod
    def of(cls, ids: pa.ChunkedArray, factors: pa.ChunkedArray) -> Points:
        """From rows in any order; factors at zero, which only know dislikes, have no direction and are left out."""
        height = 1 + (pc.max(ids).as_py() if len(ids) else -1)
        directions, rows = kmeans.directions(matrices.dense(ids, factors, height))
        return cls(rows.astype(np.int32), directions)


@dataclass(frozen=True)
class Kind:
    """The clusters of one kind: their numbers [k], the fit, and the weight of each video in each, [k, videos].

    `groups` [k]: the number of the coarse group of each, of clusters of viewers alone.
    """

    name: str
    numbers: Ints
    fitted: Fitted
    weights: sparse.csr_matrix
    groups: Ints | None = None


def build(
    videos: Points, viewers: Points, good: pa.Table, catalogue: pa.Table, before: pa.Table, settings: Clusters
) -> tuple[pa.Table, pa.Table]:
    """`clusters`: one row per cluster of each kind; `video_clusters`: one per video, its cluster null without factors.

    `good` has the pairs (viewer, video) watched well, `catalogue` (video, tags, category), `before` the clusters of the
    night before. The fit starts from yesterday's centroids, and numbers go over to the nearest of today's
    (`kmeans.numbers`), so that a number means the same taste from night to night. Who has no factors has no cluster;
    there is one for every `min_points` points at most. `groups` are clusters of the clusters of viewers.
    """
    height = 1 + max(_last(good["video"]), _last(catalogue["video"]), int(videos.ids.max(initial=-1)))
    found: list[Kind] = []
    if len(videos.ids):
        found.append(_of_videos(videos, before, height, settings))
    if len(viewers.ids):
        own = _of_viewers(viewers, good, before, height, settings)
        groups, of_own = _groups(own, before, settings)
        found += [replace(own, groups=of_own), groups]
    words = [codes.holding(catalogue["video"].to_numpy(), catalogue[name], height) for name in _WORDS]
    rows = [_rows(kind, words, settings) for kind in found]
    return pa.concat_tables([*rows, _NONE]), _members(videos, found, catalogue)


_WORDS = ("tags", "category")
"""What labels are made of: the first that tells something."""

_NONE = pa.schema(
    [
        ("kind", pa.string()),
        ("cluster", pa.int32()),
        ("label", pa.string()),
        ("size", pa.int64()),
        ("group", pa.int32()),
        ("centroid", pa.list_(pa.float32())),
    ]
).empty_table()


def _of_videos(videos: Points, before: pa.Table, height: int, settings: Clusters) -> Kind:
    fitted, numbers = _fit("videos", videos.directions, settings.video_clusters, before, settings)
    return Kind("videos", numbers, fitted, _weights(fitted.clusters, videos.ids, (len(numbers), height)))


def _of_viewers(viewers: Points, good: pa.Table, before: pa.Table, height: int, settings: Clusters) -> Kind:
    """What a viewer watched well stands for its cluster, video by video."""
    fitted, numbers = _fit("viewers", viewers.directions, settings.viewer_clusters, before, settings)
    cluster = np.full(1 + max(_last(good["viewer"]), int(viewers.ids[-1])), -1, np.int32)
    cluster[viewers.ids] = fitted.clusters
    own = cluster[good["viewer"].to_numpy()]
    weights = _weights(own[own >= 0], good["video"].to_numpy()[own >= 0], (len(numbers), height))
    return Kind("viewers", numbers, fitted, weights)


def _groups(viewers: Kind, before: pa.Table, settings: Clusters) -> tuple[Kind, Ints]:
    """Clusters of the clusters, about as many in each, and the number of each cluster's group.

    Even groups, so that a video shown to a few hundred viewers meets enough of each.
    """
    points = viewers.fitted.centroids
    old = _before(before, "groups", points.shape[1])
    k = min(settings.viewer_groups, len(points))
    coarse = kmeans.evenly(points, k, seed=settings.seed, iterations=settings.iterations, start=old[0])
    numbers = kmeans.numbers(coarse.centroids, *old)
    of_viewers = Fitted(coarse.centroids, coarse.clusters[viewers.fitted.clusters])
    weights = _weights(coarse.clusters, np.arange(len(points)), (len(numbers), len(points))) @ viewers.weights
    return Kind("groups", numbers, of_viewers, weights), numbers[coarse.clusters]


def _fit(
    kind: str, points: NDArray[np.float32], most: int, before: pa.Table, settings: Clusters
) -> tuple[Fitted, Ints]:
    old = _before(before, kind, points.shape[1])
    k = max(1, min(most, len(points) // settings.min_points))
    fitted = kmeans.fit(points, k, seed=settings.seed, iterations=settings.iterations, start=old[0])
    return fitted, kmeans.numbers(fitted.centroids, *old)


def _before(before: pa.Table, kind: str, width: int) -> tuple[NDArray[np.float32], Ints]:
    """Yesterday's centroids and their numbers; none where factors had another width, which are another space."""
    old = before.filter(pc.equal(before["kind"], kind)).sort_by("cluster")
    centroids = np.array(old["centroid"].to_pylist(), np.float32).reshape(old.num_rows, -1 if old.num_rows else width)
    numbers = old["cluster"].to_numpy().astype(np.int32)
    return (centroids, numbers) if centroids.shape[1] == width else (centroids[:0, :1].repeat(width, 1), numbers[:0])


def _weights(clusters: NDArray[np.integer], videos: NDArray[np.integer], shape: tuple[int, int]) -> sparse.csr_matrix:
    return sparse.csr_matrix((np.ones(len(clusters)), (clusters, videos)), shape=shape)


def _rows(kind: Kind, words: list[tuple[pa.Array, sparse.csr_matrix]], settings: Clusters) -> pa.Table:
    told = [labels(kind.weights @ inside, kind.weights.sum(axis=1).A1, names, settings) for names, inside in words]
    plain = [f"cluster {number}" for number in kind.numbers.tolist()]
    rows = {
        "kind": [kind.name] * len(plain),
        "cluster": kind.numbers,
        "label": [next(filter(None, choice)) for choice in zip(*told, plain, strict=True)],
        "size": kind.fitted.sizes,
        "group": pa.nulls(len(plain), pa.int32()) if kind.groups is None else kind.groups,
        "centroid": matrices.vectors(kind.fitted.centroids),
    }
    return pa.table(rows, schema=_NONE.schema).sort_by("cluster")


def labels(counts: sparse.csr_matrix, sizes: NDArray[np.float64], names: pa.Array, settings: Clusters) -> list[str]:
    """Of each cluster its words of highest lift, up to `label_words`, best first; empty where nothing tells.

    counts [clusters, words] says how often the cluster has the word, sizes [clusters] how often it might. lift =
    (count / size) / (count of all clusters / size of all): how many times as frequent as everywhere. A word tells
    something above 1, if it comes `label_min_count` times and in `label_min_share` of the cluster; ties by name.
    """
    of_all, whole = np.asarray(counts.sum(axis=0)).ravel(), sizes.sum()
    found = []
    for row, size in enumerate(sizes):
        here = counts[[row]]
        word = np.sort(here.indices)
        count = here.toarray()[0, word]
        lift = count * whole / np.maximum(size * of_all[word], 1)
        telling = (lift > 1) & (count >= settings.label_min_count) & (count >= settings.label_min_share * size)
        best = np.argsort(-lift[telling], kind="stable")[: settings.label_words]
        found.append(", ".join(names.take(pa.array(word[telling][best])).to_pylist()))
    return found


def _members(videos: Points, found: list[Kind], catalogue: pa.Table) -> pa.Table:
    ids = np.union1d(catalogue["video"].to_numpy(), videos.ids).astype(np.int32)
    cluster = np.full(len(ids), -1, np.int32)
    for kind in found:
        if kind.name == "videos":
            cluster[np.searchsorted(ids, videos.ids)] = kind.numbers[kind.fitted.clusters]
    return pa.table({"video": ids, "cluster": pa.array(cluster, mask=cluster < 0)})


def _last(ids: pa.ChunkedArray) -> int:
    return pc.max(ids).as_py() if len(ids) else -1
