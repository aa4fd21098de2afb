"""Spherical k-means: planted directions are found, numbers stay, and the kernels agree with plain numpy."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from foryou.models import kmeans

NONE = np.zeros((0, 5), np.float32), np.zeros(0, np.int32)


def unit(points):
    return kmeans.directions(np.asarray(points, np.float32))[0]


def planted(*, each=100, noise=0.15, seed=1, axes=4, width=5):
    """Directions around the first axes, one after the other, and whose each is."""
    rng = np.random.default_rng(seed)
    whose = np.arange(axes * each, dtype=np.int32) % axes
    return unit(np.eye(width)[whose] + noise * rng.standard_normal((axes * each, width))), whose


def alike(found, whose):
    """Whether two partitions are one, whatever the names of their parts."""
    pairs = set(zip(found.tolist(), whose.tolist(), strict=True))
    return len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})


def fit(points, k, **changed):
    return kmeans.fit(points, k, **{"seed": 1, "iterations": 25} | changed)


@pytest.mark.parametrize("seed", range(5))
def test_planted_clusters_are_found(seed):
    points, whose = planted(seed=seed)
    found = fit(points, 4, seed=seed)
    assert alike(found.clusters, whose)
    assert found.sizes.tolist() == [100] * 4


def test_length_says_nothing_and_a_point_at_zero_has_no_direction():
    directions, rows = kmeans.directions(np.array([[3, 4], [0, 0], [0.03, 0.04]], np.float32))
    assert rows.tolist() == [0, 2]
    np.testing.assert_allclose(directions, [[0.6, 0.8]] * 2)


def test_nearest_is_what_brute_force_finds_and_the_first_of_equal_ones():
    points, _ = planted(each=50)
    centroids = unit(np.random.default_rng(2).standard_normal((7, 5)))
    exact = points.astype(np.float64) @ centroids.T.astype(np.float64)
    clusters, cosines = kmeans.nearest(points, centroids)
    assert clusters.tolist() == exact.argmax(axis=1).tolist()
    np.testing.assert_allclose(cosines, exact.max(axis=1), atol=1e-6)
    np.testing.assert_allclose(kmeans.cosines(points, centroids), exact, atol=1e-6)
    assert kmeans.nearest(points[:3], np.repeat(centroids[:1], 2, axis=0))[0].tolist() == [0, 0, 0]


def test_centroids_are_the_directions_of_the_means_of_their_points():
    points, _ = planted()
    found = fit(points, 4)
    for cluster, centroid in enumerate(found.centroids):
        mean = points[found.clusters == cluster].mean(axis=0)
        np.testing.assert_allclose(centroid, mean / np.linalg.norm(mean), atol=1e-6)


def test_equal_points_give_equal_bits():
    points, _ = planted(each=6000)
    one, two = fit(points, 9), fit(points.copy(), 9)
    assert one.centroids.tobytes() == two.centroids.tobytes()
    assert one.clusters.tobytes() == two.clusters.tobytes()


def test_yesterdays_centroids_are_gone_on_from():
    points, whose = planted()
    start = np.eye(5, dtype=np.float32)[[2, 0, 3, 1]]
    assert np.array([whose[fit(points, 4, start=start).clusters == c][0] for c in range(4)]).tolist() == [2, 0, 3, 1]


def test_more_clusters_are_added_to_yesterdays_and_of_fewer_the_largest_stay():
    points, whose = planted()
    start = np.eye(5, dtype=np.float32)[:2]
    more = fit(points, 4, start=start)
    assert alike(more.clusters, whose)
    assert (more.centroids[:2] @ start.T).round(1).tolist() == [[1, 0], [0, 1]]
    many = unit([[1, 0.1, 0, 0, 0], [0, 0, 0, 0, -1], [0, 1, 0, 0, 0]])
    fewer = fit(points[np.isin(whose, [0, 1])], 2, start=many)
    assert (fewer.centroids @ np.eye(5)[:2].T).round(1).tolist() == [[1, 0], [0, 1]]


def test_no_more_clusters_come_back_than_points_differ():
    same = np.repeat(np.eye(3, dtype=np.float32)[:2], 20, axis=0)
    found = fit(same, 4)
    assert sorted(found.sizes.tolist()) == [20, 20]
    assert fit(same[:1], 1).clusters.tolist() == [0]


@pytest.mark.parametrize("k", [0, 401])
def test_a_number_of_clusters_that_cannot_be_is_refused(k):
    with pytest.raises(ValueError, match="wanted k of 1 to 400"):
        fit(planted()[0], k)


def test_points_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="finite"):
        fit(np.array([[np.nan, 1]], np.float32), 1)


def test_even_clusters_hold_their_share_and_keep_neighbours_together():
    """Three neighbours of one axis and one of another, two clusters: two each, whatever the distances."""
    points = unit([[1, 0], [1, 0.05], [1, 0.5], [0, 1]])
    found = kmeans.evenly(points, 2, seed=1, iterations=25)
    assert alike(found.clusters, np.array([0, 0, 1, 1]))
    points, _ = planted(each=6)
    assert kmeans.evenly(points, 5, seed=1, iterations=25).sizes.max() == 5  # 24 in 5
    assert kmeans.evenly(points[:2], 2, seed=1, iterations=25).sizes.tolist() == [1, 1]


# ---- numbers


def test_numbers_survive_another_order_and_a_drift():
    rng = np.random.default_rng(3)
    before = unit(rng.standard_normal((8, 16)))
    numbers = np.array([4, 9, 0, 1, 7, 2, 3, 5], np.int32)
    order = rng.permutation(8)
    assert kmeans.numbers(before[order], before, numbers).tolist() == numbers[order].tolist()
    drifted = unit(before[order] + 0.1 * rng.standard_normal((8, 16)))
    assert kmeans.numbers(drifted, before, numbers).tolist() == numbers[order].tolist()


def test_of_all_ways_to_give_out_numbers_the_cosines_add_up_to_most():
    rng = np.random.default_rng(4)
    before, today = unit(rng.standard_normal((5, 3))), unit(rng.standard_normal((5, 3)))
    cosines = today @ before.T
    best = max(permutations(range(5)), key=lambda order: sum(cosines[n, place] for n, place in enumerate(order)))
    assert kmeans.numbers(today, before, np.arange(5, dtype=np.int32)).tolist() == list(best)


def test_a_new_cluster_takes_the_least_number_that_was_free_yesterday():
    points = np.eye(5, dtype=np.float32)
    assert kmeans.numbers(points[:4], points[[2, 0]], np.array([0, 2], np.int32)).tolist() == [2, 1, 0, 3]


def test_without_yesterday_or_in_another_space_numbers_begin_at_0():
    points = np.eye(5, dtype=np.float32)
    assert kmeans.numbers(points, *NONE).tolist() == [0, 1, 2, 3, 4]
    assert kmeans.numbers(points, np.eye(3, dtype=np.float32), np.array([5, 6, 7], np.int32)).tolist() == [
        0,
        1,
        2,
        3,
        4,
    ]
