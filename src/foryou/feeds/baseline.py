"""The baseline score: what a rule of thumb makes of a pair of viewer and video. Nothing is learned (DESIGN §7).

A reference, no ranking of ours: the night reports how the model does beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from foryou.models import codes, matrices
from foryou.models.matrices import Rows
from foryou.settings import Evaluation

Ints = NDArray[np.int32]
Values = NDArray[np.float64]
Part = tuple[sparse.csr_matrix, sparse.csr_matrix]
"""Some heads: who has which, with their weights, [viewers, heads], and which video has which, [heads, videos]."""

COMPLETION, LIKED, SHARED, FOLLOWED, TAG, SOUND, LANGUAGE, COUNTRY = 0.4, 0.3, 0.25, 0.35, 0.2, 0.15, 0.05, 0.02


def score(
    *,
    completion: ArrayLike = 0.0,
    liked: ArrayLike = False,
    shared: ArrayLike = False,
    followed: ArrayLike = False,
    shared_tags: ArrayLike = 0,
    sound: ArrayLike = False,
    language: ArrayLike = False,
    country: ArrayLike = False,
) -> Values:
    """`.4 completion + .3 like + .25 share + .35 follow + .2·|shared tags| + .15 sound + .05 language + .02 country`.

    Each argument has one value per pair, or one for all: completion in [0, 1], nan where unknown, which counts as 0;
    whether the viewer liked or shared the video and follows its creator (or the chance of it); how many of its tags the
    viewer likes; whether the viewer likes its sound, speaks its language, lives in its country.
    """
    of_video = quality(completion, liked, shared)
    of_pair = FOLLOWED * np.asarray(followed, np.float64) + TAG * np.asarray(shared_tags) + SOUND * np.asarray(sound)
    return of_video + of_pair + LANGUAGE * np.asarray(language) + COUNTRY * np.asarray(country)


def quality(completion: ArrayLike, liked: ArrayLike, shared: ArrayLike) -> Values:
    """The part of the score that is about what became of the video; with means of all viewers, about any viewer."""
    known = np.nan_to_num(np.asarray(completion, np.float64), nan=0.0)
    return COMPLETION * known + LIKED * np.asarray(liked, np.float64) + SHARED * np.asarray(shared, np.float64)


@dataclass(frozen=True)
class Before:
    """All that was known before the day that is judged.

    views (viewer, video, completion, liked, shared, followed): of some days before; good (viewer, video): pairs watched
    well; follows (viewer, creator_id); viewers (viewer, language, country); videos (video, creator_id, sound_id, tags,
    language, country).
    """

    views: pa.Table
    good: pa.Table
    follows: pa.Table
    viewers: pa.Table
    videos: pa.Table


def heads(before: Before, viewers: int, videos: int, settings: Evaluation) -> tuple[Rows, sparse.csr_matrix]:
    """The score as a product: rows [viewers, heads] of weights, and a matrix [heads, videos] of what a video has.

    The first head is the video's quality from everybody's mean completion, likes and shares, drawn to those of all
    videos with the weight of `baseline_prior_views` views, since nobody knows yet what this viewer will do. The others
    are creators (followed), tags and sounds (the `baseline_likes` that the viewer watched well most often), languages
    and countries (of the account).
    """
    ids, n = before.videos["video"].to_numpy(), (viewers, videos)
    of_video = sparse.csr_matrix(known_quality(before.views, videos, settings.baseline_prior_views)[None, :])
    parts: list[Part] = [(sparse.csr_matrix(np.ones((viewers, 1), np.float32)), of_video)]
    parts.append(_followed(before, ids, n))
    for name, weight in (("tags", TAG), ("sound_id", SOUND)):
        _, having = codes.holding(ids, before.videos[name], videos)
        liked = _most_watched(_ones(before.good, viewers, videos) @ having, settings.baseline_likes)
        parts.append((weight * liked, having.T))
    parts += [_accounts(before, ids, n, "language", LANGUAGE), _accounts(before, ids, n, "country", COUNTRY)]
    rows = sparse.hstack([part for part, _ in parts], format="csr", dtype=np.float32)
    rows.sort_indices()
    matrix = sparse.vstack([part for _, part in parts], format="csr", dtype=np.float32)
    return Rows(rows.indptr.astype(np.int64), rows.indices.astype(np.int32), rows.data), matrix


def known_quality(views: pa.Table, videos: int, prior_views: float) -> NDArray[np.float32]:
    """The quality [videos] of means: (sum + prior_views · mean of all) / (views + prior_views)."""
    video, means = views["video"].to_numpy(), []
    for name in ("completion", "liked", "shared"):
        value = pc.cast(views[name], pa.float64()).to_numpy(zero_copy_only=False)
        known = ~np.isnan(value)
        sums = np.bincount(video[known], np.rint(value[known] * 1e6), videos) / 1e6  # whole: no order of rows matters
        counts = np.bincount(video[known], minlength=videos)
        overall = sums.sum() / max(1, counts.sum())
        means.append((sums + prior_views * overall) / (counts + prior_views))
    return quality(*means).astype(np.float32)


def _followed(before: Before, ids: Ints, n: tuple[int, int]) -> Part:
    """Creators: followed by the account, or from one of their videos in the views before."""
    viewers, videos = n
    names, having = codes.holding(ids, before.videos["creator_id"], videos)
    place = pc.fill_null(pc.index_in(before.follows["creator_id"], names), -1).to_numpy()
    listed = _having(before.follows["viewer"].to_numpy(), place, (viewers, len(names)))
    both = (listed + _ones(before.views.filter(before.views["followed"]), viewers, videos) @ having).tocsr()
    both.data[:] = FOLLOWED
    return both, having.T


def _accounts(before: Before, ids: Ints, n: tuple[int, int], name: str, weight: float) -> Part:
    """Languages or countries: of the account, and of the video."""
    both = codes.coded(pa.chunked_array([*before.viewers[name].chunks, *before.videos[name].chunks], pa.string()))
    people, shape = before.viewers.num_rows, len(both.names)
    of_viewers = _having(before.viewers["viewer"].to_numpy(), both.codes[:people], (n[0], shape))
    of_videos = _having(ids, both.codes[people:], (n[1], shape))
    return weight * of_viewers, of_videos.T


def _having(ids: Ints, code: Ints, shape: tuple[int, int]) -> sparse.csr_matrix:
    known = code >= 0
    return sparse.csr_matrix((np.ones(int(known.sum()), np.float32), (ids[known], code[known])), shape=shape)


def _ones(pairs: pa.Table, viewers: int, videos: int) -> sparse.csr_matrix:
    return matrices.rows(pairs["viewer"], pairs["video"], None, viewers).csr(videos)


def _most_watched(counts: sparse.csr_matrix, each: int) -> sparse.csr_matrix:
    """Of each row the `each` heads with the highest counts, as ones; ties by name, which is by number."""
    row = np.repeat(np.arange(counts.shape[0], dtype=np.int64), np.diff(counts.indptr))
    falling = (2**16 - np.minimum(counts.data, 2**16).astype(np.int64)) << 32 | counts.indices
    order = np.lexsort((falling, row))
    place = np.arange(len(order)) - np.repeat(counts.indptr[:-1], np.diff(counts.indptr))
    best = order[place < each]
    return sparse.csr_matrix((np.ones(len(best), np.float32), (row[best], counts.indices[best])), shape=counts.shape)
