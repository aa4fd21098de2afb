"""What a segment watches to the end, lately: for people nobody knows yet."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foryou.settings import Popular
from foryou.tables import EVERYWHERE

COLUMNS = ["viewer", "video", "good", "day"]
"""What is read of `views`."""

_UNITS = 1_000_000
"""Aged good watches are added as whole millionths: a sum of floats would depend on the order of the rows."""

Ints = NDArray[np.int64]


def build(views: pa.Table, viewers: pa.Table, videos: pa.Table, day: date, settings: Popular) -> pa.Table:
    """One row per segment and rank: the video and its score, the aged number of distinct viewers who watched it well.

    A viewer-day counts `0.5^(age / half-life)`, a viewer once per video with its latest good day. Segments of fewer
    than `min_viewers` good watchers have no list of their own: the reader goes up the ladder `US:en`, `*:en`, `*:*`.
    Only videos for every age, since nobody knows who asks. `views` holds the window's days; of `viewers` are read
    `viewer`, `country`, `language`, of `videos` `video`, `for_all`.

    Viewer, video and age make one whole number each, so that sorting plain numbers does all the grouping.
    """
    viewer, video, age = _latest_good(views.filter(views["good"]), day)
    names, rungs = _ladders(viewers, 1 + int(viewer.max(initial=-1)))
    large = _large(rungs[:, np.unique(viewer)], len(names), names.index(EVERYWHERE), settings.min_viewers)
    allowed = _flags(videos.filter(videos["for_all"])["video"], 1 + int(video.max(initial=-1)))[video]
    viewer, video, age = viewer[allowed], video[allowed], age[allowed]
    units = np.rint(np.power(0.5, np.arange(1 + age.max(initial=0)) / settings.half_life_days) * _UNITS)
    lists = [
        _best(large, *_summed(rung[viewer], video, age, units.astype(np.int64)), settings.length) for rung in rungs
    ]
    segment, rank, listed, score = (np.concatenate(column) for column in zip(*lists, strict=True))
    order = np.lexsort((rank, segment))
    return pa.table(
        {
            "segment": pa.array(names).take(pa.array(segment[order])),
            "rank": rank[order].astype(np.int32),
            "video": listed[order].astype(np.int32),
            "score": (score[order] / _UNITS).astype(np.float32),
        }
    )


def _latest_good(good: pa.Table, day: date) -> tuple[Ints, Ints, Ints]:
    """Viewer, video and age in days of each pair's latest good watch."""
    viewer, video = (good[name].to_numpy().astype(np.int64) for name in ("viewer", "video"))
    age = (day - date(1970, 1, 1)).days - good["day"].cast(pa.int32()).to_numpy().astype(np.int64)
    width, days = 1 + video.max(initial=0), 1 + age.max(initial=0)
    key = np.sort((viewer * width + video) * days + age)
    pair = key // days
    first = np.flatnonzero(np.diff(pair, prepend=-1))
    return pair[first] // width, pair[first] % width, key[first] % days


def _ladders(viewers: pa.Table, height: int) -> tuple[list[str], Ints]:
    """The names of all segments, sorted, and the place of each viewer's three rungs there, narrow ones first.

    -1 is a rung that a viewer lacks, who has no country, no language or is not in the catalogue at all.
    """
    language, country = viewers["language"], viewers["country"]
    rungs = [pc.binary_join_element_wise(country, language, ":"), pc.binary_join_element_wise("*", language, ":")]
    known = [name for rung in rungs for name in rung.unique().drop_null().to_pylist()]
    names = sorted({*known, EVERYWHERE})
    places = np.full((3, max(height, 1 + (pc.max(viewers["viewer"]).as_py() or 0))), -1, np.int64)
    for place, rung in zip(places, rungs, strict=False):
        place[viewers["viewer"].to_numpy()] = pc.fill_null(pc.index_in(rung, pa.array(names)), -1).to_numpy()
    places[2] = names.index(EVERYWHERE)
    return names, places


def _large(rungs: Ints, segments: int, everywhere: int, fewest: int) -> NDArray[np.bool_]:
    """Which segments have a list of their own; `rungs` are those of the good watchers."""
    sizes = np.bincount(rungs[rungs >= 0], minlength=segments)
    return (sizes >= fewest) | (np.arange(segments) == everywhere)


def _summed(segment: Ints, video: Ints, age: Ints, units: Ints) -> tuple[Ints, Ints, Ints]:
    """Segment, video and the sum of `units[age]` of each pair of them; segments below 0 are left out."""
    width, days = 1 + video.max(initial=0), len(units)
    inside = segment >= 0
    key = np.sort(((segment * width + video) * days + age)[inside])
    pair = key // days
    first = np.flatnonzero(np.diff(pair, prepend=-1))
    total = np.add.reduceat(units[key % days], first) if len(first) else key
    return pair[first] // width, pair[first] % width, total


def _best(
    large: NDArray[np.bool_], segment: Ints, video: Ints, total: Ints, length: int
) -> tuple[Ints, Ints, Ints, Ints]:
    """Segment, rank from 1, video and total of the best of each large segment, equal ones by the lower id."""
    listed = large[segment]
    segment, video, total = segment[listed], video[listed], total[listed]
    order = np.lexsort((video, -total, segment))
    segment, video, total = segment[order], video[order], total[order]
    rank = 1 + np.arange(len(segment)) - np.searchsorted(segment, segment)
    near = rank <= length
    return segment[near], rank[near], video[near], total[near]


def _flags(ids: pa.ChunkedArray, height: int) -> NDArray[np.bool_]:
    """True at the dense ids named, as far as they are below `height`."""
    found = np.zeros(height, bool)
    named = ids.to_numpy()
    found[named[named < height]] = True
    return found
