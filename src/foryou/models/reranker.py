"""A second opinion on candidates: trees that learn from what was shown which of a viewer's videos are watched well.

LightGBM's lambdarank (Burges 2010; Ke et al. 2017) over the exposed videos of each viewer and day. It learns
on one thread, so that a second run gives the same bits, and the model travels as LightGBM's text, never as a pickle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foryou import tables
from foryou.settings import Reranker

if TYPE_CHECKING:
    from lightgbm import Booster

Floats = NDArray[np.float32]

ACCOUNT = ("same_language", "same_country")
"""What account settings say; they move a score by at most `account_bound`."""
FEATURES = (
    "score",
    "rank",
    "lead_by",
    *(f"found_by_{name}" for name in tables.TASTES),
    "factor_cosine",
    "content_cosine",
    "cluster_cosine",
    "log_multiplier",
    "quality",
    "age_days",
    "duration_s",
    "videos_met",
    *ACCOUNT,
)
"""Of a viewer and a video, as of the night before; nan: not known, or the video was no candidate of the viewer."""


@dataclass(frozen=True)
class Model:
    """`text`: LightGBM's own format. `account_bound`: by how much account settings may move a score."""

    text: str
    account_bound: float


def fit(
    features: Floats,
    good: NDArray[np.bool_],
    weight: Floats,
    group: NDArray[np.integer],
    settings: Reranker,
) -> Model:
    """Learns from exposed rows [rows, FEATURES]; rows of one `group` (a viewer's day) are compared with each other.

    weight: what a row counts, such as 1 / propensity, clipped. Raises ValueError where no group has a good row and
    another one, for weights that are not finite and above 0, and for infinite features.
    """
    import lightgbm  # a second that nights without a model need not wait

    if np.isinf(features).any() or not np.isfinite(weight).all() or not (weight > 0).all():
        raise ValueError("wanted features without infinities and finite weights above 0")
    order = np.flatnonzero(_comparable(good, group))
    order = order[np.argsort(group[order], kind="stable")]
    if len(order) == 0:
        raise ValueError("no group has a good row and another one")
    _, of, sizes = np.unique(group[order], return_inverse=True, return_counts=True)
    plain = _without_account(features[order])
    half = np.where(of[:, None] % 2 == 0, plain, features[order])  # trees must know what to do without them
    data = lightgbm.Dataset(
        half, good[order].astype(np.int8), weight=weight[order], group=sizes, feature_name=list(FEATURES)
    )
    trees = lightgbm.train(_parameters(settings), data, num_boost_round=settings.trees)
    spread = float(np.std(_predicted(trees, plain)))
    return Model(trees.model_to_string(), settings.account_share * spread)


def scores(model: Model, features: Floats) -> NDArray[np.float64]:
    """[rows]: higher is better among one viewer's rows. A row's score hangs on no other row."""
    import lightgbm

    trees = lightgbm.Booster(model_str=model.text)
    plain, whole = (_predicted(trees, each) for each in (_without_account(features), features))
    return plain + np.clip(whole - plain, -model.account_bound, model.account_bound)


def importances(model: Model) -> dict[str, float]:
    """By feature its share of the total gain of all splits, largest first; features that split nothing have 0."""
    import lightgbm

    gains = lightgbm.Booster(model_str=model.text).feature_importance("gain")
    shares = gains / max(gains.sum(), 1e-12)
    return {FEATURES[n]: float(shares[n]) for n in np.argsort(-shares, kind="stable")}


def _comparable(good: NDArray[np.bool_], group: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Rows of groups with both kinds: the others teach nothing."""
    _, of = np.unique(group, return_inverse=True)
    of_good, of_all = np.bincount(of, good), np.bincount(of)
    kept: NDArray[np.bool_] = ((of_good > 0) & (of_good < of_all))[of]
    return kept


def _parameters(settings: Reranker) -> dict[str, Any]:
    return {
        "objective": "lambdarank",
        "num_leaves": settings.leaves,
        "min_data_in_leaf": settings.min_leaf_rows,
        "learning_rate": settings.learning_rate,
        "seed": settings.seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,  # threads that wait for each other on a busy machine took forty times as long
        "verbosity": -1,
    }


def _without_account(features: Floats) -> Floats:
    left = features.copy()
    left[:, [FEATURES.index(name) for name in ACCOUNT]] = np.nan
    return left


def _predicted(trees: Booster, features: Floats) -> NDArray[np.float64]:
    return np.asarray(trees.predict(features, raw_score=True, num_threads=1), np.float64)
