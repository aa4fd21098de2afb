"""Promise: the quality that a new video's content foretells, before anybody has met it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

NEAREST = 20
_PRIOR_NEIGHBOURS = 5
"""Neighbours' worth of the platform's mean: a video with nothing alike is promised that."""


def of_videos(
    similar: pa.Table, quality: NDArray[np.float32], warm: NDArray[np.bool_], height: int
) -> NDArray[np.float32]:
    """For each dense id the mean quality of its `NEAREST` nearest warm videos, shrunk to the mean of all warm ones.

    `similar` has `video` and `videos`, nearest first; `quality` and `warm` [height] say what is known of whom.
    """
    lists = similar["videos"].combine_chunks()
    lengths = lists.value_lengths().to_numpy()
    row, neighbour = np.repeat(np.arange(len(lists)), lengths), lists.flatten().to_numpy()
    known = warm[neighbour]
    row, neighbour = row[known], neighbour[known]
    first = np.searchsorted(row, row, side="left")
    near = np.arange(len(row)) - first < NEAREST
    row, neighbour = row[near], neighbour[near]
    usual = float(quality[warm].mean()) if warm.any() else 0.0
    count = np.bincount(row, minlength=len(lists))
    total = np.bincount(row, quality[neighbour], minlength=len(lists))
    promise = np.full(height, usual, np.float32)
    promise[similar["video"].to_numpy()] = (total + _PRIOR_NEIGHBOURS * usual) / (count + _PRIOR_NEIGHBOURS)
    return promise
