"""`docs/tables.md`, written from the contracts: what each table holds, for people who read or write it."""

from __future__ import annotations

import sys
from pathlib import Path

from foryou import steps, tables
from foryou.contract import ID_PATTERN, Column, Table

INTRODUCTION = f"""# Tables

Written by `make docs` from `src/foryou/tables/`; a test fails while the two differ.

Days are UTC. An *id* is 1 to 64 plain characters: letters, digits and `_ . : @ -`, the first a letter or a digit.
*Dense ids* (`viewer`, `video`) are numbers from 0 that `viewer_ids` and `video_ids` map to ids; they never change.
Every write conforms to these columns and types, or fails and names all differences.

## Published

What other services may rely on: these tables lie at `LAKE/published/<table>` in Delta format. The contract has version
{tables.CONTRACT_VERSION}; within a version columns may be added, but none goes or changes its type or its meaning.
Read them through `releases`: the live row names the version of each table that belongs to one release.
"""

WORKING = """## Working tables

For the night itself and for notebooks; they lie at `LAKE/<table>` and may change with any version of the code.
"""


def page() -> str:
    """The whole page: published tables first, then working ones, each in the order of `tables.ALL`."""
    published = [_section(table) for table in tables.ALL if table.published]
    working = [_section(table) for table in tables.ALL if not table.published]
    return "\n".join([INTRODUCTION, *published, WORKING, *working])


def _section(table: Table) -> str:
    facts = [
        f"- One row is {table.one_row_is}.",
        f"- Key: {_names(table.key) or 'none; a row may occur twice'}.",
        f"- Partitioned by {_names(table.partition)}." if table.partition else "- Not partitioned.",
        f"- Kept for {_kept(table)}.",
        f"- Written by {_names(_writers(table)) or 'every step that checks something'}.",
    ]
    head = ["| column | type | what it says | rules |", "|---|---|---|---|"]
    rows = [_row(column) for column in table.columns]
    return "\n".join([f"### {table.path}", "", table.doc, "", *facts, "", *head, *rows, ""])


def _row(column: Column) -> str:
    cells = (f"`{column.name}`", f"`{column.type}`", column.doc, _rules(column))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _rules(column: Column) -> str:
    """The rules in words: `required; one of a, b; 0 to 1`."""
    rules = ["required"] if column.required else []
    if column.one_of:
        rules.append("one of " + ", ".join(column.one_of))
    if column.pattern:
        rules.append("an id" if column.pattern == ID_PATTERN else f"matches `{column.pattern}`")
    return "; ".join(rules + _bounds(column))


def _bounds(column: Column) -> list[str]:
    low, high = column.at_least, column.at_most
    if low is not None and high is not None:
        return [f"{low:g} to {high:g}"]
    if low is not None:
        return [f"at least {low:g}"]
    return [f"at most {high:g}"] if high is not None else []


def _kept(table: Table) -> str:
    if table.keep_days is not None:
        return f"at least {table.keep_days} days"
    return "as long as a release names its version" if table in tables.PUBLISHED else "ever"


def _writers(table: Table) -> tuple[str, ...]:
    return tuple(step.name for step in steps.STEPS if table in step.writes + step.adds_to)


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def main() -> None:
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
