"""The landing door: what it writes, and what it refuses."""

from __future__ import annotations

import gzip
import hashlib
import json
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from foryou.errors import DataRejected, InputMissing
from foryou.sources.landing import KINDS, MANIFEST, check_day, days, landing_day, write_day

DAY = date(2026, 3, 1)


def events(count: int = 3) -> pl.DataFrame:
    return pl.DataFrame({"event_id": [f"e{n}" for n in range(count)], "kind": "play"})


def list_again(folder: Path) -> None:
    """Make the manifest agree with the files as they are now."""
    manifest = json.loads((folder / MANIFEST).read_text())
    for name, entry in manifest["files"].items():
        data = (folder / name).read_bytes()
        entry |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    (folder / MANIFEST).write_text(json.dumps(manifest))


@pytest.mark.parametrize("format", ["jsonl", "jsonl.gz", "parquet"])
def test_a_written_day_is_found_checked_and_read_back(tmp_path, format):
    write_day(tmp_path, DAY, {"events": events(5), "follows": events(0)}, format=format, parts=2)
    landed = check_day(tmp_path, DAY)
    assert days(tmp_path) == [DAY]
    assert [file.rows for file in landed.files["events"]] == [3, 2]
    assert (landed.rows("follows"), landed.files["videos"], landed.unlisted) == (0, [], ())
    read = pl.read_parquet if format == "parquet" else pl.read_ndjson
    assert pl.concat(read(path) for path in landed.paths("events")).equals(events(5))


@pytest.mark.parametrize("format", ["jsonl", "jsonl.gz", "parquet"])
def test_the_same_rows_give_the_same_bytes(tmp_path, format):
    for name in ("a", "b"):
        write_day(tmp_path / name, DAY, {"events": events()}, format=format)
    one, other = (check_day(tmp_path / name, DAY).files["events"][0] for name in ("a", "b"))
    assert one.sha256 == other.sha256


def test_broken_lines_are_written_as_they_are_and_counted(tmp_path):
    write_day(tmp_path, DAY, {"events": events(2)}, raw_lines={"events": [b'{"event_id": "e', b"\xff"]})
    file = check_day(tmp_path, DAY).files["events"][0]
    assert file.rows == 4
    assert file.path.read_bytes().splitlines()[2:] == [b'{"event_id": "e', b"\xff"]


def test_times_are_written_with_their_zone(tmp_path):
    moment = datetime(2026, 3, 1, 9, microsecond=4_000)
    times = pl.DataFrame({"naive": [moment], "zoned": [moment.replace(tzinfo=UTC)]})
    write_day(tmp_path, DAY, {"events": times})
    line = json.loads(check_day(tmp_path, DAY).files["events"][0].path.read_text())
    assert line == {"naive": "2026-03-01T09:00:00.004+00:00", "zoned": "2026-03-01T09:00:00.004+00:00"}


def test_a_day_written_again_is_replaced_whole_and_leaves_nothing_beside_it(tmp_path):
    write_day(tmp_path, DAY, {"events": events(9), "videos": events()}, parts=3)
    (tmp_path / f".day={DAY}.writing").mkdir()
    write_day(tmp_path, DAY, {"events": events(1)})
    assert [path.name for path in tmp_path.iterdir()] == [f"day={DAY}"]
    assert {kind: check_day(tmp_path, DAY).rows(kind) for kind in KINDS[:2]} == {"events": 1, "videos": 0}


def test_a_write_that_fails_leaves_the_old_day_as_it_was(tmp_path):
    write_day(tmp_path, DAY, {"events": events(2)})
    with pytest.raises(ValueError, match="raw lines"):
        write_day(tmp_path, DAY, {"events": events(1)}, format="parquet", raw_lines={"events": [b"{"]})
    assert check_day(tmp_path, DAY).rows("events") == 2
    assert days(tmp_path) == [DAY]


def test_a_day_without_folder_or_manifest_has_not_landed(tmp_path):
    with pytest.raises(InputMissing, match="no such folder"):
        check_day(tmp_path, DAY)
    landing_day(tmp_path, DAY).mkdir()
    (tmp_path / "day=2026-99-99").mkdir()
    (tmp_path / "day=2026-99-99" / MANIFEST).write_text("{}")
    with pytest.raises(InputMissing, match="without a manifest"):
        check_day(tmp_path, DAY)
    assert days(tmp_path) == []


def test_a_listed_file_that_is_gone_is_missing(tmp_path):
    folder = write_day(tmp_path, DAY, {"events": events(4)}, parts=2)
    (folder / "events/part-1.jsonl").unlink()
    with pytest.raises(InputMissing, match=r"part-1\.jsonl"):
        check_day(tmp_path, DAY)


@pytest.mark.parametrize("change", [lambda data: data + b"\n", lambda data: data.replace(b"e0", b"e9")])
def test_other_bytes_than_listed_are_rejected(tmp_path, change):
    path = write_day(tmp_path, DAY, {"events": events()}) / "events/part-0.jsonl"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DataRejected, match=r"bytes|sha256"):
        check_day(tmp_path, DAY)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: b"",
        lambda data: data[:-12],
        lambda data: data[: len(data) // 2],
        lambda data: b"plain text",
        lambda data: data[:30] + b"\x00\x00\x00\x00" + data[34:],
        lambda data: data + data[:-9],
    ],
)
def test_a_gzip_that_is_empty_cut_or_damaged_is_rejected_though_its_digest_is_right(tmp_path, spoil):
    path = write_day(tmp_path, DAY, {"events": events(500)}, format="jsonl.gz") / "events/part-0.jsonl.gz"
    path.write_bytes(spoil(path.read_bytes()))
    list_again(path.parent.parent)
    with pytest.raises(DataRejected, match="whole gzip"):
        check_day(tmp_path, DAY)


