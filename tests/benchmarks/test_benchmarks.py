"""What the benchmarks rest on: watching a process tree, and measures checked by hand."""

import json
import sys
import time

import numpy as np
import pytest

from foryou.sources.world import Truth
from tests.benchmarks import bare, quality, watch
from tests.benchmarks.page import Grid, _markdown

HELD_MB = 120
HOLD = f"import time; held = bytearray(b'x') * ({HELD_MB} << 20); time.sleep(2)"
HOLD_IN_A_CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {HOLD!r}])"


def test_memory_of_a_child_process_counts(tmp_path):
    watched = watch.run("child", [sys.executable, "-c", HOLD_IN_A_CHILD], tmp_path / "log", 60, lambda text: None)
    assert HELD_MB < watched.sampler.peak_bytes() / (1 << 20) < HELD_MB + 60


def test_a_program_that_hangs_is_ended_and_told(tmp_path):
    started = time.monotonic()
    command = [sys.executable, "-c", "print('begun', flush=True); import time; time.sleep(60)"]
    with pytest.raises(watch.ProgramFailed, match="begun"):
        watch.run("hanging", command, tmp_path / "log", 1, lambda text: None)
    assert time.monotonic() - started < 30


def test_a_step_that_ran_on_two_days_is_one_row(tmp_path):
    watched = watch.run("short", [sys.executable, "-c", ""], tmp_path / "log", 60, lambda text: None)
    days = [{"step": "a", "started_at": float(start), "finished_at": start + 2.0} for start in (10, 20)]
    (row,) = watched.record(days)["steps"]
    assert (row["step"], row["seconds"], row["runs"]) == ("a", 4.0, 2)


def test_recall_and_ndcg_by_hand():
    lists = np.full((2, 100), -1)
    lists[0, :3] = [7, 8, 9]
    lists[1, :2] = [1, 2]
    found = quality._held_out({0: np.array([8]), 1: np.array([1, 5])}, lists)
    assert found["recall@20"] == pytest.approx((1 / 1 + 1 / 2) / 2)
    second_place, first_of_two = 1 / np.log2(3), 1 / (1 + 1 / np.log2(3))
    assert found["ndcg@20"] == pytest.approx((second_place + first_of_two) / 2)


def test_what_cannot_be_shown_counts_nothing():
    truth = _truth()
    lists = np.full((1, 100), -1)
    lists[0, :3] = [0, 1, 2]
    found = quality._expected(truth, np.array([0]), lists, known=np.array([True, False, True]))
    # One of three videos is fine (log-odds 0); one is taken down, one is for adults and the viewer is a minor.
    assert found["truth@20"] == pytest.approx(0.5 / 20)


def test_in_one_sitting_people_tire_of_a_topic():
    """Even odds, less .12 for a video of the topic before and .008 a place."""
    topics, shown = np.array([[1, 1, 2, 1]]), np.array([[True, True, True, False]])
    (found,) = quality._in_one_sitting(topics, shown, np.full((1, 4), 0.5))
    assert found == pytest.approx([*(1 / (1 + np.exp([0.008, 0.12 + 0.016, 0.024]))), 0])


def test_points_of_the_references_by_hand(tmp_path):
    play = {"viewer_id": "u1", "kind": "play", "video_id": "v1", "duration_ms": 30_000}
    lines = [
        play | {"event_id": "1", "happened_at": "2026-03-01T10:00:00Z", "watched_ms": 15_000},
        play | {"event_id": "1", "happened_at": "2026-03-01T10:00:00Z", "watched_ms": 15_000},
        play | {"event_id": "2", "happened_at": "2026-03-02T10:00:00Z", "watched_ms": 60_000},
        play | {"event_id": "3", "happened_at": "2026-03-02T11:00:00Z", "kind": "like"},
        play | {"event_id": "4", "happened_at": "2026-03-02T11:00:00Z", "watched_ms": -1},
    ]
    path = tmp_path / "part-0.jsonl"
    path.write_text("\n".join([*map(json.dumps, lines), '{"broken"']))
    (pair,) = bare.read_pairs([str(path)], memory_gb=1).to_pylist()
    assert pair["points"] == pytest.approx(8 * 0.5 + (8 + 10 + 2))


def test_a_table_of_the_page_is_markdown():
    grid = Grid("Programs", ("program", "seconds"), [("ours", "1.0")])
    assert _markdown(grid) == ["| program | seconds |", "| --- | ---: |", "| ours | 1.0 |"]


def _truth() -> Truth:
    """One minor, three videos of even odds; the last is for adults."""
    whole, no = np.arange(3), np.zeros(1, bool)
    return Truth(
        viewer_ids=np.array(["u0"]),
        video_ids=np.array(["v0", "v1", "v2"]),
        taste=np.zeros((1, 2), np.float32),
        appeal=np.zeros((3, 2), np.float32),
        topic=whole,
        quality=np.zeros(3),
        first_day=np.zeros(3, int),
        last_day=np.full(3, 9),
        adult=np.array([False, False, True]),
        minor=~no,
        robot=no,
    )
