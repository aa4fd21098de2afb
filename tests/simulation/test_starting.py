"""Newcomers of a simulation walk the slates that the reader would give them."""

from __future__ import annotations

import numpy as np

from foryou.simulation.starting import Walk

SLATES = {
    (segment, ""): [(video, "x") for video in range(first, first + 8)] for segment, first in (("*:en", 0), ("*:*", 8))
}


def test_whoever_has_no_slates_of_their_own_walks_those_of_the_next_rung():
    walk = Walk.by_ladder(SLATES, ["US:en", "*:en", "DE:de", "*:*"])
    assert walk.segments == ["*:en", "*:en", "*:*", "*:*"]
    lists = np.full((4, 20), -1, np.int32)
    walk.begin(lists, np.arange(4))
    assert lists[:, 0].tolist() == [0, 0, 8, 8]
    assert set(walk.paths) == {0, 1, 2, 3}


def test_without_any_slates_nobody_walks():
    walk = Walk.by_ladder({}, ["US:en"])
    walk.begin(np.full((1, 20), -1, np.int32), np.arange(1))
    assert walk.paths == {}
