"""What viewers like videos to be about."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa

from foryou.viewers import content_tastes

CONTENT = pa.table(
    {
        "video": pa.array([1, 2, 3, 4], pa.int32()),
        "embedding": pa.array([[1, 0], [0, 1], [0, 2], None], pa.list_(pa.float32())),
    }
)


def tastes(chosen, *pairs, met, most=10.0):
    viewer, video, strength = zip(*pairs, strict=True)
    rows = pa.table(
        {
            "viewer": pa.array(viewer, pa.int32()),
            "video": pa.array(video, pa.int32()),
            "strength": pa.array(strength, pa.float32()),
        }
    )
    settings = replace(chosen.profiles, max_strength=most)
    return content_tastes.of_viewers(np.array(met, np.int32), rows, CONTENT, settings).to_pylist()


def test_a_taste_is_the_content_of_what_was_met_times_its_strength(chosen):
    assert tastes(chosen, (7, 1, 2.0), (7, 3, 0.5), (9, 2, 1.0), met=[7, 9]) == [[2, 1], [0, 1]]


def test_what_was_disliked_counts_against(chosen):
    assert tastes(chosen, (7, 1, 1.0), (7, 2, -1.5), met=[7]) == [[1, -1.5]]


def test_no_single_video_says_more_than_it_may(chosen):
    assert tastes(chosen, (7, 1, 8.0), (7, 2, -8.0), met=[7], most=0.75) == [[0.75, -0.75]]


def test_who_met_nothing_that_says_something_has_no_taste(chosen):
    assert tastes(chosen, (7, 4, 1.0), (8, 1, 0.0), (9, 1, 1.0), met=[7, 8, 9]) == [None, None, [1, 0]]


def test_the_order_of_rows_does_not_matter(chosen):
    rng = np.random.default_rng(3)
    pairs = [(int(v), int(d), float(rng.normal())) for v in range(20) for d in rng.choice([1, 2, 3], 2, replace=False)]
    shuffled = [pairs[place] for place in rng.permutation(len(pairs))]
    assert tastes(chosen, *pairs, met=range(20)) == tastes(chosen, *shuffled, met=range(20))
