"""Content vectors: beside the formula written out over words, and what must not make two videos alike."""

from __future__ import annotations

import math
import random
import re
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from foryou.catalogue import content

KINDS = {
    "video": pa.int32(),
    "tags": pa.list_(pa.string()),
    "duration_ms": pa.int32(),
    "visual_vector": pa.list_(pa.float32()),
    "audio_vector": pa.list_(pa.float32()),
}


def built(settings, *given):
    """The content of videos; each has the number of its place, if it has none."""
    rows = [{"video": n, "tags": []} | video for n, video in enumerate(given)]
    columns = {
        name: pa.array([row.get(name) for row in rows], KINDS.get(name, pa.string())) for name in content.COLUMNS
    }
    return content.build(pa.table(columns), settings)


def vectors(settings, *given):
    """The sparse content vectors that say something, as `{video: {dimension: weight}}`."""
    rows = content.described(built(settings, *given)).to_pylist()
    assert all(row["dimensions"] == sorted(set(row["dimensions"])) for row in rows)
    return {row["video"]: dict(zip(row["dimensions"], row["weights"], strict=True)) for row in rows}


def cosine(one, other):
    return sum(weight * other.get(dimension, 0.0) for dimension, weight in one.items())


def blocks(video, s):
    """The tokens of a video by block, with the block's weight, straight from the words of the design."""
    words = {
        word for word in re.split(r"[^\w\u0900-\u0963]+|_", (video.get("caption") or "").lower()) if len(word) >= 3
    }
    single = {"category": s.weight_category, "sound_id": s.weight_sound}
    single |= {"creator_id": s.weight_creator, "language": s.weight_language, "tone": s.weight_tone}
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
            "caption": " ".join(
                draw.choices(["bread", "Bread!", "pan", "a", "кошки", "पहाड़ी", "fast-car", f"rare{n}"], k=3)
            ),
            "category": some("g", 5),
            "sound_id": some("s", 12),
            "creator_id": some("c", 9),
            "language": some("l", 6),
            "tone": some("m", 7),
        }
        for n in range(count)
    ]


def test_vectors_agree_with_the_formula_over_words(chosen):
    settings = replace(chosen.content, max_share_of_videos=0.3)
    videos = drawn(50)
    found, wanted = vectors(settings, *videos), by_hand(videos, settings)
    assert set(found) == set(wanted)
    assert {video: len(vector) for video, vector in found.items()} == {v: len(vector) for v, vector in wanted.items()}
    for one in wanted:
        assert cosine(found[one], found[one]) == pytest.approx(1, abs=1e-6)
        likeness = [(cosine(found[one], found[other]), cosine(wanted[one], wanted[other])) for other in wanted]
        assert np.allclose(*np.transpose(likeness), atol=1e-6)


def test_null_is_no_value_a_word_of_one_video_or_of_most_says_nothing_and_each_block_has_words_of_its_own(chosen):
    pans = [{"tags": ["all", "pan"], "caption": "of it"}, {"tags": ["all", "pan", "alone"]}]
    vague = [{"tags": ["all"], "caption": ""}, {"tags": ["all"], "caption": "all"}]
    food = [{"tags": ["all", "food"]}] * 2 + [{"category": "food"}] * 2
    found = vectors(replace(chosen.content, max_share_of_videos=0.5), *pans, *vague, *food)
    assert set(found) == {0, 1, 4, 5, 6, 7}
    likeness = [cosine(found[one], found[other]) for one, other in [(0, 1), (4, 5), (6, 7), (0, 4), (4, 6)]]
    assert likeness == pytest.approx([1, 1, 1, 0, 0])


def test_a_block_of_weight_0_and_a_word_of_all_videos_say_nothing(chosen):
    settings = replace(chosen.content, max_share_of_videos=1.0, weight_sound=0.0)
    found = vectors(settings, *[{"tags": ["all"], "sound_id": "s"}, {"tags": ["all", "pan"]}, {"tags": ["all", "pan"]}])
    assert {video: list(vector.values()) for video, vector in found.items()} == {1: [1.0], 2: [1.0]}


