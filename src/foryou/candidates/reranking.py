"""The order that trees give each viewer's first candidates, where they were found to tell better than the blend."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foryou.candidates import avoided
from foryou.candidates.pair_features import Known, Standing, features
from foryou.models import matrices, reranker
from foryou.models.matrices import Rows
from foryou.models.topk import Floats, Ints

_MODEL, _BOUND = "reranker.txt", "reranker_bound"


@dataclass(frozen=True)
class Reranker:
    """A model with what it looks at."""

    model: reranker.Model
    known: Known

    @classmethod
    def open(cls, folder: Path) -> Reranker | None:
        """What `save` left, mapped; None if tonight the blend stands."""
        if not (folder / _MODEL).exists():
            return None
        bound = float(matrices.shared(folder, _BOUND)[0])
        return cls(reranker.Model((folder / _MODEL).read_text("utf-8"), bound), Known.open(folder))

    def save(self, folder: Path) -> None:
        self.known.save(folder)
        matrices.share(folder, {_BOUND: np.array([self.model.account_bound])})
        (folder / _MODEL).write_text(self.model.text, "utf-8")


def order(
    by: Reranker, viewers: Ints, first: tuple[Ints, Floats, Ints, Ints], log_multipliers: Floats, fading: Rows
) -> Ints:
    """[viewers, length]: the places of the first candidates, from 0, best first; -1 beyond the end of a list.

    first: ids, scores, sources and `leads_by` of the blend, [viewers, length], padded with id -1. What the trees say is
    standardised within each viewer's row; then, as in the blend, what a creator is worth moves it, and what a viewer
    tires of. Equal ones keep the blend's order.
    """
    ids, scores, sources, leads_by = first
    there = ids >= 0
    row, place = np.nonzero(there)
    rank, lead = (place + 1).astype(np.float32), leads_by[there].astype(np.float32)
    listed = Standing(scores[there], rank, lead, sources[there])
    worth = np.zeros(there.shape)
    worth[there] = reranker.scores(by.model, features(by.known, viewers[row], ids[there], listed))
    moved = _standardised(worth, there) + np.where(there, log_multipliers[ids], -np.inf)
    places = np.where(there, np.arange(ids.shape[1]), -1).astype(np.int32)
    _, comparable, places = avoided.fade(ids, moved.astype(np.float32), places, fading, len(log_multipliers))
    best = np.lexsort((places, -comparable), axis=1)
    return np.take_along_axis(places, best, axis=1)


def _standardised(values: NDArray[np.float64], there: NDArray[np.bool_]) -> NDArray[np.float64]:
    counts = np.maximum(there.sum(axis=1, keepdims=True), 1)
    mean = values.sum(axis=1, keepdims=True, where=there) / counts
    spread = np.sqrt(((values - mean) ** 2).sum(axis=1, keepdims=True, where=there) / counts)
    return np.asarray((values - mean) / np.maximum(spread, 1e-9))
