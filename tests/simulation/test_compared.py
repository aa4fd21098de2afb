"""Figures beside one another, checked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from foryou.simulation import compared
from foryou.simulation.measures import impressions_until_clear

TOTAL = {measure: 1.0 for each in compared.MEASURES for measure in (each.over, each.under) if measure}


def row(arm: str, seed: int, good: float, plays: float = 100.0):
    night = TOTAL | {"good": good, "plays": plays}
    return {"arm": arm, "seed": seed, "total": night, "nights": [night]}


def test_an_interval_is_that_of_a_t_test():
    found = compared.interval(np.array([1.0, 2.0, 3.0]))
    assert found["value"] == 2.0
    assert found["high"] - 2.0 == pytest.approx(4.3027 / np.sqrt(3), rel=1e-4)
    assert compared.interval(np.array([1.0, np.nan])) == {"value": 1.0, "low": None, "high": None}
    assert compared.interval(np.array([np.nan]))["value"] is None


def test_the_way_to_the_oracle_is_paired_by_seed():
    rows = [
        row(arm, seed, good)
        for arm, goods in {"foryou": (30, 50), "popularity": (20, 40), "oracle": (40, 60)}.items()
        for seed, good in enumerate(goods)
    ]
    way = compared.summary(rows)["way"]["good"]
    assert (way["value"], way["low"], way["high"]) == pytest.approx((50.0, 50.0, 50.0))


def test_leaving_out_a_part_is_told_in_percent_of_the_whole():
    rows = [row("foryou", 0, 40), row("foryou", 1, 60), row("without x", 0, 36), row("without x", 1, 54)]
    change = compared.summary(rows)["without"]["without x"]["good"]
    assert change["value"] == pytest.approx(-10.0)
    assert change["low"] < -10.0 < change["high"]


def test_a_measure_without_cases_has_no_value():
    lacking = row("foryou", 0, 1) | {"total": TOTAL | {"found": 0.0, "spent": 50.0}}
    assert compared.summary([lacking])["arms"]["foryou"]["impressions"]["value"] is None


@pytest.mark.parametrize(
    ("good", "needed"),
    [([True] * 10, 4), ([False] * 50, None), ([], None)],
)
def test_a_new_video_is_found_when_its_posterior_is_clear(good, needed):
    assert impressions_until_clear(np.array(good, bool), 0.2) == needed
