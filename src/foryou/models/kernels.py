"""Compiled loops behind `topk` and `blend`, all in one file on purpose.

numba's cache notices a change of the file that a function stands in, not of the files it calls into, so kernels that
call each other share a file. The cache lies in `__pycache__` beside this file, else in the user's cache folder, or
where `NUMBA_CACHE_DIR` says; a worker process only loads it.

A list in the making is an unordered row of 64-bit keys: the score in the upper half, mapped so that unsigned order is
the order of floats, and the complement of the id in the lower half. Of two keys the larger one is better, ties
included, so selecting and sorting need nothing else.
"""

from __future__ import annotations

import numpy as np
from numba import njit

LOWEST = np.float32(-3.4028235e38)
STRIDE = 64
_SIGN = np.uint32(0x80000000)
_ALL = np.uint32(0xFFFFFFFF)


@njit(cache=True, nogil=True, inline="always")
def _key(score, identity):
    bits = np.float32(score + np.float32(0.0)).view(np.uint32)  # adding 0 turns -0 into 0: they tie
    ordered = bits ^ _ALL if bits & _SIGN else bits | _SIGN
    return (np.uint64(ordered) << np.uint64(32)) | np.uint64(np.uint32(identity) ^ _ALL)


@njit(cache=True, nogil=True, inline="always")
def _score(key):
    ordered = np.uint32(key >> np.uint64(32))
    bits = ordered ^ _SIGN if ordered & _SIGN else ordered ^ _ALL
    return np.uint32(bits).view(np.float32)


@njit(cache=True, nogil=True, inline="always")
def _id(key):
    return np.int32(np.uint32(key & np.uint64(0xFFFFFFFF)) ^ _ALL)


@njit(cache=True, nogil=True)
def _best_first(keys, size, k):
    """Reorder `keys[:size]` so that its k largest come first, the smallest of these at k - 1 (quickselect)."""
    low, high, wanted = 0, size - 1, k - 1
    while low < high:
        a, b, c = keys[low], keys[(low + high) >> 1], keys[high]
        pivot = max(min(a, b), min(max(a, b), c))
        i, j = low, high
        while i <= j:
            while keys[i] > pivot:
                i += 1
            while keys[j] < pivot:
                j -= 1
            if i <= j:
                keys[i], keys[j] = keys[j], keys[i]
                i += 1
                j -= 1
        if wanted <= j:
            high = j
        elif wanted >= i:
            low = i
        else:
            return


@njit(cache=True, nogil=True)
def _write_sorted(keys, size, ids, scores):
    """Write the best of `keys[:size]`, in order, into one output row that is padded already; reorders `keys`."""
    kept = min(size, ids.size)
    if size > kept > 0:
        _best_first(keys, size, kept)
    keys[:kept].sort()
    for place in range(kept):
        key = keys[kept - 1 - place]
        ids[place] = _id(key)
        scores[place] = _score(key)


@njit(cache=True, nogil=True)
def _exact_score(viewer, video):
    """The dot product in float64, always summed in the same order, rounded once: the same bits on every machine."""
    a = b = c = d = e = f = g = h = 0.0
    whole = viewer.size - viewer.size % 8
    for i in range(0, whole, 8):
        a += viewer[i] * np.float64(video[i])
        b += viewer[i + 1] * np.float64(video[i + 1])
        c += viewer[i + 2] * np.float64(video[i + 2])
        d += viewer[i + 3] * np.float64(video[i + 3])
        e += viewer[i + 4] * np.float64(video[i + 4])
        f += viewer[i + 5] * np.float64(video[i + 5])
        g += viewer[i + 6] * np.float64(video[i + 6])
        h += viewer[i + 7] * np.float64(video[i + 7])
    for i in range(whole, viewer.size):
        a += viewer[i] * np.float64(video[i])
    return np.float32(((a + e) + (b + f)) + ((c + g) + (d + h)))


