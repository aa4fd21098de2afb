"""The night's report: what it says about a night, what it must never do, and its job on real tables."""

from __future__ import annotations

import base64
import hashlib
import html
import re
import runpy
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pyarrow as pa
import pytest

from foryou import settings, steps, tables
from foryou.platform.job import Run, journal, run_step, write_json
from foryou.platform.lake import Lake
from foryou.report import plots, report, status, words
from foryou.report.facts import Facts, differing, mix

ROOT = Path(__file__).resolve().parents[2]
DAY = date(2026, 3, 10)
SCRIPT = "<script>alert(1)</script>"


def entries(**changed):
    """The journal of a whole night; `build_views={...}` changes an entry, `build_views=None` takes it away."""
    whole = {name: {"step": name, "state": "ok", "degraded": [], "seconds": 2.0, "notes": {}} for name in status.NIGHT}
    return {name: whole[name] | changed.get(name, {}) for name in whole if changed.get(name, {}) is not None}


def judged(ranking, value, low=None, high=None, measure="auc_exposed", day=DAY):
    return {
        "day": day,
        "ranking": ranking,
        "measure": measure,
        "value": value,
        "low": low,
        "high": high,
        "viewers": 100,
        "model_version": "factors-1",
    }


def release(day, state="live", feeds=3, name=None):
    return {
        "release_id": name or f"{day}-1",
        "day": day,
        "state": state,
        "status": "ok",
        "published_at": datetime(day.year, day.month, day.day, 23),
        "contract_version": 1,
        "model_version": "factors-1",
        "tables": [("feeds", 1)],
        "counts": [("feeds", feeds)],
    }


def check(expectation, passed=True, gates=True, override=None, step="publish"):
    return {
        "step": step,
        "table": "feeds",
        "expectation": expectation,
        "passed": passed,
        "gates": gates,
        "observed": "7 rows",
        "override": override,
    }


