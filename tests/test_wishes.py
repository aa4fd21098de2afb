"""What viewers ask for changes the same night: a small platform's last day again, with controls added to it."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from foryou import secret, tables
from foryou.night import Night
from foryou.platform.job import Run
from foryou.platform.lake import Lake
from foryou.publishing import reader
from foryou.sources import landing as landed
from rows import DAY, land


def records(folder: Path) -> list[dict]:
    return [json.loads(line) for path in sorted(folder.iterdir()) for line in path.read_bytes().splitlines() if line]


def feeds(lake: Lake) -> dict[str, list[str]]:
    rows = lake.arrow(tables.PUBLISHED_FEEDS, ["viewer_id", "items"]).to_pylist()
    assert len({row["viewer_id"] for row in rows}) == len(rows)
    return {row["viewer_id"]: [item["video_id"] for item in row["items"]] for row in rows}


class Asked:
    """A copy of the platform on whose last day some of its viewers used controls, and its night."""

    def __init__(self, nights: Night, folder: Path) -> None:
        shutil.copytree(nights.lake.root, folder / "lake")
        shutil.copytree(nights.landing, folder / "landing")
        self.day = landed.days(nights.landing)[-1]
        self.before = feeds(nights.lake)
        self.landing = folder / "landing" / f"day={self.day}"
        self.videos = {row["video_id"]: row for row in records(self.landing / "videos")}
        self.used: list[dict] = []
        signed_up = sorted(row["viewer_id"] for row in records(self.landing / "viewers"))
        asked_already = {row["viewer_id"] for day in landed.days(nights.landing) for row in controls_of(nights, day)}
        served = [name for name in signed_up if len(self.before.get(name, ())) > 20 and name not in asked_already]
        self.creator, self.sound, self.tag, self.out, self.back, self.reset, self.early = served[:7]
        self.hers = {name: self._first(name, field) for name, field in FIELDS.items()}
        self.refuser = served[7]
        self.refused = next(name for name in self.before[self.refuser] if self.videos[name].get("creator_id"))

    def _first(self, name: str, field: str) -> str:
        """What the first video of the viewer's feed that has it has in that field."""
        values = (self.videos[video].get(field) for video in self.before[getattr(self, name)])
        first = next(value for value in values if value)
        return first[0] if isinstance(first, list) else first

    def use(self, name: str, kind: str, target: str | None = None, at: str = "23:59:59") -> None:
        moment = f"{self.day}T{at}Z"
        self.used.append({"viewer_id": name, "kind": kind, "target": target, "happened_at": moment})

    def land(self) -> None:
        """The controls, and one event, as further files of the day, listed in its manifest."""
        refusal = {"event_id": "refusal", "happened_at": f"{self.day}T12:00:00Z", "kind": "not_interested"}
        refusal |= {"viewer_id": self.refuser, "video_id": self.refused}
        manifest = json.loads((self.landing / "_manifest.json").read_text())
        for name, rows in (("controls/asked.jsonl", self.used), ("events/asked.jsonl", [refusal])):
            data = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
            (self.landing / name).write_bytes(data)
            told = {"rows": len(rows), "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            manifest["files"][name] = told
        (self.landing / "_manifest.json").write_text(json.dumps(manifest))


FIELDS = {"creator": "creator_id", "sound": "sound_id", "tag": "tags"}


def controls_of(nights: Night, day) -> list[dict]:
    return records(nights.landing / f"day={day}" / "controls")


@pytest.fixture(scope="module")
def asked(nights, tmp_path_factory, spark):
    made = Asked(nights, tmp_path_factory.mktemp("asked"))
    made.use(made.creator, "block_creator", made.hers["creator"])
    made.use(made.sound, "mute_sound", made.hers["sound"])
    made.use(made.tag, "mute_tag", "#" + made.hers["tag"].upper())
    made.use(made.out, "opt_in", at="10:00:00")
    made.use(made.out, "opt_out", at="11:00:00")
    made.use(made.back, "opt_out", at="11:00:00")
    made.use(made.back, "opt_in", at="12:00:00")
    made.use(made.reset, "reset_feed")
    made.use(made.early, "mute_creator", "nobody-yet")
    made.use("a-viewer-of-tomorrow", "opt_out")
    made.land()
    lake = Lake(made.landing.parents[1] / "lake", spark)
    made.night = Night(made.landing.parent, lake, nights.settings)
    made.summary = made.night.run(made.day)
    made.lake, made.feeds = lake, feeds(lake)
    made.ids = {row["viewer_id"]: row["viewer"] for row in lake.arrow(tables.VIEWER_IDS).to_pylist()}
    return made


def rows_of(asked, table, name):
    """How many rows the night's table has of the viewer."""
    return asked.lake.arrow(table, ["viewer"], days=[asked.day])["viewer"].to_pylist().count(asked.ids[name])


OF_A_VIEWER = (tables.VIEWER_FACTORS, tables.VIEWER_PROFILES, tables.CANDIDATES, tables.FEEDS)


def test_the_night_is_sound(asked):
    assert asked.summary["status"] == "ok"


@pytest.mark.parametrize("who", FIELDS)
def test_no_list_holds_what_its_viewer_muted_or_blocked(asked, who):
    name, unwanted = getattr(asked, who), asked.hers[who]

    def about(video):
        value = asked.videos[video].get(FIELDS[who])
        return unwanted in value if isinstance(value, list) else value == unwanted

    assert any(map(about, asked.before[name])) and len(asked.feeds[name]) > 5
    candidates = [item.video_id for item in reader.open(asked.lake.root).candidates(name)]
    assert not any(map(about, asked.feeds[name] + candidates))


def test_of_who_opted_out_there_is_no_row_and_the_reader_serves_the_segment(asked):
    assert [rows_of(asked, table, asked.out) for table in (tables.INTERACTIONS, *OF_A_VIEWER)] == [0] * 5
    live = reader.open(asked.lake.root)
    assert asked.out in asked.before and asked.out not in asked.feeds and live.candidates(asked.out) == []
    segment = {"country": "US", "language": "en"}
    assert live.feed(asked.out, **segment) == live.feed("nobody-at-all", **segment) != []


def test_who_came_back_on_the_same_day_is_served_as_before(asked):
    assert [rows_of(asked, table, asked.back) for table in OF_A_VIEWER] == [1, 1, 1, 1]
    assert rows_of(asked, tables.INTERACTIONS, asked.back) > 0


def test_a_reset_forgets_the_taste_and_keeps_what_was_seen(asked, nights):
    dense = asked.ids[asked.reset]

    def seen(lake):
        pairs = lake.arrow(tables.SEEN, ["viewer", "video"]).to_pylist()
        return {row["video"] for row in pairs if row["viewer"] == dense}

    assert rows_of(asked, tables.INTERACTIONS, asked.reset) == rows_of(asked, tables.VIEWER_FACTORS, asked.reset) == 0
    assert seen(asked.lake) == seen(nights.lake) != set()
    names = {row["video"]: row["video_id"] for row in asked.lake.arrow(tables.VIDEO_IDS).to_pylist()}
    assert asked.feeds[asked.reset] and not {names[video] for video in seen(asked.lake)} & set(asked.feeds[asked.reset])
    items = reader.open(asked.lake.root).feed(asked.reset)
    assert {source for item in items for source in item.sources} & {"factors", "similar"} == set()


def test_a_control_for_what_nobody_knows_yet_waits_for_it(asked):
    held = asked.lake.arrow(tables.VIEWER_CONTROLS, days=[asked.day]).to_pylist()
    assert (asked.ids[asked.early], "mute_creator", "nobody-yet") in {
        (row["viewer"], row["kind"], row["target"]) for row in held
    }
    assert "a-viewer-of-tomorrow" not in asked.ids
    assert asked.feeds[asked.early]


def test_the_audit_looked_for_them(asked):
    checked = {
        row["expectation"]: row["passed"] for row in asked.lake.arrow(tables.CHECKS, days=[asked.day]).to_pylist()
    }
    for table in ("candidates", "feeds"):
        assert checked[f"{table} hold nothing blocked"] and checked[f"nobody opted out in {table}"]


def test_not_interested_hides_the_video_and_all_that_it_is_about(asked):
    tired = asked.lake.arrow(tables.FATIGUE, days=[asked.day]).to_pylist()
    of = {(row["kind"], row["name"]) for row in tired if row["viewer"] == asked.ids[asked.refuser]}
    assert ("creator", asked.videos[asked.refused]["creator_id"]) in of
    for video in asked.feeds[asked.refuser]:
        row = asked.videos[video]
        about = {("creator", row.get("creator_id")), ("sound", row.get("sound_id"))}
        about |= {("tag", tag) for tag in row.get("tags") or ()}
        assert not about & of and video != asked.refused


# ---- nobody under age, and nobody twice


def test_minors_get_videos_for_all_only(asked):
    minors = [row["viewer_id"] for row in records(asked.landing / "viewers") if row.get("age_band") == "13-17"]
    for_adults = {name for name, row in asked.videos.items() if row["audience"] != "all"}
    listed = {video for name in minors for video in asked.feeds.get(name, ())}
    assert listed and for_adults and not listed & for_adults


def test_what_was_watched_on_a_device_joins_the_account(asked):
    names = {}
    for name, dense in asked.ids.items():
        names.setdefault(dense, set()).add(name)
    joined = {dense: both for dense, both in names.items() if len(both) > 1}
    devices = {row["viewer_id"]: row["device_id"] for row in records(asked.landing / "viewers")}
    assert len(joined) > 1
    watched = {row["viewer"] for row in asked.lake.arrow(tables.VIEWS, ["viewer"]).to_pylist()}
    for dense, both in joined.items():
        (account,) = [name for name in both if not re.match(tables.DEVICE_NAME, name)]
        assert both == {account, secret.device_name(devices[account], secret.salt())}
        assert dense in watched
        assert not both - {account} & set(asked.feeds)
    assert any(both & set(asked.feeds) for both in joined.values())


def test_every_device_met_before_its_account_began_has_joined_it(asked, nights):
    """Held against the landed lines of every day: those that `events` took."""
    accounts = {row["device_id"]: row for row in records(asked.landing / "viewers")}
    known = {row["event_id"] for row in asked.lake.arrow(tables.EVENTS, ["event_id"]).to_pylist()}
    lines = []
    for path in sorted(nights.landing.glob("day=*/events/*")):
        for line in path.read_bytes().splitlines():
            try:
                lines.append(json.loads(line))
            except ValueError:
                continue
    met = {
        row["device_id"]
        for row in lines
        if isinstance(row, dict) and row.get("event_id") in known and not row.get("viewer_id")
    }
    compared = 0
    for device in met & set(accounts):
        account, name = accounts[device]["viewer_id"], secret.device_name(device, secret.salt())
        assert asked.ids[account] == asked.ids[name]
        compared += 1
    assert compared > 3


# ---- the secret


def test_neither_the_salt_nor_a_device_s_id_is_in_the_lake_or_the_logs(asked, tmp_path_factory):
    salt = secret.salt().encode()
    logs = [*tmp_path_factory.getbasetemp().glob("spark*/**/*.log")]
    files = [path for path in [*asked.lake.root.rglob("*"), *logs] if path.is_file()]
    assert logs and len(files) > 100
    device = re.compile(rb"\bd\d{6}\b")
    for path in files:
        data = path.read_bytes()
        assert salt not in data, path
        assert not device.search(data), path
    names = asked.lake.arrow(tables.VIEWERS, ["device"], days=[asked.day])["device"].to_pylist()
    assert all(re.fullmatch(tables.DEVICE_NAME, name) for name in names if name)


def test_another_salt_begins_the_night_anew(asked, monkeypatch, tmp_path):
    before = asked.night._inputs(asked.day)
    monkeypatch.setenv(secret.VARIABLE, str(tmp_path / "secret.yaml"))
    secret.create(secret.path())
    assert asked.night._inputs(asked.day) != before


# ---- days that the window does not reach


def test_controls_of_days_before_the_window_are_taken_once(spark, chosen, tmp_path):
    long_ago = DAY - timedelta(100)
    moment = datetime.combine(long_ago, datetime.min.time()).isoformat() + "Z"
    mute = {"viewer_id": "u1", "kind": "mute_tag", "target": "cats", "happened_at": moment}
    land(tmp_path / "landing", long_ago, {"controls/a.jsonl": [mute]})
    land(tmp_path / "landing", long_ago + timedelta(1), {})
    lake = Lake(tmp_path / "lake", spark)
    night = Night(tmp_path / "landing", lake, chosen)
    run = Run("build_missing_days", DAY, night.landing, lake, chosen)
    night.build_missing_days(run)
    assert lake.arrow(tables.CONTROLS)["target"].to_pylist() == ["cats"]
    (night.landing / f"day={long_ago}" / "controls" / "a.jsonl").unlink()  # nobody reads it again
    night.build_missing_days(run)
    assert run.notes == {"built": []} and run.degraded == []
