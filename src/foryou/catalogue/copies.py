"""Near copies: videos that show the same thing, by their content hash or by text and duration (docs/decisions/0010)."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from foryou.catalogue import words
from foryou.settings import Content

COLUMNS = ("content_hash", "duration_ms")

Ints = NDArray[np.int64]


def groups(videos: pa.Table, settings: Content) -> NDArray[np.int32]:
    """For each row the least dense id of its group of near copies: its own, if it has none.

    Two videos are near copies if they have the same content hash; or the same text (words of the caption without its
    hashtags, of some length) and the same duration to the millisecond, where that is no coincidence; or the same text,
    duration and sound, where that is none. A group is whatever such pairs connect. Null equals nothing, null included.

    Coincidence: of N videos, n have the text, m the duration, c both. Were the two independent, a video outside these
    c would share both with (n - c)(m - c) / N others by chance; that many may be `copy_max_chance`. So a creator's
    hundred videos called "my daily vlog", cut at 15.000 s, are no copies, and a hundred re-uploads of one video are.
    """
    text, duration, sound = (
        _texts(videos["caption"], settings),
        _codes(videos["duration_ms"]),
        _codes(videos["sound_id"]),
    )
    chance = settings.copy_max_chance
    same = [
        _codes(videos["content_hash"]),
        _telling(text, duration, chance),
        _telling(text, _pairs(duration, sound), chance),
    ]
    video = videos["video"].to_numpy()
    component = _connected(same, len(video))
    least = np.full(component.max(initial=-1) + 1, np.iinfo(np.int64).max)
    np.minimum.at(least, component, video)
    return least[component].astype(np.int32)


def _texts(captions: pa.ChunkedArray, settings: Content) -> Ints:
    without_tags = pc.replace_substring_regex(words.plain(captions), r"#\S+", " ")
    text = pc.utf8_trim(pc.replace_substring_regex(without_tags, words.BETWEEN, " "), " ")
    long_enough = pc.greater_equal(pc.utf8_length(text), settings.copy_min_letters)
    return _codes(pc.if_else(long_enough, text, pa.scalar(None, pa.string())))


def _codes(column: pa.ChunkedArray) -> Ints:
    """A number for each value, -1 for null."""
    coded = column.combine_chunks().dictionary_encode().indices
    return pc.fill_null(coded, -1).to_numpy().astype(np.int64)


def _pairs(one: Ints, other: Ints) -> Ints:
    """A number for each pair of values, -1 where one of them is missing."""
    both = (one >= 0) & (other >= 0)
    return np.where(both, one * (other.max(initial=0) + 1) + other, -1)


def _telling(text: Ints, mark: Ints, most_by_chance: float) -> Ints:
    """A number for each pair of a text and a mark that hardly meet by chance; -1 elsewhere."""
    pair = _pairs(text, mark)
    many = _counts(pair)
    by_chance = (_counts(text) - many) * (_counts(mark) - many) / max(1, len(text))
    return np.where(by_chance <= most_by_chance, pair, -1)


def _counts(values: Ints) -> Ints:
    """How many rows have the row's value."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return counts[place]


def _connected(same: list[Ints], height: int) -> Ints:
    """The number of each row's component, where rows of one value are connected; -1 connects nothing."""
    ends: list[list[Ints]] = [[], []]
    for values in same:
        known = np.flatnonzero(values >= 0)
        order = known[np.argsort(values[known], kind="stable")]
        linked = values[order][1:] == values[order][:-1]
        ends[0].append(order[:-1][linked])
        ends[1].append(order[1:][linked])
    one, other = (np.concatenate(each) for each in ends)
    graph = sparse.coo_matrix((np.ones(len(one), np.int8), (one, other)), shape=(height, height))
    return connected_components(graph, directed=False)[1].astype(np.int64)
