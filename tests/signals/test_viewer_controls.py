"""What holds for a viewer as of a day: contradictory controls, resets, and what refused videos make one tire of."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from foryou.signals import viewer_controls
from rows import DAY

IDS = pa.table(
    {
        "viewer_id": ["ann", "bob", "device-000000000000000000000001", "cat"],
        "viewer": pa.array([0, 1, 0, 2], pa.int32()),
    }
)
MOMENT = pa.timestamp("us", "UTC")
CONTROLS = {"day": pa.date32(), "viewer_id": pa.string(), "kind": pa.string(), "target": pa.string()} | {
    "happened_at": MOMENT
}


def at(hour, days_ago=0):
    return datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC) + timedelta(hours=hour) - timedelta(days_ago)


def used(kind, hour=12, target=None, viewer="ann", days_ago=0, landed_ago=None):
    day = DAY - timedelta(days_ago if landed_ago is None else landed_ago)
    return {"day": day, "viewer_id": viewer, "kind": kind, "target": target, "happened_at": at(hour, days_ago)}


def build(*controls):
    return viewer_controls.build(pa.Table.from_pylist(list(controls), pa.schema(CONTROLS)), IDS)


def held(*controls):
    """(viewer, kind, target) -> since."""
    rows = build(*controls).to_pylist()
    found = {(row["viewer"], row["kind"], row["target"]): row["since"] for row in rows}
    assert len(found) == len(rows) and list(found) == sorted(found)
    return found


# ---- which controls hold


OUT = (0, "opted_out", "")


@pytest.mark.parametrize(
    ("asked", "out_since"),
    [
        ([used("opt_out", 9)], at(9)),
        ([used("opt_out", 9), used("opt_in", 10)], None),
        ([used("opt_in", 10), used("opt_out", 9)], None),  # in whatever order they landed
        ([used("opt_in", 9), used("opt_out", 10)], at(10)),
        ([used("opt_out", 9), used("opt_in", 10), used("opt_out", 11)], at(11)),
        ([used("opt_in", 9)], None),
        ([used("opt_in", 9), used("opt_out", 9)], at(9)),  # at one moment: out
        ([used("opt_out", 9), used("opt_in", 9)], at(9)),
        ([used("opt_out", 9, days_ago=40), used("opt_in", 8)], None),
        ([used("erase", 9)], at(9)),
        ([used("erase", 9), used("opt_in", 9)], at(9)),
    ],
)
def test_of_contradictory_controls_the_later_wins_and_of_one_moment_the_one_that_opts_out(asked, out_since):
    assert held(*asked).get(OUT) == out_since


def test_mutes_and_blocks_stay_since_their_first():
    asked = [used("mute_tag", 12, "cats"), used("mute_tag", 9, "cats", days_ago=300), used("mute_sound", 1, "cats")]
    asked += [used("block_creator", 2, "c1"), used("mute_creator", 3, "c1"), used("opt_in", 23), used("reset_feed", 23)]
    assert held(*asked) == {
        (0, "block_creator", "c1"): at(2),
        (0, "mute_creator", "c1"): at(3),
        (0, "mute_sound", "cats"): at(1),
        (0, "mute_tag", "cats"): at(9, 300),
        (0, "reset", ""): at(23),
    }


def test_a_reset_keeps_its_last_moment_and_an_erasure_is_one_too():
    assert held(used("reset_feed", 9), used("reset_feed", 15, days_ago=2)) == {(0, "reset", ""): at(9)}
    erased = held(used("reset_feed", 9), used("erase", 15), used("opt_in", 16))
    assert erased == {(0, "reset", ""): at(15)}


def test_a_reset_that_lands_late_forgets_all_before_the_day_it_landed():
    assert held(used("reset_feed", 15, days_ago=1, landed_ago=0)) == {(0, "reset", ""): at(0)}


def test_who_has_not_appeared_yet_has_no_row_and_has_one_once_there():
    asked = used("block_creator", 9, "c1", viewer="dan")
    assert held(asked) == {}
    later = pa.table({"viewer_id": ["dan"], "viewer": pa.array([9], pa.int32())})
    rows = viewer_controls.build(pa.Table.from_pylist([asked], pa.schema(CONTROLS)), pa.concat_tables([IDS, later]))
    assert rows["viewer"].to_pylist() == [9]


def test_both_names_of_a_viewer_speak_for_one():
    device = IDS["viewer_id"][2].as_py()
    assert held(used("opt_out", 9, viewer=device), used("opt_in", 10)) == {}
    assert set(held(used("mute_tag", 9, "cats", viewer=device), used("mute_tag", 10, "dogs"))) == {
        (0, "mute_tag", "cats"),
        (0, "mute_tag", "dogs"),
    }


def test_no_controls_hold_nothing():
    assert held() == {}


def test_the_fold_agrees_with_going_through_the_controls_one_by_one():
    draw = random.Random(8)
    kinds = ["opt_out", "opt_in", "erase", "reset_feed", *viewer_controls.LASTING]
    for _ in range(60):
        asked = [
            used(kind, draw.randrange(6), draw.choice("xy") if kind in viewer_controls.LASTING else None, viewer)
            for kind in draw.choices(kinds, k=12)
            for viewer in draw.choices(["ann", "bob"], k=1)
        ]
        assert held(*asked) == one_by_one(asked)


def one_by_one(asked):
    found = {}
    last = {}
    # Opting in comes before whatever else was done at its moment.
    for use in sorted(asked, key=lambda use: (use["happened_at"], use["kind"] != "opt_in")):
        viewer = {"ann": 0, "bob": 1}[use["viewer_id"]]
        kind, moment = use["kind"], use["happened_at"]
        if kind in viewer_controls.LASTING:
            found.setdefault((viewer, kind, use["target"]), moment)
        if kind in ("reset_feed", "erase"):
            found[viewer, "reset", ""] = moment
        if kind in ("opt_out", "opt_in", "erase"):
            last[viewer] = (kind, moment)
    return found | {(viewer, "opted_out", ""): moment for viewer, (kind, moment) in last.items() if kind != "opt_in"}


# ---- what they make the night forget


def views(*rows):
    """Rows are (viewer, days ago)."""
    viewer, ago = zip(*rows, strict=True)
    days = pa.array([DAY - timedelta(each) for each in ago], pa.date32())
    return pa.table({"viewer": pa.array(viewer, pa.int32()), "day": days})


def kept(rows, *asked):
    found = viewer_controls.remembered(views(*rows), build(*asked)).to_pylist()
    return [(row["viewer"], (DAY - row["day"]).days) for row in found]


def test_a_reset_forgets_the_days_before_its_own_and_of_its_viewer_only():
    rows = [(0, 3), (0, 2), (0, 1), (0, 0), (1, 3), (7, 3)]
    assert kept(rows, used("reset_feed", days_ago=1)) == [(0, 1), (0, 0), (1, 3), (7, 3)]


def test_nothing_of_who_opted_out_counts():
    assert kept([(0, 0), (1, 0), (2, 5)], used("opt_out"), used("opt_out", viewer="cat", days_ago=9)) == [(1, 0)]


def test_without_resets_all_is_remembered():
    assert kept([(0, 40), (1, 0)], used("mute_tag", target="cats"), used("opt_in")) == [(0, 40), (1, 0)]


# ---- not interested


VIDEOS = pa.Table.from_pylist(
    [
        {"video": 0, "creator_id": "c1", "sound_id": "s1", "tags": ["cats", "fyp"]},
        {"video": 1, "creator_id": "c2", "sound_id": None, "tags": ["fyp"]},
        {"video": 2, "creator_id": None, "sound_id": None, "tags": []},
        *({"video": each, "creator_id": "c3", "sound_id": "s2", "tags": ["fyp"]} for each in range(3, 10)),
    ],
    pa.schema(
        [
            ("video", pa.int32()),
            ("creator_id", pa.string()),
            ("sound_id", pa.string()),
            ("tags", pa.list_(pa.string())),
        ]
    ),
)
FATIGUE = pa.schema([("viewer", pa.int32()), ("kind", pa.string()), ("name", pa.string()), ("since", pa.date32())])


@pytest.fixture
def tired(chosen):
    """What is known after (viewer, video, days ago) were refused, as (viewer, kind, name) -> days ago."""

    def of(*refused, before=(), asked=()):
        known = pa.Table.from_pylist([dict(zip(FATIGUE.names, row, strict=True)) for row in before], FATIGUE)
        said = [{"viewer": who, "video": video, "day": DAY - timedelta(ago)} for who, video, ago in refused]
        types = pa.schema([("viewer", pa.int32()), ("video", pa.int32()), ("day", pa.date32())])
        held = build(*asked)
        views = pa.Table.from_pylist(said, types)
        found = viewer_controls.tired(known, views, VIDEOS, held, DAY, chosen.viewer_controls)
        assert found.schema.equals(FATIGUE)
        return {(row["viewer"], row["kind"], row["name"]): (DAY - row["since"]).days for row in found.to_pylist()}

    return of


def test_a_refused_video_tires_of_its_creator_its_sound_and_its_telling_tags(tired):
    assert tired((0, 0, 0)) == {(0, "creator", "c1"): 0, (0, "sound", "s1"): 0, (0, "tag", "cats"): 0}
    assert tired((0, 1, 0)) == {(0, "creator", "c2"): 0}
    assert tired((0, 2, 0), (0, 99, 0)) == {}


def test_what_is_refused_again_is_tired_of_anew(tired):
    before = [(0, "creator", "c1", DAY - timedelta(30)), (0, "tag", "old", DAY - timedelta(153))]
    found = tired((0, 0, 0), before=before)
    assert (found[0, "creator", "c1"], found[0, "tag", "old"]) == (0, 153)


def test_it_is_forgotten_in_the_end_and_by_a_reset_or_an_opt_out(tired):
    before = [(0, "creator", "c8", DAY - timedelta(154)), (0, "tag", "old", DAY - timedelta(2))]
    assert set(tired(before=before)) == {(0, "tag", "old")}
    assert set(tired((0, 1, 0), before=before, asked=[used("reset_feed", days_ago=1)])) == {(0, "creator", "c2")}
    assert tired((0, 1, 0), before=before, asked=[used("opt_out")]) == {}


def test_nobody_is_tired_of_anything_at_first(tired):
    assert tired() == {}
