"""The page for viewers and creators tells the numbers that nights use."""

from dataclasses import replace
from pathlib import Path

from foryou import ranking_page, settings

DOCS = Path(__file__).resolve().parents[1] / "docs"


def test_the_page_is_fresh():
    written = (DOCS / "how-it-ranks.md").read_text(encoding="utf-8")
    assert written == ranking_page.page(settings.load()), "write it anew: make docs"


def test_a_changed_setting_changes_the_page():
    base = settings.load()
    other = replace(base, views=replace(base.views, points_share=7.5))
    assert "| share it | 7.5 |" in ranking_page.page(other)
    assert "{" not in ranking_page.page(base)
