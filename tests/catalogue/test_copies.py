"""Near copies: what makes two videos one, and what must not."""

from __future__ import annotations

import random
from dataclasses import replace

import pyarrow as pa
import pytest

from foryou.catalogue import copies

KINDS = {"video": pa.int32(), "caption": pa.string(), "duration_ms": pa.int32(), "sound_id": pa.string()}
KINDS |= {"content_hash": pa.string()}
TEXT = "the slow mountain hut"


@pytest.fixture
def group(chosen):
    """The group of each video, by its number; `strangers` other videos pad the catalogue."""

    def of(*given, strangers=1_000, settings=chosen.content):
        others = [{"caption": f"something else {n}", "duration_ms": 100_000 + n} for n in range(strangers)]
        rows = [{"video": n} | video for n, video in enumerate([*given, *others])]
        table = pa.table({name: pa.array([row.get(name) for row in rows], kind) for name, kind in KINDS.items()})
        found = copies.groups(table, settings).tolist()
        assert found[len(given) :] == [*range(len(given), len(rows))]
        return found[: len(given)]

    return of


def video(caption=TEXT, duration_ms=12_345, sound_id=None, content_hash=None):
    return {"caption": caption, "duration_ms": duration_ms, "sound_id": sound_id, "content_hash": content_hash}


@pytest.mark.parametrize(
    "other",
    [
        video(caption=None, duration_ms=1, content_hash="h"),
        video(sound_id="another"),
        video(caption="The  slow “mountain-hut”! #travel #fyp"),
        video(caption="ＴＨＥ slow mountain hut #été"),
    ],
)
def test_the_same_content_hash_or_the_same_words_and_duration_make_near_copies(group, other):
    assert group(video(sound_id="s", content_hash="h"), other) == [0, 0]


@pytest.mark.parametrize(
    "other",
    [
        video(caption="the slow mountain hut, part 2"),
        video(duration_ms=12_346),
        video(caption="", content_hash=None),
        video(duration_ms=None),
    ],
)
def test_words_alone_or_a_duration_alone_make_none(group, other):
    assert group(video(), other) == [0, 1]


@pytest.mark.parametrize("caption", [None, "", "#travel #hut #mountain #slow", "🏔️🏔️🏔️🏔️🏔️🏔️🏔️🏔️🏔️🏔️🏔️", "wow"])
def test_videos_without_words_of_some_length_have_no_near_copies(group, caption):
    assert group(*[video(caption=caption)] * 3) == [0, 1, 2]


def test_missing_values_are_not_equal(group):
    assert group(*[video(duration_ms=None, sound_id=None)] * 3) == [0, 1, 2]


def test_a_creators_series_cut_to_one_length_is_no_group(group):
    series = [video(caption="my daily vlog!", duration_ms=15_000 if n < 20 else 14_000 + n) for n in range(40)]
    others = [video(caption=f"somebody else's {n}", duration_ms=15_000) for n in range(30)]
    assert group(*series, *others) == [*range(70)]


def test_in_such_a_series_the_same_sound_tells_two_apart_from_the_others(group):
    series = [video(caption="my daily vlog!", duration_ms=15_000 if n < 20 else 14_000 + n) for n in range(40)]
    others = [video(caption=f"somebody else's {n}", duration_ms=15_000) for n in range(30)]
    series[3]["sound_id"] = series[7]["sound_id"] = "rare"
    assert group(*series, *others) == [3 if n == 7 else n for n in range(70)]


def test_a_hundred_reuploads_of_one_video_are_one_group(group):
    assert group(*[video(sound_id=f"s{n}") for n in range(100)]) == [0] * 100


def test_a_group_is_whatever_pairs_connect_and_bears_its_least_id(group):
    linked = [video(duration_ms=5_000 + n, caption=f"number {n} of many") for n in range(6)]
    linked[5]["content_hash"] = linked[2]["content_hash"] = "h"
    linked[4] = linked[5] | {"content_hash": "g"}
    linked[1]["content_hash"] = "g"
    assert group(*linked) == [0, 1, 1, 3, 1, 1]


def test_the_order_of_rows_and_empty_catalogues_change_nothing(group, chosen):
    draw = random.Random(4)
    rows = [
        {"video": n, **video(draw.choice([TEXT, "another long text"]), draw.choice([1, 2, 3]), draw.choice("st"))}
        for n in range(60)
    ]
    settings = replace(chosen.content, copy_max_chance=1e9)

    def groups(given):
        table = pa.table({name: pa.array([row[name] for row in given], kind) for name, kind in KINDS.items()})
        return dict(zip(table["video"].to_pylist(), copies.groups(table, settings).tolist(), strict=True))

    found = groups(rows)
    assert len(set(found.values())) == 6
    assert groups(draw.sample(rows, 60)) == found
    assert groups([]) == {}
