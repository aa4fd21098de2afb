"""Whoever skips more of a topic is never shown more of it: several worlds, all nights after the views for real."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from tiny_world import TINY, WARM_DAYS

from foryou import tables
from foryou.simulation import given, loop, nights

SKIPS = (0, 4, 12, 24)
EACH, FIRST = 12, 30
"""How many viewers skip, and how long the head of a feed is."""


def shares(parameters, chosen, root):
    """By how much they skip: the share of the topic in the heads of the feeds of those who skip it."""
    world, past, _, _ = loop.warm_up(parameters, WARM_DAYS, chosen, root)
    day = given.day_of(world, WARM_DAYS - 1)
    topic = int(np.bincount(world.videos.topic).argmax())
    views = past.arrow(tables.VIEWS, days=[day])
    who = np.unique(past.arrow(tables.VIEWS, ["viewer"])["viewer"].to_numpy())[:EACH]
    of_topic = np.flatnonzero((world.videos.topic == topic) & (world.videos.uploaded_day < 0))
    found = []
    for count in SKIPS:
        lake = past.copy(root)
        lake.replace_day(tables.VIEWS, day, _with_skips(views, who, of_topic[:count], chosen).drop_columns("day"))
        nights.run(lake, day, chosen, nights.steps_of_a_night())
        feeds = lake.arrow(tables.FEEDS, ["viewer", "videos"], days=[day])
        heads = [row["videos"][:FIRST] for row in feeds.to_pylist() if row["viewer"] in who]
        assert len(heads) > EACH / 2
        # What was skipped would be gone from the list of who had not: it counts for nobody.
        left = [[video for video in head if video not in of_topic[: SKIPS[-1]]] for head in heads]
        found.append(float(np.mean([np.mean(world.videos.topic[head] == topic) for head in left])))
    return found


def _with_skips(views, who, videos, chosen):
    """The views of the day, and of each of these viewers one skip of each of these videos in place of any other."""
    pairs = [(viewer, video) for viewer in who.tolist() for video in videos.tolist()]
    known = set(zip(views["viewer"].to_pylist(), views["video"].to_pylist(), strict=True))
    skip = {"plays": 1, "watched_ms": 300, "skipped": True, "good": False, "points": chosen.views.points_skip}
    row = views.slice(0, 1).to_pylist()[0] | skip
    row |= {"completion": 0.01, "rewatched": False, "own": False, "propensity": None, "quantile": 0.0}
    row |= dict.fromkeys(("liked", "shared", "commented", "followed", "saved"), False)
    rows = [row | {"viewer": viewer, "video": video} for viewer, video in pairs if (viewer, video) not in known]
    return pa.concat_tables([views, pa.Table.from_pylist(rows, views.schema)])


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_more_skips_of_a_topic_never_raise_its_share(chosen, tmp_path, seed):
    found = shares(replace(TINY, seed=seed), chosen, tmp_path)
    assert found[0] > 0, "a topic that nobody is shown could not be shown less"
    for less, more in pairwise(found):
        assert more <= less + 0.01, found
    assert found[-1] < 0.9 * found[0], found
