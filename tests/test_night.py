"""Whole nights in one process: what a landed day becomes, held against the landed lines themselves."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from dataclasses import replace

import pytest

from foryou import screen, settings, steps, tables
from foryou.errors import AlreadyRunning, DataRejected
from foryou.night import Night
from foryou.platform.job import at_night, journal, manifests_read, write_json
from foryou.platform.lake import Lake
from foryou.publishing import reader
from foryou.sources import landing as landed
from foryou.sources.world import WorldParameters, generate
from rows import DAY, land, ran


class PulledPlug(Exception):
    """Whatever ends a process between two steps."""


@pytest.fixture(scope="module")
def days(nights):
    return landed.days(nights.landing)


@pytest.fixture(scope="module")
def release(nights):
    return reader.open(nights.lake.root)


@pytest.fixture(scope="module")
def plays(nights):
    """Landed plays with a viewer and a video, however dirty their other fields are."""
    lines = [line for path in sorted(nights.landing.glob("day=*/events/*")) for line in path.read_bytes().splitlines()]
    rows = [row for line in lines if isinstance(row := parsed(line), dict) and row.get("kind") == "play"]
    return [row for row in rows if row.get("viewer_id") and row.get("video_id")]


def parsed(line):
    try:
        return json.loads(line)
    except ValueError:
        return None


def land_again(folder, files):
    """Writes the files of a landed day anew and lists them as they are then."""
    listed = json.loads((folder / "_manifest.json").read_text())
    for path, data in files.items():
        path.write_bytes(data)
        entry = listed["files"][str(path.relative_to(folder))]
        entry |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    (folder / "_manifest.json").write_text(json.dumps(listed))


@pytest.fixture
def copied(nights, tmp_path, spark):
    """The same platform and lake, to be changed."""
    shutil.copytree(nights.lake.root, tmp_path / "lake")
    shutil.copytree(nights.landing, tmp_path / "landing")
    return Night(tmp_path / "landing", Lake(tmp_path / "lake", spark), nights.settings)


def feeds(lake):
    rows = lake.arrow(tables.PUBLISHED_FEEDS, ["viewer_id", "items"]).sort_by("viewer_id").to_pylist()
    return {row["viewer_id"]: row["items"] for row in rows}


def test_a_night_on_an_empty_lake_builds_the_landed_days_before_it(nights, days):
    assert nights.lake.days(tables.VIEWS) == days
    assert nights.lake.days(tables.INTERACTIONS) == days[-1:]


def test_the_release_is_live_and_names_its_day_and_the_versions_of_every_table(release, nights, days):
    assert (release.release.day, release.release.state, release.release.status) == (days[-1], "live", "ok")
    assert release.release.tables == {table.name: nights.lake.version(table) for table in tables.PUBLISHED}


def test_the_live_version_of_a_table_is_read_in_spark_as_the_readme_says(nights, release):
    blocks = re.findall(r"```python\n(.*?)```", (settings.ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    (block,) = [each for each in blocks if "versionAsOf" in each]
    names = {"spark": nights.lake.spark, "lake": nights.lake, "tables": tables}
    exec(block, names)
    assert names["feeds"].count() == release.release.counts["feeds"]


def test_everybody_who_played_a_video_has_a_feed_and_a_stranger_gets_starters_and_popular_ones(release, nights, plays):
    who = {row["viewer_id"]: row["viewer"] for row in nights.lake.arrow(tables.VIEWER_IDS).to_pylist()}
    served = {who[name] for name in feeds(nights.lake)}
    known = {who[name] for name in nights.lake.arrow(tables.EVENTS, ["viewer_id"])["viewer_id"].to_pylist()}
    asked = set(nights.lake.arrow(tables.VIEWER_CONTROLS, ["viewer"])["viewer"].to_pylist())
    assert served <= known | asked and len(served) > 0.9 * len(known)
    assert [item.reason for item in release.feed("nobody", 3)] == ["starting"] * 3
    assert release.feed("nobody", 20)[-1].reason == "popular_in:*:*"


def test_no_feed_holds_what_the_landed_log_says_was_played(nights, plays):
    played = {(row["viewer_id"], row["video_id"]) for row in plays}
    sound = nights.lake.arrow(tables.EVENTS, ["viewer_id", "video_id"]).to_pylist()
    met = {(row["viewer_id"], row["video_id"]) for row in sound} & played
    listed = {(viewer, item["video_id"]) for viewer, items in feeds(nights.lake).items() for item in items}
    assert len(met) > 1_000 and not met & listed


def test_no_feed_repeats_a_video_or_holds_one_that_may_not_be_shown(nights, days):
    snapshot = nights.landing / f"day={days[-1]}" / "videos"
    rows = [json.loads(line) for path in snapshot.iterdir() for line in path.read_bytes().splitlines()]
    fine = ("auto_ok", "human_ok")
    hidden = {row["video_id"] for row in rows if row["status"] != "live" or row["moderation"] not in fine}
    assert hidden
    for items in feeds(nights.lake).values():
        listed = [item["video_id"] for item in items]
        assert len(set(listed)) == len(listed) and not hidden & set(listed)


def test_no_feed_holds_two_near_copies_and_no_neighbour_is_one(nights, days):
    content = nights.lake.arrow(tables.CONTENT, ["video", "near_copy_of"], days=days[-1:])
    group = dict(zip(content["video"].to_pylist(), content["near_copy_of"].to_pylist(), strict=True))
    assert any(video != least for video, least in group.items())
    for row in nights.lake.arrow(tables.FEEDS, ["videos"], days=days[-1:]).to_pylist():
        assert len({group[video] for video in row["videos"]}) == len(row["videos"])
    for row in nights.lake.arrow(tables.SIMILAR, ["video", "videos"], days=days[-1:]).to_pylist():
        assert group[row["video"]] not in {group[video] for video in row["videos"]}


def test_two_ways_to_rank_new_videos_are_judged_and_the_better_one_is_kept(nights, days):
    judged = nights.lake.arrow(tables.EVALUATIONS, days=days[-1:]).to_pylist()
    measured = {(row["ranking"], row["measure"]): row["value"] for row in judged}
    auc = {ranking: measured[ranking, "cold_auc"] for ranking in ("content", "predicted")}
    assert all(0.3 < value < 1 for value in auc.values()) and ("factors", "auc_exposed") not in measured
    notes = json.loads((journal(nights.lake.root, days[-1]) / "build_cold_factors.json").read_text())["notes"]
    assert notes["kept"] == max(auc, key=auc.get)
    known = set(nights.lake.arrow(tables.VIDEO_FACTORS, ["video"], days=days[-1:])["video"].to_pylist())
    predicted = nights.lake.arrow(tables.COLD_FACTORS, ["video", "factors"], days=days[-1:]).to_pylist()
    assert len(predicted) == notes["videos"] and not known & {row["video"] for row in predicted}
    assert {len(row["factors"]) for row in predicted} <= {nights.settings.factors.factors}


def test_the_closing_table_tells_how_many_videos_the_feeds_cover(nights, days, capsys):
    finished = json.loads((nights.lake.root / "_nights" / f"{days[-1]}.json").read_text())["finished"]
    screen.closing(finished)
    listed = {item["video_id"] for items in feeds(nights.lake).values() for item in items}
    shown = sum(nights.lake.arrow(tables.VIDEOS, ["shown"], days=days[-1:])["shown"].to_pylist())
    told = capsys.readouterr().out
    assert f"{len(listed)} of {shown} that may be shown" in told
    assert f"{len(days) - 1} earlier days" in told


def test_a_night_is_finished_for_as_long_as_its_log_and_settings_are_the_same(nights, days):
    assert nights.finished(days[-1])["day"] == str(days[-1])
    assert nights.finished(days[0]) is None
    changed = replace(nights.settings, factors=replace(nights.settings.factors, factors=8))
    assert Night(nights.landing, nights.lake, changed).finished(days[-1]) is None


def test_the_start_of_spark_is_told_apart_from_the_steps(nights, tmp_path, days):
    told = []
    lake = Lake(tmp_path, lambda: nights.lake.spark)
    night = Night(nights.landing, lake, nights.settings, told=lambda day, step, entry: told.append((step, bool(entry))))
    for _ in range(2):
        night._start_spark(days[0])
    assert told == [("start_spark", False), ("start_spark", True)]


def test_a_second_run_of_a_day_leaves_the_same_content(copied, days):
    before = feeds(copied.lake)
    working = {table: copied.lake.arrow(table).num_rows for table in (tables.VIEWS, tables.SEEN, tables.VIDEO_IDS)}
    shutil.rmtree(journal(copied.lake.root, days[-1]).parent)  # nothing says that any step is done
    assert copied.run(days[-1])["status"] == "ok"
    assert feeds(copied.lake) == before
    assert working == {table: copied.lake.arrow(table).num_rows for table in working}
    assert [row.state for row in reader.releases(copied.lake.root)] == ["live"]


def test_an_older_night_run_again_publishes_the_same_although_later_nights_met_more_viewers(lake, chosen, tmp_path):
    generate(WorldParameters(viewers=100, videos=80, days=2, events=2_500, seed=5), tmp_path / "landing")
    again, days = Night(tmp_path / "landing", lake, chosen), landed.days(tmp_path / "landing")
    again.run(days[0])
    once, met = published(lake), lake.arrow(tables.VIEWER_IDS).num_rows
    again.run(days[1])
    assert lake.arrow(tables.VIEWER_IDS).num_rows > met
    again.run(days[0])
    assert published(lake) == once
    served = [row for row in lake.arrow(tables.CHECKS, days=days[:2]).to_pylist() if "served" in row["expectation"]]
    assert ["no release before" in row["observed"] for row in sorted(served, key=lambda row: row["day"])] == [1, 0]


def published(lake):
    """Every published row, as of now."""
    return {
        table.name: lake.arrow(table).sort_by([(key, "ascending") for key in table.key]) for table in tables.PUBLISHED
    }


def test_a_night_cut_off_goes_on_at_the_step_where_it_stopped(nights, tmp_path, spark, days):
    lake, steps_ran = Lake(tmp_path / "lake", spark), []

    def pull(day, step, entry):
        if step == "build_views":
            raise PulledPlug

    with pytest.raises(PulledPlug):
        Night(nights.landing, lake, nights.settings, told=pull).run(days[0])
    assert not lake.exists(tables.VIEWS) and reader.releases(lake.root) == []
    again = Night(nights.landing, lake, nights.settings, told=lambda day, step, entry: entry or steps_ran.append(step))
    again.run(days[0])
    assert steps_ran == [*steps.BY_NAME][[*steps.BY_NAME].index("build_views") :]
    assert reader.open(lake.root).release.day == days[0]


def test_a_night_redone_after_an_earlier_day_landed_again_keeps_nothing_of_the_first_attempt(copied, days):
    before = copied._inputs(days[-1])
    folder = copied.landing / f"day={days[0]}"
    listed = json.loads((folder / "_manifest.json").read_text())
    (folder / "_manifest.json").write_text(json.dumps(listed | {"again": True}))
    assert copied._inputs(days[-1]) != before
    assert copied._inputs(days[0]) != copied._inputs(days[-1])


def read_and_landed_again(folder):
    """A lake without Spark and a landed day of which two steps have read another landing."""
    landing = land(folder / "landing", DAY, {}).parent
    lake = Lake(folder / "lake", no_spark)
    for step in ("build_catalogue", "build_events"):
        write_json(journal(lake.root, DAY) / f"{step}.json", {"step": step, "state": "ok", "manifest": "another"})
    return landing, lake


def no_spark():
    raise AssertionError("nothing must be written")


def test_a_day_that_landed_again_while_its_night_ran_is_not_published(tmp_path, chosen):
    landing, lake = read_and_landed_again(tmp_path)
    with pytest.raises(DataRejected, match=r"landed again meanwhile.*run the night again") as error:
        ran("publish", landing, lake, chosen)
    assert "build_catalogue, build_events" in error.value.found
    (landing / f"day={DAY}" / "_manifest.json").unlink()
    with pytest.raises(DataRejected, match="landed again meanwhile"):
        ran("publish", landing, lake, chosen)
    assert not lake.exists(tables.RELEASES)


def test_each_step_that_reads_the_landing_says_which(nights, days):
    digest = hashlib.sha256((nights.landing / f"day={days[-1]}" / "_manifest.json").read_bytes()).hexdigest()
    found = manifests_read(nights.lake.root, days[-1])
    assert found == dict.fromkeys(["build_catalogue", "build_controls", "build_events"], digest)


def test_what_was_read_before_a_day_landed_again_is_not_kept_for_the_next_attempt(tmp_path, chosen):
    listed = land(tmp_path / "landing", DAY, {}) / "_manifest.json"

    def land_again(day, step, entry):
        listed.write_text(json.dumps(json.loads(listed.read_text()) | {"again": True}))

    night = Night(tmp_path / "landing", Lake(tmp_path / "lake", no_spark), chosen, told=land_again)
    begun_with = night._inputs(DAY)
    night._step(DAY, "report", set(), begun_with)
    assert night._finished(DAY, begun_with) == {"report"}
    assert night._finished(DAY, night._inputs(DAY)) == set()


def test_what_a_person_says_of_tonight_says_nothing_of_earlier_days(nights, tmp_path, spark, days):
    shutil.copytree(nights.landing, tmp_path / "landing")
    spoiled = tmp_path / "landing" / f"day={days[0]}"
    lines = {path: path.read_bytes().replace(b'"kind":"play"', b'"kind":"swipe"') for path in spoiled.glob("events/*")}
    land_again(spoiled, lines)
    said = {"rejected share is small": "about tonight"}
    summary = Night(tmp_path / "landing", Lake(tmp_path / "lake", spark), nights.settings, said).run(days[-1])
    assert summary["built_days"] == [days[1].isoformat()]
    assert any(f"{days[0]} is left out" in reason for reason in summary["degraded"])


def test_another_number_of_factors_starts_cold_and_a_job_waits_for_a_whole_night(copied, days):
    changed = replace(copied.settings, factors=replace(copied.settings.factors, factors=8))
    again = Night(copied.landing, copied.lake, changed)
    summary = again.run(days[-1])
    assert summary["status"] == "ok" and summary["steps"]["train_factors"]["warm"] is False
    with at_night(copied.lake, shared=False), pytest.raises(AlreadyRunning), at_night(copied.lake, shared=True):
        pass
    with at_night(copied.lake, shared=True), at_night(copied.lake, shared=True):
        pass


def test_a_refused_night_leaves_the_release_and_a_page_that_says_why(copied, days):
    folder = copied.landing / "day=2026-03-04"
    shutil.copytree(copied.landing / f"day={days[-1]}", folder)
    listed = json.loads((folder / "_manifest.json").read_text()) | {"day": "2026-03-04"}
    (folder / "_manifest.json").write_text(json.dumps(listed))
    the_day = landed.days(copied.landing)[-1]
    with pytest.raises(DataRejected, match="events reach the day"):  # it holds yesterday's
        copied.run(the_day)
    assert reader.open(copied.lake.root).release.day == days[-1]
    page = (copied.lake.root / "_reports" / f"{the_day}.html").read_text()
    assert "events reach the day" in page
