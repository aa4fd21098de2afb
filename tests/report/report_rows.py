"""Rows and entries that tests of the report give, with only what matters in them."""

from __future__ import annotations

import html
import re
from datetime import date, datetime

from foryou.report import status

DAY = date(2026, 3, 10)


def entries(**changed):
    """The journal of a whole night; `build_views={...}` changes an entry, `build_views=None` takes it away."""
    whole = {name: {"step": name, "state": "ok", "degraded": [], "seconds": 2.0, "notes": {}} for name in status.NIGHT}
    return {name: whole[name] | changed.get(name, {}) for name in whole if changed.get(name, {}) is not None}


def judged(ranking, value, low=None, high=None, measure="auc_exposed", day=DAY, part=None):
    return {
        "day": day,
        "ranking": ranking,
        "measure": measure,
        "slice": part,
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
