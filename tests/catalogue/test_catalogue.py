"""The catalogue: snapshots made sound. Each kind's lines are judged at once."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime
from itertools import islice, permutations
from types import SimpleNamespace

import pyarrow as pa
import pytest

from foryou import secret, tables
from foryou.catalogue import catalogue
from rows import DAY, arrow_lines, land, ran

VIDEO = {"moderation": "auto_ok", "status": "live", "audience": "all"}
VIDEOS = [
    VIDEO | {"video_id": "plain"},
    VIDEO
    | {
        "video_id": "full",
        "creator_id": "c1",
        "sound_id": "s 1",
        "category": "  Food ",
        "tags": ["#Cooking", "cooking ", "", "#", "# Été", None, "t" * 70],
        "caption": "y" * 3_000,
        "language": "",
        "country": "US",
        "duration_ms": 10**12,
        "uploaded_at": "2026-03-09T12:00:00Z",
        "content_hash": " ",
        "tone": " calm ",
        "visual_vector": [0.5, -1.0],
    },
    VIDEO | {"video_id": "twice", "caption": "b"},
    VIDEO | {"video_id": "twice", "caption": "a"},
    VIDEO | {"video_id": "twice", "status": "gone"},
    VIDEO | {"video_id": "-spoiled"},
    VIDEO | {"video_id": "spoiled\n"},
    VIDEO | {"video_id": None},
    VIDEO | {"video_id": "v", "moderation": "fine"},
    VIDEO | {"video_id": "v", "moderation": None},
    VIDEO | {"video_id": "v", "status": None},
    VIDEO | {"video_id": "v", "audience": "kids"},
    *[{"readable": False, "line": ""}] * 5,
    *[VIDEO | {"video_id": f"duration {n}".replace(" ", "-"), "duration_ms": n} for n in (-5, 0, 1)],
]
UPLOADED = {
    "2026-03-10T23:59:59Z": datetime(2026, 3, 10, 23, 59, 59),
    "2026-03-09": datetime(2026, 3, 9),
    "2026-03-11T00:00:00Z": None,
    "1970-01-01T00:00:00Z": None,
    "0001-01-01T00:00:00Z": None,
    "9999-12-31T23:59:59Z": None,
    "12:00:00": None,
    "soon": None,
}
VIDEOS += [VIDEO | {"video_id": f"at-{n}", "uploaded_at": text} for n, text in enumerate(UPLOADED)]


class Judged:
    """The rows of a snapshot: the sound ones, and the reasons of the others."""

    def __init__(self, judged, table):
        found = catalogue.once(catalogue.sound(judged), table)
        assert found.column_names == catalogue.columns(table)
        self.sound, self.reasons = found.to_pylist(), judged["reason"].drop_null().to_pylist()


@pytest.fixture(scope="module")
def videos():
    return Judged(catalogue.judge_videos(arrow_lines("videos", *VIDEOS), DAY), tables.VIDEOS)


def sound(judged, key):
    (row,) = (row for row in judged.sound if key in row.values())
    return SimpleNamespace(**row)


def test_every_faulty_line_is_counted_however_many_are_alike(videos):
    assert Counter(videos.reasons) == {
        "unreadable": 5,
        "bad_video_id": 3,
        "bad_moderation": 2,
        "bad_status": 2,
        "bad_audience": 1,
    }


def test_the_ids_of_an_earlier_day_are_those_of_its_sound_videos(videos):
    parts = [arrow_lines("videos", *VIDEOS[:4]), arrow_lines("videos", *VIDEOS[4:])]
    met = pa.concat_tables(catalogue.videos_of(iter(parts)))
    assert {row["video_id"] for row in met.to_pylist()} == {row["video_id"] for row in videos.sound}


def test_the_viewers_of_an_earlier_day_are_its_sound_ones():
    given = [{"viewer_id": "u1", "device_id": "phone"}, {"viewer_id": "u 2"}]
    (found,) = catalogue.viewers_of(iter([arrow_lines("viewers", *given)]), DAY, "salt")
    assert [(row["viewer_id"], row["device"]) for row in found.to_pylist()] == [
        ("u1", secret.device_name("phone", "salt"))
    ]


def test_a_video_is_known_by_its_id_alone(videos):
    plain = vars(sound(videos, "plain"))
    assert {name for name, value in plain.items() if value not in (None, [])} == {"video_id", *VIDEO}
    assert plain["tags"] == []


def test_what_a_video_says_is_made_plain(videos):
    full = sound(videos, "full")
    assert full.tags == ["cooking", "été", "t" * 64]
    assert (full.creator_id, full.sound_id, full.category, full.country) == ("c1", None, "Food", "US")
    assert (full.language, full.content_hash, full.duration_ms, len(full.caption)) == (None, None, None, 2_000)
    assert (full.tone, full.visual_vector, full.audio_vector) == ("calm", [0.5, -1.0], None)


def test_an_absurd_duration_is_unknown(videos):
    assert [sound(videos, f"duration-{n}").duration_ms for n in (-5, 0, 1)] == [None, None, 1]


BROKEN = [[], [0.0, 0.0], [1.0, None], [float("nan"), 1.0], [1.0, float("-inf")], [1.0] * 5_000]
SOUND = [[1.0, 2.0], [0.0, -3.0], [1.0, 2.0, 3.0], None]


def test_a_vector_that_says_nothing_or_has_another_length_is_none_and_is_counted():
    given = [VIDEO | {"video_id": f"v{n}", "visual_vector": vector} for n, vector in enumerate(BROKEN + SOUND)]
    lines = arrow_lines("videos", *given, VIDEO | {"video_id": "-", "visual_vector": [1.0]})
    judged = catalogue.judge_videos(pa.concat_tables([lines[:3], lines[3:]]), DAY)
    told = catalogue.told(judged)
    assert sum(told["lines"].to_pylist()) == len(given) + 1
    assert catalogue.vector_lengths(told, "visual_vector") == {0: len(BROKEN), 2: 2, 3: 1}
    assert catalogue.vector_lengths(told, "audio_vector") == {}
    kept = catalogue.of_length(catalogue.sound(judged), {"visual_vector": 2}).to_pylist()
    assert [row["visual_vector"] for row in kept] == [None] * len(BROKEN) + [[1.0, 2.0], [0.0, -3.0], None, None]
    assert all(row["audio_vector"] is None for row in kept)


def test_a_video_listed_twice_is_one_and_a_faulty_line_does_not_shadow_it(videos):
    assert sound(videos, "twice").caption == "a"


SAME = [
    VIDEO | {"video_id": "same"},
    VIDEO | {"video_id": "same", "tags": ["b"]},
    VIDEO | {"video_id": "same", "tags": ["a", "z"]},
    VIDEO | {"video_id": "same", "visual_vector": [1.0, 2.0]},
    VIDEO | {"video_id": "same", "visual_vector": [10.0, 2.0]},
    VIDEO | {"video_id": "same", "visual_vector": [0.0]},
]


@pytest.mark.parametrize("of", [SAME, SAME[1:3], SAME[3:], SAME[4:] * 2])
def test_which_line_of_a_video_is_its_first_depends_on_what_they_say_and_not_on_their_order(of):
    lines = arrow_lines("videos", *of)
    judged = (catalogue.judge_videos(lines.take(list(order)), DAY) for order in permutations(range(len(of)), len(of)))
    found = [catalogue.once(catalogue.sound(each), tables.VIDEOS).to_pylist() for each in islice(judged, 60)]
    assert len(found[0]) == 1 and all(each == found[0] for each in found)


def test_a_line_that_says_nothing_of_something_is_the_first():
    judged = catalogue.judge_videos(arrow_lines("videos", *SAME[1:]), DAY)
    (row,) = catalogue.once(catalogue.sound(judged), tables.VIDEOS).to_pylist()
    assert row["tags"] == []


SAFER = {
    "rejected": ({"moderation": "rejected", "caption": "z"}, {"moderation": "auto_ok", "caption": "a"}),
    "flagged": ({"moderation": "flagged", "tags": ["a"]}, {"moderation": "auto_ok"}),
    "rejected before flagged": ({"moderation": "rejected", "tags": ["a"]}, {"moderation": "flagged"}),
    "private": ({"status": "private", "category": "b"}, {"status": "live", "category": "a"}),
    "deleted": ({"status": "deleted", "category": "b"}, {"status": "private", "category": "a"}),
    "for adults": ({"audience": "adult", "caption": "z"}, {"audience": "all", "caption": "a"}),
}


@pytest.mark.parametrize("name", SAFER)
@pytest.mark.parametrize("turned", [False, True])
def test_of_two_lines_that_contradict_each_other_the_safer_counts(name, turned):
    lines = arrow_lines("videos", *(VIDEO | {"video_id": "v"} | told for told in SAFER[name][:: -1 if turned else 1]))
    (row,) = catalogue.once(catalogue.sound(catalogue.judge_videos(lines, DAY)), tables.VIDEOS).to_pylist()
    assert row.items() >= SAFER[name][0].items()


@pytest.mark.parametrize("minor", ["13-17", None, "young"])
@pytest.mark.parametrize("turned", [False, True])
def test_who_is_grown_up_in_one_line_and_not_in_another_is_not(minor, turned):
    told = [{"age_band": minor, "language": "en", "country": "US"}, {"age_band": "25-34", "language": "de"}]
    lines = arrow_lines("viewers", *({"viewer_id": "u1"} | each for each in told[:: -1 if turned else 1]))
    judged = catalogue.judge_viewers(lines, DAY, "salt" * 8)
    (row,) = catalogue.once(catalogue.sound(judged), tables.VIEWERS).to_pylist()
    assert row["age_band"] == minor


def test_nobody_signs_up_by_the_name_of_a_device():
    lines = arrow_lines("viewers", {"viewer_id": "device-0123456789abcdef01234567"}, {"viewer_id": "device-1"})
    assert catalogue.judge_viewers(lines, DAY, "salt" * 8)["reason"].to_pylist() == ["bad_viewer_id", None]


def test_a_time_after_the_day_or_before_1970_is_unknown(videos):
    told = [at and at.replace(tzinfo=UTC) for at in UPLOADED.values()]
    assert [sound(videos, f"at-{n}").uploaded_at for n in range(len(UPLOADED))] == told


def test_viewers_keep_what_is_known_of_them():
    given = [
        {"viewer_id": "u1", "language": " en ", "age_band": "18-24", "signed_up_at": "2026-01-01T00:00:00Z"},
        {"viewer_id": "u 2", "language": "en"},
        {"viewer_id": "u3", "device_id": "phone", "signed_up_at": "9999-12-31T23:59:59Z"},
        {"viewer_id": "u4", "language": "*", "country": "US:en"},
    ]
    judged = Judged(catalogue.judge_viewers(arrow_lines("viewers", *given), DAY, "salt"), tables.VIEWERS)
    assert (sound(judged, "u1").language, sound(judged, "u1").signed_up_at) == ("en", datetime(2026, 1, 1, tzinfo=UTC))
    assert sound(judged, "u3").signed_up_at is None
    devices = [sound(judged, name).device for name in ("u1", "u3")]
    assert devices == [None, secret.device_name("phone", "salt")]
    assert (sound(judged, "u4").language, sound(judged, "u4").country) == (None, None)  # would name segments
    assert judged.reasons == ["bad_viewer_id"]


def test_a_viewer_follows_a_creator_once():
    given = [
        {"viewer_id": "u1", "creator_id": "c1", "since": "2026-01-01T00:00:00Z"},
        {"viewer_id": "u1", "creator_id": "c1", "since": "2026-02-01T00:00:00Z"},
        {"viewer_id": "u1", "creator_id": "c2"},
        {"viewer_id": "u1", "creator_id": "../c"},
        {"viewer_id": None, "creator_id": "c1"},
    ]
    judged = Judged(catalogue.judge_follows(arrow_lines("follows", *given), DAY), tables.FOLLOWS)
    kept = {(row["viewer_id"], row["creator_id"]): row["since"] for row in judged.sound}
    assert kept == {("u1", "c1"): datetime(2026, 1, 1, tzinfo=UTC), ("u1", "c2"): None}
    assert sorted(judged.reasons) == ["bad_creator_id", "bad_viewer_id"]


def test_vectors_go_from_the_landing_into_the_content_of_videos(tmp_path, lake, chosen):
    draw = random.Random(1)
    given = [VIDEO | {"video_id": f"v{n}", "visual_vector": [draw.gauss(0, 1) for _ in range(3)]} for n in range(30)]
    given[4] |= {"visual_vector": [1.0, 2.0]}
    given[5] |= {"visual_vector": [1e39, 2.0, 3.0], "audio_vector": [1.0]}
    land(tmp_path / "landing", DAY, {"videos/a.jsonl": given, "viewers/a.jsonl": [{"viewer_id": "u1"}]})
    notes = ran("build_catalogue", tmp_path / "landing", lake, chosen).notes
    told = {name: value for name, value in notes.items() if "vector" in name}
    assert told == {"visual_vectors": 28, "visual_vectors_left_out": 2, "audio_vectors": 1, "audio_vectors_left_out": 0}
    ran("build_content", tmp_path / "landing", lake, chosen)
    numbers = {row["video_id"]: row["video"] for row in lake.arrow(tables.VIDEO_IDS).to_pylist()}
    dense = {row["video"]: row["dense"] for row in lake.arrow(tables.CONTENT).to_pylist()}
    assert {video for video, vector in dense.items() if vector is None} == {numbers["v4"], numbers["v5"]}
    assert lake.arrow(tables.SIMILAR).num_rows == 28


def test_a_video_of_two_files_is_one_and_a_file_of_bad_lines_alone_stops_nothing(tmp_path, lake, chosen):
    given = [VIDEO | {"video_id": f"v{n}", "caption": "b", "tags": ["x"]} for n in range(9)]
    files = {
        "videos/a.jsonl": given,
        "videos/b.jsonl.gz": [VIDEO | {"video_id": "v3", "caption": "a"}],
        "videos/c.parquet": [VIDEO | {"video_id": f"v{n}", "caption": "c"} for n in (3, 4)],
        "videos/d.jsonl": [b"{"],
        "viewers/a.jsonl": [{"viewer_id": "u1", "device_class": "b"}, {"viewer_id": "u1", "device_class": "a"}],
    }
    land(tmp_path / "landing", DAY, files)
    for _ in range(2):
        notes = ran("build_catalogue", tmp_path / "landing", lake, chosen).notes
        rows = {row["video_id"]: row for row in lake.arrow(tables.VIDEOS).to_pylist()}
        assert {name: row["caption"] for name, row in rows.items()} == {f"v{n}": "b" for n in range(9)} | {
            "v3": "a",
            "v4": "c",
        }
        assert [row["device_class"] for row in lake.arrow(tables.VIEWERS).to_pylist()] == ["a"]
        assert (notes["videos"], notes["viewers"], notes["follows"]) == (9, 1, 0)
        assert lake.count(tables.VIDEOS, [DAY]) == 9 and lake.count(tables.FOLLOWS, [DAY]) == 0
    assert not [path for path in (lake.root / "_scratch").rglob("*") if path.is_file()]
