"""The fit beside the equations it solves, the warm start, the faults that are named, and the file."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix, random_array

from foryou.errors import ModelRejected
from foryou.models.factors import Factors, check, fit, load, save

SETTINGS = {"factors": 8, "iterations": 4, "regularization": 0.1, "seed": 3}
TWO = SETTINGS | {"factors": 2, "iterations": 10}


def two_tastes(viewers=60, videos=40, seed=0):
    """Even viewers watch even videos, odd ones odd videos; a fifth of the pairs is known."""
    rng = np.random.default_rng(seed)
    same = (np.arange(viewers)[:, None] + np.arange(videos)) % 2 == 0
    known = rng.random((viewers, videos)) < 0.2
    return csr_matrix(np.where(known & same, 5.0, 0.0).astype(np.float32))


def signed(seed=0, viewers=300, videos=200):
    rng = np.random.default_rng(seed)
    drawn = random_array((viewers, videos), density=0.05, format="csr", rng=rng, dtype=np.float32)
    drawn.data = (rng.choice([-1, 1, 1], drawn.nnz) * (1 + 9 * drawn.data)).astype(np.float32)
    return csr_matrix(drawn)


def masks(values):
    return {
        "viewers_with_data": np.diff(values.indptr) > 0,
        "videos_with_data": np.bincount(values.indices, minlength=values.shape[1]) > 0,
        "factors": SETTINGS["factors"],
    }


def solved(values, video_factors, regularization):
    """Each viewer's least squares written out: preference v > 0, confidence |v|, 1 where nothing is known."""
    dense, found = values.toarray().astype(np.float64), []
    y = video_factors.astype(np.float64)
    for row in dense:
        confidence = np.where(row == 0, 1, np.abs(row))
        left = (y.T * confidence) @ y + regularization * np.eye(y.shape[1])
        found.append(np.linalg.solve(left, y.T @ (confidence * (row > 0))))
    return np.array(found)


def test_a_negative_value_is_a_preference_of_zero_with_its_size_as_confidence():
    values = signed()
    fitted = fit(values, **(SETTINGS | {"iterations": 60}))
    wanted = solved(values, fitted.video_factors, 0.1)
    np.testing.assert_allclose(fitted.viewer_factors, wanted, atol=0.02)
    ignoring_sign = solved(abs(values), fitted.video_factors, 0.1)
    assert np.abs(fitted.viewer_factors - ignoring_sign).max() > 0.2


def test_two_tastes_are_told_apart():
    fitted = fit(two_tastes(), **TWO)
    scores = fitted.viewer_factors @ fitted.video_factors.T
    same = (np.arange(60)[:, None] + np.arange(40)) % 2 == 0
    watched, confidence = 0.2, 5  # one number for all pairs of a taste minimises the weighted squares at:
    expected = watched * confidence / (watched * confidence + 1 - watched)
    assert scores[same].mean() == pytest.approx(expected, abs=0.05)
    assert np.abs(scores[~same]).max() < 0.1


def test_any_number_of_threads_gives_the_same_bits():
    values = signed(viewers=2000, videos=500)
    one, two, all_cores = (fit(values, **SETTINGS, threads=threads) for threads in (1, 2, 0))
    for other in (two, all_cores):
        np.testing.assert_array_equal(one.viewer_factors, other.viewer_factors)
        np.testing.assert_array_equal(one.video_factors, other.video_factors)


def test_who_has_no_data_ends_at_zero_warm_or_cold():
    values = csr_matrix(np.array([[2, 0, 0], [0, 0, 0], [3, 2, 0]], np.float32))
    cold = fit(values, **SETTINGS)
    ones = np.ones((3, 8), np.float32)
    for fitted in (cold, fit(values, **SETTINGS, start=(ones, ones))):
        assert fitted.viewer_factors.any(axis=1).tolist() == [True, False, True]
        assert fitted.video_factors.any(axis=1).tolist() == [True, True, False]


def test_a_warm_start_takes_up_where_yesterday_ended_and_leaves_its_arrays_alone():
    values = signed()
    before = fit(values, **(SETTINGS | {"iterations": 60}))
    start = (before.viewer_factors.copy(), before.video_factors.copy())
    warm = fit(values, **(SETTINGS | {"iterations": 1}), start=start)
    cold = fit(values, **(SETTINGS | {"iterations": 1}))

    def away(found):
        return np.abs(found.viewer_factors @ found.video_factors.T - start[0] @ start[1].T).mean()

    assert away(warm) < 0.1 * away(cold)
    np.testing.assert_array_equal(start[0], before.viewer_factors)


