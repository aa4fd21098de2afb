"""The final list: the video at each place of a feed, greedily, as varied as it can be at little cost (DESIGN §7)."""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from foryou.feeds.rules import CATEGORY, CREATOR, EXPLORING, SOUND, STARTING, UNIT, Lists, Past, Rules, Videos
from foryou.tables import RULES

_SHARE, _SOUND_GAP, _CREATOR_GAP, _SOUND_MOST, _CREATOR_MOST = (1 << bit for bit in range(len(RULES)))
_NOTHING = 1 << len(RULES)
"""More than any set of broken rules: there is no video for the place."""


class _Row(NamedTuple):
    """What is known of the list being filled, and of the viewer's own candidates.

    `used` [videos] is the row that shows a video of the group; `near` [3, labels] marks the place that a label stands
    too near to, `counts` [3, labels] how often the list has it; `labels` [3, places before and in the list]; `shown`
    are the list's videos. `worth` is the standardised score, -inf for what may not be listed, `ceiling` the most from
    there on; `nearest` the greatest product with what is shown at the first `compared` places; `passed` [videos] what
    having been passed over costs.
    """

    used: NDArray[np.int64]
    near: NDArray[np.int64]
    counts: NDArray[np.int64]
    labels: NDArray[np.int32]
    shown: NDArray[np.int32]
    worth: NDArray[np.float64]
    ceiling: NDArray[np.float64]
    nearest: NDArray[np.int32]
    compared: NDArray[np.int32]
    passed: NDArray[np.float64]


def fill(
    lists: Lists, wanted: NDArray[np.int8], past: Past, videos: Videos, rules: Rules
) -> tuple[NDArray[np.int8], NDArray[np.int32], NDArray[np.int32]]:
    """Fills feeds: [viewers, length] of the list each place was filled from (0: own, 1 + n: kept list n, -1: none), the
    place there, and the rules that it breaks (bits of `RULES`).

    `wanted` [length] is the kept list that a place is for, -1 for none. What is drawn (`exploring`) has its places
    first and stands whatever the rules say. Every other place takes the first of its kept list, or else the own
    candidate of the highest `standardised score - variety x greatest cosine with those above` (Carbonell and Goldstein
    1998), or, as often as `known` leaves it, the first of `starting`; of those the one that breaks the least in the
    order of `RULES`, which is nothing wherever there is one. A list ends where nothing is left. Never in a list: a
    second video of one group, a candidate without a finite score, what is no video's id.
    """
    (rows, width), length = lists.own.shape, wanted.size
    source, place, relaxed = (np.zeros((rows, length), kind) for kind in (np.int8, np.int32, np.int32))
    source[:] = -1
    n_videos, labels = len(videos.copy_of), 1 + max(0, int(videos.labels.max(initial=-1)))
    row_of = _Row(
        used=np.full(n_videos, -1, np.int64),
        near=np.zeros((3, labels), np.int64),
        counts=np.zeros((3, labels), np.int64),
        labels=np.full((3, past.watched.shape[1] + length), -1, np.int32),
        shown=np.zeros(length, np.int32),
        worth=np.zeros(width),
        ceiling=np.zeros(width),
        nearest=np.zeros(width, np.int32),
        compared=np.zeros(width, np.int32),
        passed=np.zeros(n_videos),
    )
    _fill(lists, wanted, past, videos, rules, row_of, source, place, relaxed)
    return source, place, relaxed


@numba.njit(cache=True, nogil=True)
def _fill(lists, wanted, past, videos, rules, row_of, source, place, relaxed):  # type: ignore[no-untyped-def]
    for row in range(source.shape[0]):
        _look_back(row_of, past.watched[row], videos.labels)
        for at in range(past.indptr[row], past.indptr[row + 1]):
            row_of.passed[past.videos[at]] = rules.passed_over * past.times[at]
        _standardise(row_of, lists.own[row], lists.scores[row])
        for at in range(past.indptr[row], past.indptr[row + 1]):
            row_of.passed[past.videos[at]] = 0
        _give_drawn(row_of, row, lists.kept[EXPLORING, row], wanted, videos, source[row], place[row])
        _give_others(row_of, row, lists, wanted, videos, rules, source[row], place[row], relaxed[row])


