"""Profiles of viewers: what is known of each one's taste, from the window's interactions and the night's factors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foryou.models import codes, matrices
from foryou.settings import Profiles
from foryou.viewers import places

Ints = NDArray[np.int32]
Values = NDArray[np.float64]

UNITS = 1_000_000
"""Strengths are added as whole millionths, which doubles add exactly: so no sum depends on the order of rows."""

CELLS_AT_ONCE = 2**22
"""Viewers x categories that are counted at a time: bounds memory where a platform has thousands of categories."""


def build(
    interactions: pa.Table, videos: pa.Table, viewers: pa.Table, taste: places.Taste, settings: Profiles
) -> pa.Table:
    """One row per viewer met inside the window, viewers rising: genres, cluster, group, languages, entropy, events.

    interactions (viewer, video, strength, good), videos (video, category, language), viewers (viewer, language).
    Score of a category: `genre_scores`; the best `categories` of those met with a strength are kept, ties by name.
    taste_entropy = -sum(p·log2 p) bits, p a category's share of the positive strength. languages: the account's own,
    then those of at least `language_min_share` of the videos watched well whose language is known, most watched first.
    cluster: the nearest by cosine, then the `near_clusters` next ones. events: videos met.
    """
    pairs, ids = _Pairs.of(interactions), videos["video"].to_numpy()
    met, height = np.unique(pairs.viewer), 1 + int(max(pairs.video.max(initial=-1), ids.max(initial=-1)))
    categories = codes.coded(videos["category"])
    category = categories.at(ids, height)
    spoken = _Spoken.of(videos, viewers, met, height)
    prior = _prior(pairs, category, len(categories.names))
    found = []
    for first, last in _blocks(len(met), max(len(categories.names), len(spoken.names))):
        some, own = met[first:last], pairs.of_viewers(met[first:last])
        rows = _genres(own, category, categories.names, prior, len(some), settings)
        rows["languages"] = _languages(own, spoken, spoken.account[first:last], settings.language_min_share)
        found.append(pa.table({"viewer": some, "events": np.bincount(own.viewer, minlength=len(some)), **rows}))
    whole = pa.concat_tables(found) if found else _NONE
    for name, column in places.of_viewers(met, taste, settings.near_clusters).items():
        whole = whole.append_column(name, column)
    return whole


_NONE = pa.schema(
    [
        ("viewer", pa.int32()),
        ("events", pa.int64()),
        ("categories", pa.list_(pa.string())),
        ("genre_scores", pa.list_(pa.float32())),
        ("taste_entropy", pa.float32()),
        ("languages", pa.list_(pa.string())),
    ]
).empty_table()


@dataclass(frozen=True)
class _Pairs:
    """Pairs of the window, viewers rising: strength in whole millionths, and whether it was watched well."""

    viewer: Ints
    video: Ints
    units: Values
    good: NDArray[np.bool_]

    @classmethod
    def of(cls, interactions: pa.Table) -> _Pairs:
        viewer, video = interactions["viewer"].to_numpy(), interactions["video"].to_numpy()
        units = np.rint(interactions["strength"].to_numpy().astype(np.float64) * UNITS)
        good = interactions["good"].to_numpy(zero_copy_only=False).astype(bool)
        if (np.diff(viewer) < 0).any():
            order = np.argsort(viewer, kind="stable")
            viewer, video, units, good = viewer[order], video[order], units[order], good[order]
        return cls(viewer, video, units, good)

    def of_viewers(self, viewers: Ints) -> _Pairs:
        """The pairs of those viewers, who are neighbours among all; viewers are then counted from 0."""
        own = slice(*np.searchsorted(self.viewer, [viewers[0], viewers[-1] + 1]))
        rows = np.searchsorted(viewers, self.viewer[own]).astype(np.int32)
        return _Pairs(rows, self.video[own], self.units[own], self.good[own])


def genre_scores(signed: Values, weight: Values, prior: Values, prior_strength: float) -> Values:
    """`(sum(strength) + m·prior) / (sum|strength| + m)`, m = `prior_strength`, all in units of strength (DESIGN §7).

    signed, weight: sums of strength and of |strength|, [viewers, categories]; prior [categories] in [-1, 1]: the
    score of the category over all viewers. Who has no strength there gets the prior.
    """
    return (signed + prior_strength * prior) / (weight + prior_strength)


def entropy_bits(positive: Values) -> Values:
    """`-sum(p·log2 p)` of each row of [viewers, categories], p = the row's shares (Shannon 1948); nan for no share."""
    whole = positive.sum(axis=1, keepdims=True)
    share = np.divide(positive, whole, out=np.full(positive.shape, np.nan), where=whole > 0)
    terms = np.where(share > 0, share * np.log2(np.where(share > 0, share, 1.0)), 0.0)
    return np.where(whole[:, 0] > 0, -terms.sum(axis=1), np.nan) + 0.0  # a single category has 0 bits, not -0


