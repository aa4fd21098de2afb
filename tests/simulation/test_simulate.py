"""A simulation from the plan to the page: processes of its own, intervals, nothing that a browser would load."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tiny_world import TINY

from foryou.simulation import page, shown, simulate, worlds
from foryou.sources.world import world_hash

NIGHTS, SEEDS = 2, 2


@pytest.fixture(scope="module")
def told():
    return []


@pytest.fixture(scope="module")
def result(chosen, told):
    planned = simulate.Plan({"tiny": TINY}, NIGHTS, simulate.arms_of(["exploration"], chosen), chosen)
    return simulate.run(planned, SEEDS, told.append, processes=2)


def test_every_arm_is_measured_with_its_interval(result):
    of_world = result["worlds"]["tiny"]
    assert of_world["world"] == world_hash(replace(TINY, seed=TINY.seed))
    assert [*of_world["arms"]] == ["foryou", "popularity", "random", "oracle", "without exploration"]
    for arm, measures in of_world["arms"].items():
        rate = measures["good_rate"]
        assert rate["low"] < rate["value"] < rate["high"], arm
    assert set(of_world["without"]) == {"without exploration"}
    assert {len(nights) for of_arm in of_world["nights"].values() for nights in of_arm.values()} == {NIGHTS}


def test_whoever_waits_is_told_how_far_it_is(result, told):
    assert any(text.startswith(f"{SEEDS} of {SEEDS} runs done") for text in told)


def test_the_page_holds_all_figures_and_loads_nothing(result, tmp_path):
    text = page.write(result, tmp_path / "new" / "tiny.html").read_text(encoding="utf-8")
    assert "without exploration" in text
    assert text.count("<svg") == 3
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert "https://" not in text
    assert "<script" not in text
    assert page.page(result) == text, "equal results give equal text"


def test_the_tables_tell_what_leaving_out_a_part_changes(result, capsys):
    shown.results(result)
    printed = capsys.readouterr().out
    assert "what leaving out a part changes" in printed
    assert "from popularity to the oracle" in printed


def test_what_nobody_has_cannot_be_asked_for(chosen):
    for name, nights, without in (("moon", 1, ()), ("dev", 0, ()), ("dev", 15, ()), ("dev", 1, ("gravity",))):
        with pytest.raises(ValueError, match=r"moon|nights|gravity"):
            simulate.plan(name, nights, without, chosen)
    assert set(simulate.plan("judge", 14, (), chosen).worlds) == set(worlds.WORLDS["judge"])
