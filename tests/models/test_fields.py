"""Fields of landed lines: ids, names, tags and times, each made plain or refused."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from foryou.models import fields

DAY = date(2026, 3, 10)
NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)


def made(of, *texts):
    return of(pa.chunked_array([pa.array(texts, pa.string())])).to_pylist()


@pytest.mark.parametrize("text", ["a", "7", "A.b:c@d-e_f", "a" * 64])
def test_an_id_is_plain_characters(text):
    assert made(fields.plain, text) == [True]
    assert made(fields.plain_or_null, text) == [text]


BAD_IDS = [None, "", "-a", "_a", "a b", "a" * 65, "é", "v😀", "\u0663", "a\n", "a\r", "a\u2028", "a\x00", "a\n\n"]


@pytest.mark.parametrize("text", BAD_IDS)
def test_an_id_of_other_characters_is_none_nor_is_one_with_a_line_feed_at_its_end(text):
    assert made(fields.plain, text) == [False]
    assert made(fields.plain_or_null, text) == [None]


def test_names_are_trimmed_of_blanks_alone_and_cut_by_characters():
    long = "😀é" * 40
    assert made(fields.name, " a b ", "", "  ", None, long, "\ta\n") == ["a b", None, None, None, long[:64], "\ta\n"]


def test_codes_name_segments():
    assert made(fields.code, " en ", "pt-BR", "", "*", "US:en", "a" * 17, "é", None) == ["en", "pt-BR"] + [None] * 6
    assert made(fields.code, "en\n", "en\r\n", "en\u2028") == [None] * 3


def test_tags_are_held_against_each_other_in_lower_case_without_the_sign():
    assert made(fields.tag, "#Cooking", "# # Été ", "##", "a#b#", None, "  ") == [
        "cooking",
        "été",
        "",
        "a#b#",
        None,
        "",
    ]
    assert made(fields.tag, "ΟΔΟΣ", "İ", "ẞ") == ["οδος", "i̇", "ß"]  # longer or other than letter by letter
    assert made(fields.tag, "#" + "É" * 70) == ["é" * 63]


def test_one_of_the_known_words_and_no_other():
    assert made(lambda texts: fields.one_of(texts, ("live", "gone")), "live", "Live", "", None) == [True] + [False] * 3


def test_the_first_fault_of_a_line_is_its_reason_and_what_cannot_be_said_is_none():
    readable = pa.chunked_array([[True, True, False, True, True]])
    faults = {"first": pa.array([True, False, True, None, None]), "second": pa.array([True, True, True, True, None])}
    assert fields.reasons(readable, faults).to_pylist() == ["first", "second", "unreadable", "second", None]


SAME = [
    "2026-03-09T12:00:00Z",
    "2026-03-09 12:00:00",
    "2026-03-09T12:00:00+00:00",
    "2026-03-09T12:00:00.000000Z",
    "2026-03-09T12:00:00.0000009Z",
    "2026-03-09T12:00",
    "2026-03-09T12",
    "2026-3-9T12:0:0",
    "2026-03-09T13:00:00+01:00",
    "2026-03-09T06:30:00-0530",
    "2026-03-09T13:00:00+1",
    "2026-03-09T12:00:00 UTC",
    "2026-03-09T10:00:00GMT-2",
    "2026-03-09T12:00:00Z\n",
    "2026-03-10T06:00:00+18:00",
]


@pytest.mark.parametrize("text", SAME)
def test_one_moment_is_written_in_many_ways(text):
    assert made(fields.times, text) == [NOON]


def test_a_day_alone_is_its_first_moment_and_a_month_its_first_day():
    assert made(fields.times, "2026-03-09", "2026-03", "2024-02-29 ") == [
        datetime(2026, 3, 9, tzinfo=UTC),
        datetime(2026, 3, 1, tzinfo=UTC),
        datetime(2024, 2, 29, tzinfo=UTC),
    ]


def test_a_fraction_counts_to_the_microsecond():
    told = made(fields.times, "2026-03-09T12:00:00.1Z", "2026-03-09T12:00:00.123456789Z", "2026-03-09T12:00:00.")
    assert [at.microsecond for at in told] == [100_000, 123_456, 0]


NO_TIMES = [
    None,
    "",
    "soon",
    "12:00:00",
    "2026",
    "1773144000",
    "now",
    "T12:00:00Z",
    "292279-01-01T00:00:00Z",
    "-0001-03-10T12:00:00Z",
    "2026-03-09T12:00:00+99:00",
    "2026-03-09T",
    "2026-02-30T12:00:00Z",
    "2025-02-29",
    "2026-13-01",
    "2026-00-01",
    "2026-03-00",
    "2026-03-09T24:00:00Z",
    "2026-03-09T12:60:00Z",
    "2026-03-09T12:00:60Z",
    "2026-03-09T12:00:00+18:01",
    "2026-03-09T12:00:00+01:60",
    "2026-03-09T12:00:00+100",
    "2026-03-09T12:00Z",
    "2026-03-09T12:00:00ZZ",
    "2026-03-09T12:00:00Z; DROP",
    "2026-03-09T12:00:00Europe/Berlin",
    " 2026-03-09",
    "+2026-03-09",
    "-026-03-09",
    "12026-03-09",
    "２０２６-03-09",
]


@pytest.mark.parametrize("text", NO_TIMES)
def test_what_names_no_moment_is_none_and_spoils_no_other(text):
    assert made(fields.times, SAME[0], text, SAME[1]) == [NOON, None, NOON]


def test_moments_end_with_the_day_and_begin_where_no_clock_is_unset():
    texts = {
        "2026-03-10T23:59:59.999999Z": True,
        "2026-03-11T00:00:00Z": False,
        "2026-03-11T01:00:00+02:00": True,
        "1970-01-02T00:00:00Z": True,
        "1970-01-01T23:59:59Z": False,
        "0001-01-01T00:00:00Z": False,
        "0000-01-01": False,
        "9999-12-31T23:59:59Z": False,
    }
    found = fields.moment(pa.array([*texts]), DAY).to_pylist()
    assert dict(zip(texts, [at is not None for at in found], strict=True)) == texts


def test_nothing_is_made_of_nothing():
    for of in (fields.plain, fields.name, fields.code, fields.tag, fields.times):
        assert made(of) == []
        assert made(of, None, None) in ([None, None], [False, False])
