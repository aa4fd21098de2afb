"""How yesterday's model did on the day, beside popularity (DESIGN §7, judging)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from foryou.evaluation import exposure, intervals, metrics
from foryou.evaluation.slices import NEW_VIDEOS, Slices
from foryou.models import matrices, pairs, topk
from foryou.models.matrices import Rows
from foryou.settings import Evaluation

DEPTHS = (10, 20, 100)
MEASURES = ("recall", "ndcg", "map", "hit_rate")
"""Of `metrics.per_viewer`: what is told of each ranking."""
SLICED = tuple((measure, 20) for measure in ("recall", "ndcg"))
"""What is told of the slices too, beside `auc_exposed`."""

SCHEMA = pa.schema(
    [
        ("ranking", pa.string()),
        ("measure", pa.string()),
        ("slice", pa.string()),
        ("value", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("viewers", pa.int64()),
        ("model_version", pa.string()),
    ]
)
"""The columns of `evaluations` but `day`."""

Values = NDArray[np.float64]
Key = tuple[str, str, str | None]
"""Ranking, measure and slice, None for all."""


@dataclass(frozen=True)
class Product:
    """A ranking by score = the viewer's row [viewers, heads] x matrix [heads, videos]."""

    rows: Rows
    matrix: sparse.csr_matrix


@dataclass(frozen=True)
class Judged:
    """What is judged: yesterday's factors, list of popular videos and baseline; against what: the day's views.

    `seen` has what each viewer had seen before the day; `shown` the videos that may be shown; `contents` [videos, n]
    what they are about, zero where nothing is known.
    """

    viewer_factors: NDArray[np.float32]
    video_factors: NDArray[np.float32]
    popular: Rows
    seen: Rows
    shown: NDArray[np.bool_]
    contents: NDArray[np.float32]
    slices: Slices
    baseline: Product | None = None


def evaluate(views: pa.Table, judged: Judged, settings: Evaluation) -> list[dict[str, Any]]:
    """One row per ranking, measure and slice: `ranking`, `measure`, `slice`, `value`, `low`, `high`, `viewers`.

    `auc_exposed` compares good with other views of the day for each viewer who had both; recall, NDCG and the like
    rank the whole catalogue without what was seen before, for up to `max_viewers` viewers with a good watch of
    something new. The baseline is judged on exposed videos alone: to rank the catalogue by it took as long as all the
    rest. Only viewers whom the model knows are judged, so all rankings are judged on the same rows.
    """
    known = views.filter(pa.array(np.asarray(judged.viewer_factors.any(axis=1))[views["viewer"].to_numpy()]))
    scores = {"factors": _factor_scores(known, judged), "popularity": _popular_scores(known, judged)}
    if judged.baseline:
        viewer, video = known["viewer"].to_numpy(), known["video"].to_numpy()
        scores["baseline"] = pairs.products(judged.baseline.rows, judged.baseline.matrix, viewer, video)
    found = told(_exposed(known, scores, judged.slices), settings.seed, settings.min_slice_viewers)
    viewers, truth = _truth(views, judged, settings)
    if len(viewers) == 0:
        return found
    lists = _lists(viewers, judged)
    found += told(_ranked(viewers, truth, lists, judged), settings.seed, settings.min_slice_viewers)
    return found + [row for ranking, ids in lists.items() for row in _together(ranking, ids, judged)]


def told(columns: Mapping[Key, Values], seed: int, min_slice_viewers: int = 1) -> list[dict[str, Any]]:
    """Rows of means over viewers with their 95 % bootstrap intervals (null for one viewer); none where nobody counts.

    All columns have one entry a viewer, in one order; nan: not judged. Slices of fewer viewers are left out.
    """
    counted = {key: int(np.count_nonzero(~np.isnan(values))) for key, values in columns.items()}
    kept = [key for key, viewers in counted.items() if viewers >= (min_slice_viewers if key[2] else 1)]
    if not kept:
        return []
    found = intervals.mean_intervals(np.stack([columns[key] for key in kept], axis=1), seed=seed)
    return [_row(key, *ends, counted[key]) for key, ends in zip(kept, found, strict=True)]


