"""Fairness: who is shown in the feeds of a night, and how much of one thing each viewer gets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foryou.evaluation import exposure
from foryou.tables import RULES

Ints = NDArray[np.int32]
Mask = NDArray[np.bool_]

TIERS = ("top 1 %", "next 9 %", "others")
"""Creators by their followers, ties by their number of videos, then by number."""


@dataclass(frozen=True)
class Catalogue:
    """What fairness asks of videos, by dense id: creator and topic (-1: none), and whether it is for adults only.

    Of creators, by number: the tier (a place in `TIERS`), and whether the creator is new.
    """

    creator: Ints
    topic: Ints
    for_adults: Mask
    tier: Ints
    new: Mask


def tiers(followers: NDArray[np.int64], videos: NDArray[np.int64]) -> Ints:
    """The tier of each creator: of a hundred the first, of ten the first, or the others."""
    order = np.lexsort((np.arange(len(followers)), -videos, -followers))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return np.searchsorted([0.01 * len(order), 0.1 * len(order)], place, side="right").astype(np.int32)


def measures(blocks: Iterable[pa.RecordBatch], of: Catalogue, minor: Mask) -> list[tuple[str, str, float]]:
    """Rows of `fairness`: measure, slice, value.

    `blocks` are rows of `feeds`: `viewer`, `videos`, `relaxed`; `minor` says by viewer who is one.

    Exposure is counted in places of feeds. Entropy is in bits over a feed's topics, videos without one left out; both
    it and the share of the most frequent topic are means over the viewers with two topics' worth of videos or more.
    """
    shown, relaxed = np.zeros(len(of.creator), np.int64), np.zeros(len(RULES), np.int64)
    entropy = top = 0.0
    feeds = adult_to_minors = 0
    for block in blocks:
        lists = block.column("videos")
        videos = lists.flatten().to_numpy()
        row = np.repeat(np.arange(len(lists)), lists.value_lengths().to_numpy())
        shown += np.bincount(videos, minlength=len(shown))
        relaxed += _bits(block.column("relaxed").flatten().to_numpy(), len(RULES))
        adult_to_minors += int((minor[block.column("viewer").to_numpy()][row] & of.for_adults[videos]).sum())
        bits, share = _of_one_thing(row, of.topic[videos], len(lists))
        entropy, top, feeds = entropy + bits.sum(), top + share.sum(), feeds + len(bits)
    by_creator = np.bincount(of.creator[of.creator >= 0], shown[of.creator >= 0], minlength=len(of.tier))
    total = max(1.0, float(by_creator.sum()))
    return [
        *(("exposure", name, float(by_creator[of.tier == n].sum()) / total) for n, name in enumerate(TIERS)),
        ("exposure", "new creators", float(by_creator[of.new].sum()) / total),
        ("gini", "creators", exposure.gini(by_creator)),
        ("gini", "videos", exposure.gini(shown)),
        ("topic_entropy_bits", "viewers", entropy / max(1, feeds)),
        ("most_frequent_topic_share", "viewers", top / max(1, feeds)),
        ("videos_for_adults_shown_to_minors", "places", float(adult_to_minors)),
        *(("relaxed", rule, float(count) / max(1, shown.sum())) for rule, count in zip(RULES, relaxed, strict=True)),
    ]


def _bits(sets: Ints, bits: int) -> NDArray[np.int64]:
    """How many of the sets hold each bit."""
    counts = np.bincount(sets, minlength=1 << bits)
    held = np.arange(1 << bits)[None, :] >> np.arange(bits)[:, None] & 1
    return held @ counts


def _of_one_thing(row: NDArray[np.int64], topic: Ints, rows: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Per feed with at least two videos of a topic: the entropy of its topics, and the share of the first of them."""
    row, topic = row[topic >= 0], topic[topic >= 0]
    width = 1 + int(topic.max(initial=0))
    counts = np.bincount(row * width + topic, minlength=rows * width).reshape(rows, width)
    counts = counts[counts.sum(axis=1) > 1]
    share = counts / counts.sum(axis=1, keepdims=True)
    bits = -(share * np.log2(np.where(share > 0, share, 1))).sum(axis=1)
    return bits, share.max(axis=1, initial=0)
