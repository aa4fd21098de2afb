"""Dense ids: append-only, and the same for the same days in the same order."""

from __future__ import annotations

from datetime import timedelta

import pyarrow as pa

from foryou import tables
from foryou.models import ids
from rows import DAY, arrow_rows


def assigned(known, met):
    rows = [{"video_id": name, "video": number} for name, number in known.items()]
    found = ids.assign(arrow_rows(tables.VIDEO_IDS, *rows), pa.chunked_array([met], pa.string()), "video_id", "video")
    assert found.schema == pa.schema([("video_id", pa.string()), ("video", pa.int32())])
    assert len(set(found["video_id"].to_pylist())) == found.num_rows
    return dict(zip(*found.to_pydict().values(), strict=True))


def test_the_first_ids_are_given_from_zero_in_the_order_of_their_text():
    assert assigned({}, ["b", "a", "B", "é", "a", "10", "9"]) == {"10": 0, "9": 1, "B": 2, "a": 3, "b": 4, "é": 5}


def test_new_ids_follow_the_greatest_and_known_ones_are_left_alone():
    assert assigned({"a": 7, "z": 2}, ["c", "a", "b"]) == {"b": 8, "c": 9}


def test_nothing_new_is_nothing_to_add():
    assert assigned({"a": 0, "b": 1}, ["b", "a", "a"]) == {}
    assert assigned({"a": 0}, []) == {}


def test_each_dense_id_has_one_name_the_account_s_rather_than_the_device_s():
    device = "device-0123456789abcdef01234567"
    names = [(device, 1), ("ann", 1), ("device-of-bob", 0), ("zoe", 2), (device.replace("0", "a"), 3)]
    known = pa.table(
        {
            "viewer_id": [name for name, _ in names],
            "viewer": pa.array([n for _, n in names], pa.int32()),
            "day": [DAY + timedelta(name in ("ann", "zoe")) for name, _ in names],
        }
    )
    found = ids.one_name_each(known, DAY + timedelta(1))
    assert found["viewer"].to_pylist() == [0, 1, 2, 3]
    assert found["viewer_id"].to_pylist() == ["device-of-bob", "ann", "zoe", names[4][0]]
    assert ids.one_name_each(known, DAY)["viewer_id"].to_pylist() == ["device-of-bob", device, "zoe", names[4][0]]
    assert ids.one_name_each(known.slice(0, 0), DAY).num_rows == 0
