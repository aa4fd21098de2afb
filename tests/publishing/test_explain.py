"""Why a video stands where it does, on a real night: every reason is true, every split adds up, every no is told."""

from __future__ import annotations

import shutil
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from foryou import tables
from foryou.feeds import reasons
from foryou.platform.lake import Lake
from foryou.publishing import explained_words, reader
from published import no_spark, publish


@pytest.fixture(scope="module")
def opened(nights):
    return reader.open(nights.lake.root)


@pytest.fixture(scope="module")
def told(nights, opened):
    """The night's tables by name, as lists of rows, and the published feeds by viewer."""
    lake, day = nights.lake, opened.release.day
    of_day = (tables.INTERACTIONS, tables.VIDEOS, tables.VIEWERS, tables.FOLLOWS, tables.POPULAR, tables.TRENDS)
    of_day += (tables.CREATORS, tables.VIEWER_CONTROLS, tables.FATIGUE, tables.SEEN, tables.DISTRIBUTION)
    found = {table.name: lake.arrow(table, days=[day]).to_pylist() for table in of_day}
    found["views"] = lake.arrow(tables.VIEWS).to_pylist()
    found["viewer"] = {row["viewer_id"]: row["viewer"] for row in lake.arrow(tables.VIEWER_IDS).to_pylist()}
    found["feeds"] = {row["viewer_id"]: row["items"] for row in opened._whole("feeds").to_pylist()}
    return found


def copied(nights, folder):
    shutil.copytree(nights.lake.root, folder / "lake")
    return Lake(folder / "lake", no_spark)


def first(told, kind):
    """A viewer's id and the item of the first reason of that kind."""
    return next((v, i) for v, items in told["feeds"].items() for i in items if i["reason"].partition(":")[0] == kind)


# ---- reasons are true


def test_every_reason_of_a_night_is_true(told, opened, nights):
    """Recounted from the views of the window, the catalogue and the other tables of the night."""
    videos = {row["video_id"]: row for row in told["videos"]}
    by_number = {row["video"]: row for row in told["videos"]}
    people = {row["viewer_id"]: row for row in told["viewers"]}
    liked = {(row["viewer"], row["video"]) for row in told["interactions"] if row["strength"] > 0}
    good = {(row["viewer"], row["video"]) for row in told["views"] if row["good"]}
    watched_well = Counter(video for _, video in good)
    follows = {(row["viewer_id"], row["creator_id"]) for row in told["follows"]}
    popular = {(row["segment"], row["video"]) for row in told["popular"]}
    rising = {(row["country"], row["name"]) for row in told["trends"] if row["kind"] != "sound"}
    better = {row["creator_id"] for row in told["creators"] if row["multiplier"] > 1}
    hides = Counter()
    for row in told["viewer_controls"]:
        hides[row["viewer"], row["target"]] += 1
    for row in told["fatigue"]:
        hides[row["viewer"], row["name"]] += 1
    seen = Counter()
    for viewer_id, items in told["feeds"].items():
        viewer, person = told["viewer"][viewer_id], people.get(viewer_id, {"country": None, "adult": False})

        def may_be_named(row, viewer=viewer, person=person):
            about = [row["creator_id"], row["sound_id"], *row["tags"]]
            return row["shown" if person["adult"] else "for_all"] and not any(hides[viewer, each] for each in about)

        own = {v for u, v in good & liked if u == viewer}
        own = {number for number in own if may_be_named(by_number[number])}
        for item in items:
            code, _, about = item["reason"].partition(":")
            video = videos[item["video_id"]]
            seen[code] += 1
            if code == "finished_tag":
                assert about in video["tags"]
                assert item["reason_value"] == sum(about in by_number[number]["tags"] for number in own) >= 2
            elif code == "similar_to":
                assert videos[about]["video"] in own
            elif code == "like_you":
                assert watched_well[video["video"]] >= nights.settings.feeds.reason_min_viewers
            elif code == "following":
                assert about == video["creator_id"] and (viewer_id, about) in follows
            elif code == "creator":
                assert about == video["creator_id"] and about in better
            elif code == "popular_in":
                assert (about, video["video"]) in popular
            elif code == "new_in":
                age = opened.release.day - video["uploaded_at"].date()
                assert about == video["country"] == person["country"]
                assert age < timedelta(days=nights.settings.feeds.reason_new_days)
            elif code == "trending" and about:
                assert about in video["tags"] and {(person["country"], about), ("*", about)} & rising
            assert code in reasons.CODES
    assert {"finished_tag", "similar_to", "like_you", "exploring"} <= set(seen)


