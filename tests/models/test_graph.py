"""The item walk beside its formula, and directions that bring back a matrix of few of them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from foryou.models import graph


@pytest.fixture
def watched():
    rng = np.random.default_rng(4)
    return sparse.csr_matrix((rng.random((30, 20)) < 0.2).astype(np.float32))


def written_out(values, walk):
    dense = values.toarray().astype(np.float64)
    of_viewers, of_videos = np.maximum(dense.sum(axis=1), 1), np.maximum(dense.sum(axis=0), 1)
    found = (dense.T * of_viewers**-walk.middle) @ dense
    found = found * (of_videos**-walk.start)[:, None] * of_videos**-walk.end
    np.fill_diagonal(found, 0)
    return found


def test_the_walk_is_its_formula_and_the_largest_of_each_row_are_kept(watched):
    walk = graph.Walk(0.5, 1.0, -0.2)
    wanted = written_out(watched, walk)
    np.testing.assert_allclose(graph.item_walk(watched, walk, 100).table.toarray(), wanted, rtol=1e-5)
    cut = graph.item_walk(watched, walk, 3).table
    assert (np.diff(cut.indptr) <= 3).all()
    least = np.sort(wanted, axis=1)[:, -3]
    assert all((row[row > 0] >= bar * (1 - 1e-6)).all() for row, bar in zip(cut.toarray(), least, strict=True))


def test_a_dislike_is_no_way_to_walk(watched):
    disliked = watched.copy()
    disliked.data[::3] = -1
    liked = watched.copy()
    liked.data[::3] = 0
    liked.eliminate_zeros()
    walks = [graph.item_walk(each, graph.Walk(1, 1, 0), 50).table.toarray() for each in (disliked, liked)]
    assert np.array_equal(*walks)


def test_lists_hold_nothing_seen_and_do_not_depend_on_threads(watched):
    fitted = graph.item_walk(watched, graph.Walk(0.5, 1.0, 0.0), 50)
    rows = np.array([7, 2])
    ids, scores = fitted.lists(rows, watched, 5)
    assert not any(watched[row, video] for row, own in zip(rows, ids, strict=True) for video in own[own >= 0])
    again = graph.item_walk(watched, graph.Walk(0.5, 1.0, 0.0), 50, threads=3).lists(rows, watched, 5, threads=3)
    assert np.array_equal(ids, again[0]) and np.array_equal(scores, again[1])


def test_the_cost_is_the_sum_of_squared_degrees(watched):
    assert graph.walk_cost(watched) == (watched.toarray().sum(axis=1) ** 2).sum()


def test_directions_tell_two_tastes_apart_and_keep_who_has_nothing_at_zero():
    two = sparse.csr_matrix(np.kron(np.eye(2), np.ones((6, 4))).astype(np.float32))
    two = sparse.vstack([two, sparse.csr_matrix((1, 8), dtype=np.float32)]).tocsr()
    fitted = graph.svd_vectors(two, 2, 0.0, seed=1)
    scores = fitted.viewers @ fitted.videos.T
    assert (scores[:6, :4] > 0.1).all() and np.abs(scores[:6, 4:]).max() < 1e-5 and not scores[12].any()