@numba.njit(cache=True, nogil=True)
def _look_back(row_of, watched, labels):  # type: ignore[no-untyped-def]
    """Forgets the list before, and begins with what this viewer watched last."""
    for kind in range(3):
        for at in range(row_of.labels.shape[1]):
            if row_of.labels[kind, at] >= 0:
                row_of.counts[kind, row_of.labels[kind, at]] = 0
            row_of.labels[kind, at] = -1
        for at in range(watched.size):
            if 0 <= watched[at] < labels.shape[0]:
                row_of.labels[kind, at] = labels[watched[at], kind]


@numba.njit(cache=True, nogil=True)
def _standardise(row_of, own, scores):  # type: ignore[no-untyped-def]
    """The worth of the own candidates: `(score - mean) / deviation - what being passed over costs`."""
    worth, ceiling, passed = row_of.worth, row_of.ceiling, row_of.passed
    count, total, squares = 0, 0.0, 0.0
    for at in range(own.size):
        row_of.nearest[at], row_of.compared[at], worth[at] = 0, 0, -np.inf
        if 0 <= own[at] < passed.size and math.isfinite(scores[at]):
            worth[at] = scores[at]
            count, total = count + 1, total + worth[at]
    mean = total / max(count, 1)
    for at in range(own.size):
        if worth[at] > -np.inf:
            squares += (worth[at] - mean) * (worth[at] - mean)
    deviation = math.sqrt(squares / max(count, 1)) if squares > 0 else 1.0
    most = -np.inf
    for at in range(own.size - 1, -1, -1):
        if worth[at] > -np.inf:
            worth[at] = (worth[at] - mean) / deviation - passed[own[at]]
        most = max(most, worth[at])
        ceiling[at] = most


@numba.njit(cache=True, nogil=True)
def _give_drawn(row_of, row, drawn, wanted, videos, source, place):  # type: ignore[no-untyped-def]
    """The places that are kept for what was drawn, in the order of the draws."""
    at = 0
    for turn in range(wanted.size):
        if wanted[turn] != EXPLORING:
            continue
        while at < drawn.size and not _fresh(drawn[at], row, row_of.used, videos.copy_of):
            at += 1
        if at < drawn.size:
            source[turn], place[turn] = 1 + EXPLORING, at
            _take(row_of, row, drawn[at], turn, videos)


@numba.njit(cache=True, nogil=True)
def _give_others(row_of, row, lists, wanted, videos, rules, source, place, relaxed):  # type: ignore[no-untyped-def]
    """All other places in their order; a list that ends before a place for what was drawn does not reach it."""
    due = 0.0
    for turn in range(wanted.size):
        if source[turn] >= 0:
            continue
        now = _mark_near(row_of, row, turn, rules)
        asked, at, broken = 1 + wanted[turn], -1, _NOTHING
        if asked:
            at, broken = _first(row_of, row, now, lists.kept[wanted[turn], row], videos, rules)
        if broken:
            due += 1 - lists.known[row]
            starting = due >= 1 - 1e-9
            due -= starting
            for of_starting in (starting, not starting):
                if of_starting:
                    other, breaks = _first(row_of, row, now, lists.kept[STARTING, row], videos, rules)
                else:
                    other, breaks = _best(row_of, row, now, turn, lists.own[row], videos, rules)
                if breaks < broken:
                    asked, at, broken = 1 + STARTING if of_starting else 0, other, breaks
                if not broken:
                    break
        if broken == _NOTHING:
            source[turn:] = -1
            return
        source[turn], place[turn], relaxed[turn] = asked, at, broken
        _take(row_of, row, lists.kept[asked - 1, row, at] if asked else lists.own[row, at], turn, videos)


@numba.njit(cache=True, nogil=True)
def _fresh(video, row, used, copy_of):  # type: ignore[no-untyped-def]
    """Whether it is a video of which the list shows no copy."""
    return 0 <= video < copy_of.size and used[copy_of[video]] != row


@numba.njit(cache=True, nogil=True)
def _take(row_of, row, video, turn, videos):  # type: ignore[no-untyped-def]
    before = row_of.labels.shape[1] - row_of.shown.size
    row_of.used[videos.copy_of[video]] = row
    row_of.shown[turn] = video
    for kind in range(3):
        label = videos.labels[video, kind]
        row_of.labels[kind, before + turn] = label
        if label >= 0:
            row_of.counts[kind, label] += 1


