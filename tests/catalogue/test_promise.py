"""Promise: the mean of warm neighbours, drawn to everybody's."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from foryou.catalogue import promise


def of(lists, quality, warm):
    similar = pa.table(
        {"video": pa.array([*lists], pa.int32()), "videos": pa.array([*lists.values()], pa.list_(pa.int32()))}
    )
    return promise.of_videos(similar, np.array(quality, np.float32), np.array(warm), len(quality))


def test_a_new_video_is_promised_what_its_warm_neighbours_are_worth():
    quality, warm = [0.9, 0.7, 0.2, 0.0], [True, True, True, False]
    found = of({3: [0, 1]}, quality, warm)
    assert found[3] == pytest.approx((0.9 + 0.7 + 5 * 0.6) / 7)
    assert found[0] == pytest.approx(0.6)


def test_cold_neighbours_and_those_beyond_the_nearest_say_nothing():
    quality = [1.0] + [0.5] * 30 + [0.0]
    lists = {31: [31, *range(1, 25), 0]}
    found = of(lists, quality, [True] * 31 + [False])
    mean = np.mean(quality[:31])
    assert found[31] == pytest.approx((20 * 0.5 + 5 * mean) / 25)


def test_without_a_warm_video_nothing_is_promised():
    assert of({0: [1]}, [0.3, 0.3], [False, False]).tolist() == [0, 0]
