"""Families of sources: which the data allow, where their searches begin, and that what they fit has taste."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from foryou.models import content_graph, families, linear
from foryou.models.families import Family, Pairs, Range, Size, first

TASTE = 30
SIZE = Size(factors=8, keep=50, rounds=5)
VECTORS = np.repeat(np.eye(2, dtype=np.float32), TASTE, axis=0)


def tastes(timed=True):
    """60 viewers and videos of two tastes; each viewer lacks one video of its taste, the one after its own number."""
    dense = np.kron(np.eye(2), 1 - np.roll(np.eye(TASTE), 1, axis=1)).astype(np.float32)
    values = sparse.csr_matrix(dense)
    rng = np.random.default_rng(1)
    order = np.concatenate([rng.permutation(TASTE - 1) for _ in range(2 * TASTE)]).astype(np.int32)
    return Pairs(values, np.zeros(values.nnz, np.float32), order) if timed else Pairs(values)


def near():
    return {"all": content_graph.neighbours(VECTORS, 10, 0.05)}


def known(pairs=None, contents=None):
    return {each.name: each for each in families.of(pairs or tastes(), near() if contents is None else contents)}


def test_what_is_not_known_has_no_family():
    every = {"factors", "content factors, all", "item walk", "svd", "popular", "linear", "sequence"}
    assert set(known()) == every
    assert set(known(tastes(timed=False))) == every - {"sequence"}
    assert set(known(contents={})) == every - {"content factors, all"}
    wide = Pairs(sparse.csr_matrix((2, linear.VIDEOS_AT_MOST + 1), dtype=np.float32))
    assert "linear" not in known(wide, {})


def test_half_lives_are_searched_where_times_are_known():
    timed, timeless = known(), known(tastes(timed=False))
    assert [name for name, each in timed.items() if "half_life" in each.space] == [
        "factors",
        "content factors, all",
        "popular",
    ]
    assert not any("half_life" in each.space for each in timeless.values())


def test_every_range_holds_its_beginning():
    for family in known().values():
        assert all(each.low <= each.first <= each.high for each in family.space.values())
        assert not any(each.by_ratio and each.low <= 0 for each in family.space.values())


@pytest.mark.parametrize("name", ["factors", "content factors, all", "item walk", "svd", "linear", "sequence"])
def test_fitted_where_it_begins_each_finds_the_one_video_of_the_viewers_taste(name):
    pairs, family = tastes(), known()[name]
    viewers = np.arange(2 * TASTE)
    point = first(family) | ({"width": 2} if name == "svd" else {})  # as many directions as tastes
    ids, _ = family.fit(pairs, point, SIZE).lists(viewers, pairs.values, 1)
    missing = viewers // TASTE * TASTE + (viewers + 1) % TASTE
    np.testing.assert_array_equal(ids[:, 0], missing)


@pytest.mark.parametrize(
    "name", ["factors", "content factors, all", "item walk", "svd", "popular", "linear", "sequence"]
)
def test_threads_and_the_viewers_asked_for_change_nothing(name):
    pairs, family = tastes(), known()[name]
    one = family.fit(pairs, first(family), SIZE).lists(np.arange(2 * TASTE), pairs.values, 20)
    other = family.fit(pairs, first(family), Size(8, 50, 5, threads=3)).lists(np.array([7, 44]), pairs.values, 20, 3)
    for whole, part in zip(one, other, strict=True):
        np.testing.assert_array_equal(whole[[7, 44]], part)


def test_what_is_popular_counts_the_new_more_where_a_half_life_says_so():
    values = sparse.csr_matrix(np.array([[1, 1, 0], [1, 0, 0], [0, 0, 1]], np.float32))
    pairs = Pairs(values, np.array([1, 1, 1, 0], np.float32), np.zeros(4, np.int32))
    nobody = sparse.csr_matrix((3, 3), dtype=np.float32)
    lists = [
        families.popular(pairs, point, SIZE).lists(np.array([0]), nobody, 3)[0] for point in ({}, {"half_life": 0.2})
    ]
    assert [each.tolist() for each in lists] == [[[0, 1, 2]], [[2, 0, 1]]]


def test_a_video_that_nobody_met_gets_factors_from_its_neighbours_alone():
    pairs = tastes()
    dense = pairs.values.toarray()
    dense[:, 3] = 0
    cold = Pairs(sparse.csr_matrix(dense))
    family = known(cold)["content factors, all"]
    fitted = family.fit(cold, first(family), SIZE)
    scores = fitted.viewers @ fitted.videos[3]
    assert scores[:TASTE].min() > scores[TASTE:].max()


def test_pairs_of_some_viewers_keep_ids_ages_and_orders():
    values = sparse.csr_matrix(np.array([[1, 1], [0, 1], [1, 0]], np.float32))
    pairs = Pairs(values, np.array([0.1, 0.2, 0.3, 0.4], np.float32), np.array([1, 0, 0, 0], np.int32))
    some = pairs.of(np.array([True, False, True]))
    assert some.values.toarray().tolist() == [[1, 1], [0, 0], [1, 0]]
    np.testing.assert_allclose(some.age, [0.1, 0.2, 0.4])
    assert some.order.tolist() == [1, 0, 0]


def test_around_a_point_the_search_is_narrow_and_the_rest_is_fixed():
    space = {"unseen": Range(0.001, 1, 0.02), "regularization": Range(0.1, 1, 0.33), "own": Range(1, 3, 2)}
    family = Family("any", space, lambda pairs, point, size: None)
    near = family.around({"unseen": 0.5, "regularization": 0.4, "half_life": 1.0})
    assert near.fixed == {"unseen": 0.5} and set(near.space) == {"regularization", "own"}
    assert near.space["regularization"].first == 0.4
    assert near.space["regularization"].low == pytest.approx(0.25)
    assert near.space["own"] == space["own"]
