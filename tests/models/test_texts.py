"""Texts as what they mean, and null where they mean nothing."""

from __future__ import annotations

import pyarrow as pa
import pytest

from foryou.models import texts

NOON = "2026-03-10 12:00:00.000000Z"


def moment(*given):
    return texts.moments(pa.chunked_array([given], pa.string())).cast(pa.string()).to_pylist()


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-10T12:00:00Z",
        "2026-03-10T12:00:00.000000999Z",
        "2026-03-10 12:00:00",
        "2026-03-10T12:00",
        "2026-03-10T14:00:00+02:00",
        "2026-03-10T14:00:00.0+0200",
        "2026-03-10T10:30-01:30",
    ],
)
def test_a_moment_is_read_however_it_is_written(text):
    assert moment(text, None) == [NOON, None]


def test_a_date_alone_is_its_midnight_and_years_have_four_digits():
    assert moment("2026-03-10", "0001-01-01", "9999-12-31T23:59:59.999999Z") == [
        "2026-03-10 00:00:00.000000Z",
        "0001-01-01 00:00:00.000000Z",
        "9999-12-31 23:59:59.999999Z",
    ]


@pytest.mark.parametrize(
    "text",
    ["", " ", "x", "12:00:00", "T12:00:00Z", "1773144000", "now", "-0001-03-10T12:00:00Z", "292279-01-01T00:00:00Z"]
    + ["2026-02-30T12:00:00Z", "2026-03-10T25:00:00Z", "2026-03-10T12:00:60Z", "2026-03-10T12:60:00Z"]
    + ["2026-03-10T12:00:00+99:00", "2026-03-10T12:00:00Z\n", "2026-03-10T12:00:00 Europe/Berlin", "2026-03"],
)
def test_what_names_no_moment_is_none(text):
    assert moment(text, "2026-03-10T12:00:00Z") == [None, NOON]


def test_an_id_is_of_plain_characters():
    given = ["a", "7", "A.b_c:d@e-f", "x" * 64, "x" * 65, "", " ", "-a", "a\n", "a\u2028", "é", "ｕ", "a\x00", None]
    assert texts.plain_id(pa.chunked_array([given])).to_pylist() == [True] * 4 + [False] * 10
