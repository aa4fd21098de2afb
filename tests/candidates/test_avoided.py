"""What viewers do not want to see, as videos; and how what was refused comes back."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest

from foryou.candidates import avoided
from foryou.models.matrices import Rows
from rows import DAY

HELD = pa.schema([("viewer", pa.int32()), ("kind", pa.string()), ("target", pa.string())])
TIRED = pa.schema([("viewer", pa.int32()), ("kind", pa.string()), ("name", pa.string()), ("since", pa.date32())])
VIDEOS = pa.schema([("video", pa.int32()), ("creator_id", pa.string()), ("sound_id", pa.string())]).append(
    pa.field("tags", pa.list_(pa.string()))
)
CATALOGUE = [
    (0, "c1", "s1", ["cats", "fun"]),
    (1, "c1", None, []),
    (2, "c2", "s1", ["cats"]),
    (3, None, "c1", ["s1"]),  # names are names of their kind only
    (4, "c3", "s2", ["dogs"]),
]


def table(schema, *rows):
    return pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in rows], schema)


@pytest.fixture
def built(chosen):
    def of(*held, tired=(), videos=CATALOGUE):
        since = [(*row[:3], DAY - timedelta(row[3])) for row in tired]
        tables = table(HELD, *held), table(TIRED, *since), table(VIDEOS, *videos)
        return avoided.build(*tables, 4, DAY, chosen.viewer_controls)

    return of


def hidden(found, viewer=0):
    return sorted(set(found.of(np.array([viewer], np.int32)).indices.tolist()))


@pytest.mark.parametrize(
    ("kind", "target", "videos"),
    [
        ("mute_creator", "c1", [0, 1]),
        ("block_creator", "c1", [0, 1]),
        ("mute_sound", "s1", [0, 2]),
        ("mute_tag", "cats", [0, 2]),
        ("mute_tag", "s1", [3]),
        ("mute_tag", "birds", []),  # until somebody posts one
        ("opted_out", "", []),
        ("reset", "", []),
    ],
)
def test_a_mute_or_block_hides_all_videos_of_its_target_from_its_viewer_alone(built, kind, target, videos):
    found = built((0, kind, target), (2, "mute_tag", "dogs"))
    assert (hidden(found), hidden(found, 1), hidden(found, 2)) == (videos, [], [4])


def test_several_controls_add_up(built):
    assert hidden(built((0, "mute_tag", "cats"), (0, "block_creator", "c1"), (0, "mute_tag", "cats"))) == [0, 1, 2]


def test_nothing_asked_hides_nothing_and_an_empty_catalogue_has_nothing_to_hide(built):
    assert hidden(built()) == []
    assert hidden(built((0, "mute_tag", "cats"), videos=[])) == []


def test_viewers_come_in_the_order_asked_for(built):
    found = built((0, "mute_tag", "dogs"), (3, "mute_creator", "c2")).of(np.array([3, 1, 0], np.int32))
    assert (found.indptr.tolist(), found.indices.tolist()) == ([0, 1, 1, 2], [2, 4])


# ---- not interested


def test_what_was_refused_is_hidden_two_weeks_and_then_comes_back_over_twenty(chosen):
    days = np.array([0, 13, 14, 49, 84, 119, 154, 400])
    wanted = [0, 0, 0.2, 0.4, 0.6, 0.8, 1, 1]
    assert avoided.multiplier(days, chosen.viewer_controls) == pytest.approx(wanted)


def test_the_multiplier_never_falls_with_time(chosen):
    days = np.arange(300)
    for start in (0.0, 0.2, 1.0):
        found = avoided.multiplier(days, replace(chosen.viewer_controls, fading_from=start))
        assert (np.diff(found) >= 0).all() and found.min() >= 0 and found.max() == 1


def test_the_refused_is_hidden_first_and_stands_back_later(built):
    found = built(tired=[(0, "creator", "c1", 13), (0, "sound", "s1", 14), (1, "tag", "cats", 84)])
    assert hidden(found) == [0, 1]
    fading = found.fading(np.array([0, 1], np.int32))
    assert fading.indptr.tolist() == [0, 2, 4] and fading.indices.tolist() == [0, 2, 0, 2]
    assert fading.values.tolist() == pytest.approx([math.log(0.2)] * 2 + [math.log(0.6)] * 2)


def test_a_mute_outlasts_a_refusal(built):
    assert hidden(built((0, "mute_creator", "c2"), tired=[(0, "creator", "c2", 100)])) == [2]


# ---- standing back


def faded(lists, losses):
    """Lists of (id, score) after each viewer's [(video, log of multiplier)] has been taken off."""
    ids = np.array([[pair[0] for pair in row] for row in lists], np.int32)
    scores = np.array([[pair[1] for pair in row] for row in lists], np.float32)
    lengths = np.cumsum([0] + [len(row) for row in losses])
    videos, values = (np.array([pair[part] for row in losses for pair in row]) for part in (0, 1))
    fading = Rows(lengths, videos.astype(np.int32), values.astype(np.float32))
    found = avoided.fade(ids, scores, ids + 100, fading, 20)
    assert (found[2] == found[0] + 100).all()  # bits go with their videos
    return [list(zip(*row, strict=True)) for row in zip(found[0].tolist(), found[1].tolist(), strict=True)]


NOTHING = (-1, -math.inf)


def test_a_negative_score_falls_too():
    assert faded([[(1, 0.5), (2, -0.25), (3, -0.5)]], [[(2, -1.0)]]) == [[(1, 0.5), (3, -0.5), (2, -1.25)]]


def test_of_several_reasons_to_stand_back_the_strongest_counts_and_only_for_its_viewer():
    lists = [[(1, 3.0), (2, 2.0), NOTHING], [(1, 3.0), (2, 2.0), (3, 1.0)]]
    losses = [[(1, -0.5), (1, -2.0), (1, -1.0), (7, -9.0)], [(3, -0.5)]]
    assert faded(lists, losses) == [[(2, 2.0), (1, 1.0), NOTHING], [(1, 3.0), (2, 2.0), (3, 0.5)]]


def test_equal_scores_go_by_id():
    assert faded([[(5, 2.0), (1, 1.0)]], [[(5, -1.0)]]) == [[(1, 1.0), (5, 1.0)]]


def test_hiding_agrees_with_asking_each_video(built):
    draw = random.Random(2)
    names = ["a", "b", "c", None]
    videos = [(v, draw.choice(names), draw.choice(names), draw.sample(names[:3], draw.randrange(3))) for v in range(40)]
    held = [(draw.randrange(4), kind, draw.choice("abc")) for kind in draw.choices([*avoided.OF_CONTROL], k=9)]
    tired = [(draw.randrange(4), draw.choice(["creator", "sound", "tag"]), "b", 3) for _ in range(2)]
    found = built(*held, tired=tired, videos=videos)
    for viewer in range(4):
        unwanted = {(avoided.OF_CONTROL[kind], target) for who, kind, target in held if who == viewer}
        unwanted |= {(kind, name) for who, kind, name, _ in tired if who == viewer}
        wanted = [
            video
            for video, creator, sound, tags in videos
            if {("creator", creator), ("sound", sound), *(("tag", tag) for tag in tags)} & unwanted
        ]
        assert hidden(found, viewer) == wanted
