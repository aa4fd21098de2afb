"""How well a video that nobody has met could be offered: by its content alone, or by predicted factors.

Some videos that the model knows are held out and taken for new ones: the projection is fitted without them, and the
viewers' factors are found again from what else they watched. Then both ways rank these videos for the viewers who met
them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foryou.evaluation import metrics
from foryou.evaluation.evaluate import told
from foryou.models import matrices, topk
from foryou.models.cold_factors import Described
from foryou.models.factors import Matrix
from foryou.models.matrices import Rows
from foryou.settings import ColdFactors

DEPTH = 20
RANKINGS = ("content", "predicted")


@dataclass(frozen=True)
class HeldOut:
    """`videos` [pool] taken for new; `viewers` [n] who watched some of them well and others not.

    Entry i of `row`, `place`, `good` is one pair: viewer viewers[row[i]] met videos[place[i]]. `others` holds the rows
    of interactions of these viewers with all other videos; its `viewer` is a row of `viewers`.
    """

    videos: NDArray[np.int32]
    viewers: NDArray[np.int32]
    row: NDArray[np.int64]
    place: NDArray[np.int64]
    good: NDArray[np.bool_]
    others: pa.Table


def hold_out(
    interactions: pa.Table, known: NDArray[np.bool_], settings: ColdFactors, rng: np.random.Generator
) -> HeldOut:
    """A drawn share of the `known` videos, and up to `max_viewers` drawn viewers whose taste they can judge."""
    new = known & (rng.random(len(known)) < settings.held_out_share)
    viewer, video = interactions["viewer"].to_numpy(), interactions["video"].to_numpy()
    good = interactions["good"].to_numpy()
    inside = new[video]
    able = metrics.viewers_with_both(viewer[inside], good[inside])
    chosen = np.zeros(viewer.max(initial=-1) + 1, bool)
    chosen[np.sort(rng.permutation(able)[: settings.max_viewers])] = True
    theirs = chosen[viewer]
    pairs = np.flatnonzero(theirs & inside)
    pairs = pairs[np.lexsort((video[pairs], viewer[pairs]))]
    row_of, place_of = np.cumsum(chosen) - 1, np.cumsum(new) - 1
    theirs_alone = interactions.filter(pa.array(theirs & ~inside))
    column = theirs_alone.column_names.index("viewer")
    rows = row_of[theirs_alone["viewer"].to_numpy()].astype(np.int32)
    return HeldOut(
        videos=np.flatnonzero(new).astype(np.int32),
        viewers=np.flatnonzero(chosen).astype(np.int32),
        row=row_of[viewer[pairs]],
        place=place_of[video[pairs]],
        good=good[pairs],
        others=theirs_alone.set_column(column, "viewer", pa.array(rows)),
    )


def judge(
    held: HeldOut, liked: Rows, content: Described, viewers: Matrix, predicted: Matrix, seed: int
) -> list[dict[str, Any]]:
    """One row per ranking and measure, as `evaluate` gives them; none without viewers.

    `content`: a score is the sum over the viewer's `liked` videos [n rows of `held.viewers`] of strength x cosine, as
    the source `similar` has it; content holds the vectors of all videos by dense id. `predicted`: the dot product of
    viewers [n, factors] and predicted [pool, factors]. `cold_auc` compares good pairs with the other pairs of each
    viewer; `cold_recall@20` ranks all videos held out.
    """
    likes = liked.csr(content.tokens.shape[0])
    taste = Described((likes @ content.tokens).tocsr(), (likes @ content.dense).astype(np.float32))
    pool = content[held.videos]
    scores = {
        "content": _cosines(taste[held.row], pool[held.place]),
        "predicted": np.einsum("ij,ij->i", viewers[held.row], predicted[held.place]),
    }
    lists = {"content": _by_content(taste, pool), "predicted": _by_factors(viewers, predicted)}
    truth = matrices.rows(_column(held.row[held.good]), _column(held.place[held.good]), None, len(held.viewers))
    found: list[dict[str, Any]] = []
    for ranking in RANKINGS:
        auc = metrics.auc_by_viewer(held.row, scores[ranking], held.good)
        recall = metrics.per_viewer(lists[ranking], truth.indptr, truth.indices, (DEPTH,))["recall"][DEPTH]
        found += told({(ranking, "cold_auc", None): auc}, seed) + told(
            {(ranking, f"cold_recall@{DEPTH}", None): recall}, seed
        )
    return found


def better(rows: list[dict[str, Any]], min_viewers: int) -> str | None:
    """The ranking of the higher `cold_auc`, content if they tie; None where it rests on fewer viewers than that."""
    of = {
        row["ranking"]: row["value"] for row in rows if row["measure"] == "cold_auc" and row["viewers"] >= min_viewers
    }
    return max(RANKINGS, key=lambda ranking: of[ranking]) if of else None


def _cosines(one: Described, other: Described) -> NDArray[np.float64]:
    """The dot product of each row with the other's of the same place."""
    of_tokens = np.asarray(one.tokens.multiply(other.tokens).sum(axis=1)).ravel()
    return of_tokens + np.einsum("ij,ij->i", one.dense, other.dense)


def _by_content(taste: Described, pool: Described) -> NDArray[np.int32]:
    turned, rows = pool.tokens.T.tocsr(), taste.tokens
    indptr, base = rows.indptr.astype(np.int64), taste.dense @ pool.dense.T if pool.dense.shape[1] else None
    ids, _ = topk.top_k_sparse(
        indptr, rows.indices, rows.data, turned, DEPTH, base=base, **_nothing_seen(len(indptr) - 1)
    )
    return ids


def _by_factors(viewers: Matrix, predicted: Matrix) -> NDArray[np.int32]:
    ids, _ = topk.top_k(viewers, predicted, DEPTH, **_nothing_seen(len(viewers)))
    return ids


def _nothing_seen(viewers: int) -> dict[str, Any]:
    return {"seen_indptr": np.zeros(viewers + 1, np.int64), "seen_indices": np.empty(0, np.int32)}


def _column(values: NDArray[np.integer]) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values.astype(np.int32))])
