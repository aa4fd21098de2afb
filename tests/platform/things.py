"""Tables for the lake's tests, that mean nothing."""

from datetime import date, timedelta

from foryou.contract import Column, Table
from foryou.tables import DAY as DAY_COLUMN

DAY = date(2026, 3, 10)
BEFORE, AFTER = DAY - timedelta(days=1), DAY + timedelta(days=1)

_COLUMNS = (Column("name", "string", "What it is called."), Column("size", "int", "How big it is."))

THINGS = Table("things", "Things.", "one thing", (DAY_COLUMN, *_COLUMNS), key=("name",))
PARTED = Table("parted", "Things made part by part.", "one thing", (DAY_COLUMN, *_COLUMNS), key=("name",))
WHOLE = Table("whole", "Things of no day.", "one thing", _COLUMNS, key=("name",), partition=(), published=True)
LISTS = Table(
    "lists",
    "Things with lists.",
    "one thing",
    (
        DAY_COLUMN,
        Column("name", "string", "Its name."),
        Column("items", "array<struct<id string, score float>>", "Its items."),
    ),
    key=("name",),
)
