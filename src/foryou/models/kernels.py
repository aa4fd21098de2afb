"""Compiled loops behind `topk` and `blend`, all in one file on purpose.

numba's cache notices a change of the file that a function stands in, not of the files it calls into, so kernels that
call each other share a file. The cache lies in `__pycache__` beside this file, else in the user's cache folder, or
where `NUMBA_CACHE_DIR` says; a worker process only loads it.

A list in the making is an unordered row of 64-bit keys: the score in the upper half, mapped so that unsigned order is
the order of floats, and the complement of the id in the lower half. Of two keys the larger one is better, ties
included, so selecting and sorting need nothing else.
"""

# mypy: disable-error-code="no-untyped-def"
# numba infers the types of kernels from their first call; the typed signatures are those of the callers.

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
def _write_sorted(keys, size, ids, scores):
    """Write the best of `keys[:size]`, best first, into one output row that is padded already; sorts `keys`."""
    keys[:size].sort()
    for place in range(min(size, ids.size)):
        key = keys[size - 1 - place]
        ids[place] = _id(key)
        scores[place] = _score(key)


@njit(cache=True, nogil=True)
def _reaching(values, bound):
    """How many of `values` are at least `bound`; free of branches, so it runs eight or more at a time."""
    count = np.int32(0)
    for i in range(values.size):
        count += np.int32(values[i] >= bound)
    return count


@njit(cache=True, nogil=True)
def _threshold(values, k, spare, low, high):
    """A bound that at least k of `values` reach, at most k + spare unless they tie; `low` must be such a bound.

    Halving the interval costs a dozen fast passes; a quickselect mispredicts half of its branches.
    """
    for _ in range(48):
        middle = np.float32(0.5) * low + np.float32(0.5) * high
        if not low < middle < high:
            break
        count = _reaching(values, middle)
        if count < k:
            high = middle
            continue
        low = middle
        if count <= k + spare:
            break
    return low


@njit(cache=True, nogil=True)
def _append(near, near_ids, size, scores, ids, floor):
    """Append the entries of `scores` that reach `floor` behind `size`, free of branches; returns the new size.

    There must be room for all of them. An unsigned index spares the test for a negative one (half of the time).
    """
    end = np.uint64(size)
    for j in range(np.uint64(scores.size)):
        score, identity = scores[j], ids[j]
        near[end] = score
        near_ids[end] = identity
        end += np.uint64(score >= floor)
    return np.int64(end)


@njit(cache=True, nogil=True, fastmath={"reassoc"})
def _exact_score(viewer, video):
    """The dot product in float64, rounded once. The products are exact, and one loop adds them in one order."""
    total = 0.0
    for i in range(viewer.size):
        total += viewer[i] * np.float64(video[i])
    return np.float32(total)


@njit(cache=True, nogil=True)
def _exact_keys(ids, size, viewer, videos):
    exact = viewer.astype(np.float64)
    keys = np.empty(size, np.uint64)
    for i in range(size):
        keys[i] = _key(_exact_score(exact, videos[ids[i]]), ids[i])
    return keys


