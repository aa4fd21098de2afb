"""From interactions to factors: the values that the model learns from, the fit, and what would make it unfit."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from foryou.models import factors, ials, matrices
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


def loss(strengths: sparse.csr_matrix, settings: Factors) -> ials.Loss:
    """What a night's fit minimises: an unseen pair weighs 1 / alpha of a strength of 1."""
    share, power = settings.regularization_share, settings.frequency_power
    return ials.Loss.of_share(strengths, 1 / settings.alpha, share, power, settings.seed)


def fit(strengths: sparse.csr_matrix, wanted: ials.Loss, start: Start | None, settings: Factors) -> factors.Factors:
    """One fit: from cold, or in fewer rounds from yesterday's factors, whose rows are today's first ones.

    With the solver `implicit` the loss is the same but for its regularisation, which there is one number for all rows
    (that of the mean viewer): a reference, and a way out.
    """
    rounds = settings.warm_iterations if start else settings.iterations
    how = {"factors": settings.factors, "iterations": rounds, "seed": settings.seed}
    if settings.solver == "implicit":
        return factors.fit(
            values(strengths, settings.alpha), regularization=even(strengths, wanted), start=start, threads=0, **how
        )
    grown = start and (_grown(start[0], strengths.shape[0]), _grown(start[1], strengths.shape[1]))
    return factors.Factors(*ials.fit(strengths, wanted, start=grown, threads=cores(), **how))


def _grown(old: NDArray[np.float32], rows: int) -> NDArray[np.float32]:
    return np.pad(old, ((0, rows - len(old)), (0, 0)))


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def even(strengths: sparse.csr_matrix, wanted: ials.Loss) -> float:
    """The regularisation of the mean viewer, in units of what an unseen pair weighs."""
    of_viewers = wanted.of_rows(strengths)[np.diff(strengths.indptr) > 0]
    return float(of_viewers.mean(dtype=np.float64)) / wanted.unseen if len(of_viewers) else 0.0


def parameters(strengths: sparse.csr_matrix, wanted: ials.Loss, settings: Factors) -> dict[str, float]:
    """The numbers of a fit that its scores are explained by (`explained`)."""
    if settings.solver == "implicit":
        return {"alpha": settings.alpha, "regularization": even(strengths, wanted)}
    powers = {"regularization": wanted.regularization, "frequency_power": wanted.frequency_power}
    return powers | {"unseen": wanted.unseen, "videos": float(strengths.shape[1])}


@dataclass(frozen=True)
class Explained:
    """One viewer's row of the fit, as `shares.of_factors` takes it."""

    pulls: NDArray[np.float64]
    extra: NDArray[np.float64]
    a0: float
    regularization: float


def explained(strengths: NDArray[np.float64], told: Mapping[str, float]) -> Explained:
    """From a viewer's strengths and the `parameters` of the fit."""
    if "alpha" in told:
        confidence = np.abs(signed(strengths, told["alpha"]))
        return Explained(np.where(strengths > 0, confidence, 0.0), confidence - 1, 1.0, told["regularization"])
    confidence = np.abs(strengths)
    known = told["unseen"] * told["videos"] + confidence.sum()
    weight = told["regularization"] * known ** told["frequency_power"]
    return Explained(np.where(strengths > 0, confidence, 0.0), confidence, told["unseen"], float(weight))


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
