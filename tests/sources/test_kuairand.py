"""KuaiRand: tiny files in the official form checked value by value, and the real subset where it is present."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from foryou.contract import ID_PATTERN
from foryou.errors import ContractBroken, DataRejected, InputMissing
from foryou.sources import landing
from foryou.sources.kuairand import RECORD, import_logs

LOG_HEADER = (
    "user_id,video_id,date,hourmin,time_ms,is_click,is_like,is_follow,is_comment,is_forward,is_hate,long_view,"
    "play_time_ms,duration_ms,profile_stay_time,comment_stay_time,is_profile_enter,is_rand,tab"
)
USER_HEADER = "user_id,user_active_degree,register_days"
VIDEO_HEADER = (
    "video_id,author_id,video_type,upload_dt,upload_type,visible_status,video_duration,server_width,"
    "server_height,music_id,music_type,tag"
)
STANDARD = {"is_rand": 0, "tab": 1, "duration_ms": 20000, "play_time_ms": 5000}
RANDOM = STANDARD | {"is_rand": 1}

APRIL_9 = 1_649_462_400_000  # 2022-04-09 00:00 UTC
DAY_MS = 86_400_000
REAL = Path(__file__).parents[3] / "shared/data/kuairand"


def line(header: str, values: dict[str, object], otherwise: str = "0") -> str:
    return ",".join(str(values.get(name, otherwise)) for name in header.split(","))


def write_log(path: Path, *rows: dict[str, object] | str, header: str = LOG_HEADER) -> Path:
    lines = [row if isinstance(row, str) else line(header, STANDARD | row) for row in rows]
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


@pytest.fixture
def features(tmp_path):
    """User 1, 100 days registered by the last day; video 10 of April 9 (Beijing) and video 11 of April 12."""
    users, videos = tmp_path / "user_features_pure.csv", tmp_path / "video_features_basic_pure.csv"
    users.write_text(f"{USER_HEADER}\n1,full_active,100\n")
    videos.write_text(
        f"{VIDEO_HEADER}\n"
        '10,500,NORMAL,2022-04-09,Web,0.0,20000.0,720.0,1280.0,777,9.0,"39,68"\n'
        "11,501,AD,2022-04-12,Web,1.0,,720.0,1280.0,0,,\n"
    )
    return {"users": users, "videos": videos, "out": tmp_path / "landing"}


def rows_of(out: Path, day: str, kind: str) -> list[dict]:
    paths = landing.check_day(out, date.fromisoformat(day)).paths(kind)
    return [json.loads(text) for path in paths for text in Path(path).read_text().splitlines()]


def test_a_log_row_becomes_a_play_and_one_event_per_action(tmp_path, features):
    acted = {"is_like": 1, "is_follow": 1, "is_comment": 1, "is_forward": 1, "is_hate": 1, "is_profile_enter": 1}
    log = write_log(tmp_path / "log_standard.csv", {"user_id": 1, "video_id": 10, "time_ms": APRIL_9 + 287, **acted})
    assert import_logs([log], **features) == [date(2022, 4, 9)]
    events = {event.pop("kind"): event for event in rows_of(features["out"], "2022-04-09", "events")}
    assert set(events) == {"play", "like", "follow", "comment", "share", "not_interested", "profile_visit"}
    assert events["play"] == {
        "event_id": f"1-10-{APRIL_9 + 287}-play",
        "happened_at": "2022-04-09T00:00:00.287Z",
        "viewer_id": "1",
        "video_id": "10",
        "creator_id": None,
        "watched_ms": 5000,
        "duration_ms": 20000,
        "surface": "for_you",
        "propensity": None,
    }
    assert events["like"] == events["play"] | {
        "event_id": f"1-10-{APRIL_9 + 287}-like",
        "watched_ms": None,
        "duration_ms": None,
    }
    with_creator = {kind for kind, event in events.items() if event["creator_id"] == "500"}
    assert with_creator == {"follow", "profile_visit"}


def test_a_row_given_twice_gives_the_same_ids(tmp_path, features):
    row = {"user_id": 1, "video_id": 10, "time_ms": APRIL_9, "is_like": 1}
    import_logs([write_log(tmp_path / "log.csv", row, row)], **features)
    ids = Counter(event["event_id"] for event in rows_of(features["out"], "2022-04-09", "events"))
    assert ids == {f"1-10-{APRIL_9}-play": 2, f"1-10-{APRIL_9}-like": 2}


def test_the_landing_day_is_the_utc_day(tmp_path, features):
    midnights = [{"user_id": 1, "video_id": 10, "time_ms": APRIL_9 + ms} for ms in (-1, 0, DAY_MS - 1, DAY_MS)]
    days = import_logs([write_log(tmp_path / "log.csv", *midnights)], **features)
    assert days == landing.days(features["out"]) == [date(2022, 4, 8), date(2022, 4, 9), date(2022, 4, 10)]
    assert len(rows_of(features["out"], "2022-04-09", "events")) == 2


def test_random_rows_are_explored_with_one_chance_in_the_pool(tmp_path, features):
    standard = write_log(tmp_path / "log_standard.csv", {"user_id": 1, "video_id": 99, "time_ms": APRIL_9})
    shown = [
        {**RANDOM, "user_id": user, "video_id": video, "time_ms": APRIL_9 + 1, "is_like": 1}
        for user, video in ((1, 10), (1, 11), (2, 10), (2, 12))
    ]
    random = write_log(tmp_path / "log_random.csv", *shown)
    import_logs([standard, random], **features)
    events = rows_of(features["out"], "2022-04-09", "events")
    chances = Counter((event["surface"], event["propensity"]) for event in events)
    assert chances == {("for_you", None): 1, ("explore", 1 / 3): 8}


def test_the_name_tells_a_random_log_that_lacks_the_column(tmp_path, features):
    header = LOG_HEADER.removesuffix(",is_rand,tab")
    row = {"user_id": 1, "video_id": 10, "time_ms": APRIL_9}
    logs = [write_log(tmp_path / name, row, header=header) for name in ("log_random_x.csv", "log_standard_x.csv")]
    import_logs(logs, **features)
    found = {(event["surface"], event["propensity"]) for event in rows_of(features["out"], "2022-04-09", "events")}
    assert found == {("explore", 1.0), ("other", None)}


@pytest.mark.parametrize(
    ("tab", "surface"), [(0, "for_you"), (1, "for_you"), (2, "other"), (14, "other"), ("", "other")]
)
def test_only_the_two_main_tabs_are_the_feed(tmp_path, features, tab, surface):
    log = write_log(tmp_path / "log.csv", {"user_id": 1, "video_id": 10, "time_ms": APRIL_9, "tab": tab})
    import_logs([log], **features)
    assert rows_of(features["out"], "2022-04-09", "events")[0]["surface"] == surface


def test_a_length_of_nothing_is_unknown(tmp_path, features):
    rows = [
        {"user_id": 1, "video_id": 10, "time_ms": APRIL_9 + n, "duration_ms": length}
        for n, length in enumerate((0, "", -5, 1))
    ]
    import_logs([write_log(tmp_path / "log.csv", *rows)], **features)
    assert [event["duration_ms"] for event in rows_of(features["out"], "2022-04-09", "events")] == [None, None, None, 1]


def test_a_label_stands_for_like_and_hate(tmp_path, features):
    header = "user_id,video_id,time_ms,is_follow,is_comment,is_forward,is_profile_enter,play_time_ms,duration_ms,label"
    rows = [{"user_id": 1, "video_id": 10 + label, "time_ms": APRIL_9, "label": label} for label in (0, 1)]
    log = write_log(tmp_path / "log.tsv", *rows, header=header)
    log.write_text(log.read_text().replace(",", "\t"))
    import_logs([log], **features)
    kinds = sorted((event["video_id"], event["kind"]) for event in rows_of(features["out"], "2022-04-09", "events"))
    assert kinds == [("10", "not_interested"), ("10", "play"), ("11", "like"), ("11", "play")]


def test_the_catalogue_holds_what_was_uploaded_or_logged_by_the_day(tmp_path, features):
    rows = [
        {"user_id": 1, "video_id": 10, "time_ms": APRIL_9 - DAY_MS},
        {"user_id": 1, "video_id": 99, "time_ms": APRIL_9},
        {"user_id": 1, "video_id": 10, "time_ms": APRIL_9 + 3 * DAY_MS},
    ]
    import_logs([write_log(tmp_path / "log.csv", *rows)], **features)
    known = {
        day: [video["video_id"] for video in rows_of(features["out"], day, "videos")]
        for day in ("2022-04-08", "2022-04-09", "2022-04-12")
    }
    assert known == {"2022-04-08": ["10"], "2022-04-09": ["10", "99"], "2022-04-12": ["10", "11", "99"]}
    plain = {"moderation": "auto_ok", "audience": "all", "tags": [], "sound_id": None, "category": None}
    assert rows_of(features["out"], "2022-04-12", "videos") == [
        plain
        | {"video_id": "10", "creator_id": "500", "sound_id": "777", "category": "tag_39", "duration_ms": 20000}
        | {"tags": ["tag_39", "tag_68"], "uploaded_at": "2022-04-08T16:00:00.000Z", "status": "live"},
        plain
        | {"video_id": "11", "creator_id": "501", "duration_ms": None, "status": "private"}
        | {"uploaded_at": "2022-04-11T16:00:00.000Z"},
        plain | {"video_id": "99", "creator_id": None, "duration_ms": None, "uploaded_at": None, "status": "live"},
    ]


def test_viewers_sign_up_before_their_first_event(tmp_path, features):
    features["users"].write_text(f"{USER_HEADER}\n1,full_active,100\n2,UNKNOWN,0\n3,UNKNOWN,0\n4,UNKNOWN,x\n")
    rows = [
        {"user_id": user, "video_id": 10, "time_ms": APRIL_9 + day * DAY_MS}
        for user, day in ((1, 0), (2, 1), (9, 1), (1, 2))
    ]
    import_logs([write_log(tmp_path / "log.csv", *rows)], **features)
    signed_up = {
        day: {viewer["viewer_id"]: viewer["signed_up_at"] for viewer in rows_of(features["out"], day, "viewers")}
        for day in ("2022-04-09", "2022-04-10", "2022-04-11")
    }
    first = {"1": "2022-01-01T00:00:00.000Z", "4": None}
    second = first | {"2": "2022-04-10T00:00:00.000Z", "9": None}
    third = second | {"3": "2022-04-11T00:00:00.000Z"}
    assert signed_up == {"2022-04-09": first, "2022-04-10": second, "2022-04-11": third}
    assert landing.check_day(features["out"], date(2022, 4, 9)).rows("follows") == 0


BROKEN = [
    "rubbish",
    "1,10",
    '1,"10,20220409,0,1649462400000',
    line(LOG_HEADER, STANDARD | {"user_id": "../x", "video_id": 10, "time_ms": APRIL_9}),
    line(LOG_HEADER, STANDARD | {"user_id": -1, "video_id": 10, "time_ms": APRIL_9}),
    line(LOG_HEADER, STANDARD | {"user_id": 1, "video_id": 1.5, "time_ms": APRIL_9}),
    line(LOG_HEADER, STANDARD | {"user_id": 1, "video_id": 10, "time_ms": 0}),
    line(LOG_HEADER, STANDARD | {"user_id": 1, "video_id": 10, "time_ms": 253_402_300_799_000}),
    line(LOG_HEADER, STANDARD | {"user_id": 1, "video_id": 10, "time_ms": APRIL_9, "play_time_ms": "NaN"}),
    line(LOG_HEADER, STANDARD | {"user_id": 10**30, "video_id": 10, "time_ms": APRIL_9}),
]


@pytest.mark.parametrize("broken", BROKEN)
def test_unreadable_rows_are_left_out_and_counted(tmp_path, features, broken):
    good = [{"user_id": 1, "video_id": 10, "time_ms": APRIL_9 + n} for n in range(5)]
    log = write_log(tmp_path / "log.csv", *good[:2], broken, *good[2:])
    assert import_logs([log], **features) == [date(2022, 4, 9)]
    assert len(rows_of(features["out"], "2022-04-09", "events")) == 5
    record = json.loads((features["out"] / RECORD).read_text())
    assert record["files"][0] == {"file": "log.csv", "rows": 6, "unreadable": 1}


def test_feature_rows_without_an_id_or_given_twice_are_left_out(tmp_path, features):
    extra = ["x,500,NORMAL,2022-04-09,Web,0,1,1,1,1,1,1", "10,999,NORMAL,2022-04-09,Web,0,1,1,1,1,1,1"]
    catalogue = [f"{video},500,NORMAL,2022-04-09,Web,0,1,1,1,1,1,1" for video in range(20, 25)]
    features["videos"].write_text(features["videos"].read_text() + "\n".join([*extra, *catalogue]) + "\n")
    import_logs([write_log(tmp_path / "log.csv", {"user_id": 1, "video_id": 10, "time_ms": APRIL_9})], **features)
    videos = {video["video_id"]: video["creator_id"] for video in rows_of(features["out"], "2022-04-09", "videos")}
    assert videos == {"10": "500"} | {str(video): "500" for video in range(20, 25)}
    record = json.loads((features["out"] / RECORD).read_text())
    assert [file["unreadable"] for file in record["files"]] == [0, 1, 0]


def test_a_feature_file_with_an_open_quote_is_rejected(tmp_path, features):
    features["videos"].write_text(features["videos"].read_text() + '12,"500,NORMAL,2022-04-09\n13,1\n')
    log = write_log(tmp_path / "log.csv", {"user_id": 1, "video_id": 10, "time_ms": APRIL_9})
    with pytest.raises(DataRejected, match="quotes"):
        import_logs([log], **features)


@pytest.mark.parametrize("rows", [[], ["x"], [*["x"] * 2, {"user_id": 1, "video_id": 10, "time_ms": APRIL_9}]])
def test_a_log_that_is_largely_unreadable_is_rejected_and_leaves_nothing(tmp_path, features, rows):
    with pytest.raises(DataRejected, match="unreadable"):
        import_logs([write_log(tmp_path / "log.csv", *rows)], **features)
    assert list(features["out"].iterdir()) == []


@pytest.mark.parametrize("gone", ["users", "videos", "log"])
def test_a_missing_file_is_named(tmp_path, features, gone):
    log = write_log(tmp_path / "log.csv", {"user_id": 1, "video_id": 10, "time_ms": APRIL_9})
    path = {"log": log, **features}[gone]
    path.unlink()
    with pytest.raises(InputMissing, match=path.name):
        import_logs([log], **features)
    with pytest.raises(InputMissing, match="at least one log"):
        import_logs([], **features)


def test_all_missing_columns_are_named_with_those_found(tmp_path, features):
    header = LOG_HEADER.replace("time_ms,is_click,", "", 1).replace("is_hate", "IS_HATE")
    with pytest.raises(ContractBroken, match=r"is_hate, time_ms.*found user_id, video_id"):
        import_logs([write_log(tmp_path / "log.csv", header=header)], **features)
    features["videos"].write_text("video_id,tag\n1,2\n")
    log = write_log(tmp_path / "log.csv", {"user_id": 1, "video_id": 10, "time_ms": APRIL_9})
    with pytest.raises(ContractBroken, match="author_id, music_id, upload_dt, video_duration, visible_status"):
        import_logs([log], **features)
    log.write_text("")
    with pytest.raises(ContractBroken, match="empty file"):
        import_logs([log], **features)


def test_days_are_told_as_they_are_written_and_may_be_parquet(tmp_path, features):
    rows = [{"user_id": 1, "video_id": 10, "time_ms": APRIL_9 + n * DAY_MS, "is_like": n} for n in range(2)]
    told = []
    log = write_log(tmp_path / "log.csv", *rows)
    import_logs([log], **features, progress=lambda *each: told.append(each), format="parquet")
    assert told == [(date(2022, 4, 9), 1, 1), (date(2022, 4, 10), 2, 1)]
    (path,) = landing.check_day(features["out"], date(2022, 4, 10)).paths("events")
    assert pl.read_parquet(path)["kind"].to_list() == ["like", "play"]


@pytest.mark.skipif(not REAL.exists(), reason="the KuaiRand subset is not beside the repository")
def test_the_real_subset_gives_its_published_counts(tmp_path):
    log = REAL / "log_likehate_27k.tsv"
    days = import_logs([log], REAL / "user_features.csv", REAL / "video_features.csv", tmp_path, format="parquet")
    assert (days[0], days[-1], len(days)) == (date(2022, 4, 7), date(2022, 4, 21), 15)
    landed = [landing.check_day(tmp_path, day) for day in days]
    events = pl.concat(pl.read_parquet(day.paths("events")) for day in landed)
    assert dict(events.group_by("kind").len().iter_rows()) == {
        "play": 41_828,
        "like": 33_745,
        "not_interested": 8_083,
        "comment": 1_258,
        "share": 326,
        "follow": 304,
        "profile_visit": 2_214,
    }
    plays = events.filter(pl.col("kind") == "play")
    assert (plays["viewer_id"].n_unique(), plays["video_id"].n_unique()) == (664, 9_359)
    assert plays["duration_ms"].null_count() == 7_738
    assert all(re.match(ID_PATTERN, event_id) for event_id in events["event_id"])
    videos = pl.read_parquet(landed[-1].paths("videos"))
    assert (videos.height, landed[-1].rows("viewers")) == (7_583 + 9_359 - 113, 27_285)
    assert plays.join(videos.drop_nulls("creator_id"), on="video_id").height == 1_115
    for day, found in zip(days, landed, strict=True):
        logged = pl.read_parquet(found.paths("events"))
        assert (logged["happened_at"].str.slice(0, 10) == str(day)).all()
        assert logged["video_id"].is_in(pl.read_parquet(found.paths("videos"))["video_id"].implode()).all()
        assert logged["viewer_id"].is_in(pl.read_parquet(found.paths("viewers"))["viewer_id"].implode()).all()
