"""Landed files as frames: every line is a row, whatever it holds and however it was written."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from functools import partial

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from foryou import tables
from foryou.errors import ContractBroken, DataRejected
from foryou.sources import landed_frames, landing
from rows import DAY, land


def landed(folder, **files):
    """A landed day of such files of events: `part_0_jsonl=[...]`."""
    land(folder, DAY, {f"events/{name}": content for name, content in files["files"].items()})
    return landing.check_day(folder, DAY)


def read(spark, day, kind):
    """The lines as they are."""
    return landed_frames.worked(spark, day, kind, iter, f"line string, readable boolean, {tables.LANDED[kind]}")


def put_parquet(folder, table, kind="events"):
    """A landed day of one Parquet file of any schema."""
    there = land(folder, DAY, {f"{kind}/part-0.parquet": [{"x": 1}]})
    pq.write_table(table, there / kind / "part-0.parquet")
    path = there / kind / "part-0.parquet"
    file = landing.LandedFile(path, table.num_rows, path.stat().st_size, "")
    return landing.LandedDay(DAY, there, {kind: [file]})


def test_files_of_every_format_and_of_different_fields_are_read_together(spark, tmp_path):
    at = datetime(2026, 3, 10, 9, 30)
    day = landed(
        tmp_path,
        files={
            "a.jsonl": [{"event_id": "a", "watched_ms": 1}, b"", b"{"],
            "b.jsonl.gz": [{"event_id": "b", "watched_ms": 2}],
            "c.parquet": [{"event_id": "c", "watched_ms": 3, "happened_at": at}],
            "d.parquet": [
                {"event_id": "d", "watched_ms": 4.0, "propensity": Decimal("0.5"), "mood`.": "odd"},
                {"event_id": "e", "watched_ms": float("nan"), "propensity": None, "mood`.": None},
            ],
            "f.parquet": [{"event_id": 7, "watched_ms": "5", "position": 1}, {"event_id": 8, "watched_ms": "five"}],
        },
    )
    found = read(spark, day, "events").collect()
    landed_frames.recount(day, "events", len(found))
    readable = {row.event_id: (row.watched_ms, row.happened_at, row.propensity) for row in found if row.readable}
    assert readable == {
        "a": (1, None, None),
        "b": (2, None, None),
        "c": (3, "2026-03-10 09:30:00", None),
        "d": (4, None, 0.5),
        "7": (5, None, None),
    }
    assert sorted(row.line for row in found if not row.readable) == [
        "",
        "{",
        '{"event_id":"e","watched_ms":"NaN"}',
        '{"event_id":8,"watched_ms":"five"}',
    ]
    assert landed_frames.unknown_fields(day, "events") == ["mood`."]


def test_no_plan_of_spark_tells_what_workers_are_given(spark, tmp_path, capsys):
    day = landed(tmp_path, files={"a.jsonl": [{"event_id": "a", "device_id": "phone"}]})

    def work(lines, salt):
        return (table.select(["line"]) for table in lines if salt)

    frame = landed_frames.worked(spark, day, "events", partial(work, salt="canary" * 8), "line string").cache()
    assert frame.count() == 1
    frame.explain("extended")
    execution = frame._jdf.queryExecution()
    told = capsys.readouterr().out + execution.toString() + execution.stringWithStats()
    frame.unpersist()
    assert "MapInArrow" in told and "canary" not in told


def test_no_files_are_no_rows(spark, tmp_path):
    land(tmp_path, DAY, {})
    assert read(spark, landing.check_day(tmp_path, DAY), "events").count() == 0


def test_the_name_of_an_unknown_field_can_be_written_whatever_it_is(tmp_path):
    day = landed(tmp_path, files={"a.jsonl": [b'{"\\ud800": 1, "a\\u202eb": 2, "\\u001b[31m": 3}']})
    assert landed_frames.unknown_fields(day, "events") == [" ", " [31m", "a b"]


def test_another_number_of_rows_than_promised_is_refused(tmp_path):
    day = landed(tmp_path, files={"a.jsonl": [{}, {}]})
    with pytest.raises(DataRejected, match=r"wanted 2 rows.*found 1 rows"):
        landed_frames.recount(day, "events", 1)


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.parquet"])
def test_a_field_in_another_case_is_named(spark, tmp_path, name):
    day = landed(tmp_path, files={name: [{"Event_ID": "a", "kind": "play", "Mood": "odd"}]})
    with pytest.raises(ContractBroken, match=r"wanted event_id; found Event_ID in a\."):
        read(spark, day, "events")


def test_a_field_in_another_case_beside_the_right_one_is_one_bad_line(spark, tmp_path):
    day = landed(tmp_path, files={"a.jsonl": [{"Kind": "play"}, {"kind": "play"}]})
    assert sorted(str(row.kind) for row in read(spark, day, "events").collect()) == ["None", "play"]
    assert landed_frames.unknown_fields(day, "events") == ["Kind"]


def test_a_field_in_another_case_is_seen_on_whatever_line_it_begins(spark, tmp_path):
    sound = {"event_id": "a", "kind": "play", "caption": 'Kind: "Kind"', "surface": None}
    late = [sound] * 1_200 + [{"event_id": "b", "Surface": "search"}, {"event_id": "c", "POSITION": 1, "position": 2}]
    found = read(spark, landed(tmp_path, files={"a.jsonl": late}), "events")
    assert [json.loads(row.line)["event_id"] for row in found.where("NOT readable").collect()] == ["b"]


def test_a_column_that_cannot_be_read_as_its_type_is_refused(spark, tmp_path):
    day = put_parquet(tmp_path, pa.table({"video_id": ["v"], "tags": ["pan, bread"]}), "videos")
    with pytest.raises(ContractBroken, match="tags array<string>"):
        read(spark, day, "videos")
    nanoseconds = pa.table({"happened_at": pa.array([0], pa.timestamp("ns"))})
    with pytest.raises(ContractBroken):
        read(spark, put_parquet(tmp_path / "other", nanoseconds), "events")


@pytest.mark.parametrize("keep", [0, 10, -20])
def test_a_parquet_file_without_its_end_is_refused_though_its_digest_is_right(spark, tmp_path, keep):
    day = put_parquet(tmp_path, pa.table({"event_id": ["a"]}))
    path = day.files["events"][0].path
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataRejected, match="whole Parquet file"):
        read(spark, day, "events")


def test_bytes_of_a_parquet_file_that_are_no_text_become_one_as_those_of_json_do(spark, tmp_path):
    texts = pa.array([b"e\xff1", b"e2"]).view(pa.string())
    given = pa.table({"video_id": texts, "tags": pa.ListArray.from_arrays([0, 1, 2], texts), "mood": texts})
    found = read(spark, put_parquet(tmp_path, given, "videos"), "videos").toArrow()
    found.validate(full=True)
    assert found["video_id"].to_pylist() == ["e\ufffd1", "e2"]
    assert found["tags"].to_pylist() == [["e\ufffd1"], ["e2"]]


def test_a_parquet_file_of_no_columns_or_of_a_codec_that_spark_lacks_is_refused(spark, tmp_path):
    with pytest.raises(DataRejected, match=r"wanted columns in .*found none"):
        read(spark, put_parquet(tmp_path / "bare", pa.table({"a": [1]}).select([])), "events")
    day = put_parquet(tmp_path / "packed", pa.table({"event_id": ["a"]}))
    pq.write_table(pa.table({"event_id": ["a"]}), day.files["events"][0].path, compression="brotli")
    with pytest.raises(DataRejected, match=r"packed by GZIP, LZ4.*found BROTLI"):
        read(spark, day, "events")


def test_a_fraction_where_a_whole_number_is_wanted_is_unreadable_in_every_format(spark, tmp_path):
    lines = [{"event_id": "a", "watched_ms": 5000.7, "propensity": 0.1}, {"event_id": "b", "watched_ms": 5000.0}]
    by_json = landed(tmp_path / "json", files={"a.jsonl": lines})
    columns = {name: [line.get(name) for line in lines] for name in ("event_id", "watched_ms", "propensity")}
    by_parquet = put_parquet(tmp_path / "parquet", pa.table(columns))
    for day in (by_json, by_parquet):
        found = {row.event_id: row.readable for row in read(spark, day, "events").collect()}
        assert found.get("a", found.get(None)) is False
    assert found == {"a": False, "b": True}
