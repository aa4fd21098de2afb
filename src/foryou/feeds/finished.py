"""What in a viewer's own past speaks for a video: a tag of several videos finished, or one of these videos."""

from __future__ import annotations

import numba
import numpy as np

NOTHING, TAG, VIDEO = range(3)


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _dot(one, other):  # type: ignore[no-untyped-def]
    total = np.float32(0)
    for i in range(one.size):
        total += one[i] * other[i]
    return total


@numba.njit(cache=True, nogil=True)
def count_tags(first, last, finished, tags, change, counts):  # type: ignore[no-untyped-def]
    """Adds `change` to `counts` of each tag of the finished videos at [first, last); a weight of 0 is no tag."""
    for i in range(first, last):
        for j in range(tags[0][finished[i]], tags[0][finished[i] + 1]):
            if tags[2][j] > 0:
                counts[tags[1][j]] += change


@numba.njit(cache=True, nogil=True)
def _largest(near, count, vector, parts):  # type: ignore[no-untyped-def]
    """The largest dot product of `vector` with one of the first columns of `near`, and which; 0 and -1 if none is more.

    Column beside column, so that eight of them are added up at a time: a fifth of the time of one after another.
    """
    parts[:count] = 0
    for part in range(vector.size):
        weight = vector[part]
        for i in range(count):
            parts[i] += near[part, i] * weight
    most, at = np.float32(0), -1
    for i in range(count):
        if parts[i] > most:
            most, at = parts[i], i
    return most, at


@numba.njit(cache=True, nogil=True)
def speaking(videos, wanted, finished, tags, tag_directions, vectors, tastes, fewest):  # type: ignore[no-untyped-def]
    """For each wanted place what speaks most for its video: kind, object and value, each [viewers, places].

    videos [viewers, places], padded with -1. finished (indptr, videos, strengths): what each viewer finished. tags
    (indptr, tags, weights): of each video. A video's content score is tastes . vectors of it, [viewers, width] and
    [videos, width], and a tag's part in it weight x (tastes . tag_directions of it); a finished video's is strength x
    (vectors of it . vectors of this one).

    A TAG is the one of the largest part among the video's tags that at least `fewest` finished videos have; object is
    its place among the video's tags, value how many these are. A VIDEO is the finished one of the largest part, value
    that part, where there is no such tag, or where that part is more than half of the score. NOTHING where no part is
    above 0. Of equal parts the first counts.
    """
    kinds = np.zeros(videos.shape, np.int8)
    objects, values = np.full(videos.shape, -1, np.int32), np.zeros(videos.shape, np.float32)
    counts = np.zeros(len(tag_directions), np.int32)
    longest = np.max(np.diff(finished[0])) if videos.shape[0] else 0
    near, parts = np.empty((vectors.shape[1], longest), np.float32), np.empty(longest, np.float32)
    for row in range(videos.shape[0]):
        first, last = finished[0][row], finished[0][row + 1]
        if first == last or not np.any(wanted[row]):
            continue
        count_tags(first, last, finished[1], tags, 1, counts)
        for i in range(first, last):
            near[:, i - first] = finished[2][i] * vectors[finished[1][i]]
        for place in range(videos.shape[1]):
            video = videos[row, place]
            if video < 0 or not wanted[row, place]:
                continue
            best = np.float32(0)
            for j in range(tags[0][video], tags[0][video + 1]):
                tag = tags[1][j]
                if tags[2][j] > 0 and counts[tag] >= fewest:
                    part = tags[2][j] * _dot(tastes[row], tag_directions[tag])
                    if part > best:
                        best = part
                        kinds[row, place], objects[row, place] = TAG, j - tags[0][video]
                        values[row, place] = counts[tag]
            most, seed = _largest(near, last - first, vectors[video], parts)
            half = np.float32(0.5) * _dot(tastes[row], vectors[video])
            if seed >= 0 and (kinds[row, place] == NOTHING or most > half):
                kinds[row, place], values[row, place] = VIDEO, most
                objects[row, place] = finished[1][first + seed]
        count_tags(first, last, finished[1], tags, -1, counts)
    return kinds, objects, values
