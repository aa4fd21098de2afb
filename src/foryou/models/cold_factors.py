"""Factors of videos that nobody has met, predicted from what they are about.

A linear map from content vectors to factors, fitted by ridge regression on the videos that have both, over all tokens
and upstream dimensions at once: with conjugate gradients that takes a second, and it kept what a truncated singular
value decomposition lost, the single creator above all (measured on a world of 1 M events, AUC of good watches of
held-out videos: .683, against .664 through 256 dimensions). Weighting videos by their interactions, or by the root of
them, lowered it (.653, .666).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from foryou.models import ials, matrices
from foryou.models.factors import Matrix
from foryou.settings import ColdFactors

_ROUNDS = 2
"""Of six conjugate gradients each, for viewers with many videos; after two nothing moves by one percent."""


@dataclass(frozen=True)
class Described:
    """Content vectors by dense id: `tokens` [videos, tokens in use] beside `dense` [videos, upstream dimensions]."""

    tokens: sparse.csr_matrix
    dense: Matrix

    @classmethod
    def of(cls, content: pa.Table, height: int) -> Described:
        """From rows of `content`; videos without a row, or of which it says nothing, have a vector of zeros."""
        rows = matrices.list_rows(content["video"], content["dimensions"], content["weights"], height)
        used = np.bincount(rows.indices) > 0
        place = (np.cumsum(used) - 1).astype(np.int32)
        tokens = matrices.Rows(rows.indptr, place[rows.indices], rows.values).csr(int(used.sum()))
        return cls(tokens, matrices.dense_given(content["video"], content["dense"], height))

    def __getitem__(self, videos: NDArray[np.integer] | NDArray[np.bool_]) -> Described:
        return Described(self.tokens[videos], self.dense[videos])

    def times(self, coefficients: Matrix) -> Matrix:
        """[videos, columns]: each vector times `coefficients` [tokens + dimensions, columns]."""
        width = self.tokens.shape[1]
        found: Matrix = self.tokens @ coefficients[:width] + self.dense @ coefficients[width:]
        return found

    def turned_times(self, values: Matrix) -> Matrix:
        """[tokens + dimensions, columns]: the transposed vectors times `values` [videos, columns]."""
        return np.vstack([self.tokens.T @ values, self.dense.T @ values])

    def squares(self) -> NDArray[np.float32]:
        """The sum of the squares of each token and dimension over the videos."""
        of_tokens = np.bincount(self.tokens.indices, self.tokens.data**2, minlength=self.tokens.shape[1])
        return np.concatenate([of_tokens, (self.dense**2).sum(axis=0)]).astype(np.float32)

    def says_something(self) -> NDArray[np.bool_]:
        return (np.diff(self.tokens.indptr) > 0) | self.dense.any(axis=1)


@dataclass(frozen=True)
class Projection:
    """factors = `mean` [factors] + content vector x `coefficients` [tokens + dimensions, factors]."""

    mean: Matrix
    coefficients: Matrix

    def of(self, videos: Described) -> Matrix:
        """The predicted factors, [videos, factors]."""
        return (self.mean + videos.times(self.coefficients)).astype(np.float32)


def fit(videos: Described, wanted: Matrix, settings: ColdFactors) -> Projection:
    """The map of least sum of squared errors plus `regularization` times the squares of its coefficients.

    wanted [videos, factors]: the factors that the same rows of `videos` have. Solved by conjugate gradients on the
    normal equations, all columns side by side, scaled by the diagonal (Jacobi), in `iterations` steps.
    """
    mean = (wanted.sum(axis=0, dtype=np.float64) / max(1, len(wanted))).astype(np.float32)
    residual = videos.turned_times(wanted - mean)
    scale: Matrix = np.float32(1) / (videos.squares() + np.float32(settings.regularization))[:, None]
    found, direction = np.zeros_like(residual), scale * residual
    left = _dots(residual, direction)
    for _ in range(settings.iterations):
        image = videos.turned_times(videos.times(direction)) + np.float32(settings.regularization) * direction
        step = left / np.maximum(_dots(direction, image), 1e-30)
        found += step.astype(np.float32) * direction
        residual -= step.astype(np.float32) * image
        scaled = scale * residual
        now = _dots(residual, scaled)
        direction = scaled + (now / np.maximum(left, 1e-30)).astype(np.float32) * direction
        left = now
    return Projection(mean, found)


def _dots(one: Matrix, other: Matrix) -> NDArray[np.float64]:
    return np.einsum("ij,ij->j", one, other, dtype=np.float64)


def build(content: Described, video_factors: Matrix, known: NDArray[np.bool_], settings: ColdFactors) -> pa.Table:
    """One row per video that has content and is not `known` [videos] to the model: its predicted `factors`."""
    learned_from = np.flatnonzero(known & content.says_something())
    asked = np.flatnonzero(~known & content.says_something())
    if len(learned_from) == 0:
        asked = asked[:0]
    projection = fit(content[learned_from], video_factors[learned_from], settings)
    found = projection.of(content[asked])
    return pa.table({"video": asked.astype(np.int32), "factors": matrices.vectors(found)})


def fold_in(strengths: sparse.csr_matrix, video_factors: Matrix, loss: ials.Loss) -> Matrix:
    """Factors of viewers [rows of strengths, factors] who have those, for factors of videos that stand fixed.

    The viewers' half of a fit: what they had before plays no part, so nothing of a video without a value in
    `strengths` is left in them.
    """
    found = np.zeros((strengths.shape[0], video_factors.shape[1]), np.float32)
    for _ in range(_ROUNDS):
        found = ials.half_round(strengths, video_factors, found, loss.of_rows(strengths), loss.unseen)
    return found
