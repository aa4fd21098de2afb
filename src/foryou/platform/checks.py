"""Checks of a table's content: the only file that knows Great Expectations, whose import takes 8 s and so waits.

Spark counts in one pass what breaks each rule; Great Expectations holds the counts against the suite. (Asked row by
row on Spark, it starts a job or more per expectation: 17 for the events, whatever the day's size.)
"""

from __future__ import annotations

import importlib
import math
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce
from types import ModuleType
from typing import Any

import pandas as pd
from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from foryou.contract import Column, Table

_LARGEST = sys.float_info.max
"""Spark sorts NaN above everything, so `x >= 0` holds for it: every range of floats needs an upper end to catch it."""
_EPOCH, _FIRST_DAY, _LAST_DAY = date(1970, 1, 1), -719_162, 2_932_896
"""Days since 1970 that Python's dates can hold."""


def import_early() -> None:
    """Begins to import Great Expectations beside what follows, say the start of Spark's JVM."""
    threading.Thread(target=_great_expectations, name="import great_expectations", daemon=True).start()


def _great_expectations() -> ModuleType:
    os.environ["GX_ANALYTICS_ENABLED"] = "False"
    # Else jsonschema, which comes along, compiles a grammar of web addresses: 2 of the 8 s, for a check nobody makes.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    return importlib.import_module("great_expectations")


@dataclass(frozen=True)
class Outcome:
    """How one expectation on one table came out.

    `expectation` is the name that a person overrides it by; `observed` tells counts and shares, never a row's values.
    """

    table: str
    expectation: str
    passed: bool
    gates: bool
    observed: str | None = None

    def as_row(self, step: str) -> dict[str, Any]:
        """The row of the table `checks`, without its day."""
        return {
            "step": step,
            "table": self.table,
            "expectation": self.expectation,
            "passed": self.passed,
            "gates": self.gates,
            "observed": self.observed,
            "override": None,
        }


@dataclass(frozen=True)
class Expected:
    """One expectation: a name that stays the same from day to day, a number, and the bounds that it must keep.

    `number` makes the aggregate that Spark works out; `tell` puts it, or None, and the number of rows into words.
    """

    name: str
    number: Callable[[], SparkColumn]
    at_least: float
    at_most: float
    tell: Callable[[float | None, int], str]
    gates: bool = True


# ---- expectations beyond the contract


def row_count(
    at_least: int | None = None,
    at_most: int | None = None,
    *,
    name: str = "row count is as usual",
    gates: bool = True,
) -> Expected:
    """The table has so many rows."""

    def tell(number: float | None, rows: int) -> str:
        return f"{rows:,} rows, wanted {_between(at_least, at_most)}"

    return Expected(name, lambda: F.count(F.lit(1)), at_least or 0, at_most or _LARGEST, tell, gates)


def share_present(name: str, column: str, at_most: float, *, gates: bool = True) -> Expected:
    """At most this share of the rows has a value in the column, say a reason to refuse them."""

    def number() -> SparkColumn:
        return F.count(column) / F.greatest(F.count(F.lit(1)), F.lit(1))

    def tell(number: float | None, rows: int) -> str:
        share = number or 0.0
        return f"{_percent(share)} ({round(share * rows):,} of {rows:,}), wanted at most {_percent(at_most)}"

    return Expected(name, number, 0, at_most + 1e-12, tell, gates)  # 3 of 10 is a hair above .3


def newest_day(name: str, column: str, at_least: date, at_most: date | None = None, *, gates: bool = True) -> Expected:
    """The latest date or timestamp (UTC) of the column falls on a day between these two, both included."""

    def number() -> SparkColumn:
        day = F.unix_date(F.to_date(column))
        return F.max(F.when(day.isNotNull(), F.greatest(F.lit(_FIRST_DAY), F.least(F.lit(_LAST_DAY), day))))

    def tell(number: float | None, rows: int) -> str:
        seen = "no day" if number is None else str(_EPOCH + timedelta(days=int(number)))
        return f"newest {seen}, wanted {_between(at_least, at_most)}"

    last = _LARGEST if at_most is None else (at_most - _EPOCH).days
    return Expected(name, number, (at_least - _EPOCH).days, last, tell, gates)


# ---- the contract


def of_contract(table: Table, schema: T.StructType) -> list[Expected]:
    """What the contract expects of those of its columns that the schema holds; all of it gates."""
    found = [
        expected
        for column in table.columns
        if column.name in schema.names
        for expected in _of_column(column, schema[column.name].dataType)
    ]
    if table.key and set(table.key) <= set(schema.names):
        found.append(_unique(table.key))
    return found


def _of_column(column: Column, kind: T.DataType) -> Iterator[Expected]:
    name, value = column.name, F.col(column.name)
    if column.required:
        yield _no_row(f"{name} is not null", value.isNull())
    if column.one_of:
        yield _no_row(f"{name} is one of its values", ~value.isin(*column.one_of))
    if column.pattern:
        whole = column.pattern.removesuffix("$") + r"\z"  # in Java, `$` lets a newline pass
        yield _no_row(f"{name} matches its pattern", ~value.rlike(whole))
    if column.at_least is not None or column.at_most is not None:
        low, high = (-_LARGEST if column.at_least is None else column.at_least), column.at_most
        inside = value.cast("double").between(F.lit(float(low)), F.lit(_LARGEST if high is None else float(high)))
        yield _no_row(f"{name} is {_between(column.at_least, column.at_most)}", ~inside)
        return
    for part in _float_parts(name, kind):
        yield _no_row(f"{part} is finite", ~(_largest(part, kind) <= _LARGEST))


