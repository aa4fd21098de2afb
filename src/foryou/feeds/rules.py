"""What a final list is filled from and the rules that it obeys, as its kernel wants them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foryou.settings import Feeds
from foryou.tables import KEPT

CATEGORY, SOUND, CREATOR = range(3)
"""The labels of a video that rules look at, by their column in `Videos.labels`."""

EXPLORING, STARTING = KEPT.index("exploring"), KEPT.index("starting")

UNIT = 2**14
"""The length of a vector in whole numbers: sums of their products are exact in any order, and fit into 32 bits."""


class Videos(NamedTuple):
    """By dense id: the near copies' first, [videos, 3] labels (-1: unknown), [videos, dimensions] of length `UNIT`."""

    copy_of: NDArray[np.int32]
    labels: NDArray[np.int32]
    vectors: NDArray[np.int16]


class Lists(NamedTuple):
    """What feeds are filled from, padded with -1: own [viewers, width] with scores, kept [lists, viewers, width].

    `known` [viewers] is the share of the places that goes to the viewer's own.
    """

    own: NDArray[np.int32]
    scores: NDArray[np.float32]
    kept: NDArray[np.int32]
    known: NDArray[np.float32]


class Past(NamedTuple):
    """What viewers met before: watched [viewers, places] of their last list, newest last, -1 before.

    `passed` of row i are `videos[indptr[i]:indptr[i + 1]]`, so many `times` each: those passed over.
    """

    watched: NDArray[np.int32]
    indptr: NDArray[np.int64]
    videos: NDArray[np.int32]
    times: NDArray[np.float32]


class Rules(NamedTuple):
    """The settings of `feeds` as the kernel wants them; what they mean is told there."""

    category_places: int
    category_most: int
    sound_gap: int
    creator_gap: int
    sound_most: int
    creator_most: int
    variety: float
    varied_places: int
    passed_over: float


def of_settings(settings: Feeds) -> Rules:
    return Rules(
        settings.category_places,
        max(1, int(settings.category_share * settings.category_places + 1e-9)),
        settings.sound_gap,
        settings.creator_gap,
        settings.sound_most,
        settings.creator_most,
        settings.variety,
        settings.varied_places,
        settings.passed_over,
    )


def places_before(settings: Feeds) -> int:
    """How many places of the list before the rules look back to."""
    return max(settings.category_places, settings.sound_gap, settings.creator_gap, 1) - 1


def whole(vectors: NDArray[np.float32]) -> NDArray[np.int16]:
    """Vectors of length `UNIT` in whole numbers: products are cosines within .0004. Zero for one that is none."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    known = np.isfinite(lengths) & (lengths > 0)
    return np.rint(np.where(known, vectors, 0) * (UNIT / np.where(known, lengths, 1))).astype(np.int16)


def kept_places(settings: Feeds) -> NDArray[np.int8]:
    """For each place the number of the list that it is kept for, -1 for the candidates' own."""
    wanted = np.full(settings.length, -1, np.int8)
    for number, name in enumerate(KEPT):
        places = getattr(settings, f"{name}_places", ())
        wanted[[place - 1 for place in places if place <= settings.length]] = number
    return wanted
