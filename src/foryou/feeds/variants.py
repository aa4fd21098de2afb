"""Variants of segments: how people from one app, or of one age band, would begin, where there are enough of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foryou.feeds.starters import Pool
from foryou.settings import Starters

KINDS = ("referrer", "age_band")
"""Columns of `viewers`; where somebody has both, readers ask for the first one first."""

_PLAIN = r"^[A-Za-z0-9_.+-]{1,40}$"
"""Values that may stand in a segment's name."""

Ints = NDArray[np.int64]


def name(segment: str, kind: str, value: str) -> str:
    """`US:en@referrer=invite`."""
    return f"{segment}@{kind}={value}"


def pools(of: dict[str, Pool], interactions: pa.Table, viewers: pa.Table, settings: Starters) -> dict[str, Pool]:
    """The pool of every segment's variants with at least `min_variant_viewers` viewers, by what those watched well.

    `interactions` are `viewer`, `video`, `good`; `viewers` are `viewer`, `country`, `language` and `KINDS`. The same
    videos as in the segment's pool, by falling `(good + m·quality) / (met + m)`, m = `variant_prior_viewers`: of few
    viewers a variant keeps the segment's order.
    """
    names = list(of)
    fit = np.unique(np.concatenate([pool.videos for pool in of.values()])) if of else np.empty(0, np.int32)
    pairs = _Pairs.between(interactions, fit)
    found: dict[str, Pool] = {}
    for kind in KINDS:
        values, value = _values(viewers, kind, pairs.height)
        for segment in _rungs(viewers, names, pairs.height):
            cell = np.where((segment >= 0) & (value >= 0), segment * len(values) + value, -1)
            large = _large(cell[pairs.met], settings.min_variant_viewers)
            for which, met, good in zip(large.tolist(), *pairs.counts(cell, large), strict=True):
                own, told = names[which // len(values)], values[which % len(values)]
                place = np.searchsorted(fit, of[own].videos)
                ranked = _ranked(of[own], met[place], good[place], settings.variant_prior_viewers)
                found[name(own, kind, told)] = ranked
    return found


@dataclass(frozen=True)
class _Pairs:
    """Who met which of the videos that are fit to start with, by their places, and whether well; and who met any."""

    viewer: Ints
    place: Ints
    good: NDArray[np.bool_]
    met: Ints
    height: int
    width: int

    @classmethod
    def between(cls, interactions: pa.Table, fit: NDArray[np.int32]) -> _Pairs:
        viewer, video = interactions["viewer"].to_numpy(), interactions["video"].to_numpy()
        place_of = np.full(1 + int(max(video.max(initial=-1), fit.max(initial=-1))), -1, np.int64)
        place_of[fit] = np.arange(len(fit))
        place = place_of[video]
        kept = place >= 0
        good = interactions["good"].to_numpy(zero_copy_only=False)[kept]
        height = 1 + int(viewer.max(initial=-1))
        met = np.zeros(height, bool)
        met[viewer] = True
        return cls(viewer[kept], place[kept], good, np.flatnonzero(met), height, len(fit))

    def counts(self, cell: Ints, of: Ints) -> tuple[Ints, Ints]:
        """[cells, places]: how many viewers of each of these cells met the video, and how many watched it well."""
        row_of = np.full(1 + int(max(cell.max(initial=-1), of.max(initial=-1))) + 1, -1, np.int64)
        row_of[of] = np.arange(len(of))  # the last entry is that of cell -1
        row = row_of[cell][self.viewer]
        inside = row >= 0
        flat, shape = row[inside] * self.width + self.place[inside], (len(of), self.width)
        both = (flat, flat[self.good[inside]])
        met, good = (np.bincount(some, minlength=len(of) * self.width).reshape(shape) for some in both)
        return met, good


def _values(viewers: pa.Table, kind: str, height: int) -> tuple[list[str], Ints]:
    """The values of a kind that may stand in a name, and each viewer's by dense id, -1 for none."""
    told = viewers[kind]
    plain = pc.fill_null(pc.match_substring_regex(told, _PLAIN), False)
    names = pc.unique(told.filter(plain)).sort()
    of_row = pc.fill_null(pc.index_in(told, names), -1).to_numpy().astype(np.int64)
    return names.to_pylist(), _by_viewer(viewers, of_row, height)


def _rungs(viewers: pa.Table, names: list[str], height: int) -> list[Ints]:
    """Each viewer's place in `names` on each rung of the ladder `US:en`, `*:en`, `*:*`; -1 where it has no list."""
    country, language = viewers["country"], viewers["language"]
    of_names = pa.array(names, pa.string())
    rungs = [
        pc.binary_join_element_wise(country, language, ":"),
        pc.binary_join_element_wise("*", language, ":"),
        pa.chunked_array([pa.repeat("*:*", viewers.num_rows)]),
    ]
    places = [pc.fill_null(pc.index_in(rung, of_names), -1).to_numpy().astype(np.int64) for rung in rungs]
    return [_by_viewer(viewers, place, height) for place in places]


def _by_viewer(viewers: pa.Table, values: Ints, height: int) -> Ints:
    ids = viewers["viewer"].to_numpy()
    found = np.full(max(height, 1 + int(ids.max(initial=-1))), -1, np.int64)
    found[ids] = values
    return found


def _large(cells: Ints, fewest: int) -> Ints:
    """The cells with so many viewers."""
    return np.flatnonzero(np.bincount(cells[cells >= 0]) >= fewest)


def _ranked(pool: Pool, met: Ints, good: Ints, prior: float) -> Pool:
    rate = (good + prior * pool.quality) / (met + prior)
    order = np.argsort(-rate, kind="stable")
    arrays = {field: getattr(pool, field)[order] for field in ("videos", "topic", "sound", "creator")}
    return replace(pool, quality=rate[order].astype(np.float32), **arrays)
