"""Transitions beside a count by hand and a loop over histories."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from foryou.models.sequences import REACH, RECENT, Weights, transitions

PLAIN = Weights(start=0.0, end=0.0, recency=0.5)


def watched(histories, videos):
    """Values and orders of histories, each the oldest video first."""
    rows = [
        (viewer, video, len(each) - 1 - at) for viewer, each in enumerate(histories) for at, video in enumerate(each)
    ]
    rows.sort()
    values = sparse.csr_matrix(
        (np.ones(len(rows), np.float32), ([r[0] for r in rows], [r[1] for r in rows])), (len(histories), videos)
    )
    return values, np.array([r[2] for r in rows], np.int32)


def looped(histories, videos, weights):
    led = np.zeros((videos, videos))
    for each in histories:
        for at, video in enumerate(each):
            for steps, later in enumerate(each[at + 1 : at + 1 + REACH], 1):
                led[video, later] += 1 / steps
    out, into = (np.maximum(led.sum(axis=axis), 1e-9) for axis in (1, 0))
    table = led * out[:, None] ** -weights.start * into**-weights.end
    asked = np.zeros((len(histories), videos))
    for viewer, each in enumerate(histories):
        for back, video in enumerate(reversed(each[-RECENT:])):
            asked[viewer, video] = weights.recency**back
    return asked, table


def test_a_video_leads_to_the_next_ones_the_less_the_further_they_are():
    found = transitions(*watched([[0, 1, 2], [0, 1]], 3), PLAIN, 10)
    assert found.table.toarray().tolist() == [[0, 2, 0.5], [0, 0, 1], [0, 0, 0]]
    assert found.viewers.toarray().tolist() == [[0.25, 0.5, 1], [0.5, 1, 0]]


def test_who_watched_a_is_led_to_what_came_after_a():
    values, order = watched([[0, 1, 2], [0, 1, 2], [3, 4, 5], [0], [3]], 6)
    ids, _ = transitions(values, order, PLAIN, 10).lists(np.array([3, 4]), values, 2)
    assert ids.tolist() == [[1, 2], [4, 5]]


@pytest.mark.parametrize("weights", [PLAIN, Weights(0.7, 0.3, 0.9), Weights(1.0, -0.2, 0.3)])
def test_it_agrees_with_a_loop_over_histories(weights):
    rng = np.random.default_rng(3)
    histories = [rng.permutation(80)[:length].tolist() for length in (0, 1, 2, 5, 9, 30, 70)]
    found = transitions(*watched(histories, 80), weights, 80)
    asked, table = looped(histories, 80, weights)
    np.testing.assert_allclose(found.viewers.toarray(), asked, rtol=1e-5)
    np.testing.assert_allclose(found.table.toarray(), table, rtol=1e-4)


def test_the_largest_of_each_row_are_kept_equal_ones_by_lower_id():
    histories = [[0, 4], [0, 3], [0, 2, 1], [0, 2]]
    table = transitions(*watched(histories, 5), PLAIN, 2).table
    assert [sorted(row.indices.tolist()) for row in table][:1] == [[2, 3]]
    assert (np.diff(table.indptr) <= 2).all()


def test_threads_and_a_single_video_change_nothing():
    rng = np.random.default_rng(4)
    given = watched([rng.permutation(50)[:20].tolist() for _ in range(40)], 50)
    one, three = (transitions(*given, Weights(0.7, 0.3, 0.9), 5, threads) for threads in (1, 3))
    assert (one.table != three.table).nnz == 0
    assert transitions(*watched([[0]], 1), PLAIN, 5).table.nnz == 0