def _row(key: Key, value: float, low: float | None, high: float | None, viewers: int) -> dict[str, Any]:
    low, high = (None if end is None or np.isnan(end) else end for end in (low, high))
    names = dict(zip(("ranking", "measure", "slice"), key, strict=True))
    return names | {"value": value, "low": low, "high": high, "viewers": viewers}


def _factor_scores(views: pa.Table, judged: Judged) -> NDArray[np.float32]:
    viewer, video = views["viewer"].to_numpy(), views["video"].to_numpy()
    return np.einsum("ij,ij->i", judged.viewer_factors[viewer], judged.video_factors[video])


def _popular_scores(views: pa.Table, judged: Judged) -> NDArray[np.float32]:
    of_video = np.zeros(len(judged.shown), np.float32)
    of_video[judged.popular.indices] = judged.popular.values
    return of_video[views["video"].to_numpy()]


def _exposed(views: pa.Table, scores: dict[str, NDArray[np.floating]], slices: Slices) -> dict[Key, Values]:
    viewer, video = views["viewer"].to_numpy(), views["video"].to_numpy()
    good = views["good"].to_numpy(zero_copy_only=False)
    new, able = slices.new_videos[video], metrics.viewers_with_both(viewer, good)
    able_in_new = np.isin(able, metrics.viewers_with_both(viewer[new], good[new]))
    found: dict[Key, Values] = {}
    for ranking, score in scores.items():
        found |= _sliced(ranking, "auc_exposed", metrics.auc_by_viewer(viewer, score, good), able, slices)
        of_new = metrics.auc_by_viewer(viewer[new], score[new], good[new])
        found[ranking, "auc_exposed", NEW_VIDEOS] = _spread(of_new, able_in_new)
    return found


def _sliced(ranking: str, measure: str, each: Values, viewers: metrics.Ints, slices: Slices) -> dict[Key, Values]:
    """The measure of all `viewers`, and of those in each slice."""
    found: dict[Key, Values] = {(ranking, measure, None): each}
    for name, of in slices.viewers.items():
        found[ranking, measure, name] = np.where(of[viewers], each, np.nan)
    return found


def _spread(each: Values, among: NDArray[np.bool_]) -> Values:
    """Values of the viewers flagged, as a column of all."""
    whole = np.full(len(among), np.nan)
    whole[among] = each
    return whole


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


def _ranked(
    viewers: NDArray[np.int32], truth: Rows, lists: dict[str, NDArray[np.int32]], judged: Judged
) -> dict[Key, Values]:
    """Columns of the `viewers`, who all have `truth` [viewers, videos]."""
    of_new = truth.where(judged.slices.new_videos[truth.indices])
    able_in_new, found = metrics.judged(of_new.indptr), dict[Key, Values]()
    popularity = np.bincount(judged.seen.indices, minlength=len(judged.shown))
    for ranking, ids in lists.items():
        all_of_it = metrics.per_viewer(ids, truth.indptr, truth.indices, DEPTHS)
        new = metrics.per_viewer(ids, of_new.indptr, of_new.indices, [k for _, k in SLICED])
        for k in DEPTHS:
            found |= {(ranking, f"{measure}@{k}", None): all_of_it[measure][k] for measure in MEASURES}
            found[ranking, f"novelty@{k}", None] = exposure.novelty(ids, popularity, k)
            found[ranking, f"diversity@{k}", None] = exposure.diversity(ids, judged.contents, k)
        for measure, k in SLICED:
            found |= _sliced(ranking, f"{measure}@{k}", all_of_it[measure][k], viewers, judged.slices)
            found[ranking, f"{measure}@{k}", NEW_VIDEOS] = _spread(new[measure][k], able_in_new)
    return found


def _together(ranking: str, ids: NDArray[np.int32], judged: Judged) -> list[dict[str, Any]]:
    """What no viewer has alone, so that there is no interval: the share of videos listed, and how evenly."""
    may = int(judged.shown.sum())
    rows = []
    for k in DEPTHS:
        listed = exposure.times_shown(ids, len(judged.shown), k)[judged.shown]
        rows.append(_row((ranking, f"coverage@{k}", None), exposure.coverage(ids, may, k), None, None, len(ids)))
        rows.append(_row((ranking, f"gini@{k}", None), exposure.gini(listed), None, None, len(ids)))
    return rows


def _column(values: NDArray[np.generic]) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values.astype(np.int32))])
