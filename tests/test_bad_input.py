"""Bad input: what a night does about it. One lake, day after day; most of the badness has landed on one day."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from pathlib import Path

import pytest

from foryou import tables
from foryou.errors import ContractBroken, DataRejected, InputMissing
from foryou.night import Night
from foryou.platform.job import journal
from foryou.platform.lake import Lake
from foryou.publishing import reader
from rows import DAY, land, ran

BEFORE, AFTER = DAY - timedelta(1), DAY + timedelta(1)
VIDEO = {"moderation": "auto_ok", "status": "live", "audience": "all"}
VIDEOS = [VIDEO | {"video_id": f"v{n}"} for n in range(12)]
VIEWERS = [{"viewer_id": f"u{n}"} for n in range(12)]


def event(name, day=DAY, **changed):
    return {
        "event_id": name,
        "happened_at": f"{day}T12:00:00Z",
        "viewer_id": "u1",
        "kind": "play",
        "video_id": "v1",
        "watched_ms": 5_000,
        "duration_ms": 30_000,
    } | changed


def usual(count, day=DAY):
    return [event(f"{day}-{n}", day, viewer_id=f"u{n % 12}", video_id=f"v{n % 12}") for n in range(count)]


def raw(name, **changed):
    return json.dumps(event(name, **changed)).encode()


def without(name, field):
    return {key: value for key, value in event(name).items() if key != field}


def renamed(name, field, to):
    return {to if key == field else key: value for key, value in event(name).items()}


LINES = {
    "cut": (raw("cut")[:40], "unreadable"),
    "two torn into one": (raw("torn-1") + raw("torn-2"), "unreadable"),
    "words after it": (raw("followed") + b" ok", "unreadable"),
    "a list of events": (b"[" + raw("listed") + b"]", "unreadable"),
    "a page of a proxy": (b"<html>502 Bad Gateway</html>", "unreadable"),
    "nothing": (b"", "unreadable"),
    "blanks": (b" \t ", "unreadable"),
    "null": (b"null", "unreadable"),
    "a number": (b"7", "unreadable"),
    "an empty object": (b"{}", "bad_event_id"),
    "a mark of byte order": (b"\xef\xbb\xbf" + raw("marked"), "unreadable"),
    "bytes that are no UTF-8": (b"\xff\xfe" + raw("bytes"), "unreadable"),
    "an id that is no UTF-8": (raw("id-bytes").replace(b"u1", b"u\xff1"), "bad_viewer_id"),
    "deep": (b'{"event_id": "deep", "x": ' + b"[" * 9_000 + b"]" * 9_000 + b"}", "bad_viewer_id"),
    "a number of 5,000 digits": (raw("digits").replace(b"5000", b"9" * 5_000), "unreadable"),
    "quotes of Python": (str(event("quotes")).encode(), "unreadable"),
    # ---- fields
    "kind in another case": (renamed("cased", "kind", "Kind"), "unreadable"),
    "a length in another case": (renamed("cased-length", "duration_ms", "duration_MS"), "unreadable"),
    "no event_id": (without("-", "event_id"), "bad_event_id"),
    "no happened_at": (without("timeless", "happened_at"), "bad_time"),
    "no viewer": (without("nobody", "viewer_id"), "bad_viewer_id"),
    "no kind": (without("kindless", "kind"), "unknown_kind"),
    "no video": (without("videoless", "video_id"), "bad_video_id"),
    "nothing watched": (without("unwatched", "watched_ms"), "bad_watched"),
    "watched as text": (event("text", watched_ms="5000"), "unreadable"),
    "watched as a fraction": (event("fraction", watched_ms=5000.5), "unreadable"),
    "position as text": (event("place", position="first"), "unreadable"),
    "position beyond an int": (event("far", position=10**12), "unreadable"),
    "video as an object": (event("object", video_id={"id": "v1"}), "unreadable"),
    "viewer as a list": (event("list", viewer_id=["u1"]), "unreadable"),
    "time as a number": (event("epoch", happened_at=1773144000), "bad_time"),
    # ---- numbers
    "watched NaN": (raw("nan").replace(b"5000", b"NaN"), "unreadable"),
    "watched 1e400": (raw("huge").replace(b"5000", b"1e400"), "unreadable"),
    "propensity NaN": (event("p-nan", propensity=float("nan")), "bad_propensity"),
    "propensity 1e400": (raw("p-huge", propensity=7).replace(b": 7", b": 1e400"), "bad_propensity"),
    "watched below zero": (event("minus", watched_ms=-1), "bad_watched"),
    "watched for years": (event("years", watched_ms=10**12), "bad_watched"),
    "a length below zero": (event("length", duration_ms=-30_000), "bad_duration"),
    "a length of years": (event("endless", duration_ms=10**15), "bad_duration"),
    # ---- times
    "year 1": (event("year-1", happened_at="0001-01-01T00:00:00Z"), "outside_days"),
    "1970": (event("1970", happened_at="1970-01-01T00:00:00Z"), "outside_days"),
    "tomorrow": (event("tomorrow", AFTER), "outside_days"),
    "year 9999": (event("year-9999", happened_at="9999-12-31T23:59:59Z"), "outside_days"),
    "a clock without a day": (event("clock", happened_at="12:00:00"), "bad_time"),
    # ---- ids
    "an empty id": (event("empty", viewer_id=""), "bad_viewer_id"),
    "an id of 10 kB": (event("e" * 10_000), "bad_event_id"),
    "a control character": (event("control", viewer_id="u\x001"), "bad_viewer_id"),
    "a path": (event("path", viewer_id="../../etc/passwd"), "bad_viewer_id"),
    "an emoji": (event("emoji", video_id="v😀"), "bad_video_id"),
    "SQL": (event("sql", viewer_id="u'; DROP TABLE viewers; --"), "bad_viewer_id"),
    "a line feed at the end": (event("feed", viewer_id="u1\n"), "bad_viewer_id"),
    "a carriage return at the end": (event("return", video_id="v1\r"), "bad_video_id"),
    "a line separator at the end": (event("separator\u2028"), "bad_event_id"),
    # ---- what is no fault of the log
    "sent yesterday": (event(f"{BEFORE}-0"), "duplicate"),
    "twice in a file": (event("twice", watched_ms=6_000), "duplicate"),
    "twice in two files": (event("apart", watched_ms=6_000), "duplicate"),
    "a video of tomorrow": (event("early", video_id="v99"), "unknown_video"),
}
"""By name: a line, and why it is refused."""

ODD = {
    "odd-crlf": raw("odd-crlf") + b"\r",
    "odd-return": raw("odd-return").replace(b", ", b",\r"),
    "odd-field": event("odd-field", mood="new"),
    "odd-case": event("odd-case", referrer='{"Kind": 1, "Duration_ms": 2}'),
    "odd-twin": event("odd-twin", Kind="like"),
    "odd-braces": event("odd-braces", referrer='a "}{" \\'),
    "424242": event(424242),
    "odd-spaces": b"  " + raw("odd-spaces") + b"  ",
    "twice": event("twice", watched_ms=5_000),
}
"""By event id: lines that look strange and are sound."""


BAD_VIDEOS = [*VIDEOS[6:], {"video_id": "v1;"}, VIDEO | {"video_id": "v12", "Mood": "new", "duration_ms": -5}]


@pytest.fixture(scope="module")
def landing(tmp_path_factory):
    """Three days: one sound, in every format; the bad one; one with too much of it."""
    root = tmp_path_factory.mktemp("landing")
    early = usual(100, BEFORE)
    parts = {"events/a.jsonl": early[:30], "events/b.jsonl.gz": early[30:60], "events/c.parquet": early[60:]}
    snapshots = {"videos/part-0.parquet": VIDEOS[:6], "videos/part-1.jsonl": BAD_VIDEOS, "viewers/a.jsonl.gz": VIEWERS}
    land(root, BEFORE, snapshots | parts)
    lines = [*ODD.values(), *(line for line, _ in LINES.values())]
    files = {"events/part-0.jsonl": [*usual(100), *lines], "events/part-1.jsonl": [event("apart"), *usual(330)[100:]]}
    land(root, DAY, files)
    forty = [*usual(60, AFTER), *[event(f"bad-{n}", AFTER, kind="swipe") for n in range(40)]]
    land(root, AFTER, {"events/part-0.jsonl": forty})
    return root


@pytest.fixture(scope="module")
def shared_lake(spark, tmp_path_factory):
    return Lake(tmp_path_factory.mktemp("lake"), spark)


@pytest.fixture(scope="module")
def night(landing, shared_lake, chosen):
    """The runs of the sound and of the bad day, by job and day."""
    wanted = [("build_catalogue", BEFORE), ("build_events", BEFORE), ("build_events", DAY)]
    return {(job, day): ran(job, landing, shared_lake, chosen, day) for job, day in wanted}


def content(lake, table, day):
    return sorted(lake.arrow(table, days=[day]).to_pylist(), key=str)


def accepted(lake, day=DAY):
    return {row["event_id"]: row for row in content(lake, tables.EVENTS, day)}


@pytest.fixture(scope="module")
def refused(night, shared_lake):
    """The reasons of each refused line of the bad day."""
    found = {}
    for row in content(shared_lake, tables.REJECTED_EVENTS, DAY):
        found.setdefault(row["line"], []).append(row["reason"])
    return found


# ---- line by line


@pytest.mark.parametrize("name", LINES)
def test_a_bad_line_is_refused_with_its_reason(refused, name):
    line, reason = LINES[name]
    text = line.decode(errors="replace") if isinstance(line, bytes) else json.dumps(line)
    found = [reasons for kept, reasons in refused.items() if kept == text.rstrip()[:2_000]]
    blank = ["unreadable"] * 2  # two of the lines hold nothing
    assert found == [blank if not text.strip() else [reason]]


def test_sound_lines_are_accepted_however_odd(night, shared_lake):
    assert set(accepted(shared_lake)) == {row["event_id"] for row in usual(330)} | set(ODD) | {"apart"}
    assert accepted(shared_lake)["twice"]["watched_ms"] == 5_000


def test_no_line_is_lost_and_the_run_says_what_it_read(night, landing, shared_lake):
    notes = night["build_events", DAY].notes
    assert notes["rows_read"] == 330 + 1 + len(ODD) + len(LINES)
    assert notes["rows_accepted"] == len(accepted(shared_lake))
    assert notes["rows_rejected"] == len(LINES) == sum(notes["rejected_by_reason"].values())
    assert set(notes["unknown_fields"]) == {"Kind", "duration_MS", "mood"}
    assert night["build_events", BEFORE].notes["rows_accepted"] == 100


def test_every_format_gives_the_same_events(night, shared_lake):
    rows = accepted(shared_lake, BEFORE).values()
    assert len(rows) == 100
    assert {(row["watched_ms"], str(row["happened_at"])[:19]) for row in rows} == {(5_000, f"{BEFORE} 12:00:00")}


def test_a_bad_line_of_a_snapshot_is_left_out_and_a_new_field_is_told(night, shared_lake):
    videos = {row["video_id"]: row for row in content(shared_lake, tables.VIDEOS, BEFORE)}
    assert set(videos) == {f"v{n}" for n in range(13)}
    assert videos["v12"]["duration_ms"] is None
    assert night["build_catalogue", BEFORE].notes["unknown_fields"] == {"videos": ["Mood"]}


# ---- whole days


def test_a_day_with_forty_per_cent_of_bad_rows_is_refused_unless_a_person_says_why(night, landing, shared_lake, chosen):
    versions = [shared_lake.version(table) for table in (tables.EVENTS, tables.REJECTED_EVENTS)]
    with pytest.raises(DataRejected, match=r"rejected share is small; found 40 %.*'unknown_kind': 40") as error:
        ran("build_events", landing, shared_lake, chosen, AFTER)
    assert error.value.exit_code == 4
    assert [shared_lake.version(table) for table in (tables.EVENTS, tables.REJECTED_EVENTS)] == versions
    assert overrides(shared_lake) == {"rejected share is small": None}

    said = {"rejected share is small": "a new kind, not ours yet"}
    run = ran("build_events", landing, shared_lake, chosen, AFTER, said)
    assert len(accepted(shared_lake, AFTER)) == 60 and len(content(shared_lake, tables.REJECTED_EVENTS, AFTER)) == 40
    assert overrides(shared_lake) == said
    assert run.degraded == ["rejected share is small overridden: a new kind, not ours yet"]
    entry = json.loads((journal(shared_lake.root, AFTER) / "build_events.json").read_text())
    assert entry["state"] == "degraded"


def test_a_log_cut_short_or_sent_many_times_is_refused_once_there_are_days_to_compare_it_with(tmp_path, lake, chosen):
    videos = {"videos/part-0.jsonl": VIDEOS}
    days = [DAY - timedelta(back) for back in (3, 2, 1)]
    for day, count in zip(days, (2, 40, 40), strict=True):  # the first day of a log is often cut
        land(tmp_path, day, videos | {"events/part-0.jsonl": usual(count, day)})
        for name in ("build_video_ids", "build_events"):
            ran(name, tmp_path, lake, chosen, day)
    for count in (7, 202):
        land(tmp_path, DAY, {"events/part-0.jsonl": usual(count)})
        with pytest.raises(DataRejected, match=f"{count} rows, wanted between 8 and 201"):
            ran("build_events", tmp_path, lake, chosen, DAY)
    land(tmp_path, DAY, {"events/part-0.jsonl": usual(201)})
    assert ran("build_events", tmp_path, lake, chosen, DAY).notes["rows_accepted"] == 201


@pytest.mark.parametrize("order", [(BEFORE, DAY, BEFORE), (DAY, BEFORE)], ids=["run again", "landed late"])
def test_a_day_knows_its_own_videos_and_none_of_a_later_day_whenever_it_is_run(tmp_path, lake, chosen, order):
    for day, videos in ((BEFORE, VIDEOS[:5]), (DAY, VIDEOS)):
        land(tmp_path, day, {"videos/part-0.jsonl": videos, "events/part-0.jsonl": usual(12, day)})
    for day in order:
        ran("build_video_ids", tmp_path, lake, chosen, day)
        notes = ran("build_events", tmp_path, lake, chosen, day).notes
    assert notes["rejected_by_reason"] == {"unknown_video": 7}


def overrides(lake):
    """What was said to each failed check of the day after."""
    rows = content(lake, tables.CHECKS, AFTER)
    return {row["expectation"]: row["override"] for row in rows if not row["passed"]}


EMPTY = {
    "no files": {},
    "no lines": {"events/part-0.jsonl": []},
    "only what is known": {"events/part-0.jsonl": [event(f"{BEFORE}-1"), event(f"{BEFORE}-2")]},
}


@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_day_is_refused_and_yesterday_s_release_stays(night, tmp_path, shared_lake, chosen, name):
    land(tmp_path, DAY, EMPTY[name])
    before = {table.path: shared_lake.version(table) for table in (tables.EVENTS, tables.REJECTED_EVENTS)}
    with pytest.raises(DataRejected, match=r"an empty day.*the release before stays live"):
        ran("build_events", tmp_path, shared_lake, chosen)
    assert {table.path: shared_lake.version(table) for table in (tables.EVENTS, tables.REJECTED_EVENTS)} == before


def test_a_night_of_an_empty_day_publishes_nothing_and_says_why(night, tmp_path, shared_lake, chosen):
    land(tmp_path, AFTER, {})
    told = []
    nights = Night(tmp_path, shared_lake, chosen, told=lambda day, step, entry: told.append((step, entry)))
    with pytest.raises(DataRejected, match="there are videos") as error:
        nights.run(AFTER)
    assert "0 rows, wanted at least 1" in str(error.value)
    assert told[-1][0] == "build_catalogue" and told[-1][1]["state"] == "failed"
    assert reader.releases(shared_lake.root) == []
    assert len(content(shared_lake, tables.VIDEOS, BEFORE)) == 13


# ---- whole files: refused before anything is read, so nothing can have changed


def spoiled(folder: Path, keep: int) -> None:
    """Cuts the landed file, and lists it as it is then."""
    path = folder / "events/part-0.jsonl.gz"
    path.write_bytes(path.read_bytes()[:keep])
    relisted(folder, rows=30)


def relisted(folder: Path, rows: int) -> None:
    """Lists the files as they are, each with so many rows."""
    listing = json.loads((folder / "_manifest.json").read_text())
    for name, entry in listing["files"].items():
        data = (folder / name).read_bytes()
        entry |= {"rows": rows, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    (folder / "_manifest.json").write_text(json.dumps(listing))


FILES = {
    "no manifest": (lambda folder: (folder / "_manifest.json").unlink(), InputMissing, "without a manifest"),
    "a file missing": (lambda folder: (folder / "events/part-0.jsonl.gz").unlink(), InputMissing, "no such file"),
    "other bytes": (
        lambda folder: (folder / "events/part-0.jsonl.gz").write_bytes(b"other"),
        DataRejected,
        "5 bytes",
    ),
    "a gzip cut short": (lambda folder: spoiled(folder, -20), DataRejected, "whole gzip"),
    "an empty gzip": (lambda folder: spoiled(folder, 0), DataRejected, "whole gzip"),
    "another number of rows": (lambda folder: relisted(folder, 31), DataRejected, "found 30 rows"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_day_that_is_not_as_its_manifest_says_is_refused(night, tmp_path, shared_lake, chosen, name):
    spoil, kind, words = FILES[name]
    spoil(land(tmp_path, DAY, {"events/part-0.jsonl.gz": usual(30)}))
    versions = [shared_lake.version(table) for table in (tables.EVENTS, tables.REJECTED_EVENTS)]
    with pytest.raises(kind, match=words):
        ran("build_events", tmp_path, shared_lake, chosen)
    assert [shared_lake.version(table) for table in (tables.EVENTS, tables.REJECTED_EVENTS)] == versions


def test_a_snapshot_of_another_number_of_rows_is_refused(tmp_path, lake, chosen):
    folder = land(tmp_path, DAY, {"videos/part-0.jsonl": VIDEOS})
    relisted(folder, 13)
    with pytest.raises(DataRejected, match=r"landing/videos.*wanted 13 rows.*found 12 rows"):
        ran("build_catalogue", tmp_path, lake, chosen)
    assert not lake.exists(tables.VIDEOS)


def test_a_file_whose_every_line_has_a_field_in_another_case_is_refused(tmp_path, lake, chosen):
    land(tmp_path, DAY, {"events/part-0.jsonl": [renamed(f"e{n}", "video_id", "Video_Id") for n in range(3)]})
    with pytest.raises(ContractBroken, match=r"wanted video_id; found Video_Id in part-0\.jsonl"):
        ran("build_events", tmp_path, lake, chosen)