# ---- splits add up


def some_pairs(told, each=3):
    for viewer_id in sorted(told["feeds"])[::12]:
        for item in told["feeds"][viewer_id][:: len(told["feeds"][viewer_id]) // each or 1]:
            yield viewer_id, item["video_id"]


def test_shares_of_dot_products_add_up_to_them(opened, told):
    split = Counter()
    for viewer_id, video_id in some_pairs(told):
        found = opened.explain(viewer_id, video_id)
        for name in ("factors", "content"):
            if not found[name]:
                continue
            split[name] += 1
            whole = sum(each["value"] for each in found[name]["videos"]) + found[name]["others"] + found[name]["rest"]
            assert whole == pytest.approx(found[name]["score"], abs=1e-6)
        if found["content"]:
            assert found["content"]["rest"] == pytest.approx(0, abs=1e-4)
            about = sum(each["value"] for each in found["content"]["about"])
            assert about == pytest.approx(found["content"]["score"], abs=1e-4)
    assert min(split.values()) > 10


def test_a_fit_leaves_little_of_its_factors_open(opened, told):
    splits = [opened.explain(*pair)["factors"] for pair in some_pairs(told)]
    scores, rests = (np.array([each[name] for each in splits if each]) for name in ("score", "rest"))
    assert np.abs(rests).mean() < 0.1 * np.abs(scores).mean()


def test_parts_add_up_to_the_score_and_popularity_alone_is_left(opened, told, nights):
    """Candidates that are not popular have one and the same rest: the part of whoever is in no list of popular ones."""
    tired = {row["viewer"] for row in told["fatigue"]}
    checked = 0
    for viewer_id in sorted(told["feeds"])[::9]:
        items = [item for item in opened.candidates(viewer_id)[:100] if "popular" not in item.sources]
        found = [opened.explain(viewer_id, item.video_id)["parts"] for item in items[:6]]
        for item, parts in zip(items, found, strict=False):
            assert parts["score"] == pytest.approx(item.score)
            assert sum(parts["parts"].values()) == pytest.approx(parts["score"] - parts["mean"], abs=1e-6)
        if len(found) > 1 and told["viewer"][viewer_id] not in tired:
            rests = [parts["parts"]["rest"] for parts in found]
            assert max(rests) - min(rests) < 2e-3
            checked += 1
    assert checked > 3


def test_a_tag_that_was_told_as_the_reason_is_among_the_shares_with_its_count(opened, told):
    viewer_id, item = first(told, "finished_tag")
    found = opened.explain(viewer_id, item["video_id"])
    tag = "tag:" + item["reason"].partition(":")[2]
    (share,) = (each for each in found["content"]["about"] if each["about"] == tag)
    assert share["finished"] == item["reason_value"] == found["reason_value"]
    assert share["share"] > 0 or found["content"]["score"] < 0
    assert found["words"] == f"because you finished {item['reason_value']:.0f} videos tagged #{tag[4:]}"
    assert any(found["words"] in line for line in found["lines"])


# ---- why not


def codes(found):
    return [finding["code"] for finding in found["findings"]]


def names(told):
    return {row["video"]: row["video_id"] for row in told["videos"]}


def test_a_video_in_the_feed_has_nothing_in_its_way(opened, told):
    viewer_id, items = next((viewer_id, items) for viewer_id, items in told["feeds"].items() if items)
    found = opened.explain(viewer_id, items[0]["video_id"])
    assert (found["table"], found["place"], found["of"], codes(found)) == ("feeds", 1, len(items), [])
    assert found["release"] == opened.release.release_id


def test_what_was_seen_is_told_with_the_day(opened, told):
    viewer_of = {number: viewer_id for viewer_id, number in told["viewer"].items()}
    row = next(row for row in told["seen"] if viewer_of[row["viewer"]] in told["feeds"] and row["video"] in names(told))
    found = opened.explain(viewer_of[row["viewer"]], names(told)[row["video"]])
    assert found["table"] is None
    assert {"code": "seen", "day": opened.release.day} in found["findings"]
    assert f"last on {opened.release.day}" in found["words"]


def test_what_may_not_be_shown_is_told(opened, told):
    rejected = next(row for row in told["videos"] if not row["shown"])
    found = opened.explain(next(iter(told["feeds"])), rejected["video_id"])
    assert {"code": "not_shown", "moderation": rejected["moderation"], "status": rejected["status"]} in found[
        "findings"
    ]
    minor = next(row["viewer_id"] for row in told["viewers"] if not row["adult"] and row["viewer_id"] in told["feeds"])
    adults = next(row for row in told["videos"] if row["shown"] and not row["for_all"])
    assert "adults_only" in codes(opened.explain(minor, adults["video_id"]))


def test_a_video_below_the_end_or_without_a_place_is_outranked(nights, tmp_path, told):
    """On a release whose feeds were cut."""
    lake = copied(nights, tmp_path)
    cut = {viewer: [tuple(item.values()) for item in items[:3]] for viewer, items in told["feeds"].items()}
    live = reader.open(lake.root)
    lists = {"feeds": cut, "candidates": {}}
    for row in live._whole("candidates").to_pylist():
        lists["candidates"][row["viewer_id"]] = [tuple(item.values()) for item in row["items"][:20]]
    publish(lake.root, live.release.day, "cut", **lists)
    live = reader.open(lake.root)
    below = none = 0
    for viewer_id in sorted(cut)[::15]:
        for item in told["feeds"][viewer_id][5:60:9]:
            found = live.explain(viewer_id, item["video_id"])
            if set(codes(found)) & {"below_the_end", "no_room"}:
                finding, below = found["findings"][-1], below + 1
                assert finding["place"] == found["place"] and finding["of"] == 20
                assert (finding["score"] > finding["bar"]) == (finding["code"] == "no_room")
            if codes(found) == ["no_candidate"]:
                none += 1
                assert "Others fit better" in found["words"]
            assert not set(codes(found)) & {"seen", "not_shown", "muted"}
    assert below and none


def test_ids_that_nobody_has_are_told(opened, told):
    viewer_id, items = next(iter(told["feeds"].items()))
    assert codes(opened.explain("nobody", items[0]["video_id"])) == ["unknown_viewer"]
    assert codes(opened.explain(viewer_id, "v-none")) == ["unknown_video"]
    assert codes(opened.explain("\x1b[31m", "ü")) == ["unknown_viewer", "unknown_video"]
    assert all(line.isprintable() for line in opened.explain("\x1b[31m", "\u202e")["lines"])


# ---- what is not told


def control(lake, day, *held):
    rows = lake.arrow(tables.VIEWER_CONTROLS, days=[day]).drop(["day"])
    added = [dict(zip(rows.column_names, each, strict=True)) for each in held]
    return pa.concat_tables([rows, pa.Table.from_pylist(added, rows.schema)])


def test_of_who_opted_out_later_nothing_is_told(nights, tmp_path, told):
    lake = copied(nights, tmp_path)
    day = reader.open(lake.root).release.day
    viewer_id, items = next(iter(told["feeds"].items()))
    out = control(lake, day, (told["viewer"][viewer_id], "opted_out", "", datetime.now(UTC)))
    lake.replace_day(tables.VIEWER_CONTROLS, day + timedelta(days=1), out)
    found = reader.open(lake.root).explain(viewer_id, items[0]["video_id"])
    assert codes(found) == ["opted_out"]
    assert not any(found[name] for name in ("table", "parts", "factors", "content", "reason"))
    assert len(found["lines"]) == 1


def test_what_a_viewer_mutes_is_told_as_the_cause_and_named_in_no_share(nights, tmp_path, told):
    lake = copied(nights, tmp_path)
    day = reader.open(lake.root).release.day
    viewer_id, item = first(told, "finished_tag")
    tag = item["reason"].partition(":")[2]
    muted = control(lake, day, (told["viewer"][viewer_id], "mute_tag", tag, datetime(2026, 3, 1, tzinfo=UTC)))
    lake.replace_day(tables.VIEWER_CONTROLS, day, muted)
    live, tagged = reader.open(lake.root), {v["video_id"]: tag in v["tags"] for v in told["videos"]}
    other = next(i["video_id"] for i in told["feeds"][viewer_id] if not tagged[i["video_id"]])
    shares = live.explain(viewer_id, other)["content"]
    before = reader.open(nights.lake.root).explain(viewer_id, other)["content"]
    assert not any(tagged[each["video_id"]] for each in shares["videos"])
    assert any(tagged[each["video_id"]] for each in before["videos"])
    assert shares["score"] == pytest.approx(before["score"])
    served = {each["video_id"] for each in told["feeds"][viewer_id]}
    hidden = next(video for video, carries in tagged.items() if carries and video not in served)
    cause = {"code": "muted", "control": "mute_tag", "target": tag, "day": date(2026, 3, 1)}
    assert cause in live.explain(viewer_id, hidden)["findings"]


# ---- lakes that keep less


@pytest.mark.parametrize("gone", ["candidates", "interactions", "models", "content", "videos", "viewer_ids"])
def test_a_lake_that_no_longer_keeps_a_table_explains_the_rest(nights, tmp_path, told, gone):
    lake = copied(nights, tmp_path)
    shutil.rmtree(lake.root / gone)
    viewer_id, item = first(told, "finished_tag")
    found = reader.open(lake.root).explain(viewer_id, item["video_id"])
    assert (found["table"], found["reason"]) == ("feeds", item["reason"])
    lost = {"candidates": "parts", "interactions": "factors", "models": "factors", "content": "content"}
    assert found[lost.get(gone, "factors")] is None
    assert found["lines"]


def test_a_lake_from_before_these_columns_explains_the_rest(nights, tmp_path, told):
    lake = copied(nights, tmp_path)
    for table, column in ((tables.CANDIDATES, "taste_scales"), (tables.MODELS, "parameters")):
        rows = lake.arrow(table).drop([column])
        shutil.rmtree(lake.path(table))
        write_deltalake(str(lake.path(table)), rows, partition_by=["day"])
    viewer_id, item = first(told, "finished_tag")
    found = reader.open(lake.root).explain(viewer_id, item["video_id"])
    assert (found["parts"], found["factors"]) == (None, None)
    assert found["content"]["videos"]


def test_a_release_without_any_working_table_tells_what_it_holds(tmp_path):
    publish(tmp_path, feeds={"u1": [("v1", 1.0, 1, "like_you", 1.0, 0.25)]})
    found = reader.open(tmp_path).explain("u1", "v1", "es")
    assert found["words"] == reasons.WORDS["es"]["like_you"]
    assert len(found["lines"]) == 3 and "0.25" in found["lines"][2]


# ---- words


def test_all_is_said_in_every_language(opened, told):
    for language in reasons.WORDS:
        assert set(explained_words.WORDS[language]) == set(explained_words.WORDS["en"])
    viewer_id, item = first(told, "finished_tag")
    asked = [*reasons.WORDS, "fi"]
    said = {language: opened.explain(viewer_id, item["video_id"], language)["lines"] for language in asked}
    assert said["fi"] == said["en"] != said["de"]
    assert len({len(lines) for lines in said.values()}) == 1
    assert not any(set("{}") & set(line) for lines in said.values() for line in lines)


def test_captions_steer_no_terminal():
    facts = {"table": "feeds", "place": 1, "of": 2, "score": 1.0, "sources": ["factors"], "reason_value": 1.0}
    facts |= {
        "video_id": "v1",
        "reason": "similar_to:v2",
        "findings": [],
        "parts": None,
        "factors": None,
        "content": None,
    }
    said = explained_words.told(facts, {"v1": "\x1b[31m{x}", "v2": "\u202e" * 60}, None)
    assert all(line.isprintable() for line in [*said["lines"], said["words"]])
    assert "{x}" in said["lines"][0]