def text_of(page):
    return " ".join(html.unescape(re.sub(r"<style.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL)).split())


# ---- the headline


def test_a_night_whose_steps_are_all_ok_is_ok():
    assert status.status(Facts(DAY, entries())) == status.Status("ok", ())


def test_a_fallback_makes_the_night_degraded_and_is_told():
    fell_back = {"state": "degraded", "degraded": ["tonight’s factors refused: norms"]}
    found = status.status(Facts(DAY, entries(train_factors=fell_back)))
    assert (found.state, found.reasons[0].step) == ("degraded", "train_factors")
    assert found.reasons[0].text == "tonight’s factors refused: norms"


@pytest.mark.parametrize(
    ("error", "state"),
    [("DataRejected", "refused"), ("ModelRejected", "refused"), ("InputMissing", "failed"), (None, "failed")],
)
def test_only_refused_content_is_called_refused(error, state):
    told = {"error": error, "table": "events", "wanted": "few", "found": "many", "next_step": "mend"} if error else {}
    found = status.status(Facts(DAY, entries(build_events={"state": "failed", **told}, publish=None)))
    assert (found.state, found.reasons[0].step) == (state, "build_events")
    assert found.reasons[0].next_step


def test_a_night_with_steps_still_to_run_is_unfinished():
    found = status.status(Facts(DAY, entries(build_feeds=None, publish=None)))
    assert (found.state, found.reasons[0].step) == ("unfinished", "build_feeds")


def test_entries_of_an_earlier_attempt_are_told_apart_from_tonights():
    facts = Facts(
        DAY,
        entries(build_events={"state": "failed", "started_at": 200.0}, build_content={"started_at": 100.0})
        | {"publish": entries()["publish"] | {"started_at": 150.0}},
    )
    states = {step.name: step.state for step in status.ran(facts)}
    assert states["publish"] == states["build_views"] == "earlier run"
    assert (states["build_content"], states["build_events"]) == ("ok", "failed")


def test_what_fails_while_a_night_is_prepared_fails_the_night():
    facts = Facts(DAY, {"build_missing_days": {"state": "failed"}})
    assert status.status(facts).reasons[0].step == status.ran(facts)[0].name == "build_missing_days"


def test_readers_of_a_failed_night_are_told_which_release_is_live():
    failed = entries(build_events={"state": "failed"})
    page = text_of(report.page(Facts(DAY, failed, releases=[release(DAY - timedelta(days=1))])))
    assert "Readers get release 2026-03-09-1 of 2026-03-09 , not of this night" in page.replace("09,", "09 ,")


# ---- tables


def test_a_measure_is_better_only_where_the_intervals_are_apart():
    assert report.verdict(judged("factors", 0.7, 0.69, 0.71), judged("popularity", 0.6, 0.59, 0.61)) == "better"
    assert report.verdict(judged("factors", 0.6, 0.59, 0.61), judged("popularity", 0.7, 0.69, 0.71)) == "worse"
    assert (
        report.verdict(judged("factors", 0.7, 0.6, 0.8), judged("popularity", 0.6, 0.5, 0.7)) == "no clear difference"
    )
    assert report.verdict(judged("factors", 0.7), judged("popularity", 0.6)) == "higher"
    assert report.verdict(judged("factors", 0.6), judged("popularity", 0.7)) == "lower"
    assert report.verdict(judged("factors", 0.6), judged("popularity", 0.6)) == "equal"


def test_measures_stand_in_order_of_trust_and_of_length():
    names = ["coverage@100", "ndcg@20", "recall@100", "recall@20", "auc_exposed", "strange"]
    rows = [judged("factors", 0.5, measure=name) for name in names]
    found = [row["name"] for row in report.measures(Facts(DAY, {}, evaluations=rows))]
    assert found == ["auc_exposed", "recall@20", "recall@100", "ndcg@20", "coverage@100", "strange"]


def test_failed_checks_that_stop_the_night_come_first_and_overridden_ones_apart():
    rows = [
        check("a", passed=False, gates=False),
        check("b", passed=False),
        check("c", passed=False, override="known"),
        check("d"),
    ]
    found = {name: [row["expectation"] for row in part] for name, part in report.sorted_checks(rows).items()}
    assert found == {"failed": ["b", "a"], "overridden": ["c"], "passed": ["d"]}


def test_refused_lines_are_told_by_reason_with_their_share_of_all_lines():
    facts = Facts(DAY, {}, events=90, rejected={"duplicate": 4, "bad_time": 6}, tolerated=("duplicate",))
    page = text_of(report.page(facts))
    assert "100 lines read: 90 are sound, 10 were refused, 6 of them because they are bad." in page
    assert "bad_time no time, or one that cannot be read 6 6.0 % yes duplicate" in page


def test_the_mix_of_feeds_counts_places_videos_leads_and_short_feeds():
    feeds = pa.RecordBatch.from_pydict(
        {
            "videos": pa.array([[1, 2, 3], [2], list(range(12))], pa.list_(pa.int32())),
            "reasons": pa.array([[0, 0, 1], [2], [0] * 10 + [2, 2]], pa.list_(pa.int32())),
            "sources": pa.array([[1, 3, 2], [4], [1] * 12], pa.list_(pa.int32())),
        }
    )
    whole = mix([feeds], n_videos=20, n_reasons=3, length=3)
    assert (whole.viewers, whole.places, whole.videos, whole.short) == (3, 16, 12, 1)
    assert (whole.leads, whole.first_leads) == ((12, 1, 3), (12, 1, 1))
    assert whole.found == (14, 2, 1)
    assert whole.top_share == 3 / 16
    assert mix([feeds[:1], feeds[1:]], n_videos=20, n_reasons=3, length=3) == whole


def test_a_mix_of_no_feeds_is_all_zero():
    empty = mix([], n_videos=5, n_reasons=3, length=3)
    assert (empty.viewers, empty.places, empty.top_share) == (0, 0, 0.0)
    assert "0 viewers got 0 places" in text_of(report.page(Facts(DAY, {}, mix=empty, reasons=["a", "b", "c"])))


def test_settings_that_differ_are_told_beside_base():
    base = settings.load()
    chosen = replace(base, feeds=replace(base.feeds, length=7))
    assert differing(chosen, base) == [("feeds.length", base.feeds.length, 7)]


# ---- plots and words


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 1, [0, 0.5, 1]), (0, 9, [0, 5, 10]), (0.61, 0.72, [0.6, 0.65, 0.7, 0.75]), (5, 5, [4.95, 5.05])],
)
def test_ticks_are_round_and_enclose_the_values(low, high, expected):
    found = plots.ticks(low, high)
    assert found[0] <= low <= high <= found[-1]
    assert 2 <= len(found) <= 7
    assert set(expected) <= set(found)


def test_bars_stand_on_zero_and_grow_with_their_values():
    drawn = plots.bars("Views", {DAY - timedelta(days=2): 50, DAY: 100}).bars
    assert [bar.height for bar in drawn] == [drawn[1].height / 2, drawn[1].height]
    assert all(bar.y + bar.height == pytest.approx(plots.BOTTOM) for bar in drawn)
    assert drawn[1].x - drawn[0].x == pytest.approx(2 * (plots.RIGHT - plots.LEFT) / 7, abs=0.1)


def test_plots_of_one_night_or_of_zeros_have_finite_places():
    page = report.page(Facts(DAY, {}, evaluations=[judged("factors", 0.0)], counts={"views": {DAY: 0}}))
    assert "nan" not in page.lower().split("</style>")[1]
    assert "inf" not in re.sub(r">[^<]*<", "><", page.split("</style>")[1])


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0.0 %"), (0.00001, "< 0.05 %"), (0.5, "50.0 %"), (0.99999, "> 99.95 %"), (1.0, "100.0 %")],
)
def test_shares_never_round_to_nothing_or_to_all(value, text):
    assert words.percent(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.44, "0.4 s"), (9.97, "10 s"), (59.6, "1 min 00 s"), (185, "3 min 05 s")]
)
def test_seconds_are_told_as_people_say_them(value, text):
    assert words.seconds(value) == text


