"""Factors of viewers and videos by alternating least squares: the fit, its faults, and the file they travel in.

The fit is `implicit`'s on the CPU (Hu, Koren and Volinsky 2008, conjugate gradient after Takács, Pilászy and Tikk
2011). A value v > 0 says: preferred, with confidence v. A value v < 0 says: not preferred, with confidence |v|, so
against an unseen pair (not preferred, confidence 1) a dislike pulls |v| times as hard; a test holds `implicit` to it.

Its threads each work through whole rows with BLAS inside; BLAS threads on top only fight over the cores (7.5 s
against 2.1 s), so BLAS is held to one thread while fitting. Then every sum has one order: the factors are the same
bits for any number of threads on one machine.
"""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from foryou.errors import ModelRejected

Matrix = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Factors:
    """viewer_factors [viewers, factors], video_factors [videos, factors]: a score is the dot product of two rows."""

    viewer_factors: Matrix
    video_factors: Matrix


def fit(
    values: csr_matrix,
    *,
    factors: int,
    iterations: int,
    regularization: float,
    seed: int,
    start: tuple[Matrix, Matrix] | None = None,
    threads: int = 0,
) -> Factors:
    """Factors of `values` [viewers, videos], float32, signed confidences as the head of this file says.

    start: yesterday's factors of viewers and videos. Ids only grow, so its rows are today's first ones; rows beyond
    it, and rows that are zero in it, start from seeded noise. threads 0 means all cores. Who has no value ends at zero.
    Raises ValueError for values that are not finite and for a start that does not fit.
    """
    from implicit.cpu.als import AlternatingLeastSquares  # half a second that readers of a file need not wait

    if not np.isfinite(values.data).all():
        raise ValueError("values hold entries that are not finite")
    with threadpool_limits(1, user_api="blas"):
        model = AlternatingLeastSquares(
            factors=factors,
            iterations=iterations,
            regularization=regularization,
            random_state=seed,
            num_threads=threads,
        )
        if start is not None:
            rng = np.random.default_rng(seed)
            model.user_factors = _grown(start[0], values.shape[0], factors, rng)
            model.item_factors = _grown(start[1], values.shape[1], factors, rng)
        model.fit(values, show_progress=False)
    return Factors(model.user_factors, model.item_factors)


def _grown(old: Matrix, rows: int, factors: int, rng: np.random.Generator) -> Matrix:
    """`old` with as many rows as today; where it says nothing, noise of the size that a cold fit starts from."""
    if len(old) > rows or old.shape[1] != factors or not np.isfinite(old).all():
        raise ValueError(f"start must be finite, at most {rows} rows of {factors} factors; found {old.shape}")
    grown = rng.random((rows, factors), dtype=np.float32) * np.float32(0.01)
    known = np.flatnonzero(old.any(axis=1))
    grown[known] = old[known]
    return grown


def check(
    fitted: Factors,
    *,
    viewers_with_data: Mask,
    videos_with_data: Mask,
    factors: int,
    previous: tuple[Matrix, Matrix] | None = None,
    max_norm_ratio: float = 5.0,
) -> list[str]:
    """What is wrong with the factors, each fault in words; empty if they may be used.

    The masks [viewers] and [videos] say whose rows ought to hold something. previous: yesterday's factors, whose
    median row length tonight's may exceed or fall below at most by `max_norm_ratio`.
    """
    faults = []
    for whose, matrix, with_data, old in (
        ("viewer", fitted.viewer_factors, viewers_with_data, previous[0] if previous else None),
        ("video", fitted.video_factors, videos_with_data, previous[1] if previous else None),
    ):
        found = _misshapen(whose, matrix, len(with_data), factors) or _collapsed(whose, matrix[with_data])
        if not found and old is not None:
            found = _outlandish(whose, matrix, with_data, old, max_norm_ratio)
        faults += found
    return faults


def _misshapen(whose: str, matrix: Matrix, rows: int, factors: int) -> list[str]:
    if matrix.shape != (rows, factors) or matrix.dtype != np.float32:
        return [
            f"{whose} factors: wanted float32 of shape {(rows, factors)}, found {matrix.dtype} of shape {matrix.shape}"
        ]
    wrong = int((~np.isfinite(matrix)).any(axis=1).sum())
    return [f"{whose} factors: {wrong} of {rows} rows are not finite"] if wrong else []


