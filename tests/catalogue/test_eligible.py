"""Eligibility: what may be shown, to whom, and what is a copy of what."""

from __future__ import annotations

from itertools import product

import pyarrow as pa
import pytest

from foryou import tables
from foryou.catalogue import eligible
from rows import arrow_rows


def landed(*given):
    """Videos, without what only `eligible` finds."""
    return arrow_rows(tables.VIDEOS, *given).drop_columns(["shown", "for_all", "copy_of"])


def test_only_live_videos_that_moderation_passed_are_shown_and_only_those_for_all_to_everybody():
    every = list(product(tables.STATUSES, tables.MODERATION, tables.AUDIENCES))
    names = ("status", "moderation", "audience")
    given = [{"video": n, "video_id": f"v{n}"} | dict(zip(names, each, strict=True)) for n, each in enumerate(every)]
    judged = {row["video"]: row for row in eligible.of_videos(landed(*given)).to_pylist()}
    assert {every[n] for n, row in judged.items() if row["shown"]} == {
        ("live", moderation, audience) for moderation in ("auto_ok", "human_ok") for audience in ("all", "adult")
    }
    assert {every[n] for n, row in judged.items() if row["for_all"]} == {
        ("live", "auto_ok", "all"),
        ("live", "human_ok", "all"),
    }
    assert len(judged) == len(every)


def test_a_copy_points_to_the_lowest_id_of_its_content():
    hashes = {3: "h", 1: "h", 2: "other", 4: None, 5: None, 0: "h2"}
    given = [{"video": video, "video_id": f"v{video}", "content_hash": text} for video, text in hashes.items()]
    found = eligible.of_videos(landed(*given)).to_pylist()
    assert {row["video"]: row["copy_of"] for row in found} == {0: 0, 1: 1, 2: 2, 3: 1, 4: 4, 5: 5}


@pytest.mark.parametrize(
    ("band", "grown"),
    [
        ("18-24", True),
        ("35+", True),
        ("18", True),
        ("13-17", False),
        ("17+", False),
        ("under 18", False),
        ("unknown", False),
        ("", False),
        (None, False),
        ("-18", False),
        ("\u0661\u0668+", False),
        ("18\n", True),
        ("1800", True),
    ],
)
def test_an_age_that_is_not_known_to_be_eighteen_is_a_minor_s(band, grown):
    assert eligible.grown_up(pa.chunked_array([[band], ["50+"]], pa.string())).to_pylist() == [grown, True]
