"""Hashes of texts: golden values, beside the formula in whole numbers, and what must not change them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from foryou.models import hashing

TEXTS = ["", "a", "food", "кошки", "猫", "\0", "a\0", "ab", "ba", "x" * 5_000]

GOLDEN = {
    "": 0,
    "food": 18064067554445794803,
    "кошки": 3402724067063016757,
    "猫": 9425580553104527120,
    "fast-car": 17812791451182793962,
    "tags": 14995453941860595452,
}
"""Written out on purpose: what is hashed on one night must mean the same on every later one."""


def by_hand(text, seed=0):
    def mixed(value):
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB % 2**64
        return value ^ (value >> 31)

    data = text.encode()
    total = sum((byte + 1) * pow(0x9E3779B97F4A7C15, place, 2**64) for place, byte in enumerate(data))
    return mixed((mixed((len(data) + seed) % 2**64) + total) % 2**64)


@pytest.mark.parametrize(("text", "value"), GOLDEN.items())
def test_a_hash_is_what_it_was(text, value):
    assert int(hashing.of_texts(pa.array([text]))[0]) == value


@pytest.mark.parametrize("seed", [0, 7, 2**64 - 1])
def test_hashes_agree_with_the_formula(seed):
    assert [int(each) for each in hashing.of_texts(pa.array(TEXTS), seed)] == [by_hand(text, seed) for text in TEXTS]


def test_where_a_text_stands_does_not_matter():
    whole = pa.array([*TEXTS, None])
    pieces = pa.chunked_array([whole.slice(3, 4), whole.slice(0, 3), whole.slice(7)])
    assert np.array_equal(hashing.of_texts(whole.slice(3, 4)), hashing.of_texts(whole)[3:7])
    order = [*range(3, 7), *range(3), *range(7, len(whole))]
    assert np.array_equal(hashing.of_texts(pieces), hashing.of_texts(whole)[order])
    assert np.array_equal(hashing.of_texts(whole.cast(pa.large_string())), hashing.of_texts(whole))


def test_null_and_nothing_hash_as_the_empty_text():
    assert hashing.of_texts(pa.array([None, ""], pa.string())).tolist() == [by_hand("")] * 2
    assert len(hashing.of_texts(pa.array([], pa.string()))) == 0


def test_a_hundred_thousand_texts_have_as_many_hashes_and_fill_dimensions_evenly():
    found = hashing.of_texts(pa.array([f"v{n}" for n in range(100_000)]))
    assert len(set(found.tolist())) == 100_000
    in_cell = np.bincount((found % np.uint64(64)).astype(int), minlength=64)
    assert abs(in_cell - 100_000 / 64).max() < 5 * (100_000 / 64) ** 0.5


def test_what_others_have_too_is_among_them():
    draw = np.random.default_rng(1)
    values, others = (draw.integers(0, 60, size, dtype=np.uint64) for size in (200, 20))
    assert hashing.among(values, others).tolist() == np.isin(values, others).tolist()
    assert not hashing.among(values, others[:0]).any()
    assert not len(hashing.among(values[:0], others))


def test_repeated_values_are_those_that_come_more_than_once():
    values = np.array([5, 1, 5, 2, 1, 5, 3], np.uint64)
    assert hashing.repeated(values).tolist() == [True, True, True, False, True, True, False]
    assert not len(hashing.repeated(values[:0]))
