"""The parts of the report: what is counted, how plots stand, which words are used."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pyarrow as pa
import pytest
from report_rows import DAY, judged, text_of

from foryou import settings
from foryou.report import plots, report, status, words
from foryou.report.facts import Facts, differing, mix


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
    assert whole.found == (14, 2, 1, 0, 0, 0, 0)
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


@pytest.mark.parametrize("days", [1, 2, 14])
def test_bars_fill_the_width_and_stand_in_the_middle_of_their_days(days):
    drawn = plots.bars("Views", {DAY - timedelta(days=back): 100 for back in range(days)}).bars
    middles = [bar.x + bar.width / 2 for bar in drawn]
    wide = (plots.RIGHT - plots.LEFT) / days
    assert middles == pytest.approx([plots.LEFT + wide * (place + 0.5) for place in range(days)], abs=0.1)
    assert all(bar.width <= 0.8 * wide for bar in drawn)


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