@numba.njit(cache=True, nogil=True)
def _mark_near(row_of, row, turn, rules):  # type: ignore[no-untyped-def]
    """Marks labels that stand too near to the place, on either side, for another video of theirs; gives the mark."""
    labels, near = row_of.labels, row_of.near
    now, end = row * row_of.shown.size + turn + 1, labels.shape[1]
    here = end - row_of.shown.size + turn
    for kind, gap in ((SOUND, rules.sound_gap), (CREATOR, rules.creator_gap)):
        for at in range(max(0, here - gap + 1), min(end, here + gap)):
            if labels[kind, at] >= 0:
                near[kind, labels[kind, at]] = now
    # The fullest stretch that holds this place begins with the category in question, or here.
    stretch = rules.category_places
    for at in range(max(0, here - stretch + 1), min(end, here + stretch)):
        category, count = labels[CATEGORY, at], 0
        if category < 0 or near[CATEGORY, category] == now:
            continue
        for other in range(min(at, here), min(end, min(at, here) + stretch)):
            count += labels[CATEGORY, other] == category
        if count >= rules.category_most:
            near[CATEGORY, category] = now
    return now


@numba.njit(cache=True, nogil=True)
def _broken(video, now, labels, near, counts, most):  # type: ignore[no-untyped-def]
    """The rules that the video would break at the place that was marked last."""
    broken, category, sound, creator = 0, labels[video, CATEGORY], labels[video, SOUND], labels[video, CREATOR]
    if category >= 0 and near[CATEGORY, category] == now:
        broken |= _SHARE
    if sound >= 0:
        broken |= _SOUND_GAP * (near[SOUND, sound] == now) | _SOUND_MOST * (counts[SOUND, sound] >= most[0])
    if creator >= 0:
        broken |= _CREATOR_GAP * (near[CREATOR, creator] == now)
        broken |= _CREATOR_MOST * (counts[CREATOR, creator] >= most[1])
    return broken


@numba.njit(cache=True, nogil=True)
def _first(row_of, row, now, listed, videos, rules):  # type: ignore[no-untyped-def]
    """Of a list's videos that break the least the first: its place, and what it breaks."""
    used, near, counts, most = row_of.used, row_of.near, row_of.counts, (rules.sound_most, rules.creator_most)
    copy_of, labels = videos.copy_of, videos.labels
    chosen, least = -1, _NOTHING
    for at in range(listed.size):
        if _fresh(listed[at], row, used, copy_of):
            broken = _broken(listed[at], now, labels, near, counts, most)
            if broken < least:
                chosen, least = at, broken
            if not least:
                break
    return chosen, least


@numba.njit(cache=True, nogil=True)
def _best(row_of, row, now, turn, own, videos, rules):  # type: ignore[no-untyped-def]
    """Of the own candidates that break the least the best: its place, and what it breaks; of equals the first.

    A candidate is only compared with those shown while it may win: what it was nearest to so far bounds its value.
    """
    used, near, counts, most = row_of.used, row_of.near, row_of.counts, (rules.sound_most, rules.creator_most)
    worth, ceiling, nearest, compared = row_of.worth, row_of.ceiling, row_of.nearest, row_of.compared
    copy_of, labels, vectors, shown = videos.copy_of, videos.labels, videos.vectors, row_of.shown
    scale = rules.variety / (UNIT * UNIT) if turn < rules.varied_places else 0.0
    chosen, least, best = -1, _NOTHING, -np.inf
    for at in range(own.size):
        if not least and ceiling[at] <= best:
            break
        if worth[at] == -np.inf or (not least and worth[at] - scale * nearest[at] <= best):
            continue
        video = own[at]
        if not _fresh(video, row, used, copy_of):
            worth[at] = -np.inf
            continue
        broken = _broken(video, now, labels, near, counts, most)
        if broken > least or (broken == least and worth[at] - scale * nearest[at] <= best):
            continue
        if scale > 0:
            nearest[at] = _nearest(video, shown, compared[at], turn, nearest[at], vectors)
            compared[at] = turn
        value = worth[at] - scale * nearest[at]
        if broken < least or value > best:
            chosen, least, best = at, broken, value
    return chosen, least


@numba.njit(cache=True, nogil=True)
def _nearest(video, shown, first, end, nearest, vectors):  # type: ignore[no-untyped-def]
    """The greatest of `nearest` and the products with what is shown at the places from `first` up to `end`."""
    for place in range(first, end):
        other, product = shown[place], np.int32(0)
        for dimension in range(vectors.shape[1]):
            product = np.int32(product + np.int32(vectors[video, dimension]) * np.int32(vectors[other, dimension]))
        nearest = max(nearest, product)
    return nearest
