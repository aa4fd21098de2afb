"""Which part of its score puts a candidate where it is: what the reason beside it will speak of."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from foryou.candidates.night import Night
from foryou.models.topk import Floats, Ints, Lists
from foryou.settings import Candidates
from foryou.tables import PARTS

_FACTORS, _CONTENT, _POPULAR, _CREATOR = range(len(PARTS))  # the first two are tastes
_FEWEST, _FLOOR = 20, 0.001
"""As in `blend.blend_lists`: a shorter list moves no score, and no list's deviation is taken as less."""

_ROUNDING = 1e-5
"""Parts below it are none: that of the factors is a difference."""


def deviations(whole: Lists) -> Floats:
    """By which the whole taste of each viewer is divided in the score: the standard deviation over its own list."""
    listed, scores = whole[0] >= 0, np.where(whole[0] >= 0, whole[1], 0).astype(np.float64)
    count = np.maximum(1, listed.sum(axis=1))
    mean = scores.sum(axis=1) / count
    spread = np.where(listed, (scores - mean[:, None]) ** 2, 0).sum(axis=1) / count
    return np.maximum(np.sqrt(spread), _FLOOR).astype(np.float32)


def leading(
    night: Night, viewers: NDArray[np.int32], ids: Ints, whole: Lists, popular: Lists, settings: Candidates
) -> tuple[Ints, Ints]:
    """Of each candidate the leading part (a number of `tables.PARTS`) and by how much it leads: two arrays like `ids`.

    A part is what the video gets from it in the score: by the factors and by the content over the deviation of the
    list `whole`, whose scores are their sum; by its place in the list `popular`; by its creator and its newness. The
    leading one exceeds its mean over this viewer's own candidates by most, in hundredths of a standard deviation: what
    sets the video apart from the viewer's other candidates. Only what speaks for the video leads, with a part above 0;
    parts that are no taste vary little, and lead from `lead_min_deviations` on. Where nothing may lead, `popular` is
    told.
    """
    return _leading(  # type: ignore[no-any-return]
        ids,
        (*whole, deviations(whole)),
        (np.array(night.viewer_factors[viewers]), night.video_factors.view(np.ndarray)),
        (np.array(night.viewer_contents[viewers]), night.video_contents.view(np.ndarray)),
        (*popular, np.float32(settings.weight_popular)),
        night.log_multipliers.view(np.ndarray),
        settings.lead_min_deviations,
    )


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _dot(one, other):  # type: ignore[no-untyped-def]
    total = np.float32(0)
    for i in range(one.size):
        total += one[i] * other[i]
    return total


@numba.njit(cache=True, nogil=True)
def _standard(ids, scores, weight, standing):  # type: ignore[no-untyped-def]
    """Leaves weight x (score - lowest) / deviation at the listed videos; the others stand at the lowest, with 0."""
    count, mean, lowest, spread = 0, 0.0, np.inf, 0.0
    for i in range(ids.size):
        if ids[i] >= 0:
            count, mean, lowest = count + 1, mean + scores[i], min(lowest, scores[i])
    if count < _FEWEST:
        return
    mean /= count
    for i in range(ids.size):
        if ids[i] >= 0:
            spread += (scores[i] - mean) ** 2
    deviation = max(np.sqrt(spread / count), _FLOOR)
    for i in range(ids.size):
        if ids[i] >= 0:
            standing[ids[i]] = weight * (scores[i] - lowest) / deviation


@numba.njit(cache=True, nogil=True)
def _leading(ids, whole, factors, contents, popular, log_multipliers, least):  # type: ignore[no-untyped-def]
    leads, by = np.full(ids.shape, -1, np.int32), np.zeros(ids.shape, np.int32)
    standing = np.zeros(log_multipliers.size, np.float32)
    taste_of = np.full(log_multipliers.size, np.nan, np.float32)
    parts = np.zeros((4, ids.shape[1]), np.float32)
    means = np.zeros(4)
    for row in range(ids.shape[0]):
        _standard(popular[0][row], popular[1][row], popular[2], standing)
        for i in range(whole[0].shape[1]):
            if whole[0][row, i] >= 0:
                taste_of[whole[0][row, i]] = whole[1][row, i]
        count = 0
        while count < ids.shape[1] and ids[row, count] >= 0:
            video = ids[row, count]
            content = _dot(contents[0][row], contents[1][video])
            by_factors = taste_of[video] - content  # a third of the time of their own dot product
            if np.isnan(by_factors):
                by_factors = _dot(factors[0][row], factors[1][video])
            parts[_FACTORS, count], parts[_CONTENT, count] = by_factors / whole[2][row], content / whole[2][row]
            parts[_POPULAR, count] = standing[video]
            parts[_CREATOR, count] = log_multipliers[video]
            count += 1
        for part in range(4):
            means[part] = parts[part, :count].sum() / max(count, 1)
        for place in range(count):
            best, lead = -np.inf, _POPULAR
            for part in range(4):
                excess = parts[part, place] - means[part]
                may_lead = parts[part, place] > _ROUNDING and (part <= _CONTENT or excess >= least)
                if may_lead and excess > best:
                    best, lead = excess, part
            leads[row, place] = lead
            by[row, place] = np.int32(np.rint(100 * (parts[lead, place] - means[lead])))
        for i in range(popular[0].shape[1]):
            if popular[0][row, i] >= 0:
                standing[popular[0][row, i]] = 0
        for i in range(whole[0].shape[1]):
            if whole[0][row, i] >= 0:
                taste_of[whole[0][row, i]] = np.nan
    return leads, by
