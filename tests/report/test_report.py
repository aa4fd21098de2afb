"""What the report says about a night, and what its page must never do."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import timedelta
from xml.etree import ElementTree

import pyarrow as pa
import pytest
from report_rows import DAY, check, entries, judged, release, text_of

from foryou import steps
from foryou.report import report, status
from foryou.report.facts import Facts, Tastes, mix

SCRIPT = "<script>alert(1)</script>"


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


def test_every_step_but_the_report_itself_is_in_the_table_of_steps():
    assert [row.name for row in status.ran(Facts(DAY, {}))] == [s.name for s in steps.STEPS if s.name != "report"]


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
    found = report.measures(Facts(DAY, {}, evaluations=rows))
    assert [row["name"] for row in found] == ["auc_exposed", "recall@20", "ndcg@20", "coverage@100", "strange"]
    assert [other["name"] for row in found for other in row["others"]] == ["recall@100"]


def test_other_depths_stand_below_and_slices_apart():
    rows = [
        judged("factors", 0.2, measure="recall@20"),
        judged("factors", 0.1, measure="recall@10"),
        judged("popularity", 0.05, measure="recall@10"),
        judged("factors", 0.6, 0.5, 0.7, part="new viewers"),
    ]
    facts = Facts(DAY, {}, evaluations=rows)
    assert [row["name"] for row in report.measures(facts)] == ["recall@20"]
    assert [row["name"] for row in report.measures(facts, part="new viewers")] == ["auc_exposed"]
    page = text_of(report.page(facts))
    assert "recall@10: factors 0.100, popularity 0.050" in page
    assert "new viewers 0.600 0.500 to 0.700" in page


def test_more_novelty_is_neither_better_nor_worse():
    rows = [judged("factors", 9, 8, 10, "novelty@20"), judged("popularity", 5, 4, 6, "novelty@20")]
    (row,) = report.measures(Facts(DAY, {}, evaluations=rows))
    assert row["verdict"] == "higher"


def test_ways_to_rank_new_videos_stand_apart_from_the_judged_factors():
    rows = [
        judged("content", 0.61, 0.60, 0.62, "cold_auc"),
        judged("predicted", 0.65, 0.64, 0.66, "cold_auc"),
        judged("factors", 0.7),
    ]
    facts = Facts(DAY, {}, evaluations=rows)
    assert [row["name"] for row in report.measures(facts)] == ["auc_exposed"]
    (cold,) = report.measures(facts, ("predicted", "content"))
    assert (cold["name"], cold["predicted"]["value"], cold["verdict"]) == ("cold_auc", 0.65, "better")
    page = text_of(report.page(facts))
    assert "Videos that nobody has met" in page and "cold_auc how often a good watch of such a video" in page
    assert "Videos that nobody has met" not in text_of(report.page(Facts(DAY, {}, evaluations=rows[2:])))


def test_the_reranker_is_told_with_what_it_looks_at():
    row = {
        "rows": 9_000,
        "days": 2,
        "state": "left_out",
        "why": "refused: overall: -1.0%",
        "reranked": 0.5,
        "blended": 0.6,
    }
    facts = Facts(DAY, {}, reranker=row | {"features": ["quality", "score"], "importances": [0.75, 0.25]})
    page = text_of(report.page(facts))
    assert "9,000 rows of 2 earlier days" in page and "left out ; refused: overall: -1.0%." in page
    assert "among candidates is 0.500, the blend’s 0.600." in page
    assert "It looks at quality 75.0 %, score 25.0 %." in page


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
        reranker={
            "rows": 9,
            "days": 2,
            "state": text,
            "why": text,
            "reranked": None,
            "features": [],
            "importances": [],
        },
        releases=[release(DAY, name=text)],
        popular=[{"rank": 1, "video_id": text, "caption": text, "score": 2.0}],
        clusters=[{"kind": "videos", "cluster": 1, "label": text, "size": 7}],
        tastes=Tastes(viewers=7, in_clusters=6, median_bits=None),
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


def test_no_text_can_turn_a_line_around_or_steer_a_terminal():
    page = report.page(full("a\u202eb\x1b[31m c\u2066\ud800"))
    page.encode()
    assert not re.search("[\u200e\u200f\u202a-\u202e\u2066-\u2069\x00-\x08\x0b-\x1f\x7f-\x9f]", page)
    assert report.page(full("👩\u200d🍳 crème brûlée")).count("👩\u200d🍳 crème brûlée") > 5


def test_the_policy_admits_exactly_the_style_of_the_page():
    page = report.page(full())
    style = re.search(r"<style>(.*)</style>", page, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}';" in page


def test_equal_facts_give_equal_pages():
    assert report.page(full()) == report.page(full())