def with_vectors(count, seed=3):
    """Videos that look and sound like nothing in particular; all but the first share a tag."""
    draw = np.random.default_rng(seed)
    looks, sounds = draw.standard_normal((count, 5)).tolist(), draw.standard_normal((count, 3)).tolist()
    return [{"tags": ["pan"] if n else [], "visual_vector": looks[n], "audio_vector": sounds[n]} for n in range(count)]


def parts(table):
    """Each row's weights, and its dense part or nothing."""
    return {row["video"]: (row["weights"], row["dense"]) for row in table.to_pylist()}


def test_upstream_vectors_stand_beside_words_at_their_weights(chosen):
    settings = replace(chosen.content, max_share_of_videos=1.0, weight_visual=0.6, weight_audio=0.3)
    found = parts(built(settings, *with_vectors(80)))
    assert all(
        sum(weight**2 for weight in words + dense) == pytest.approx(1, abs=1e-6) for words, dense in found.values()
    )
    words, dense = found[1]
    length = math.sqrt(1 + 0.6**2 + 0.3**2)
    assert (len(words), len(dense)) == (1, 5 + 3)
    assert words == pytest.approx([1 / length])
    assert np.linalg.norm(dense[:5]) == pytest.approx(0.6 / length)
    assert np.linalg.norm(dense[5:]) == pytest.approx(0.3 / length)
    assert found[0][0] == [] and np.linalg.norm(found[0][1][:5]) == pytest.approx(0.6 / math.hypot(0.6, 0.3))


def test_a_missing_vector_is_zero_beside_the_others_and_null_where_there_is_none(chosen):
    videos = with_vectors(80)
    videos[1]["audio_vector"] = None
    videos[2] |= {"audio_vector": None, "visual_vector": [1.0, 2.0]}
    found = parts(built(replace(chosen.content, max_share_of_videos=1.0), *videos))
    assert any(found[1][1][:5]) and not any(found[1][1][5:])
    assert found[2] == (pytest.approx([1.0]), None)


def test_vectors_of_weight_0_are_as_if_there_were_none(chosen):
    settings = replace(chosen.content, max_share_of_videos=1.0, weight_visual=0.0, weight_audio=0.0)
    videos = with_vectors(80)
    plain = [{"tags": video["tags"]} for video in videos]
    assert built(settings, *videos).equals(built(settings, *plain))
    assert built(settings, *plain)["dense"].null_count == 80


def test_the_order_of_videos_changes_nothing(chosen):
    videos = [
        video | {"video": 3 * n} | words
        for n, (video, words) in enumerate(zip(with_vectors(60), drawn(60), strict=True))
    ]
    assert built(chosen.content, *videos).equals(built(chosen.content, *random.Random(6).sample(videos, 60)))


@pytest.mark.parametrize(
    "given", [[], [{}], [{"caption": "all alone", "tags": ["one"], "visual_vector": [1.0]}], [{}, {}]]
)
def test_a_catalogue_of_which_nothing_is_known_has_rows_that_say_nothing(chosen, given):
    table = built(chosen.content, *given)
    assert table["video"].to_pylist() == table["near_copy_of"].to_pylist() == [*range(len(given))]
    assert content.described(table).num_rows == 0


def test_words_of_any_script_are_found_and_spelled_one_way(chosen):
    settings = replace(chosen.content, max_share_of_videos=1.0)
    alike = [
        ("Ｃａｆé ☕️", "cafe\u0301!"),
        ("मेरा पहाड़ी घर", "पहाड़ी"),
        ("КОШКИ", "#кошки"),
        ("🎉🎉🎉", "🎉🎉🎉"),
        ("a b c", "a b c"),
    ]
    found = [vectors(settings, {"caption": one}, {"caption": other}, {"tags": ["x"]}) for one, other in alike]
    assert [len(each) for each in found] == [2, 2, 2, 0, 0]


def test_a_dimension_stays_what_it_was(chosen):
    (first, _) = vectors(
        replace(chosen.content, max_share_of_videos=1.0), *[{"tags": ["food"], "tone": "calm"}] * 2, {}
    ).values()
    assert set(first) == {613783, 956428}