def _collapsed(whose: str, matrix: Matrix) -> list[str]:
    """Faults of the rows that ought to hold something; the mean cosine is the squared length of the mean direction."""
    if len(matrix) == 0:
        return [f"{whose} factors: no row has data"]
    lengths = _lengths(matrix)
    empty = float((lengths < 1e-6).mean())
    if empty > 0.5:
        return [f"{whose} factors: {empty:.0%} of the rows with data are zero"]
    if len(matrix) < 10:  # so few may well be alike
        return []
    directions = matrix[lengths >= 1e-6] / lengths[lengths >= 1e-6, None]
    alike = float((directions.mean(axis=0) ** 2).sum())
    if alike > 0.99:
        return [f"{whose} factors: all rows point one way (mean cosine {alike:.4f}), so everyone gets one list"]
    return []


def _outlandish(whose: str, matrix: Matrix, with_data: Mask, old: Matrix, most: float) -> list[str]:
    """Compares the rows that both nights know."""
    both = min(len(matrix), len(old))
    known = with_data[:both] & old[:both].any(axis=1)
    if not known.any():
        return []
    ratio = float(np.median(_lengths(matrix[:both][known])) / np.median(_lengths(old[:both][known])))
    if 1 / most <= ratio <= most:
        return []
    return [f"{whose} factors: the median row is {ratio:.3g} times as long as yesterday's, more than {most:g} apart"]


def _lengths(matrix: Matrix) -> NDArray[np.float64]:
    return np.sqrt(np.einsum("ij,ij->i", matrix, matrix, dtype=np.float64))


_KEYS = {"video_factors", "video_ids", "sha256"}


def save(path: Path, video_factors: Matrix, video_ids: NDArray[np.int32] | None = None) -> str:
    """Write npz without pickle: video_factors [rows, factors], the dense id of each row, a digest; returns the digest.

    Viewer factors are no part of it, so that a person can be erased without touching a model. The same content gives
    the same bytes. Without `video_ids` row i is video i.
    """
    ids = np.arange(len(video_factors), dtype=np.int32) if video_ids is None else video_ids.astype(np.int32)
    digest = _digest(video_factors, ids)
    with path.open("wb") as file:
        np.savez(file, video_factors=video_factors, video_ids=ids, sha256=np.array(digest))
    return digest


def load(path: Path) -> tuple[Matrix, NDArray[np.int32]]:
    """What `save` wrote: video_factors and video_ids. Raises ModelRejected for anything else, naming the difference."""
    if not zipfile.is_zipfile(path):
        raise _refusal(path, "no file" if not path.exists() else "another kind of file, or half of one")
    try:
        with np.load(path, allow_pickle=False) as stored:
            if set(stored.files) != _KEYS:
                raise _refusal(path, f"the arrays {sorted(stored.files)}")
            factors, ids, digest = stored["video_factors"], stored["video_ids"], str(stored["sha256"])
    except (ValueError, OSError, zipfile.BadZipFile) as broken:
        raise _refusal(path, f"a file that cannot be read: {broken}") from broken
    if factors.dtype != np.float32 or factors.ndim != 2 or ids.dtype != np.int32 or ids.shape != factors.shape[:1]:
        raise _refusal(path, f"{factors.dtype} {factors.shape} with ids {ids.dtype} {ids.shape}")
    if digest != _digest(factors, ids):
        raise _refusal(path, "a content that differs from the digest stored with it")
    return factors, ids


def _digest(factors: Matrix, ids: NDArray[np.int32]) -> str:
    content = hashlib.sha256(repr((factors.shape, factors.dtype.str, ids.shape, ids.dtype.str)).encode())
    content.update(np.ascontiguousarray(factors).data)
    content.update(np.ascontiguousarray(ids).data)
    return content.hexdigest()


def _refusal(path: Path, found: str) -> ModelRejected:
    return ModelRejected(
        "factors",
        wanted=f"{path.name} with float32 video_factors [rows, factors], int32 video_ids [rows] and their sha256",
        found=found,
        next_step="restore the file from the model's run, or fit the night again",
    )