def test_a_gzip_of_several_members_is_whole(tmp_path):
    path = write_day(tmp_path, DAY, {"events": events()}, format="jsonl.gz") / "events/part-0.jsonl.gz"
    path.write_bytes(path.read_bytes() + gzip.compress(b'{"event_id": "e3"}\n'))
    list_again(path.parent.parent)
    assert check_day(tmp_path, DAY).files["events"][0].bytes == path.stat().st_size


ENTRY = {"rows": 1, "bytes": 1, "sha256": "0" * 64}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"files": {}}',
        '{"day": "2026-03-02", "files": {}}',
        '{"day": "2026-03-01"}',
        '{"day": "2026-03-01", "files": []}',
        '{"day": "2026-03-01", "files": {}, "files": {}}',
        "[" * 100_000,
        *(
            json.dumps({"day": "2026-03-01", "files": {"events/part-0.jsonl": entry}})
            for entry in (
                None,
                {"rows": 1},
                ENTRY | {"rows": -1},
                ENTRY | {"rows": True},
                ENTRY | {"bytes": 1.5},
                ENTRY | {"sha256": "x"},
            )
        ),
        *(
            json.dumps({"day": "2026-03-01", "files": {name: ENTRY}})
            for name in (
                "../day=2026-02-28/events/part-0.jsonl",
                "events/../../x.jsonl",
                "/etc/hosts.jsonl",
                "events/..",
                "likes/part-0.jsonl",
                "events/part-0.csv",
                "events/a\x00.jsonl",
                "events",
                "",
                "events/part-[0].jsonl",
                "events/part-{0,1}.jsonl",
                "events/part-*.jsonl",
                "events/a:b.jsonl",
                "events/_a.jsonl",
                "events/.a.jsonl",
                "events/a b.jsonl",
                f"events/{'a' * 300}.jsonl",
                "events//part-0.jsonl",
                "events/./part-0.jsonl",
                "events/part-0.jsonl\n",
                "events/\ud800.jsonl",
            )
        ),
    ],
)
def test_a_malformed_manifest_is_rejected(tmp_path, text):
    folder = write_day(tmp_path, DAY, {"events": events()})
    (folder / MANIFEST).write_text(text)
    with pytest.raises(DataRejected) as error:
        check_day(tmp_path, DAY)
    str(error.value).encode()  # whatever stands in it can be printed


def test_a_link_that_leads_outside_the_day_is_rejected(tmp_path):
    folder = write_day(tmp_path / "landing", DAY, {"events": events()})
    outside = tmp_path / "outside.jsonl"
    (folder / "events/part-0.jsonl").rename(outside)
    (folder / "events/part-0.jsonl").symlink_to(outside)
    with pytest.raises(DataRejected, match="leads to"):
        check_day(tmp_path / "landing", DAY)


def test_a_file_listed_by_two_names_is_rejected(tmp_path):
    folder = write_day(tmp_path, DAY, {"events": events()})
    (folder / "events/part-1.jsonl").symlink_to(folder / "events/part-0.jsonl")
    listed = json.loads((folder / MANIFEST).read_text())
    listed["files"]["events/part-1.jsonl"] = listed["files"]["events/part-0.jsonl"]
    (folder / MANIFEST).write_text(json.dumps(listed))
    with pytest.raises(DataRejected, match=r"listed once.*part-0\.jsonl and part-1\.jsonl"):
        check_day(tmp_path, DAY)


@pytest.mark.parametrize("name", ["part-00000-5f2c-c000.snappy.jsonl", "day=1_a+b.jsonl", "0.jsonl"])
def test_a_name_that_exporters_give_is_fine(tmp_path, name):
    folder = write_day(tmp_path, DAY, {"events": events()})
    (folder / "events/part-0.jsonl").rename(folder / "events" / name)
    text = (folder / MANIFEST).read_text().replace("part-0.jsonl", name)
    (folder / MANIFEST).write_text(text)
    assert check_day(tmp_path, DAY).rows("events") == 3


def test_a_landing_whose_path_is_a_pattern_is_refused(tmp_path):
    write_day(tmp_path / "[ab]", DAY, {"events": events()})
    with pytest.raises(InputMissing, match="patterns"):
        check_day(tmp_path / "[ab]", DAY)


def test_a_landing_that_is_itself_a_link_is_fine(tmp_path):
    write_day(tmp_path / "there", DAY, {"events": events()})
    (tmp_path / "here").symlink_to(tmp_path / "there")
    assert check_day(tmp_path / "here", DAY).rows("events") == 3


def test_files_beside_the_manifest_are_named_and_ignored(tmp_path):
    folder = write_day(tmp_path, DAY, {"events": events()})
    (folder / "events/part-9.jsonl").write_text("{}")
    (folder / "_SUCCESS").touch()
    landed = check_day(tmp_path, DAY)
    assert landed.unlisted == ("_SUCCESS", "events/part-9.jsonl")
    assert len(landed.files["events"]) == 1
