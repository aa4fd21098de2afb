"""Implicit alternating least squares with regularisation that grows with how much is known of a row.

The loss is that of Rendle, Krichene, Zhang and Koren ("Revisiting the Performance of iALS on Item Recommendation
Benchmarks", 2021), here with confidences c = |value| and preferences p = 1 for a value above 0, else 0:

    sum over given pairs of c·(p - x·y)^2  +  a0 · sum over all pairs of (x·y)^2
    + sum over viewers of reg(u)·|x_u|^2  +  the same over videos,      reg(u) = lam·(a0·videos + n_u)^nu

n_u is the sum of a viewer's confidences. Half a round solves (a0·Y'Y + Y_u'C Y_u + reg(u)·I) x_u = Y_u'C p for every
viewer. In the basis of the eigenvectors of Y'Y, all but the middle term is diagonal; call that D. So a viewer with few
videos costs one system of as many unknowns as it has videos (x = D^-1 Y_u'(C^-1 + Y_u D^-1 Y_u')^-1 p, exact), and one
with many costs a few steps of conjugate gradients from the last round's solution, with D as the preconditioner. Never
factors^2 a viewer, as with `implicit`'s steps, nor factors^3, as with a solver for every row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.extmath import randomized_svd
from threadpoolctl import threadpool_limits

from foryou.models.topk import in_threads

Matrix = NDArray[np.float32]

EXACT_UP_TO = 48
"""Values of a row up to which its system is solved: with more, that costs more than the steps."""

DIRECTIONS = 32
"""What a share of regularisation is a share of: enough to be typical, few enough to be found in a second."""

STEPS = 6
"""Conjugate gradients a half-round. On a drawn split of 670,000 pairs three, six and twelve of them, ten rounds each,
ended at a recall@20 of .0955, .0956 and .0956."""

ROWS_AT_ONCE = 256
_GRAM_ROWS = 16_384


@dataclass(frozen=True)
class Loss:
    """a0 as `unseen`, lam as `regularization`, nu as `frequency_power`."""

    unseen: float
    regularization: float
    frequency_power: float = 1.0

    @classmethod
    def of_share(
        cls, values: sparse.csr_matrix, unseen: float, share: float, frequency_power: float, seed: int
    ) -> Loss:
        """With lam such that regularisation is this share of what would leave `DIRECTIONS` directions.

        Near zero, factors grow along just those singular directions of `reg(u)^-.5 R reg(i)^-.5` whose value is above
        1 (R: the positive values; set the loss's gradient to zero). At lam = 1 the n-th value is s_n, so with lam = s_n
        n of them are left. Of that, a third was near the best on sets of data of all kinds (decision 0031), while the
        best lam differed by orders of magnitude.
        """
        loss = cls(unseen, 1.0, frequency_power)
        of_viewers, of_videos = loss.of_rows(values), loss.of_rows(values.T.tocsr())
        evened = sparse.diags(of_viewers**-0.5) @ values.maximum(0) @ sparse.diags(of_videos**-0.5)
        width = max(1, min(DIRECTIONS, min(values.shape) - 1))
        with threadpool_limits(1, user_api="blas"):
            lengths = randomized_svd(evened.astype(np.float32), width, n_iter=1, random_state=seed)[1]
        return cls(unseen, max(share * float(lengths[-1]), 1e-6), frequency_power)

    def of_rows(self, values: sparse.csr_matrix) -> Matrix:
        """reg of each row, [rows]."""
        confidence = np.asarray(abs(values).sum(axis=1), np.float64).ravel()
        known = self.unseen * values.shape[1] + confidence
        return (self.regularization * known**self.frequency_power).astype(np.float32)


def fit(
    values: sparse.csr_matrix,
    loss: Loss,
    *,
    factors: int,
    iterations: int,
    seed: int,
    start: tuple[Matrix, Matrix] | None = None,
    threads: int = 1,
) -> tuple[Matrix, Matrix]:
    """Factors [viewers, factors] and [videos, factors] of `values` [viewers, videos], float32, signed.

    start: factors of viewers and videos to go on from; zero rows of videos there begin with noise. The result is the
    same bits for any number of threads. Who has no value ends at zero. Raises ValueError for values or a start that
    are not finite, and for a start of another shape.
    """
    rng = np.random.default_rng(seed)
    viewers, videos = _begin(values, factors, start, rng)
    turned = values.T.tocsr()
    of_viewers, of_videos = loss.of_rows(values), loss.of_rows(turned)
    with threadpool_limits(1, user_api="blas"):
        for _ in range(iterations):
            viewers = half_round(values, videos, viewers, of_viewers, loss.unseen, threads)
            videos = half_round(turned, viewers, videos, of_videos, loss.unseen, threads)
    return viewers, videos


def _begin(
    values: sparse.csr_matrix, factors: int, start: tuple[Matrix, Matrix] | None, rng: np.random.Generator
) -> tuple[Matrix, Matrix]:
    heights = values.shape
    shapes = [(height, factors) for height in heights]
    viewers, videos = start or [np.zeros(shape, np.float32) for shape in shapes]
    if [viewers.shape, videos.shape] != shapes:
        raise ValueError(f"a start of shapes {viewers.shape} and {videos.shape}, wanted {shapes}")
    if not all(np.isfinite(part).all() for part in (values.data, viewers, videos)):
        raise ValueError("the values or the start hold entries that are not finite")
    noise = rng.standard_normal(shapes[1], np.float32) * np.float32(0.1 / np.sqrt(factors))
    return viewers, np.where(videos.any(axis=1, keepdims=True), videos, noise)


def half_round(
    values: sparse.csr_matrix, fixed: Matrix, before: Matrix, regularization: Matrix, unseen: float, threads: int = 1
) -> Matrix:
    """The factors of the rows of `values` while those of its columns, `fixed`, stand; steps begin at `before`."""
    eigenvalues, basis = np.linalg.eigh(_gram(fixed))
    basis = basis.astype(np.float32)
    turned, found = fixed @ basis, before @ basis
    diagonal = (unseen * np.maximum(eigenvalues, 0)).astype(np.float32)
    data = np.ascontiguousarray(values.data, np.float32)

    def work(first: int, last: int) -> None:
        _solve(values.indptr, values.indices, data, turned, diagonal, regularization, found, first, last)

    in_threads(work, len(before), ROWS_AT_ONCE, threads)
    result: Matrix = found @ basis.T
    return result


def _gram(factors: Matrix) -> NDArray[np.float64]:
    total = np.zeros((factors.shape[1],) * 2)
    for first in range(0, len(factors), _GRAM_ROWS):
        some = factors[first : first + _GRAM_ROWS]
        total += some.T @ some
    return total


@njit(cache=True, nogil=True, fastmath=True)
def _solve(indptr, indices, data, fixed, diagonal, regularization, found, first, last):  # type: ignore[no-untyped-def]
    for row in range(first, last):
        own, values = indices[indptr[row] : indptr[row + 1]], data[indptr[row] : indptr[row + 1]]
        scale = np.float32(1) / (diagonal + regularization[row])
        if own.size == 0:
            found[row] = 0
        elif own.size <= EXACT_UP_TO:
            _exact(fixed, own, values, scale, found[row])
        else:
            _steps(fixed, own, values, scale, found[row])


@njit(cache=True, nogil=True, fastmath=True)
def _dot(one, other):  # type: ignore[no-untyped-def]
    total = np.float32(0)
    for i in range(one.size):
        total += one[i] * other[i]
    return total


@njit(cache=True, nogil=True, fastmath=True)
def _add(to, gain, what):  # type: ignore[no-untyped-def]
    for i in range(to.size):
        to[i] += gain * what[i]


@njit(cache=True, nogil=True, fastmath=True)
def _preference(value):  # type: ignore[no-untyped-def]
    return np.float32(1) if value > 0 else np.float32(0)


@njit(cache=True, nogil=True, fastmath=True)
def _exact(fixed, own, values, scale, out):  # type: ignore[no-untyped-def]
    """By Cholesky's factors of C^-1 + Y_u D^-1 Y_u', built row after row with the forward substitution."""
    n, root = own.size, np.sqrt(scale)
    scaled, system = np.empty((n, scale.size), np.float32), np.empty((n, n), np.float32)
    solution = np.empty(n, np.float32)
    for i in range(n):
        scaled[i] = fixed[own[i]] * root
        for j in range(i):
            system[i, j] = (_dot(scaled[i], scaled[j]) - _dot(system[i, :j], system[j, :j])) / system[j, j]
        squared = _dot(scaled[i], scaled[i]) + np.float32(1) / max(abs(values[i]), np.float32(1e-9))
        system[i, i] = np.sqrt(squared - _dot(system[i, :i], system[i, :i]))
        solution[i] = (_preference(values[i]) - _dot(system[i, :i], solution[:i])) / system[i, i]
    out[:] = 0
    for i in range(n - 1, -1, -1):
        solution[i] /= system[i, i]
        _add(solution[:i], -solution[i], system[i, :i])
        _add(out, solution[i], scaled[i])
    out *= root


@njit(cache=True, nogil=True, fastmath=True)
def _steps(fixed, own, values, scale, out):  # type: ignore[no-untyped-def]
    """Conjugate gradients from `out`, preconditioned by `scale`, D^-1."""
    residual = -out / scale
    for i in range(own.size):
        missing = _preference(values[i]) - _dot(fixed[own[i]], out)
        _add(residual, abs(values[i]) * missing, fixed[own[i]])
    direction = residual * scale
    left = _dot(residual, direction)
    for _ in range(STEPS):
        if left < np.float32(1e-20):
            break
        image = direction / scale
        for i in range(own.size):
            _add(image, abs(values[i]) * _dot(fixed[own[i]], direction), fixed[own[i]])
        step = left / _dot(direction, image)
        _add(out, step, direction)
        _add(residual, -step, image)
        now = _dot(residual, residual * scale)
        direction = residual * scale + now / left * direction
        left = now
