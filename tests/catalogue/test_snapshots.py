"""Snapshots on their way into the lake: the same rows, however their lines are parted."""

from __future__ import annotations

from functools import partial

import numpy as np
import pyarrow as pa
import pytest

from foryou import tables
from foryou.catalogue import catalogue
from foryou.catalogue.snapshots import LEFT, Snapshot, leave
from rows import DAY, arrow_lines

VIDEO = {"moderation": "auto_ok", "status": "live", "audience": "all", "tags": ["a"], "visual_vector": [1.0, 2.0]}
GIVEN = [VIDEO | {"video_id": f"v{n % 7}", "caption": f"c{n % 5}"} for n in range(35)]
GIVEN += [VIDEO | {"video_id": "v 1"}, {"readable": False, "line": "{"}, VIDEO | {"video_id": "v8", "tags": None}]
SOUND = 36
FIRST = {f"v{n}": "c0" for n in range(7)} | {"v8": None}
"""By sound video, the caption of its first line."""


def left(folder, *parts):
    """The snapshot of videos, after lines that come in such parts, each some at a time."""
    work = partial(leave, table=tables.VIDEOS, judge=partial(catalogue.judge_videos, day=DAY), folder=folder)
    told = pa.concat_tables(table for part in parts for table in work(iter(part)))
    assert told.column_names == [field.split(" ")[0] for field in LEFT.split(", ")]
    return told, Snapshot(tables.VIDEOS, list(map(folder.joinpath, told["part"].unique().to_pylist())))


def cut(lines, into):
    """The lines in so many parts, each in two blocks."""
    size = -(-lines.num_rows // into)
    parts = (lines.slice(start, size) for start in range(0, lines.num_rows, size))
    return [[part[:2], part[2:]] for part in parts]


@pytest.mark.parametrize("into", [1, 2, 5, 38])
@pytest.mark.parametrize("turned", [False, True])
def test_the_rows_are_the_same_whatever_the_parts_and_their_order(tmp_path, into, turned):
    lines = arrow_lines("videos", *(reversed(GIVEN) if turned else GIVEN))
    told, snapshot = left(tmp_path, *cut(lines, into))
    assert sum(told["lines"].to_pylist()) == len(GIVEN)
    assert snapshot.drop_repeats() == SOUND - len(FIRST)
    assert snapshot.drop_repeats() == 0
    found = snapshot.columns(["video_id", "caption"]).to_pylist()
    assert {row["video_id"]: row["caption"] for row in found} == FIRST and len(found) == len(FIRST)


def test_rows_whose_keys_have_one_digest_are_no_repeats_for_it(tmp_path, monkeypatch):
    monkeypatch.setattr(catalogue, "key_digests", lambda rows, table: np.zeros(rows.num_rows, np.uint64))
    _, snapshot = left(tmp_path, *cut(arrow_lines("videos", *GIVEN), 3))
    assert snapshot.drop_repeats() == SOUND - len(FIRST)
    assert sorted(snapshot.columns(["video_id"])["video_id"].to_pylist()) == sorted(FIRST)


def test_what_is_found_of_each_row_lies_beside_it(tmp_path):
    _, snapshot = left(tmp_path, *cut(arrow_lines("videos", *GIVEN), 4))
    snapshot.drop_repeats()
    met = snapshot.columns(["video_id"])["video_id"]
    snapshot.find(pa.table({"video": pa.array([int(name.as_py()[1:]) for name in met], pa.int32())}))
    rows = [row for part in range(len(snapshot.parts)) for some in snapshot.part(part) for row in some.to_pylist()]
    assert len(rows) == len(FIRST) and all(row["video_id"] == f"v{row['video']}" for row in rows)
    assert set(rows[0]) == {*catalogue.columns(tables.VIDEOS), "video"}


def test_a_part_without_lines_leaves_nothing_and_one_of_bad_lines_no_row(tmp_path):
    bad = arrow_lines("videos", *[{"readable": False, "line": ""}] * 3)
    told, snapshot = left(tmp_path, [], [bad])
    assert len(snapshot.parts) == 1 and snapshot.drop_repeats() == 0
    assert [row.num_rows for row in snapshot.part(0)] in ([], [0])
    assert {row["reason"]: row["lines"] for row in told.to_pylist()} == {None: 0, "unreadable": 3}


def test_a_snapshot_of_no_lines_has_one_part_of_no_rows(tmp_path):
    told, snapshot = left(tmp_path, [arrow_lines("videos")])
    assert snapshot.columns(["video_id"]).num_rows == snapshot.drop_repeats() == 0
    assert told["lines"].to_pylist() == [0]
