"""The report’s job on real tables."""

from __future__ import annotations

import runpy
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from report_rows import DAY, check, entries, judged, text_of

from foryou import settings, tables
from foryou.platform.job import Run, journal, run_step, write_json
from foryou.platform.lake import Lake

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def lake(tmp_path):
    def no_session():
        raise AssertionError("the report needs no Spark")

    return Lake(tmp_path / "lake", no_session)


@pytest.fixture(scope="module")
def main():
    return runpy.run_path(str(ROOT / "jobs" / "report.py"))["main"]


def put(lake, table, rows, day=DAY):
    """Writes rows that give only the columns that matter; the others are empty."""
    fields = {column.name: None for column in table.columns if column.name != "day"}
    types = {"videos": pa.list_(pa.int32()), "reasons": pa.list_(pa.int32()), "sources": pa.list_(pa.int32())}
    filled = {name: [row.get(name, _nothing(table, name)) for row in rows] for name in fields}
    lake.replace_day(table, day, pa.table({name: pa.array(v, types.get(name)) for name, v in filled.items()}))


def _nothing(table, name):
    column = table.column(name)
    if not column.required:
        return None
    kinds = {"string": "x", "boolean": False, "timestamp": datetime(2026, 3, 10), "date": DAY}
    return [] if column.type.startswith("array") else kinds.get(column.type, 0)


def write_night(lake, day=DAY, caption="Bread in a pan"):
    videos = [
        {"video": 0, "video_id": "v0", "caption": caption, "shown": True},
        {"video": 1, "video_id": "v1", "caption": None, "shown": True},
        {"video": 2, "video_id": "v2"},
        {"video": 3, "video_id": "v3"},
    ]
    put(lake, tables.VIDEOS, videos, day)
    put(lake, tables.VIDEO_IDS, [{"video": n, "video_id": f"v{n}"} for n in range(4)], day)
    put(lake, tables.EVENTS, [{"event_id": f"e{n}"} for n in range(9)], day)
    put(lake, tables.REJECTED_EVENTS, [{"reason": "bad_time"}, {"reason": "duplicate"}], day)
    put(lake, tables.VIEWS, [{"viewer": 5, "video": n} for n in range(3)], day)
    put(lake, tables.FEEDS, [{"viewer": 5, "videos": [1], "reasons": [2], "sources": [4]}], day)
    ranks = [("*:*", 1, 1, 2.0), ("*:*", 2, 0, 1.0), ("US:en", 1, 0, 9.0)]
    put(
        lake, tables.POPULAR, [dict(zip(("segment", "rank", "video", "score"), row, strict=True)) for row in ranks], day
    )
    others = [judged("popularity", 0.6, 0.59, 0.61), judged("baseline", 0.65, 0.64, 0.66)]
    put(lake, tables.EVALUATIONS, [judged("factors", 0.71, 0.7, 0.72), *others], day)
    sizes = [("videos", 4, "baking", 2), ("videos", 1, "cars", 9), ("viewers", 0, "bread", 1), ("groups", 3, "all", 1)]
    put(
        lake, tables.CLUSTERS, [dict(zip(("kind", "cluster", "label", "size"), row, strict=True)) for row in sizes], day
    )
    profiles = [{"viewer": 5, "cluster": 0, "taste_entropy": 1.5, "events": 3}, {"viewer": 6, "events": 1}]
    put(lake, tables.VIEWER_PROFILES, profiles, day)
    put(lake, tables.CHECKS, [check("viewer_id is not null")], day)
    put(lake, tables.MODELS, [{"state": "accepted", "model_day": day, "model_version": "factors-7"}], day)
    for name, entry in entries().items():
        write_json(journal(lake.root, day) / f"{name}.json", entry)


def reported(lake, main, day=DAY):
    run_step(Run("report", day, Path("landing"), lake, settings.load("ci")), main)
    return (lake.root / "_reports" / f"{day}.html").read_text()


def test_the_job_reports_a_night_from_its_tables_without_spark(lake, main):
    write_night(lake)
    page = text_of(reported(lake, main))
    assert "11 lines read: 9 are sound, 2 were refused, 1 of them because they are bad." in page
    assert "1 of 2 that may be shown" in page
    assert "1 viewers got 1 places; 1 feeds are shorter than wanted." in page
    assert "popular in popular in the viewer’s segment 100.0 % 100.0 %" in page
    assert "0.710 0.700 to 0.720 0.600 0.590 to 0.610 0.650 0.640 to 0.660 better" in page
    assert "2 viewers have a profile, 1 of them a cluster; the median taste has 1.50 bits" in page
    assert "2 clusters of videos Number Label Size 1 cars 9 4 baking 2" in page
    assert "1 clusters of viewers, coarse Number Label Size 3 all 1" in page
    assert "without a caption v1 2.0 Bread in a pan v0 1.0" in page
    assert "factors-7" in page
    assert "factors.factors 64 16" in page


def test_no_viewer_stands_in_the_report(lake, main):
    write_night(lake)
    put(lake, tables.VIEWER_IDS, [{"viewer": 5, "viewer_id": "viewer-of-secrets"}])
    put(lake, tables.EVENTS, [{"event_id": "e1", "viewer_id": "viewer-of-secrets"}])
    assert "viewer-of-secrets" not in reported(lake, main)


def test_a_lake_with_nothing_in_it_is_reported_as_it_is(lake, main):
    page = text_of(reported(lake, main))
    assert "Unfinished Not every step" in page.replace("unfinished", "Unfinished")
    assert "Nothing has been published yet" in page
    assert "No feeds were built" in page
    assert "No clusters" in page


def test_a_night_refused_at_its_events_tells_why_and_what_to_do(lake, main):
    write_night(lake, DAY - timedelta(days=1))
    write_json(
        journal(lake.root, DAY) / "build_events.json",
        {"state": "failed", "error": "DataRejected", "wanted": "few bad", "found": "40 %", "next_step": "mend it"}
        | {"notes": {"rows_accepted": 6, "rejected_by_reason": {"bad_time": 4}}},
    )
    page = text_of(reported(lake, main))
    assert "build events wanted few bad; found 40 % Next mend it" in page
    assert "10 lines read: 6 are sound, 4 were refused, 4 of them because they are bad." in page


def test_the_report_of_a_day_is_the_same_the_second_time(lake, main):
    write_night(lake)
    assert reported(lake, main) == reported(lake, main)
    assert not list((lake.root / "_reports").glob("*.part"))


def test_the_latest_report_is_that_of_the_latest_day_even_after_a_backfill(lake, main):
    write_night(lake)
    newest = reported(lake, main)
    earlier = reported(lake, main, DAY - timedelta(days=1))
    assert (lake.root / "_reports" / "latest.html").read_text() == newest != earlier
    assert 'href="2026-03-09.html"' in reported(lake, main)
