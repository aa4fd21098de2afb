"""Whether the reranker tells what is watched well better than the blend does, on a day that it has not learned from."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from foryou.evaluation import gate, metrics
from foryou.evaluation.gate import Decision
from foryou.evaluation.slices import NEW_VIEWERS
from foryou.models import reranker
from foryou.models.reranker import FEATURES, Floats, Model
from foryou.settings import Evaluation

NOTHING: dict[str, Any] = {
    "state": "left_out",
    "why": "",
    "days": 0,
    "rows": 0,
    "viewers": 0,
    "blended": None,
    "reranked": None,
    "features": [],
    "importances": [],
    "account_bound": None,
    "model": None,
}
"""A row of `rerankers` of which nothing can be told."""

_SCORE, _MET = FEATURES.index("score"), FEATURES.index("videos_met")


def decide(
    model: Model, features: Floats, good: NDArray[np.bool_], group: NDArray[np.integer], settings: Evaluation
) -> dict[str, Any]:
    """What of the row of `rerankers` the rows of a day tell: those that were candidates, of each viewer (`group`)."""
    listed = ~np.isnan(features[:, _SCORE])
    features, good, group = features[listed], good[listed], group[listed]
    met, scores = features[:, _MET], reranker.scores(model, features)
    found = judge(group, good, features[:, _SCORE], scores, met, settings)
    told = reranker.importances(model)
    row: dict[str, Any] = {"why": found.why, "features": [*told], "importances": [*told.values()]}
    if found.rows:
        overall = found.rows[0]
        row |= {"viewers": overall.viewers, "blended": overall.champion, "reranked": overall.challenger}
    if found.accepted:
        row |= {"state": "used", "model": model.text, "account_bound": model.account_bound}
    return row


def judge(
    group: NDArray[np.integer],
    good: NDArray[np.bool_],
    blended: NDArray[np.floating],
    scores: NDArray[np.floating],
    met: NDArray[np.floating],
    settings: Evaluation,
) -> Decision:
    """AUC of both scores among each viewer's exposed candidates [rows]; `met`: how many videos the viewer had met.

    To be used it must pass the gate against the blend, and be better overall beyond doubt: lower bound above 0.
    """
    viewers, first = np.unique(group, return_index=True)
    able = np.isin(viewers, metrics.viewers_with_both(group, good))
    champion, challenger = (metrics.auc_by_viewer(group, each, good) for each in (blended, scores))
    new = met[first][able] < settings.new_viewer_videos
    found = gate.decide(champion, challenger, {NEW_VIEWERS: new}, settings)
    if not found.accepted or found.rows[0].low > 0:
        return found
    return Decision(False, f"refused: no better than the blend; {found.rows[0].told()}", found.rows)
