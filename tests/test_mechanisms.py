"""docs/mechanisms.md names columns and tests that are there."""

import re
from pathlib import Path

import pytest

from foryou import tables

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "mechanisms.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| .* \| `(\w+)\.(\w+)` \| `(test_\w+)` \|$", PAGE, flags=re.M)
TESTS = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))


def test_every_mechanism_names_a_column_and_a_test():
    said = PAGE[: PAGE.index("## What we refuse")]
    assert len(ROWS) == sum(line.startswith("| ") for line in said.splitlines()) - 1  # without the head


@pytest.mark.parametrize(("table", "column", "test"), ROWS)
def test_the_column_and_the_test_are_there(table, column, test):
    declared = {column.name for each in tables.ALL if each.name == table for column in each.columns}
    assert column in declared
    assert f"def {test}(" in TESTS
