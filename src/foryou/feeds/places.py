"""Which list each place of a feed is filled from: the viewer's own candidates, or one that has places kept for it."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from foryou.settings import Feeds
from foryou.tables import KEPT

STARTING = KEPT.index("starting")
"""Fills in for the own candidates of viewers who are hardly known."""


def kept_places(settings: Feeds) -> NDArray[np.int8]:
    """For each place the number of the list that it is kept for, -1 for the candidates' own."""
    wanted = np.full(settings.length, -1, np.int8)
    for number, name in enumerate(KEPT):
        places = getattr(settings, f"{name}_places", ())
        wanted[[place - 1 for place in places if place <= settings.length]] = number
    return wanted


@numba.njit(cache=True)
def _fresh(videos, at, used, row, copy_of):  # type: ignore[no-untyped-def]
    """The first place from `at` on whose video is none of the feed's; the end if there is none."""
    while at < videos.size and (videos[at] < 0 or used[copy_of[videos[at]]] == row):
        at += 1
    return at


@numba.njit(cache=True)
def fill(own, kept, wanted, known, copy_of):  # type: ignore[no-untyped-def]
    """Fills feeds: the list that each place was filled from (0: own, 1 + n: kept list n, -1: none) and the place there.

    own [viewers, width] and kept [lists, viewers, width] hold videos, best first, padded with -1; `wanted` [length] is
    what `kept_places` says. A kept place whose list is used up is one like the others: of those, the share `known`
    [viewers] goes to the viewer's own candidates and the rest to `starting`, evenly spread; where one of the two is
    used up, to the other. No feed holds two videos of one group `copy_of`.
    """
    rows, length = own.shape[0], wanted.size
    source = np.full((rows, length), -1, np.int8)
    place = np.zeros((rows, length), np.int32)
    used = np.full(copy_of.size, -1, np.int64)
    for row in range(rows):
        at = np.zeros(1 + kept.shape[0], np.int64)
        due = 0.0
        for turn in range(length):
            first = 0
            if wanted[turn] >= 0:
                videos = kept[wanted[turn], row]
                at[1 + wanted[turn]] = _fresh(videos, at[1 + wanted[turn]], used, row, copy_of)
                first = 1 + wanted[turn] if at[1 + wanted[turn]] < videos.size else 0
            if first == 0:
                due += 1 - known[row]
                if due >= 1 - 1e-9:
                    due -= 1
                    first = 1 + STARTING
            for asked in (first, 0, 1 + STARTING):
                videos = own[row] if asked == 0 else kept[asked - 1, row]
                at[asked] = _fresh(videos, at[asked], used, row, copy_of)
                if at[asked] < videos.size:
                    used[copy_of[videos[at[asked]]]] = row
                    source[row, turn], place[row, turn] = asked, at[asked]
                    break
            if source[row, turn] < 0:
                break
    return source, place
