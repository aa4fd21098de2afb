"""All that is known of a viewer's taste in one score: who watches alike, and what the videos are about."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from foryou.candidates.night import Night
from foryou.models import kernels, topk
from foryou.models.topk import Floats, Ints, Lists


def of_one_scale(viewers: Floats, videos: Floats, among: NDArray[np.bool_], weight: float) -> tuple[Floats, Floats]:
    """Both sides of a dot product, [viewers, n] and [videos, n], so that the scores of kinds of vectors can be added.

    Over the videos `among` which one may choose, and that have a vector, each viewer's scores get the standard
    deviation `weight`: the rows of viewers are divided by `sqrt(u C u)`, C the covariance of the videos' vectors.
    A video without a vector gets the mean one: it is neither raised nor lowered by what is not known of it. Where one
    of the sides has no vectors at all, and so no width, all scores are 0.
    """
    if viewers.shape[1] != videos.shape[1]:
        return np.zeros((len(viewers), 1), np.float32), np.zeros((len(videos), 1), np.float32)
    known: NDArray[np.bool_] = np.any(videos, axis=1)
    chosen = videos[known & among].astype(np.float64)
    if len(chosen) == 0:
        return np.zeros_like(viewers), np.zeros_like(videos)
    mean = chosen.mean(axis=0)
    covariance = (chosen - mean).T @ (chosen - mean) / len(chosen)
    spread = np.sqrt(np.maximum(0, np.einsum("ij,ij->i", viewers.astype(np.float64) @ covariance, viewers)))
    scale = np.divide(weight, spread, out=np.zeros(len(viewers)), where=spread > 1e-12)
    filled = np.where(known[:, None], videos, mean).astype(np.float32)
    return (viewers * scale[:, None]).astype(np.float32), filled


def scales(own: Floats, scaled: Floats) -> Floats:
    """What `of_one_scale` multiplied each viewer's vector with, [viewers]; 0 for who has none."""
    before, after = (np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64)) for rows in (own, scaled))
    return np.divide(after, before, out=np.zeros(len(own)), where=before > 0).astype(np.float32)


def rescored(night: Night, viewers: NDArray[np.int32], found: Sequence[Ints], length: int) -> Lists:
    """The best of what the sources found [viewers, their length] by the whole taste, of which each sees a part."""
    lists = topk.empty_lists(len(viewers), length)
    factors, contents = night.video_factors.view(np.ndarray), night.video_contents.view(np.ndarray)
    own = (np.array(night.viewer_factors[viewers]), np.array(night.viewer_contents[viewers]))
    kernels.rescore(np.stack(found), own[0], factors, own[1], contents, *lists)
    return lists


def of_any(night: Night, viewers: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Which of these viewers have any taste; for the others all videos are alike."""
    parts = (night.viewer_factors[viewers], night.viewer_contents[viewers])
    return np.logical_or(*(np.any(part, axis=1) for part in parts))


def of_videos(night: Night, viewers: NDArray[np.int32], videos: NDArray[np.int32]) -> tuple[Floats, Floats]:
    """The whole taste of these viewers for these videos, [viewers, videos], and its part by content."""
    scores, of_contents = np.empty((2, len(viewers), len(videos)), np.float32)
    of_videos = (np.array(night.video_factors[videos]), np.array(night.video_contents[videos]))
    of_viewers = (np.array(night.viewer_factors[viewers]), np.array(night.viewer_contents[viewers]))
    kernels.score(of_viewers[0], of_videos[0], of_viewers[1], of_videos[1], scores, of_contents)
    return scores, of_contents
