"""Who and what is judged by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa
import pytest

from foryou.evaluation import slices

DAY = date(2026, 3, 10)


@pytest.fixture
def parts(chosen):
    def of(countries=(), uploaded=(), met=(), **changed):
        viewers = pa.table(
            {"viewer": pa.array(range(len(countries)), pa.int32()), "country": pa.array(countries, pa.string())}
        )
        uploaded_at = pa.array(uploaded, pa.timestamp("us", tz="UTC"))
        videos = pa.table({"video": pa.array(range(len(uploaded)), pa.int32()), "uploaded_at": uploaded_at})
        settings = replace(chosen.evaluation, **changed)
        return slices.build(viewers, videos, np.array(met, int), np.ones(len(uploaded), bool), DAY, settings)

    return of


def test_viewers_are_new_before_they_met_eight_videos(parts):
    found = parts(met=[0, 7, 8, 900], countries=[None] * 4)
    assert found.viewers["new viewers"].tolist() == [True, True, False, False]
    assert list(found.viewers) == ["new viewers"]


def test_the_countries_of_most_viewers_are_slices_ties_by_name(parts):
    found = parts(countries=["US", "BR", "US", "IN", None], met=[9] * 5, slice_countries=2)
    assert list(found.viewers) == ["new viewers", "country US", "country BR"]
    assert found.viewers["country US"].tolist() == [True, False, True, False, False]


def test_videos_are_new_for_a_week_and_one_of_unknown_age_is_not(parts):
    times = [
        datetime(2026, 3, 10, 23, tzinfo=UTC),
        datetime(2026, 3, 4, tzinfo=UTC),
        datetime(2026, 3, 3, 23, tzinfo=UTC),
    ]
    assert parts(uploaded=[*times, None], new_video_days=7).new_videos.tolist() == [True, True, False, False]
