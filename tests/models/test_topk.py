"""The kernel beside a brute force in float64, on ties, masks and every way of cutting the work."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix, random_array

from foryou.models.topk import top_k, top_k_sparse

HUGE = np.full((1, 2), 1e20, np.float32)


def brute(scores, k, indptr, indices, eligible=None, above=-np.inf):
    """Sort whole rows of exact scores by (score falling, id)."""
    scores = scores.astype(np.float32) + np.float32(0)
    for row in range(len(scores)):
        scores[row, indices[indptr[row] : indptr[row + 1]]] = -np.inf
    if eligible is not None:
        scores[:, ~eligible] = -np.inf
    scores[~(scores > above)] = -np.inf
    scores = np.pad(scores, ((0, 0), (0, k)), constant_values=-np.inf)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    best = np.take_along_axis(scores, order, 1)
    return np.where(np.isneginf(best), -1, order), best


def seen_rows(rng, viewers, videos, mean):
    counts = np.minimum(rng.poisson(mean, viewers), videos)
    indices = [rng.choice(videos, count, replace=False) for count in counts]
    return np.r_[0, np.cumsum(counts)].astype(np.int64), np.concatenate([*indices, []]).astype(np.int32)


def product(viewers, videos):
    return viewers.astype(np.float64) @ videos.T.astype(np.float64)


def assert_same(found, wanted):
    np.testing.assert_array_equal(found[0], wanted[0])
    np.testing.assert_array_equal(found[1], wanted[1])


def normal(rng, *shape):
    return rng.standard_normal(shape, dtype=np.float32)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    viewers=st.integers(1, 40),
    videos=st.integers(1, 900),
    factors=st.integers(1, 9),
    k=st.integers(1, 60),
    mean_seen=st.sampled_from([0, 3, 80]),
    whole=st.booleans(),
)
def test_it_agrees_with_sorting_every_row(seed, viewers, videos, factors, k, mean_seen, whole):
    rng = np.random.default_rng(seed)
    if whole:  # small whole numbers: most scores tie
        u = rng.integers(-1, 2, (viewers, factors)).astype(np.float32)
        u[:, 0] = 1
        v = rng.integers(-1, 2, (videos, factors)).astype(np.float32)
    else:  # lengths that differ a lot: viewers finish early
        u, v = normal(rng, viewers, factors), normal(rng, videos, factors)
        v *= np.exp(normal(rng, videos, 1))
    indptr, indices = seen_rows(rng, viewers, videos, mean_seen)
    eligible = rng.random(videos) < 0.8
    found = top_k(u, v, k, seen_indptr=indptr, seen_indices=indices, eligible=eligible, tile=128, block=16)
    assert_same(found, brute(product(u, v), k, indptr, indices, eligible))


def test_block_tile_threads_and_neighbours_do_not_change_a_bit():
    rng = np.random.default_rng(1)
    u, v = normal(rng, 700, 33), normal(rng, 5000, 33)
    v[2500:] = v[:2500]  # every score comes twice, in places where BLAS sums it differently
    indptr, indices = seen_rows(rng, 700, 5000, 20)
    wanted = top_k(u, v, 50, seen_indptr=indptr, seen_indices=indices)
    for how in ({"tile": 96, "block": 7}, {"tile": 5000, "block": 1}, {"threads": 2}, {"tile": 1}):
        few = 20 if how == {"tile": 1} else 700
        found = top_k(u[:few], v, 50, seen_indptr=indptr[: few + 1], seen_indices=indices, **how)
        assert_same(found, (wanted[0][:few], wanted[1][:few]))
    alone = top_k(u[333:334], v, 50, seen_indptr=indptr[333:335], seen_indices=indices)
    assert_same(alone, (wanted[0][333:334], wanted[1][333:334]))


def test_a_catalogue_of_equal_videos_is_listed_by_id():
    u, v = np.ones((3, 64), np.float32) / 3, np.ones((20_000, 64), np.float32) / 7
    ids, scores = top_k(u, v, 200, seen_indptr=np.array([0, 1, 1, 1]), seen_indices=np.array([0], np.int32))
    assert ids[0].tolist() == list(range(1, 201))
    assert ids[1].tolist() == list(range(200))
    assert np.unique(scores).size == 1


def test_a_viewer_who_has_seen_everything_gets_an_empty_row():
    u, v = np.ones((1, 2), np.float32), np.ones((3, 2), np.float32)
    ids, scores = top_k(u, v, 2, seen_indptr=np.array([0, 3]), seen_indices=np.array([2, 0, 1], np.int32))
    assert ids.tolist() == [[-1, -1]]
    assert np.isneginf(scores).all()


def test_a_viewer_without_a_taste_gets_an_empty_row():
    u, v = np.zeros((1, 2), np.float32), np.ones((3, 2), np.float32)
    ids, _ = top_k(u, v, 2, seen_indptr=np.zeros(2, int), seen_indices=np.empty(0, np.int32))
    assert ids.tolist() == [[-1, -1]]


def test_more_places_than_videos_are_padded():
    u, v = np.ones((1, 1), np.float32), np.array([[1], [3], [2]], np.float32)
    ids, scores = top_k(u, v, 5, seen_indptr=np.zeros(2, int), seen_indices=np.empty(0, np.int32))
    assert ids.tolist() == [[1, 2, 0, -1, -1]]
    assert scores.tolist() == [[3, 2, 1, -np.inf, -np.inf]]


def test_nothing_eligible_and_nobody_asking_are_fine():
    u, v, none = np.ones((2, 1), np.float32), np.ones((3, 1), np.float32), np.empty(0, np.int32)
    ids, _ = top_k(u, v, 1, seen_indptr=np.zeros(3, int), seen_indices=none, eligible=np.zeros(3, bool))
    assert (ids == -1).all()
    assert top_k(u[:0], v, 1, seen_indptr=np.zeros(1, int), seen_indices=none)[0].shape == (0, 1)


def test_factors_may_be_a_read_only_map_of_a_file(tmp_path):
    rng = np.random.default_rng(2)
    u, v = normal(rng, 5, 8), normal(rng, 400, 8)
    np.save(tmp_path / "v.npy", v)
    mapped = np.load(tmp_path / "v.npy", mmap_mode="r")
    indptr, indices = seen_rows(rng, 5, 400, 5)
    found = top_k(u, mapped, 9, seen_indptr=indptr, seen_indices=indices)
    assert_same(found, brute(product(u, v), 9, indptr, indices))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"viewer_factors": np.array([[np.nan, 1]], np.float32)}, "not finite"),
        ({"video_factors": np.array([[np.inf, 1]], np.float32)}, "not finite"),
        ({"viewer_factors": HUGE, "video_factors": HUGE}, "overflow"),
        ({"viewer_factors": np.ones((1, 2))}, "float32"),
        ({"viewer_factors": np.ones((1, 3), np.float32)}, "3 factors"),
        ({"seen_indptr": np.array([0, 9])}, "offsets"),
        ({"seen_indptr": np.array([0, 1]), "seen_indices": np.array([4], np.int32)}, r"\[0, 4\)"),
        ({"eligible": np.ones(3, bool)}, "eligible"),
        ({"k": 0}, "at least 1"),
    ],
)  # fmt: skip
def test_what_cannot_be_scored_is_refused_with_words(change, words):
    fine = {
        "viewer_factors": np.ones((1, 2), np.float32),
        "video_factors": np.ones((4, 2), np.float32),
        "k": 1,
        "seen_indptr": np.zeros(2, int),
        "seen_indices": np.empty(0, np.int32),
    }
    with pytest.raises(ValueError, match=words):
        top_k(**(fine | change))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), viewers=st.integers(1, 20), videos=st.integers(1, 300), k=st.integers(1, 40))
def test_sparse_scores_agree_with_the_dense_product(seed, viewers, videos, k):
    rng = np.random.default_rng(seed)

    def whole(rows, density):
        drawn = random_array((rows, videos), density=density, format="csr", rng=rng)
        drawn.data = rng.integers(-3, 9, drawn.nnz).astype(np.float32)
        return csr_matrix(drawn)

    rows, similar = whole(viewers, 0.1), whole(videos, 0.05)
    indptr, indices = seen_rows(rng, viewers, videos, 5)
    eligible = rng.random(videos) < 0.8
    found = top_k_sparse(
        rows.indptr, rows.indices, rows.data, similar, k,
        seen_indptr=indptr, seen_indices=indices, eligible=eligible, above=0.0, threads=2,
    )  # fmt: skip
    assert_same(found, brute((rows @ similar).toarray(), k, indptr, indices, eligible, above=0.0))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), viewers=st.integers(1, 20), videos=st.integers(1, 300), k=st.integers(1, 40))
def test_what_is_added_to_sparse_scores_reaches_every_video(seed, viewers, videos, k):
    rng = np.random.default_rng(seed)
    rows = csr_matrix(random_array((viewers, videos), density=0.1, format="csr", rng=rng).astype(np.float32))
    similar = csr_matrix(random_array((videos, videos), density=0.05, format="csr", rng=rng).astype(np.float32))
    rows.data[:], similar.data[:] = rng.integers(-3, 9, rows.nnz), rng.integers(-3, 9, similar.nnz)
    base = rng.integers(-5, 6, (viewers, videos)).astype(np.float32)
    indptr, indices = seen_rows(rng, viewers, videos, 5)
    eligible = rng.random(videos) < 0.8
    found = top_k_sparse(
        rows.indptr, rows.indices, rows.data, similar, k,
        base=base, seen_indptr=indptr, seen_indices=indices, eligible=eligible, above=-2.0, threads=2,
    )  # fmt: skip
    assert_same(found, brute((rows @ similar).toarray() + base, k, indptr, indices, eligible, above=-2.0))


@pytest.mark.parametrize(("base", "words"), [(np.full((1, 3), np.nan), "not finite"), (np.zeros((2, 3)), "of shape")])
def test_a_base_that_does_not_fit_is_refused(base, words):
    row, similar = csr_matrix(np.ones((1, 3), np.float32)), csr_matrix(np.ones((3, 3), np.float32))
    none = {"seen_indptr": np.zeros(2, int), "seen_indices": np.empty(0, np.int32)}
    with pytest.raises(ValueError, match=words):
        top_k_sparse(row.indptr, row.indices, row.data, similar, 1, base=base.astype(np.float32), **none)


def test_a_video_that_no_row_reaches_is_not_listed_and_a_disliked_one_scores_below_zero():
    similar = csr_matrix(np.array([[0, 1, 0], [0, 0, 0], [0, 0, 0]], np.float32))
    row = csr_matrix(np.array([[-2, 0, 0]], np.float32))
    none = {"seen_indptr": np.zeros(2, int), "seen_indices": np.empty(0, np.int32)}
    ids, scores = top_k_sparse(row.indptr, row.indices, row.data, similar, 2, **none)
    assert ids.tolist() == [[1, -1]]
    assert scores.tolist() == [[-2, -np.inf]]
