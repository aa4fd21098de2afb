"""What viewers were shown on a day, with what the night before knew of each viewer and video: rows to learn from."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from foryou.candidates.pair_features import Known, Standing, features
from foryou.models import matrices
from foryou.models.matrices import Rows
from foryou.settings import Reranker

Ints = NDArray[np.int32]
Floats = NDArray[np.float32]

LISTED = ("videos", "scores", "sources", "leads_by")
"""Columns of `candidates`."""


def draw(views: pa.Table, day: date, settings: Reranker) -> pa.Table:
    """The day's views of up to `max_viewers` drawn viewers, in order, without those of their own videos."""
    others = views.filter(pc.invert(views["own"])).sort_by([("viewer", "ascending"), ("video", "ascending")])
    rng = np.random.default_rng([settings.seed, day.toordinal()])
    viewers = rng.permutation(np.unique(others["viewer"].to_numpy()))[: settings.max_viewers]
    return others.filter(pc.is_in(others["viewer"], pa.array(viewers, others["viewer"].type)))


def rows(drawn: pa.Table, listed: Standing, known: Known, settings: Reranker) -> pa.Table:
    """Rows of `exposures`: those of the views that were candidates, or shown at random."""
    chance = pc.fill_null(drawn["propensity"], 1.0).to_numpy()
    kept = (listed.sources >= 0) | (chance < 1)
    viewer, video = drawn["viewer"].to_numpy(), drawn["video"].to_numpy()
    group = np.unique(viewer, return_inverse=True)[1][kept].astype(np.int32)
    place = np.arange(len(group)) - np.searchsorted(group, group)
    weight = np.minimum(1 / np.maximum(chance[kept], 1e-9), settings.max_weight)
    return pa.table(
        {
            "group": group,
            "place": place.astype(np.int32),
            "good": drawn["good"].filter(pa.array(kept)),
            "weight": weight.astype(np.float32),
            "features": matrices.vectors(features(known, viewer, video, listed)[kept]),
        }
    )


def standing(files: list[str], met: Rows) -> Standing:
    """How the entries of `met` [viewers, videos] stand in the candidates of these files, in the entries' order."""
    size, asked = len(met.indices), np.diff(met.indptr) > 0
    score, rank, lead_by = (np.full(size, np.nan, np.float32) for _ in range(3))
    found = Standing(score, rank, lead_by, np.full(size, -1, np.int32))
    for file in files:
        for batch in pq.ParquetFile(file).iter_batches(batch_size=2_000, columns=["viewer", *LISTED]):
            viewers = batch.column("viewer").to_numpy()
            kept = np.append(asked, False)[np.minimum(viewers, len(asked))]
            if kept.any():
                _place(pa.Table.from_batches([batch]).filter(pa.array(kept)), viewers[kept], met, found)
    return found


def _place(lists: pa.Table, viewers: Ints, met: Rows, found: Standing) -> None:
    """Writes what these lists say of their viewers' entries of `met`."""
    lengths = pc.list_value_length(lists["videos"]).to_numpy()
    own = np.repeat(viewers, lengths).astype(np.int64) << 32 | _flat(lists, "videos")
    order = np.argsort(own)
    counts = met.indptr[viewers + 1] - met.indptr[viewers]
    ends = np.cumsum(counts)
    entry = np.repeat(met.indptr[viewers] - ends + counts, counts) + np.arange(counts.sum())
    asked = np.repeat(viewers, counts).astype(np.int64) << 32 | met.indices[entry]
    place = np.searchsorted(own[order], asked)
    here = np.append(own[order], -1)[place] == asked
    entry, at = entry[here], order[place[here]]
    found.score[entry] = _flat(lists, "scores")[at]
    found.rank[entry] = 1 + at - np.repeat(np.cumsum(lengths) - lengths, lengths)[at]
    found.lead_by[entry], found.sources[entry] = _flat(lists, "leads_by")[at], _flat(lists, "sources")[at]


def _flat(lists: pa.Table, name: str) -> NDArray[Any]:
    return lists[name].combine_chunks().flatten().to_numpy()
