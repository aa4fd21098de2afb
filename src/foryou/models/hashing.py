"""Stable 64-bit hashes of texts, all of a column at once.

A text of UTF-8 bytes b_0 ... b_n-1 has the sum of (b_i + 1)·M^i modulo 2^64, mixed with its length and a seed by the
finalizer of SplitMix64 (Steele, Lea and Flood 2014). Arrow keeps the bytes of a column in one buffer, so a few passes
of numpy over it hash every text. Golden values in the tests hold it: tables of two nights, and models
trained on one of them, must mean the same by a hash. It is no defence against somebody who looks for collisions.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def of_texts(texts: pa.Array | pa.ChunkedArray, seed: int = 0) -> Hashes:
    """The hash of each text, [texts]; null is hashed as the empty text."""
    if isinstance(texts, pa.ChunkedArray):
        return np.concatenate([np.empty(0, np.uint64), *(of_texts(chunk, seed) for chunk in texts.chunks)])
    column = texts
    starts, ends, data = _spans(column)
    lengths = ends - starts
    nonempty = np.flatnonzero(lengths)
    sums = np.zeros(len(column), np.uint64)
    if len(nonempty):
        place = np.arange(len(data)) - np.repeat(starts[nonempty], lengths[nonempty])
        terms = (data.astype(np.uint64) + np.uint64(1)) * _powers(int(lengths.max()))[place]
        sums[nonempty] = np.add.reduceat(terms, starts[nonempty])
    return mixed(mixed(lengths.astype(np.uint64) + np.uint64(seed)) + sums)


def repeated(values: Hashes) -> NDArray[np.bool_]:
    """Which values come more than once."""
    order = np.argsort(values)
    same = values[order][1:] == values[order][:-1]
    found = np.zeros(len(values), bool)
    found[order[1:][same]] = found[order[:-1][same]] = True
    return found


def among(values: Hashes, others: Hashes) -> NDArray[np.bool_]:
    """Which values others have too. (`np.isin` took ten times as long on two million.)"""
    if not len(others):
        return np.zeros(len(values), bool)
    ordered = np.sort(others)
    return ordered[np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)] == values


def mixed(values: Hashes) -> Hashes:
    """The finalizer of SplitMix64: a bijection after which every bit depends on every bit before."""
    values = (values ^ (values >> np.uint64(30))) * _MIX_1
    values = (values ^ (values >> np.uint64(27))) * _MIX_2
    return values ^ (values >> np.uint64(31))


def _spans(column: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]:
    """Where each text starts and ends in the bytes of them all; a null, whatever lies under it, is empty."""
    plain = column.fill_null("") if column.null_count else column
    plain = plain.cast(pa.large_string())
    _, offsets, data = plain.buffers()
    if len(plain) == 0 or data is None:
        return (*np.zeros((2, len(plain)), np.int64), np.empty(0, np.uint8))
    ends = np.frombuffer(offsets, np.int64)[plain.offset : plain.offset + len(plain) + 1]
    used = np.frombuffer(data, np.uint8)[ends[0] : ends[-1]]
    return ends[:-1] - ends[0], ends[1:] - ends[0], used


def _powers(count: int) -> Hashes:
    """M^0 to M^(count - 1), modulo 2^64."""
    factors = np.full(count, _MULTIPLIER)
    factors[0] = 1
    return np.multiply.accumulate(factors)
