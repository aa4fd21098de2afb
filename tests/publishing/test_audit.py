"""The last look before the pointer moves: each fault is seen and counted."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from foryou.models import matrices
from foryou.publishing import audit

VIDEOS = 10
SEEN = {0: [7], 1: [7, 8]}
BLOCKED = {0: [5], 2: [4, 5]}
NOT_SHOWN = 9
FOR_ADULTS = 6
CLEAN = dict.fromkeys((*audit.FAULTS, "short"), 0)


def rows_of(videos_of):
    pairs = [(viewer, video) for viewer, videos in videos_of.items() for video in videos]
    viewer, video = (pa.chunked_array([pa.array(part, pa.int32())]) for part in zip(*pairs, strict=True))
    return matrices.rows(viewer, video, None, 3)


def faults(*rows, length=2):
    """Rows are (viewer, videos) or (viewer, videos, scores)."""
    scores = [row[2] if len(row) > 2 else [1.0] * len(row[1]) for row in rows]
    lists = pa.table(
        {
            "viewer": pa.array([row[0] for row in rows], pa.int32()),
            "videos": pa.array([row[1] for row in rows], pa.list_(pa.int32())),
            "scores": pa.array(scores, pa.list_(pa.float32())),
        }
    )
    shown, for_all = np.ones((2, VIDEOS), bool)
    shown[NOT_SHOWN] = False
    for_all[[NOT_SHOWN, FOR_ADULTS]] = False
    adult = np.array([False, False, True])
    return audit.faults(
        lists, rows_of(SEEN), rows_of(BLOCKED).of, shown=shown, for_all=for_all, adult=adult, length=length
    )


def test_sound_lists_have_no_fault():
    assert faults((0, [1, 2]), (1, [2, 1]), (2, [7, FOR_ADULTS])) == CLEAN


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        ("seen before", (1, [1, 8])),
        ("that may not be shown", (2, [NOT_SHOWN, 1])),
        ("that may not be shown", (0, [FOR_ADULTS, 1])),
        ("twice", (0, [3, 3])),
        ("blocked", (0, [1, 5])),
        ("blocked", (2, [4, 1])),
        ("without a finite score", (0, [1, 2], [1.0, float("nan")])),
        ("without a finite score", (0, [1, 2], [float("inf"), 1.0])),
        ("short", (0, [1])),
        ("short", (0, [])),
    ],
)
def test_each_fault_is_seen(kind, row):
    assert faults((2, [1, 2]), row, (2, [3, 7])) == CLEAN | {kind: 1}


def test_faults_are_counted_by_item():
    assert faults((1, [7, 8, 8]), (0, [7]), length=1)["seen before"] == 4


def test_what_one_viewer_saw_or_has_is_no_fault_of_the_next():
    assert faults((1, [1, 2]), (2, [7, 8]), (0, [8, 4]), (1, [4, 5])) == CLEAN


def test_lists_of_many_viewers_are_seen_whole():
    """More than the audit takes at once, with a fault in the last."""
    rows = [(2, [1, 2])] * 50_001
    assert faults(*rows, (0, [7, 1])) == CLEAN | {"seen before": 1}


def test_lists_and_scores_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="differ in number"):
        faults((0, [1, 2], [1.0]))


@pytest.mark.parametrize(("lengths", "share"), [([], 0.0), ([4, 2, 9], 0.0), ([1, 0, 2, 4], 0.5)])
def test_feeds_less_than_half_full_are_counted(lengths, share):
    lists = pa.table({"videos": pa.array([list(range(n)) for n in lengths], pa.list_(pa.int32()))})
    assert audit.half_empty(lists, 4) == share


def test_every_kind_of_fault_has_its_count():
    assert set(faults((0, [1, 2]))) == {*audit.FAULTS, "short"}