@njit(cache=True, nogil=True)
def _rescore(keys, size, viewer, videos):
    exact = viewer.astype(np.float64)
    for i in range(size):
        identity = _id(keys[i])
        keys[i] = _key(_exact_score(exact, videos[identity]), identity)


@njit(cache=True, nogil=True)
def _shrink(keys, size, k, slack, viewer, videos):
    """Drop what cannot be among the k best; returns the new size and the score that a new entry must reach.

    Scores from the product are off by at most `slack`, so an entry is safe to drop only when it lies more than
    2 slack below the k-th. Where so many (nearly) tie that little would go, they are scored exactly instead.
    """
    if size <= k:
        return size, LOWEST
    _best_first(keys, size, k)
    floor = np.float32(np.float64(_score(keys[k - 1])) - 2 * slack)
    kept = k
    for i in range(k, size):
        if _score(keys[i]) >= floor:
            keys[kept] = keys[i]
            kept += 1
    if kept > k + (keys.size - k) // 2:
        _rescore(keys, kept, viewer, videos)
        _best_first(keys, kept, k)
        kept = k
        floor = np.float32(np.float64(_score(keys[k - 1])) - 2 * slack)
    return kept, floor


@njit(cache=True, nogil=True)
def seen_positions(indptr, indices, position, out):
    """Per viewer the sorted places of its seen videos in the order of scoring; -1 in `position` is not scored."""
    for row in range(indptr.size - 1):
        first, last = indptr[row] - indptr[0], indptr[row + 1] - indptr[0]
        for i in range(first, last):
            out[i] = position[indices[indptr[0] + i]]
        out[first:last].sort()


@njit(cache=True, nogil=True)
def mask_seen(scores, rows, seen_indptr, seen, cursor, start):
    """Set scores[i, seen place - start] to -inf for the viewer rows[i]; the cursors remember how far each row is."""
    for i in range(rows.size):
        row = rows[i]
        end = seen_indptr[row + 1] - seen_indptr[0]
        at = cursor[row]
        while at < end and seen[at] < start + scores.shape[1]:
            if seen[at] >= start:
                scores[i, seen[at] - start] = -np.inf
            at += 1
        cursor[row] = at


@njit(cache=True, nogil=True)
def collect(scores, ids, rows, k, keys, sizes, floors, slacks, viewers, videos):
    """Take from `scores` [rows, tile] whatever may still be among the k best of its viewer.

    `keys`, `sizes`, `floors` and `slacks` belong to all viewers at work; `rows` says which of them these scores are.
    Almost every score fails the first test, so that test is made on STRIDE scores at once, free of branches.
    """
    width = scores.shape[1]
    for i in range(rows.size):
        row = rows[i]
        mine, size, floor = keys[row], sizes[row], floors[row]
        for start in range(0, width, STRIDE):
            stop = min(start + STRIDE, width)
            passing = np.int32(0)
            for j in range(start, stop):
                passing += np.int32(scores[i, j] >= floor)
            if passing == 0:
                continue
            if size + passing > mine.size:
                size, floor = _shrink(mine, size, k, slacks[row], viewers[row], videos)
            for j in range(start, stop):
                if scores[i, j] >= floor:
                    mine[size] = _key(scores[i, j], ids[j])
                    size += 1
        sizes[row], floors[row] = size, floor


@njit(cache=True, nogil=True)
def raise_floors(rows, k, keys, sizes, floors, slacks, viewers, videos):
    """Shrink each of `rows` now, so that the next scores meet a current floor."""
    for i in range(rows.size):
        row = rows[i]
        sizes[row], floors[row] = _shrink(keys[row], sizes[row], k, slacks[row], viewers[row], videos)


@njit(cache=True, nogil=True)
def finish(keys, sizes, slacks, viewers, videos, ids, scores):
    """Score the survivors exactly and write each viewer's sorted row."""
    k = ids.shape[1]
    for row in range(sizes.size):
        size, _ = _shrink(keys[row], sizes[row], k, slacks[row], viewers[row], videos)
        _rescore(keys[row], size, viewers[row], videos)
        _write_sorted(keys[row], size, ids[row], scores[row])
