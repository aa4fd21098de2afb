"""Nights of real behaviour: KuaiRand, where it is present."""

from __future__ import annotations

from dataclasses import replace

import pyarrow.compute as pc
import pytest

from foryou import tables
from foryou.night import Night
from foryou.platform.lake import Lake
from foryou.publishing import reader
from foryou.settings import ROOT
from foryou.sources.kuairand import import_logs

REAL = ROOT.parent / "shared" / "data" / "kuairand"


@pytest.mark.slow
@pytest.mark.skipif(not REAL.exists(), reason="the KuaiRand subset is not beside the repository")
def test_two_nights_of_kuairand_serve_its_viewers_and_judge_the_first_model(tmp_path, spark, chosen):
    log, users, videos = (REAL / name for name in ("log_likehate_27k.tsv", "user_features.csv", "video_features.csv"))
    days = import_logs([log], users, videos, tmp_path / "landing")
    settings = replace(chosen, interactions=replace(chosen.interactions, window_days=3))
    nights = Night(tmp_path / "landing", Lake(tmp_path / "lake", spark), settings)
    for day in days[-2:]:
        assert nights.run(day)["status"] == "ok"
    views = nights.lake.arrow(tables.VIEWS)
    assert nights.lake.days(tables.VIEWS) == days[-4:]
    release = reader.open(nights.lake.root).release
    met = pc.count_distinct(views.filter(pc.field("day") >= pc.scalar(days[-3]))["viewer"]).as_py()
    assert release.day == days[-1] and release.counts["feeds"] == met > 300
    judged = nights.lake.arrow(tables.EVALUATIONS, days=days[-1:]).to_pylist()
    assert {row["ranking"] for row in judged} == {"factors", "popularity", "baseline"}
    assert all(row["viewers"] > 100 for row in judged if row["measure"] == "recall@100")
