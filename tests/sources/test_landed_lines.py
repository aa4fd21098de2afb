"""Landed lines: whatever they hold, each is one row, read as a plain reader of JSON would read it alone."""

from __future__ import annotations

import gzip
import json
import random

import pyarrow as pa
import pytest

from foryou.sources import landed_lines

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("ms", pa.int64()),
        ("place", pa.int32()),
        ("chance", pa.float64()),
        ("tags", pa.list_(pa.string())),
        ("vector", pa.list_(pa.float32())),
    ]
)
NOTHING = dict.fromkeys(SCHEMA.names)
SOUND = b'{"id": "a", "ms": 5}'


ODD = b'{"place": "bad"}'
"""Read by nobody; a reader that takes several lines at once must not mind it."""


def parsed(*lines, end=b"\n"):
    """Each line's fields that are not null; None for one that is not readable."""
    read = landed_lines.parse(b"\n".join(lines) + end, SCHEMA).to_pylist()
    for row in read:
        if not row["readable"]:
            assert {name: row[name] for name in SCHEMA.names} == NOTHING
    return [{n: row[n] for n in SCHEMA.names if row[n] is not None} if row["readable"] else None for row in read]


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        (b'{"id": "a", "ms": 5, "chance": 0.5, "tags": ["x", null], "vector": [1, 0.5]}', None),
        (b"{}", {}),
        (b'{"id": null, "other": {"id": "b"}, "more": [1, "x"]}', {}),
        (b'{"id": 7}', {"id": "7"}),
        (b'{"id": 1.50, "tags": [2, "x"]}', {"id": "1.50", "tags": ["2", "x"]}),
        (b'{"id": "a", "id": "b"}', {"id": "b"}),
        (b'  {"id": "a"} \t\r', {"id": "a"}),
        (b'{"chance": 1}', {"chance": 1.0}),
        (b'{"chance": Infinity}', {"chance": float("inf")}),
        (b'{"chance": -1e400}', {"chance": -float("inf")}),
        (b'{"id": "\xff"}', {"id": "\ufffd"}),
        (b'{"id": "\xf0\x9f\x98\x80 \\u00fc"}', {"id": "😀 ü"}),
        (b'{"Id": "a", "id": "b"}', {"id": "b"}),
        (b'{"caption": "Id: 1", "id": "b"}', {"id": "b"}),
        (b'{"appVersion": "1.2", "id": "b"}', {"id": "b"}),
        (b'{"x": {"Id": 5}, "id": "b"}', {"id": "b"}),
        (b'{"id": -0, "other": 5}', {"id": "-0"}),
        (b'{"x": "\\"id\\": 5,", "id": "b"}', {"id": "b"}),
        (b'{"x": Inf}', {}),
        (b'{"\\u0049d": "a"}', {}),
        pytest.param(b'{"id": "b"}' + b" " * 50_000, {"id": "b"}, id="blanks"),
        pytest.param(b'{"x":' * 100_000 + b"1" + b"}" * 100_000, {}, id="deep"),
    ],
)
def test_a_line_is_read(line, fields):
    wanted = json.loads(line) if fields is None else fields
    assert parsed(line) == parsed(SOUND, line, SOUND)[1:2] == [wanted]
    assert parsed(ODD, line, ODD, line, b"") == [None, wanted, None, wanted, None]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b" ",
        b"{",
        b"}",
        b"null",
        b"[]",
        b'["id"]',
        b"{{}}",
        b'{"id": "a"',
        b'"id": "a"}',
        b'{"id": "a"}{"id": "b"}',
        b'{"id": "a"} {"id": "b"}',
        b'{"id": "a"},{"id": "b"}',
        b'{"id": "a"}]',
        b'{"id": "a"}\r{"id": "b"}',
        b"{'id': 'a'}",
        b'{"id": true}',
        b'{"id": {"id": "a"}}',
        b'{"id": ["a"]}',
        b'{"id": "a\x01"}',
        b'{"id": "\\ud800"}',
        b'{"ms": "5"}',
        b'{"ms": 5.0}',
        b'{"ms": 1e3}',
        b'{"ms": 9223372036854775808}',
        b'{"place": 2147483648}',
        b'{"chance": "0.5"}',
        b'{"tags": "x"}',
        b'{"tags": [["x"]]}',
        b'{"vector": ["x"]}',
        b'{"Id": "a"}',
        b'{"Id": "a", "id": null}',
        b'{"ID" : "a"}',
        pytest.param(b'{"x": ' + b"[" * 100_000, id="deep"),
    ],
)
def test_a_line_that_is_not_one_object_of_the_schema_is_not_readable(line):
    assert parsed(line) == [None]
    assert parsed(SOUND, line, SOUND) == [{"id": "a", "ms": 5}, None, {"id": "a", "ms": 5}]
    assert parsed(ODD, line, SOUND, ODD, b"") == [None, None, {"id": "a", "ms": 5}, None, None]


def test_an_object_torn_over_two_lines_is_none():
    torn = [b'{"id": "a"}{"id": "b"}', b'{"x":', b'{"id": "c"}}', b'{"tags": [{}', b'{}], "id": "d"}']
    assert parsed(*torn) == [None] * 5


def test_the_last_line_may_lack_its_end_and_an_empty_file_has_no_line():
    assert parsed(SOUND, SOUND, end=b"") == [{"id": "a", "ms": 5}] * 2
    assert parsed(end=b"") == []
    assert parsed(SOUND, b"") == [{"id": "a", "ms": 5}, None]


def test_lines_keep_their_place_and_their_text_among_many_odd_ones():
    draw = random.Random(1)
    odd = [b"{", b'{"ms": "x"}', b'{"id": 5}', b"", b'{"Id": "a"}', b'{"id": "b"}  ']
    lines = [draw.choice(odd) if draw.random() < 0.1 else b'{"id": "%d"}' % n for n in range(3_000)]
    read = landed_lines.parse(b"\n".join(lines), SCHEMA)
    assert read["line"].to_pylist() == [line.decode().rstrip() for line in lines]
    alone = [row for line in lines for row in parsed(line)]
    assert parsed(*lines) == alone
    assert alone.count(None) > 100


@pytest.mark.parametrize("bytes_a_piece", [1, 7, 64, 10_000])
def test_every_line_is_in_one_piece(tmp_path, bytes_a_piece, monkeypatch):
    monkeypatch.setattr(landed_lines, "_READ_BYTES", 50)
    lines = [b'{"id": "%d"}' % n * (n % 3 > 0) for n in range(60)]
    plain, packed, empty = tmp_path / "a.jsonl", tmp_path / "b.jsonl.gz", tmp_path / "c.jsonl"
    plain.write_bytes(b"\n".join(lines))
    packed.write_bytes(gzip.compress(b"\n".join(lines) + b"\n"))
    empty.write_bytes(b"")
    pieces = landed_lines.pieces([plain, packed, empty], bytes_a_piece)
    read = [row["line"] for piece in pieces for table in landed_lines.read(piece, SCHEMA) for row in table.to_pylist()]
    assert read == [line.decode() for line in lines] * 2
