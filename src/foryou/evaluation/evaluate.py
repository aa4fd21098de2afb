"""How yesterday's model did on the day, beside popularity (DESIGN §7, judging)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from foryou.evaluation import exposure, intervals, metrics
from foryou.models import matrices, pairs, topk
from foryou.models.matrices import Rows
from foryou.settings import Evaluation

DEPTHS = (20, 100)

SCHEMA = pa.schema(
    [
        ("ranking", pa.string()),
        ("measure", pa.string()),
        ("value", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("viewers", pa.int64()),
        ("model_version", pa.string()),
    ]
)
"""The columns of `evaluations` but `day`."""


@dataclass(frozen=True)
class Product:
    """A ranking by score = the viewer's row [viewers, heads] x matrix [heads, videos]."""

    rows: Rows
    matrix: sparse.csr_matrix


@dataclass(frozen=True)
class Judged:
    """What is judged: yesterday's factors, list of popular videos and baseline; against what: the day's views.

    `seen` has what each viewer had seen before the day; `shown` the videos that may be shown.
    """

    viewer_factors: NDArray[np.float32]
    video_factors: NDArray[np.float32]
    popular: Rows
    seen: Rows
    shown: NDArray[np.bool_]
    baseline: Product | None = None


def evaluate(views: pa.Table, judged: Judged, settings: Evaluation) -> list[dict[str, Any]]:
    """One row per ranking and measure: `ranking`, `measure`, `value`, `low`, `high`, `viewers`.

    `auc_exposed` compares good with other views of the day for each viewer who had both; recall and NDCG rank the
    whole catalogue without what was seen before, for up to `max_viewers` viewers with a good watch of something new.
    The baseline is judged on exposed videos alone: to rank the catalogue by it took as long as all the rest.
    Only viewers whom the model knows are judged, so all rankings are judged on the same rows.
    """
    known = views.filter(pa.array(np.asarray(judged.viewer_factors.any(axis=1))[views["viewer"].to_numpy()]))
    scores = {"factors": _factor_scores(known, judged), "popularity": _popular_scores(known, judged)}
    if judged.baseline:
        viewer, video = known["viewer"].to_numpy(), known["video"].to_numpy()
        scores["baseline"] = pairs.products(judged.baseline.rows, judged.baseline.matrix, viewer, video)
    found = [_auc(ranking, known, score) for ranking, score in scores.items()]
    viewers, truth = _truth(views, judged, settings)
    if len(viewers) == 0:
        return [row for row in found if row["viewers"]]
    for ranking, lists in _lists(viewers, judged).items():
        found += [_ranked(ranking, measure, depth, lists, truth) for depth in DEPTHS for measure in ("recall", "ndcg")]
        found.append(_coverage(ranking, lists, judged.shown))
    return [row for row in found if row["viewers"]]


def _factor_scores(views: pa.Table, judged: Judged) -> NDArray[np.float32]:
    viewer, video = views["viewer"].to_numpy(), views["video"].to_numpy()
    return np.einsum("ij,ij->i", judged.viewer_factors[viewer], judged.video_factors[video])


def _popular_scores(views: pa.Table, judged: Judged) -> NDArray[np.float32]:
    of_video = np.zeros(len(judged.shown), np.float32)
    of_video[judged.popular.indices] = judged.popular.values
    return of_video[views["video"].to_numpy()]


def _auc(ranking: str, views: pa.Table, scores: NDArray[np.float32]) -> dict[str, Any]:
    each = metrics.auc_by_viewer(views["viewer"].to_numpy(), scores, views["good"].to_numpy(zero_copy_only=False))
    return measured(ranking, "auc_exposed", each)


def _truth(views: pa.Table, judged: Judged, settings: Evaluation) -> tuple[NDArray[np.int32], Rows]:
    """A seeded choice of viewers with a good watch of a video that was new to them, and those videos."""
    good = views.filter(views["good"])
    height = len(judged.seen.indptr) - 1
    rows = matrices.rows(good["viewer"], good["video"], None, height)
    viewer = np.repeat(np.arange(height, dtype=np.int64), np.diff(rows.indptr))
    new = ~judged.seen.holds(viewer, rows.indices)
    known = np.asarray(judged.viewer_factors.any(axis=1))[viewer]
    kept = new & known & judged.shown[rows.indices]
    truth = matrices.rows(_column(viewer[kept]), _column(rows.indices[kept]), None, height)
    viewers = np.unique(viewer[kept]).astype(np.int32)
    if len(viewers) > settings.max_viewers:
        chosen = np.random.default_rng(settings.seed).choice(viewers, settings.max_viewers, replace=False)
        viewers = np.sort(chosen)
    return viewers, truth.of(viewers)


def _lists(viewers: NDArray[np.int32], judged: Judged) -> dict[str, NDArray[np.int32]]:
    seen = judged.seen.of(viewers)
    masked: dict[str, Any] = {"seen_indptr": seen.indptr, "seen_indices": seen.indices}
    ones = np.ones(len(viewers), np.float32)
    first = np.zeros(len(viewers), np.int32)
    by_factors, _ = topk.top_k(
        judged.viewer_factors[viewers],
        judged.video_factors,
        max(DEPTHS),
        eligible=judged.shown & judged.video_factors.any(axis=1),
        threads=2,
        **masked,
    )
    by_popularity, _ = topk.top_k_sparse(
        np.arange(len(viewers) + 1, dtype=np.int64),
        first,
        ones,
        judged.popular.csr(len(judged.shown)),
        max(DEPTHS),
        eligible=judged.shown,
        **masked,
    )
    return {"factors": by_factors, "popularity": by_popularity}


def _ranked(ranking: str, measure: str, depth: int, lists: NDArray[np.int32], truth: Rows) -> dict[str, Any]:
    each = metrics.per_viewer(lists, truth.indptr, truth.indices, (depth,))[measure][depth]
    return measured(ranking, f"{measure}@{depth}", each)


def _coverage(ranking: str, lists: NDArray[np.int32], shown: NDArray[np.bool_]) -> dict[str, Any]:
    value = exposure.coverage(lists, int(shown.sum()), max(DEPTHS))
    measure = f"coverage@{max(DEPTHS)}"
    return {"ranking": ranking, "measure": measure, "value": value, "low": None, "high": None, "viewers": len(lists)}


def measured(ranking: str, measure: str, each: NDArray[np.float64]) -> dict[str, Any]:
    """The mean over viewers, a share, with its 95 % interval, which takes two of them."""
    value, low, high = intervals.interval(each, seed=7) if len(each) else (0.0, None, None)
    if len(each) < 2:
        low, high = None, None
    return {"ranking": ranking, "measure": measure, "value": value, "low": low, "high": high, "viewers": len(each)}


def _column(values: NDArray[np.generic]) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values.astype(np.int32))])