def _no_row(name: str, bad: SparkColumn) -> Expected:
    """No row is bad; a row of which nothing can be said is not."""

    def tell(number: float | None, rows: int) -> str:
        return f"{int(number or 0):,} of {rows:,} rows fail"

    return Expected(name, lambda: F.count_if(bad), 0, 0, tell)


def _float_parts(name: str, kind: T.DataType) -> list[str]:
    """The column itself, the fields of its structs, or nothing: where floats are, at any depth of one list."""
    inner = kind.elementType if isinstance(kind, T.ArrayType) else kind
    if isinstance(inner, T.StructType):
        return [f"{name}.{f.name}" for f in inner.fields if isinstance(f.dataType, T.FractionalType)]
    return [name] if isinstance(inner, T.FractionalType) else []


def _largest(part: str, kind: T.DataType) -> SparkColumn:
    """The number itself, or of a list the one furthest from 0: not finite if any of them is not."""
    values = F.col(part)
    if isinstance(kind, T.ArrayType):
        values = F.greatest(F.array_max(values), -F.array_min(values))
    return F.abs(values).cast("double")


def _unique(key: Sequence[str]) -> Expected:
    """No row repeats a key; null is one value of it."""

    def tell(number: float | None, rows: int) -> str:
        return f"{_percent((number or 0) / rows)} of the rows repeat a key" if rows else "no rows"

    return Expected("key is unique", lambda: F.count(F.lit(1)) - F.count_distinct(F.struct(*key)), 0, 0, tell)


# ---- asking


Asked = tuple[DataFrame, Table, Sequence[Expected]]
"""Rows, the contract that they are held against, and what is expected beyond it."""


@dataclass(frozen=True)
class Known:
    """An expectation whose number has been found already, of so many rows."""

    table: Table
    expected: Expected
    number: float | None
    rows: int


def validate(frame: DataFrame, table: Table, *, more: Sequence[Expected] = ()) -> list[Outcome]:
    """Holds the frame against its contract and `more`; one outcome an expectation, in their order.

    Only columns that are there are looked at; the frame is read once. Raises ValueError if two expectations share a
    name.
    """
    return validate_all([(frame, table, more)])


def validate_all(asked: Sequence[Asked], known: Sequence[Known] = ()) -> list[Outcome]:
    """The same for several frames in one Spark job: what a job costs to plan is most of its time on a small day.

    Outcomes of what is `known` come first.
    """
    expected = [[*of_contract(table, frame.schema), *more] for frame, table, more in asked]
    for (_, table, _), own in zip(asked, expected, strict=True):
        names = [each.name for each in own]
        if len(set(names)) != len(names):
            raise ValueError(f"{table.name}: two expectations have one name: {sorted(names)}")
    counted = _counted([frame for frame, _, _ in asked], expected)
    told = [(each.table.name, each.expected, each.number, each.rows) for each in known]
    told += [
        (table.name, each, number, rows)
        for (_, table, _), own, (rows, numbers) in zip(asked, expected, counted, strict=True)
        for each, number in zip(own, numbers, strict=True)
    ]
    kept = _kept([number for _, _, number, _ in told], [(each.at_least, each.at_most) for _, each, _, _ in told])
    return [
        Outcome(name, each.name, passed, each.gates, each.tell(number, rows))
        for (name, each, number, rows), passed in zip(told, kept, strict=True)
    ]


def _counted(frames: Sequence[DataFrame], expected: Sequence[list[Expected]]) -> list[tuple[int, list[float | None]]]:
    """Of each frame its rows and the numbers that are expected of it."""
    if not any(expected):
        return [(0, []) for _ in frames]
    none = F.array().cast("array<double>")
    counts = [
        frame.agg(
            F.lit(place).alias("place"),
            F.count(F.lit(1)).alias("rows"),
            (F.array(*[each.number().cast("double") for each in own]) if own else none).alias("numbers"),
        )
        for place, (frame, own) in enumerate(zip(frames, expected, strict=True))
    ]
    found = sorted(reduce(DataFrame.unionAll, counts).collect(), key=lambda row: row.place)
    return [(row.rows, row.numbers) for row in found]


def _kept(numbers: Sequence[float | None], bounds: Sequence[tuple[float, float]]) -> list[bool]:
    """Whether each number is there and, as Great Expectations has it, within its bounds; it keeps no files and cache.

    A missing number it would pass over.
    """
    if not numbers:
        return []
    gx = _great_expectations()
    import great_expectations.expectations as kinds
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("lake").add_dataframe_asset("counts")
    counts = pd.DataFrame([{f"n{place}": number for place, number in enumerate(numbers)}], dtype="float64")
    batch = asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": counts})
    suite = gx.ExpectationSuite("contract")
    for place, (low, high) in enumerate(bounds):
        within = kinds.ExpectColumnValuesToBeBetween(
            column=f"n{place}", min_value=low, max_value=high, meta={"place": place}
        )
        suite.add_expectation(within)
    results = batch.validate(suite, result_format={"result_format": "BOOLEAN_ONLY"}).results
    failed = {result.expectation_config.meta["place"] for result in results if not result.success}
    return [
        place not in failed and number is not None and math.isfinite(number) for place, number in enumerate(numbers)
    ]


# ---- words and numbers


def _between(at_least: Any, at_most: Any) -> str:
    low, high = (format(end, ",") if isinstance(end, int) else str(end) for end in (at_least, at_most))
    if at_most is None:
        return f"at least {low}"
    return f"at most {high}" if at_least is None else f"between {low} and {high}"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