def _prior(pairs: _Pairs, category: Ints, n: int) -> Values:
    """The score of each category over all viewers; 0 where nobody has a strength."""
    code = category[pairs.video]
    known = code >= 0
    signed = np.bincount(code[known], pairs.units[known], n)
    weight = np.bincount(code[known], np.abs(pairs.units[known]), n)
    return np.divide(signed, weight, out=np.zeros(n), where=weight > 0)


def _genres(
    own: _Pairs, category: Ints, names: pa.Array, prior: Values, n: int, settings: Profiles
) -> dict[str, pa.Array]:
    """The best categories of n viewers with their scores, and the entropy of what they like."""
    code = category[own.video]
    known = code >= 0
    cell = own.viewer[known] * np.int64(len(names)) + code[known]
    shape = n, len(names)
    signed = np.bincount(cell, own.units[known], n * len(names)).reshape(shape) / UNITS
    weight = np.bincount(cell, np.abs(own.units[known]), n * len(names)).reshape(shape) / UNITS
    scores = np.where(weight > 0, genre_scores(signed, weight, prior, settings.prior_strength), -np.inf)
    best = np.argsort(-scores, axis=1, kind="stable")[:, : settings.categories]
    of_best = np.take_along_axis(scores, best, axis=1)
    kept = np.isfinite(of_best)
    bits = entropy_bits((signed + weight) / 2)
    return {
        "categories": _named(best, kept, names),
        "genre_scores": matrices.lists(of_best.astype(np.float32), kept),
        "taste_entropy": pa.array(bits.astype(np.float32), mask=np.isnan(bits)),
    }


@dataclass(frozen=True)
class _Spoken:
    """Languages: their names, that of each video and of each account met, as places in the names, -1 if unknown."""

    names: pa.Array
    of_video: Ints
    account: Ints

    @classmethod
    def of(cls, videos: pa.Table, viewers: pa.Table, met: Ints, height: int) -> _Spoken:
        both = codes.coded(pa.chunked_array([*videos["language"].chunks, *viewers["language"].chunks], pa.string()))
        who, n = viewers["viewer"].to_numpy(), videos.num_rows
        accounts = np.full(1 + int(max(met.max(initial=-1), who.max(initial=-1))), -1, np.int32)
        accounts[who] = both.codes[n:]
        of_video = np.full(height, -1, np.int32)
        of_video[videos["video"].to_numpy()] = both.codes[:n]
        return cls(both.names, of_video, accounts[met])


def _languages(own: _Pairs, spoken: _Spoken, account: Ints, min_share: float) -> pa.Array:
    code = spoken.of_video[own.video]
    known = own.good & (code >= 0)
    shape = len(account), len(spoken.names)
    cell = own.viewer[known] * np.int64(shape[1]) + code[known]
    watched = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)
    kept = (watched > 0) & (watched >= min_share * watched.sum(axis=1, keepdims=True))
    has = np.flatnonzero(account >= 0)
    kept[has, account[has]], watched[has, account[has]] = True, np.inf
    order = np.argsort(-watched, axis=1, kind="stable")
    return _named(order, np.take_along_axis(kept, order, axis=1), spoken.names)


def _named(places: NDArray[np.integer], kept: NDArray[np.bool_], names: pa.Array) -> pa.ListArray:
    """Of each row the names at the places that are kept, in their order."""
    of_rows = matrices.lists(places, kept)
    return pa.ListArray.from_arrays(of_rows.offsets, names.take(of_rows.values))


def _blocks(viewers: int, columns: int) -> Iterator[tuple[int, int]]:
    """Stretches [first, last) of the viewers, of at most `CELLS_AT_ONCE` cells in so many columns."""
    step = max(1, CELLS_AT_ONCE // max(1, columns))
    return ((first, min(first + step, viewers)) for first in range(0, viewers, step))
