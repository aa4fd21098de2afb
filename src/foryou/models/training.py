"""From interactions to factors: the values that the model learns from, the fit, and what would make it unfit."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from foryou.models import factors, matrices
from foryou.settings import Factors

Start = tuple[NDArray[np.float32], NDArray[np.float32]]


def matrix(interactions: pa.Table, viewers: int, videos: int) -> sparse.csr_matrix:
    """Strengths [viewers, videos]; a strength of 0 says no more than an unseen video, and is left out."""
    rows = matrices.rows(interactions["viewer"], interactions["video"], interactions["strength"], viewers)
    found = rows.csr(videos)
    found.eliminate_zeros()
    return found


def values(strengths: sparse.csr_matrix, alpha: float) -> sparse.csr_matrix:
    """`sign(s)·(1 + alpha·|s|)`: a dislike always weighs more than an unseen video (DESIGN §7)."""
    found = strengths.copy()
    found.data = signed(found.data, alpha).astype(np.float32)
    return found


def signed(strengths: NDArray[np.floating], alpha: float) -> NDArray[np.floating]:
    """The confidences of `values` for some strengths."""
    return np.asarray(np.sign(strengths) * (1 + alpha * np.abs(strengths)))


def fit(strengths: sparse.csr_matrix, start: Start | None, settings: Factors) -> factors.Factors:
    """One fit: from cold, or in fewer rounds from yesterday's factors."""
    found = values(strengths, settings.alpha)
    return factors.fit(
        found,
        factors=settings.factors,
        iterations=settings.warm_iterations if start else settings.iterations,
        regularization=regularization(found, settings.regularization_share),
        seed=settings.seed,
        start=start,
        threads=0,
    )


def parameters(strengths: sparse.csr_matrix, settings: Factors) -> dict[str, float]:
    """The numbers of a fit that its scores are explained by (`shares.of_factors`)."""
    weight = regularization(values(strengths, settings.alpha), settings.regularization_share)
    return {"alpha": settings.alpha, "regularization": weight}


def regularization(values: sparse.csr_matrix, share: float) -> float:
    """`share` of the confidence that a row has: the sum of all |values| over the geometric mean of both heights.

    Only rows with values count as height. A number fixed for all data sets would leave the factors of a large platform
    free and wipe out those of a small one; as a share one number served worlds of 50 thousand, 1 and 10 million events.
    """
    viewers = int((np.diff(values.indptr) > 0).sum())
    videos = int((np.bincount(values.indices, minlength=values.shape[1]) > 0).sum())
    return share * float(np.abs(values.data, dtype=np.float64).sum()) / max(1.0, float(np.sqrt(viewers * videos)))


def faults(fitted: factors.Factors, strengths: sparse.csr_matrix, start: Start | None, settings: Factors) -> list[str]:
    """What is wrong with the factors, in words; empty if they may be used.

    Who was only disliked, or only dislikes, rightly ends at zero: rows with a positive strength ought to hold more.
    """
    liked = strengths > 0
    return factors.check(
        fitted,
        viewers_with_data=np.diff(liked.indptr) > 0,
        videos_with_data=np.bincount(liked.indices, minlength=liked.shape[1]) > 0,
        factors=settings.factors,
        previous=start,
        max_norm_ratio=settings.max_norm_ratio,
    )
