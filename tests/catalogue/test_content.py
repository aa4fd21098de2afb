"""Content vectors: beside the formula written out over words, and what must not make two videos alike."""

from __future__ import annotations

import math
import random
import re
from dataclasses import replace

import numpy as np
import pytest

from foryou import tables
from foryou.catalogue import content
from rows import rows


def vectors(spark, settings, *given):
    """The content vectors as `{video: {dimension: weight}}`."""
    videos = rows(spark, tables.VIDEOS, *({"video": n, "video_id": f"v{n}"} | video for n, video in enumerate(given)))
    built = content.build(content.tokens(videos, settings).toArrow(), len(given), settings).to_pylist()
    assert all(row["dimensions"] == sorted(set(row["dimensions"])) for row in built)
    return {row["video"]: dict(zip(row["dimensions"], row["weights"], strict=True)) for row in built}


def cosine(one, other):
    return sum(weight * other.get(dimension, 0.0) for dimension, weight in one.items())


def blocks(video, s):
    """The tokens of a video by block, with the block's weight, straight from the words of the design."""
    words = {word for word in re.split(r"[\W_]+", (video.get("caption") or "").lower()) if len(word) >= 3}
    single = {"category": s.weight_category, "sound_id": s.weight_sound}
    single |= {"creator_id": s.weight_creator, "language": s.weight_language}
    found = {"tags": (set(video.get("tags") or []), s.weight_tags), "caption": (words, s.weight_caption)}
    return found | {name: ({video[name]} if video.get(name) else set(), weight) for name, weight in single.items()}


def by_hand(videos, s):
    split = [
        {(block, token) for block, (tokens, _) in blocks(video, s).items() for token in tokens} for video in videos
    ]
    having = {token: sum(token in each for each in split) for each in split for token in each}
    idf = {
        token: math.log(len(videos) / n) for token, n in having.items() if 1 < n <= s.max_share_of_videos * len(videos)
    }
    found = {}
    for n, video in enumerate(videos):
        vector = {}
        for block, (tokens, weight) in blocks(video, s).items():
            known = {(block, token): idf[block, token] for token in tokens if (block, token) in idf}
            length = math.sqrt(sum(each**2 for each in known.values()))
            vector |= {token: weight * each / length for token, each in known.items()}
        length = math.sqrt(sum(each**2 for each in vector.values()))
        if vector:
            found[n] = {token: each / length for token, each in vector.items()}
    return found


def drawn(count):
    draw = random.Random(11)

    def some(name, n):
        return draw.choice([None, *[f"{name}{each}" for each in range(n)]])

    return [
        {
            "tags": draw.sample([f"t{n}" for n in range(14)], draw.randint(0, 3)),
            "caption": " ".join(draw.choices(["bread", "Bread!", "pan", "a", "кошки", "fast-car", f"rare{n}"], k=3)),
            "category": some("g", 5),
            "sound_id": some("s", 12),
            "creator_id": some("c", 9),
            "language": some("l", 6),
        }
        for n in range(count)
    ]


def test_vectors_agree_with_the_formula_over_words(spark, chosen):
    settings = replace(chosen.content, max_share_of_videos=0.3)
    videos = drawn(50)
    found, wanted = vectors(spark, settings, *videos), by_hand(videos, settings)
    assert set(found) == set(wanted)
    assert {video: len(vector) for video, vector in found.items()} == {v: len(vector) for v, vector in wanted.items()}
    for one in wanted:
        assert cosine(found[one], found[one]) == pytest.approx(1, abs=1e-6)
        likeness = [(cosine(found[one], found[other]), cosine(wanted[one], wanted[other])) for other in wanted]
        assert np.allclose(*np.transpose(likeness), atol=1e-6)


def test_null_is_no_value_a_word_of_one_video_or_of_most_says_nothing_and_each_block_has_words_of_its_own(
    spark, chosen
):
    pans = [{"tags": ["all", "pan"], "caption": "of it"}, {"tags": ["all", "pan", "alone"]}]
    vague = [{"tags": ["all"], "caption": ""}, {"tags": ["all"], "caption": "all"}]
    food = [{"tags": ["all", "food"]}] * 2 + [{"category": "food"}] * 2
    found = vectors(spark, replace(chosen.content, max_share_of_videos=0.5), *pans, *vague, *food)
    assert set(found) == {0, 1, 4, 5, 6, 7}
    likeness = [cosine(found[one], found[other]) for one, other in [(0, 1), (4, 5), (6, 7), (0, 4), (4, 6)]]
    assert likeness == pytest.approx([1, 1, 1, 0, 0])


def test_a_block_of_weight_0_and_a_word_of_all_videos_say_nothing(spark, chosen):
    settings = replace(chosen.content, max_share_of_videos=1.0, weight_sound=0.0)
    found = vectors(
        spark, settings, *[{"tags": ["all"], "sound_id": "s"}, {"tags": ["all", "pan"]}, {"tags": ["all", "pan"]}]
    )
    assert {video: list(vector.values()) for video, vector in found.items()} == {1: [1.0], 2: [1.0]}