def test_viewers_and_videos_who_came_since_yesterday_are_fitted_too():
    values = two_tastes()
    before = fit(values[:30, :20], **TWO)
    start = (before.viewer_factors, before.video_factors)
    grown, again = (fit(values, **TWO, start=start) for _ in range(2))
    scores = grown.viewer_factors @ grown.video_factors.T
    assert scores[40, 30] > scores[40, 31] + 0.3
    np.testing.assert_array_equal(grown.video_factors, again.video_factors)
    padded = (np.pad(start[0], ((0, 30), (0, 0))), np.pad(start[1], ((0, 20), (0, 0))))
    np.testing.assert_array_equal(grown.video_factors, fit(values, **TWO, start=padded).video_factors)


def test_a_start_of_another_width_or_with_more_rows_is_refused():
    values, wide = two_tastes(), np.ones((60, 9), np.float32)
    with pytest.raises(ValueError, match="8 factors"):
        fit(values, **SETTINGS, start=(wide, wide))
    with pytest.raises(ValueError, match="at most 40 rows"):
        fit(values, **SETTINGS, start=(np.ones((60, 8), np.float32), np.ones((41, 8), np.float32)))


def test_values_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="not finite"):
        fit(csr_matrix(np.array([[np.nan]], np.float32)), **SETTINGS)


def test_a_good_fit_has_no_fault():
    values = two_tastes()
    fitted = fit(values, **SETTINGS)
    previous = (fitted.viewer_factors[:50], fitted.video_factors[:30])
    assert check(fitted, **masks(values), previous=previous) == []


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda m: m[:-1], "video factors: wanted float32 of shape"),
        (lambda m: m.astype(np.float64), "found float64"),
        (lambda m: np.where(np.arange(40)[:, None] == 7, np.nan, m), "1 of 40 rows are not finite"),
        (lambda m: m * 0, "100% of the rows with data are zero"),
        (lambda m: np.ones_like(m), "point one way"),
        (lambda m: m * np.float32(9), "9 times as long as yesterday's"),
        (lambda m: m / np.float32(10), "0.1 times as long as yesterday's"),
    ],
)
def test_each_fault_is_named(spoil, words):
    values = two_tastes()
    good = fit(values, **SETTINGS)
    bad = Factors(good.viewer_factors, spoil(good.video_factors))
    faults = check(bad, **masks(values), previous=(good.viewer_factors, good.video_factors))
    assert len(faults) == 1
    assert words in faults[0]


def test_a_file_gives_back_what_was_saved_and_the_same_content_the_same_bytes(tmp_path):
    factors, ids = np.ones((3, 2), np.float32), np.array([4, 7, 9], np.int32)
    first, second = tmp_path / "a.npz", tmp_path / "b.npz"
    assert save(first, factors, ids) == save(second, factors, ids)
    assert first.read_bytes() == second.read_bytes()
    found = load(first)
    np.testing.assert_array_equal(found[0], factors)
    assert found[1].tolist() == [4, 7, 9]
    save(first, factors)
    assert load(first)[1].tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    "arrays",
    [
        {"video_factors": np.ones((2, 2), np.float32)},
        {"video_factors": np.ones((2, 2)), "video_ids": np.arange(2, dtype=np.int32), "sha256": "x"},
        {"video_factors": np.ones(2, np.float32), "video_ids": np.arange(2, dtype=np.int32), "sha256": "x"},
        {"video_factors": np.ones((2, 2), np.float32), "video_ids": np.arange(3, dtype=np.int32), "sha256": "x"},
        {"video_factors": np.ones((2, 2), np.float32), "video_ids": np.arange(2, dtype=np.int32), "sha256": "x"},
        {"video_factors": np.array([[{}]]), "video_ids": np.arange(1, dtype=np.int32), "sha256": "x"},
    ],
)
def test_another_content_is_refused(tmp_path, arrays):
    np.savez(tmp_path / "f.npz", **arrays)
    with pytest.raises(ModelRejected, match=r"f\.npz"):
        load(tmp_path / "f.npz")


def test_a_torn_file_and_a_lone_array_are_refused(tmp_path):
    save(tmp_path / "f.npz", np.ones((30, 4), np.float32))
    (tmp_path / "torn.npz").write_bytes((tmp_path / "f.npz").read_bytes()[:200])
    np.save(tmp_path / "lone.npy", np.ones(3))
    changed = bytearray((tmp_path / "f.npz").read_bytes())
    changed[200] ^= 1
    (tmp_path / "changed.npz").write_bytes(changed)
    for name in ("torn.npz", "lone.npy", "changed.npz", "none.npz"):
        with pytest.raises(ModelRejected):
            load(tmp_path / name)