@njit(cache=True, nogil=True)
def _shrink(near, ids, size, k, spare, floor, bounds, viewer, videos):
    """Drop what cannot be among the k best; returns the new size and the score that a new entry must reach.

    `bounds` holds the largest possible score and the slack: scores from the product are off by at most that much, so
    an entry is safe to drop only when it lies more than 2 slack below the k-th. Where so many (nearly) tie that
    hardly any would go, they are scored exactly and the k best of them stay.
    """
    if size <= k:
        return size, floor
    reach, slack = bounds
    bar = _threshold(near[:size], k, spare, max(floor, -reach), reach)
    floor = max(floor, bar - np.float32(2) * slack)
    size = _append(near, ids, 0, near[:size], ids[:size], floor)
    if size > near.size - 2 * STRIDE:
        keys = _exact_keys(ids, size, viewer, videos)
        _write_sorted(keys, size, ids[:k], near[:k])
        size, floor = k, near[k - 1] - np.float32(2) * slack
    return size, floor


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
def _stretches(scores, floor, starts):
    """Write where each whole stretch of STRIDE scores begins that holds one reaching `floor`; returns how many."""
    count = np.uint64(0)
    for stretch in range(np.uint64(scores.size // STRIDE)):
        first, holds = stretch * np.uint64(STRIDE), np.uint8(0)
        for j in range(first, first + np.uint64(STRIDE)):
            holds |= np.uint8(scores[j] >= floor)
        starts[count] = first
        count += np.uint64(holds)
    return np.int64(count)


@njit(cache=True, nogil=True)
def collect(scores, ids, rows, k, near, near_ids, sizes, floors, bounds, viewers, videos):
    """Take from `scores` [rows, tile] whatever may still be among the k best of its viewer.

    `near` and `near_ids` [viewers, room], `sizes`, `floors` and `bounds` belong to all viewers at work; `rows` says
    which of them these scores are of. Almost every score fails against the floor, so whole stretches are tested at
    once, and the few that hold a better one are copied without branches.
    """
    spare, width = k // 8, scores.shape[1]
    tail = width - width % STRIDE
    starts = np.empty(width // STRIDE + 2, np.int64)
    for i in range(rows.size):
        row = rows[i]
        fresh, mine, mine_ids = scores[i], near[row], near_ids[row]
        size, floor, bound = sizes[row], floors[row], (bounds[row, 0], bounds[row, 1])
        if floor == LOWEST and _reaching(fresh, LOWEST) >= k:
            floor = _threshold(fresh, k, spare, -bound[0], bound[0]) - np.float32(2) * bound[1]
        count = _stretches(fresh, floor, starts)
        starts[count] = tail
        for start in starts[: count + 1]:
            if size + STRIDE > mine.size:
                size, floor = _shrink(mine, mine_ids, size, k, spare, floor, bound, viewers[row], videos)
            stop = min(start + STRIDE, width)
            size = _append(mine, mine_ids, size, fresh[start:stop], ids[start:stop], floor)
        if size > 2 * k:
            size, floor = _shrink(mine, mine_ids, size, k, spare, floor, bound, viewers[row], videos)
        sizes[row], floors[row] = size, floor


@njit(cache=True, nogil=True)
def finish(near, near_ids, sizes, floors, bounds, viewers, videos, ids, scores):
    """Score the survivors exactly and write each viewer's sorted row."""
    k = ids.shape[1]
    for row in range(sizes.size):
        bound = (bounds[row, 0], bounds[row, 1])
        size, _ = _shrink(near[row], near_ids[row], sizes[row], k, 0, floors[row], bound, viewers[row], videos)
        _write_sorted(_exact_keys(near_ids[row], size, viewers[row], videos), size, ids[row], scores[row])


@njit(cache=True, nogil=True)
def _write_best(near, near_ids, size, ids, scores):
    """Write the best of exactly scored entries, best first, into one output row; reorders `near` and `near_ids`."""
    low, high = np.float32(np.inf), LOWEST
    for i in range(size):
        low, high = min(low, near[i]), max(high, near[i])
    if size > ids.size:
        bar = _threshold(near[:size], ids.size, ids.size // 8, low, high)
        size = _append(near, near_ids, 0, near[:size], near_ids[:size], bar)
    keys = np.empty(size, np.uint64)
    for i in range(size):
        keys[i] = _key(near[i], near_ids[i])
    _write_sorted(keys, size, ids, scores)


@njit(cache=True, nogil=True)
def multiply(rows, matrix, base, seen, eligible, above, first, last, ids, scores):
    """Rows x matrix for the viewers [first, last), one after the other, in one dense row of sums; `base` is added."""
    indptr, indices, data = rows
    to_ptr, to, weight = matrix
    total, near = np.zeros(eligible.size), np.empty(eligible.size, np.float32)
    reached = np.full(eligible.size, -1, np.int64)
    reached_ids, near_ids = np.empty(eligible.size, np.int32), np.empty(eligible.size, np.int32)
    for row in range(first, last):
        count = size = 0
        for i in range(indptr[row], indptr[row + 1]):
            for p in range(to_ptr[indices[i]], to_ptr[indices[i] + 1]):
                video = to[p]
                if reached[video] != row:
                    reached[video], total[video], reached_ids[count] = row, 0.0, video
                    count += 1
                total[video] += np.float64(data[i]) * np.float64(weight[p])
        for video in range(base.shape[1]):
            if reached[video] != row:
                reached[video], total[video], reached_ids[count] = row, 0.0, video
                count += 1
            total[video] += base[row, video]
        for i in range(seen[0][row], seen[0][row + 1]):
            reached[seen[1][i]] = -1
        for i in range(count):
            video = reached_ids[i]
            if reached[video] == row and eligible[video] and total[video] > above:
                near[size], near_ids[size] = total[video], video
                size += 1
        _write_best(near, near_ids, size, ids[row], scores[row])


@njit(cache=True, nogil=True)
def _standing(ids, scores, floor):
    """Of one source's list: entries, mean, deviation (at least `floor`) and the lowest score."""
    count, mean, lowest = 0, 0.0, np.inf
    for i in range(ids.size):
        if ids[i] >= 0:
            count += 1
            mean += scores[i]
            lowest = min(lowest, scores[i])
    mean /= max(count, 1)
    spread = 0.0
    for i in range(ids.size):
        if ids[i] >= 0:
            spread += (scores[i] - mean) ** 2
    return count, mean, max(np.sqrt(spread / max(count, 1)), floor), lowest


@njit(cache=True, nogil=True)
def _join(ids, scores, source, gain, lowest, row, count, union):
    """Add one source to the union of a viewer's videos; returns how many videos the union holds now."""
    mark, slot, members, total, bits = union
    bit = np.int32(1 << source)
    for i in range(ids.size):
        video = ids[i]
        if video < 0:
            continue
        if mark[video] != row:
            mark[video], slot[video] = row, count
            members[count], total[count], bits[count] = video, 0.0, 0
            count += 1
        at = slot[video]
        if bits[at] & bit == 0:
            bits[at] |= bit
            total[at] += gain * (scores[i] - lowest)
    return count


@njit(cache=True, nogil=True)
def blend(source_ids, source_scores, weights, floor, fewest, step, videos, ids, scores, sources):
    """One list per viewer from `source_ids` and `source_scores` [sources, viewers, length]; see `blend.blend_lists`.

    Relative to a video that every source lacks, a source adds weight / deviation x (score - its lowest score).
    """
    count_sources, rows, length = source_ids.shape
    most = count_sources * length
    mark, slot = np.full(videos, -1, np.int64), np.empty(videos, np.int32)
    members, total, bits = np.empty(most, np.int32), np.empty(most), np.empty(most, np.int32)
    union = (mark, slot, members, total, bits)
    near, near_ids = np.empty(most, np.float32), np.empty(most, np.int32)
    small = np.empty(count_sources, np.bool_)
    for row in range(rows):
        base, size = 0.0, 0
        for s in range(count_sources):
            given, given_scores = source_ids[s, row], source_scores[s, row]
            count, mean, deviation, lowest = _standing(given, given_scores, floor)
            small[s] = count < fewest
            if not small[s]:
                base += weights[s] * (lowest - mean) / deviation
                size = _join(given, given_scores, s, weights[s] / deviation, lowest, row, size, union)
        end = size
        for s in range(count_sources):
            if small[s]:
                end = _join(source_ids[s, row], source_scores[s, row], s, 0.0, 0.0, row, end, union)
        for i in range(size):
            near[i], near_ids[i] = base + total[i], members[i]
        _write_best(near, near_ids, size, ids[row], scores[row])
        for i in range(size, min(end, ids.shape[1])):
            ids[row, i], scores[row, i] = members[i], base - step * (i - size + 1)
        for i in range(min(end, ids.shape[1])):
            sources[row, i] = bits[slot[ids[row, i]]]


@njit(cache=True, nogil=True)
def score(viewer_factors, video_factors, viewer_contents, video_contents, scores, of_contents):
    """`scores` [viewers, videos]: the sum of two dot products, the same bits whatever the block; and the second one."""
    for row in range(len(viewer_factors)):
        for video in range(len(video_factors)):
            of_contents[row, video] = _exact_score(viewer_contents[row], video_contents[video])
            scores[row, video] = _exact_score(viewer_factors[row], video_factors[video]) + of_contents[row, video]


@njit(cache=True, nogil=True)
def rescore(lists, viewer_factors, video_factors, viewer_contents, video_contents, ids, scores):
    """The videos of `lists` [lists, viewers, length], once a viewer, by the sum of two dot products, best first."""
    count_lists, rows, length = lists.shape
    mark = np.full(len(video_factors), -1, np.int64)
    near, near_ids = np.empty(count_lists * length, np.float32), np.empty(count_lists * length, np.int32)
    for row in range(rows):
        size = 0
        for one in range(count_lists):
            for video in lists[one, row]:
                if video >= 0 and mark[video] != row:
                    mark[video], near_ids[size] = row, video
                    near[size] = _exact_score(viewer_factors[row], video_factors[video]) + _exact_score(
                        viewer_contents[row], video_contents[video]
                    )
                    size += 1
        _write_best(near, near_ids, size, ids[row], scores[row])


@njit(cache=True, nogil=True)
def places(lists, indptr, indices, videos, out):
    """For each entry of the rows `indptr`, `indices`: its place in its row of `lists`, or the length of the list."""
    place = np.full(videos, lists.shape[1], np.int32)
    for row in range(lists.shape[0]):
        for i in range(lists.shape[1] - 1, -1, -1):
            if lists[row, i] >= 0:
                place[lists[row, i]] = i
        for i in range(indptr[row], indptr[row + 1]):
            out[i] = place[indices[i]]
        for i in range(lists.shape[1]):
            if lists[row, i] >= 0:
                place[lists[row, i]] = lists.shape[1]
