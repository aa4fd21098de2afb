"""The tables as declared, the promises to other services among them, and their page."""

import re
from pathlib import Path

import pytest

from foryou import tables, tables_page
from foryou.contract import ID_PATTERN, Column, Table

PAGE = Path(__file__).resolve().parents[1] / "docs" / "tables.md"

ITEM = "video_id string, score float"
PROMISED = {
    "candidates": f"day date, release_id string, viewer_id string, items array<struct<{ITEM}, sources int>>",
    "feeds": "day date, release_id string, viewer_id string, items array<struct<"
    f"{ITEM}, sources int, reason string, reason_value float, propensity float>>",
    "popular": "day date, release_id string, segment string, rank int, video_id string, score float, reason string",
    "similar": f"day date, release_id string, video_id string, items array<struct<{ITEM}>>",
    "starters": "day date, release_id string, segment string, path string, slot int, video_id string, topic string, "
    "reason string, score float",
    "releases": "release_id string, day date, state string, status string, published_at timestamp, "
    "contract_version int, model_version string, tables map<string,bigint>, counts map<string,bigint>",
}
"""Version 1, written out once more on purpose: what other services read changes here or not at all."""


@pytest.mark.parametrize("table", [table for table in tables.ALL if table.published], ids=lambda table: table.name)
def test_what_is_promised_to_other_services_still_holds(table):
    assert tables.CONTRACT_VERSION == 1
    promised = PROMISED[table.name].split(", items")[0]
    assert table.ddl().startswith(promised)
    assert table.ddl().startswith(PROMISED[table.name])


def test_nothing_promised_has_gone():
    assert {table.name for table in tables.ALL if table.published} >= set(PROMISED)


def test_no_two_tables_share_a_place():
    paths = [table.path for table in tables.ALL]
    assert len(set(paths)) == len(paths)


def test_every_declared_table_is_listed():
    declared = {value.path for value in vars(tables).values() if isinstance(value, Table)}
    assert declared == {table.path for table in tables.ALL}


@pytest.mark.parametrize("table", tables.ALL, ids=lambda table: table.path)
def test_only_tables_cut_by_day_forget(table):
    assert table.keep_days is None or table.partition == ("day",)


@pytest.mark.parametrize("table", tables.ALL, ids=lambda table: table.path)
def test_columns_of_a_closed_list_are_text_and_bounded_ones_are_numbers(table):
    for column in table.columns:
        assert not column.one_of or column.type == "string", column.name
        bounded = column.at_least is not None or column.at_most is not None
        assert not bounded or column.type in ("int", "bigint", "float", "double"), column.name


@pytest.mark.parametrize("good", ["v1", "device-0a1b", "A.b_c:d@e-f", "7", "x" * 64])
def test_plain_ids_are_accepted(good):
    assert re.fullmatch(ID_PATTERN, good)


@pytest.mark.parametrize("bad", ["", "../x", "a b", "x" * 65, "ü", "😀", "a\x00", "a'--", "-a", ".a", "a/b", "<b>"])
def test_ids_that_mean_something_to_a_shell_a_path_or_a_page_are_not(bad):
    assert not re.fullmatch(ID_PATTERN, bad)


def test_the_page_of_tables_is_fresh():
    assert PAGE.read_text(encoding="utf-8") == tables_page.page(), "run `make docs` and commit docs/tables.md"


def test_the_page_puts_published_tables_first_and_shows_every_column():
    page = tables_page.page()
    sections = re.findall(r"^### (\S+)$", page, flags=re.MULTILINE)
    assert sorted(sections) == sorted(table.path for table in tables.ALL)
    assert [path.startswith("published/") for path in sections] == sorted(
        (table.published for table in tables.ALL), reverse=True
    )
    assert page.count("\n| `") == sum(len(table.columns) for table in tables.ALL)


def test_rules_are_written_in_words():
    share = Column("share", "double", "A share.", required=True, at_least=0, at_most=1)
    one_id = Column("video_id", "string", "An id.", pattern=ID_PATTERN)
    kind = Column("kind", "string", "A | B.", one_of=("a", "b"))
    assert tables_page._row(share) == "| `share` | `double` | A share. | required; 0 to 1 |"
    assert tables_page._row(one_id) == "| `video_id` | `string` | An id. | an id |"
    assert tables_page._row(kind) == "| `kind` | `string` | A \\| B. | one of a, b |"