def test_figures_of_the_journal_are_told_in_words():
    assert (
        words.noted({"new_viewers": 1200, "warm": True, "days": ["a", "b"]}) == "new viewers 1,200, warm yes, days a, b"
    )
    notes = {"factors auc_exposed": 0.56, "rows_read": 9, "rejected_by_reason": {"bad_time": 3}}
    steps_told = status.ran(Facts(DAY, {"build_events": {"notes": notes}}))
    assert [step.notes for step in steps_told if step.notes] == ["rows read 9"]


# ---- the page as a page


def full(text="plain"):
    """Facts with every part there, `text` wherever the lake's content could bring some."""
    return Facts(
        DAY,
        entries(build_events={"state": "degraded", "degraded": [text], "notes": {text: text}})
        | {"publish": {"state": "failed", "error": text, "wanted": text, "found": text, "next_step": text}},
        events=10,
        rejected={text: 2},
        catalogue=9,
        shown=5,
        mix=mix(
            [
                pa.RecordBatch.from_pydict(
                    {name: pa.array([[1]], pa.list_(pa.int32())) for name in ("videos", "reasons", "sources")}
                )
            ],
            n_videos=2,
            n_reasons=2,
            length=1,
        ),
        reasons=[text, text],
        evaluations=[
            judged("factors", 0.7, 0.6, 0.8),
            judged("popularity", 0.6, 0.5, 0.7),
            judged("factors", 1.0, measure=text),
        ],
        counts={"events": {DAY: 10}, "views": {DAY: 8}, "viewers": {DAY: 3}},
        checks=[check(text, passed=False), check(text + "2", passed=False, override=text), check(text + "3")],
        model={
            "state": "refused",
            "model_day": DAY,
            "model_version": text,
            "faults": text,
            "mlflow_run_id": text,
            "sha256": text,
        },
        releases=[release(DAY, name=text)],
        popular=[{"rank": 1, "video_id": text, "caption": text, "score": 2.0}],
        changed=[(text, text, text)],
    )


def test_nothing_in_the_lake_can_act_as_markup():
    page = report.page(full(SCRIPT + '"><img src=x onerror=alert(1)>'))
    assert "<script" not in page
    assert "<img" not in page
    assert page.count("&lt;script&gt;") >= 20


def test_the_page_is_well_formed_and_asks_for_nothing_outside_itself():
    page = report.page(full())
    whole = re.sub(r"<(meta|link)([^>]*)>", r"<\1\2/>", page)
    ElementTree.fromstring(whole.removeprefix("<!doctype html>"))
    asking = r"https?:|//|url\(|@import|<script|<iframe| on\w+=| style="
    assert not re.search(asking, re.sub(r"'sha256-[^']*'", "", page))
    assert set(re.findall(r'(?:href|src)="([^"]*)"', page)) == {"data:,"}


def test_the_policy_admits_exactly_the_style_of_the_page():
    page = report.page(full())
    style = re.search(r"<style>(.*)</style>", page, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}';" in page


def test_equal_facts_give_equal_pages():
    assert report.page(full()) == report.page(full())


# ---- the job


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
    lake.replace_day_arrow(table, day, pa.table({name: pa.array(v, types.get(name)) for name, v in filled.items()}))


def _nothing(table, name):
    column = table.column(name)
    if not column.required:
        return None
    kinds = {"string": "x", "boolean": False, "timestamp": datetime(2026, 3, 10), "date": DAY}
    return [] if column.type.startswith("array") else kinds.get(column.type, 0)


def write_night(lake, day=DAY, caption="Bread in a pan"):
    videos = [
        {"video": 0, "video_id": "v0", "caption": caption, "status": "live", "moderation": "auto_ok"},
        {"video": 1, "video_id": "v1", "caption": None, "status": "live", "moderation": "human_ok"},
        {"video": 2, "video_id": "v2", "status": "deleted", "moderation": "auto_ok"},
        {"video": 3, "video_id": "v3", "status": "live", "moderation": "flagged"},
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
    put(lake, tables.EVALUATIONS, [judged("factors", 0.71, 0.7, 0.72), judged("popularity", 0.6, 0.59, 0.61)], day)
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
    assert "0.710 0.700 to 0.720 0.600 0.590 to 0.610 better" in page
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


def test_every_step_but_the_report_itself_is_in_the_table_of_steps():
    assert [row.name for row in status.ran(Facts(DAY, {}))] == [s.name for s in steps.STEPS if s.name != "report"]
