"""Neighbours by content, beside a dense product of all vectors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from foryou.catalogue import similar

TOKENS, DENSE = 40, 3


def found(tmp_path, vectors, shown, settings, *, dense=None, copies=None):
    """`{video: [(neighbour, score), ...]}` over all parts.

    `vectors` is {video: {token: weight}}, `dense` {video: [...]}; `copies` maps a video to its first near copy.
    """
    table = pa.table(
        {
            "video": pa.array(list(vectors), pa.int32()),
            "dimensions": pa.array([sorted(each) for each in vectors.values()], pa.list_(pa.int32())),
            "weights": pa.array([[each[t] for t in sorted(each)] for each in vectors.values()], pa.list_(pa.float32())),
            "dense": pa.array([(dense or {}).get(video) for video in vectors], pa.list_(pa.float32())),
            "near_copy_of": pa.array([(copies or {}).get(video, video) for video in vectors], pa.int32()),
        }
    )
    eligible = pa.table({"video": pa.array(shown, pa.int32())})
    parts = similar.prepare(table, eligible, settings, tmp_path)
    built = [row for part in range(parts) for piece in similar.build(part, tmp_path) for row in piece.to_pylist()]
    assert [row["video"] for row in built] == sorted({row["video"] for row in built})
    return {row["video"]: list(zip(row["videos"], row["scores"], strict=True)) for row in built}


def drawn(count):
    """Vectors of few small whole weights, so that equal scores come often; in no order, with gaps between ids."""
    draw = np.random.default_rng(2)
    ids = draw.permutation(np.arange(0, 3 * count, 3))
    chosen = [draw.choice(TOKENS, draw.integers(1, 4), replace=False) for _ in ids]
    return {int(i): {int(t): float(draw.integers(1, 3)) for t in tokens} for i, tokens in zip(ids, chosen, strict=True)}


def by_hand(vectors, shown, neighbours, beside=None):
    height = max(vectors) + 1
    dense = np.zeros((height, TOKENS + DENSE))
    for video, weights in vectors.items():
        dense[video, list(weights)] = list(weights.values())
        dense[video, TOKENS:] = (beside or {}).get(video, [0.0] * DENSE)
    lists = {}
    for video in vectors:
        scored = [(-float(dense[video] @ dense[o]), o) for o in sorted(shown) if o < height and o != video]
        best = [(other, -score) for score, other in sorted(scored) if score < 0][:neighbours]
        if best:
            lists[video] = best
    return lists


@pytest.mark.parametrize("neighbours", [1, 5, 200])
def test_neighbours_are_those_of_a_dense_product(tmp_path, chosen, neighbours, monkeypatch):
    monkeypatch.setattr(similar, "_VIDEOS_A_PART", 70)
    monkeypatch.setattr(similar, "_VIDEOS_A_BLOCK", 32)
    vectors = drawn(150)
    shown = [video for video in vectors if video % 4] + [1, 10_000]
    settings = replace(chosen.content, neighbours=neighbours)
    assert found(tmp_path, vectors, shown, settings) == by_hand(vectors, shown, neighbours)


def test_the_dense_part_of_a_vector_counts_beside_its_tokens(tmp_path, chosen, monkeypatch):
    monkeypatch.setattr(similar, "_VIDEOS_A_BLOCK", 32)
    vectors, draw = drawn(150), np.random.default_rng(8)
    dense = {video: draw.integers(-2, 3, DENSE).astype(float).tolist() for video in vectors if video % 5}
    for video in [*vectors][:20]:
        vectors[video] = {}  # what nobody wrote a word about is found by its looks
    vectors[1_000], dense[1_000] = {}, None  # of this one nothing is known
    shown = [video for video in vectors if video % 4]
    wanted = by_hand(vectors, shown, 9, {video: row for video, row in dense.items() if row})
    found_lists = found(tmp_path, vectors, shown, replace(chosen.content, neighbours=9), dense=dense)
    assert found_lists == wanted and 1_000 not in wanted


def test_a_near_copy_is_no_neighbour(tmp_path, chosen):
    same = {video: {1: 1.0} for video in range(5)}
    lists = found(tmp_path, same, [0, 1, 2, 3, 4], chosen.content, copies={2: 0, 4: 0})
    assert {video: [other for other, _ in row] for video, row in lists.items()} == {
        0: [1, 3],
        1: [0, 2, 3, 4],
        2: [1, 3],
        3: [0, 1, 2, 4],
        4: [1, 3],
    }


def test_a_video_that_is_not_shown_has_neighbours_and_is_none(tmp_path, chosen):
    same = {0: {1: 1.0}, 1: {1: 1.0}, 2: {1: 1.0}, 3: {2: 1.0}}
    lists = found(tmp_path, same, [1, 2, 3], chosen.content)
    assert lists == {0: [(1, 1.0), (2, 1.0)], 1: [(2, 1.0)], 2: [(1, 1.0)]}


def test_nothing_to_compare_and_nothing_shown_make_no_lists(tmp_path, chosen):
    assert found(tmp_path, {}, [0, 1], chosen.content) == {}
    assert found(tmp_path, {0: {1: 1.0}, 1: {1: 1.0}}, [], chosen.content) == {}
