"""Checks of a table's content: the only file that knows Great Expectations, whose import takes 8 s and so waits."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import Any

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from foryou.contract import Column, Table

_LARGEST = sys.float_info.max
"""Spark sorts NaN above everything, so `x >= 0` holds for it: every range of floats needs an upper end to catch it."""
_SHARE_OF_KEYS = "ExpectColumnProportionOfUniqueValuesToBeBetween"
_EPOCH, _FIRST_DAY, _LAST_DAY = date(1970, 1, 1), -719_162, 2_932_896
"""Days since 1970 that Python's dates can hold."""


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
    """One expectation: a name that stays the same from day to day, and what Great Expectations is asked.

    `over` makes the column that is looked at (None: the whole table), `tell` the words for what was seen.
    """

    name: str
    kind: str
    over: Callable[[], SparkColumn] | None
    tell: Callable[[Mapping[str, Any]], str]
    arguments: Mapping[str, Any] = field(default_factory=dict)
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

    def tell(result: Mapping[str, Any]) -> str:
        return f"{result['observed_value']:,} rows, wanted {_between(at_least, at_most)}"

    return Expected(name, "ExpectTableRowCountToBeBetween", None, tell, _ends(at_least, at_most), gates)


def share_present(name: str, column: str, at_most: float, *, gates: bool = True) -> Expected:
    """At most this share of the rows has a value in the column, say a reason to refuse them."""

    def tell(result: Mapping[str, Any]) -> str:
        share = (result["unexpected_count"] or 0) / (result["element_count"] or 1)
        return f"{_percent(share)} ({_of(result)}), wanted at most {_percent(at_most)}"

    mostly = max(0.0, 1 - at_most - 1e-12)  # 1 - .1 is a hair above .9
    return Expected(name, "ExpectColumnValuesToBeNull", partial(F.col, column), tell, {"mostly": mostly}, gates)


def newest_day(name: str, column: str, at_least: date, at_most: date | None = None, *, gates: bool = True) -> Expected:
    """The latest date or timestamp (UTC) of the column falls on a day between these two, both included."""

    def over() -> SparkColumn:
        day = F.unix_date(F.to_date(column))
        return F.when(day.isNotNull(), F.greatest(F.lit(_FIRST_DAY), F.least(F.lit(_LAST_DAY), day)))

    def tell(result: Mapping[str, Any]) -> str:
        newest = result["observed_value"]
        seen = "no day" if newest is None else str(_EPOCH + timedelta(days=newest))
        return f"newest {seen}, wanted {_between(at_least, at_most)}"

    ends = _ends(*(None if day is None else (day - _EPOCH).days for day in (at_least, at_most)))
    return Expected(name, "ExpectColumnMaxToBeBetween", over, tell, ends, gates)


def values_between(
    name: str, column: str, at_least: float | None = None, at_most: float | None = None, *, gates: bool = True
) -> Expected:
    """Every value that is there lies between these two, both included, and is finite."""
    return _within(name, partial(F.col, column), at_least, at_most, gates)


def mean_between(
    name: str, column: str, at_least: float | None = None, at_most: float | None = None, *, gates: bool = True
) -> Expected:
    """The mean of the column lies between these two, both included; a column with NaN has no mean."""

    def tell(result: Mapping[str, Any]) -> str:
        mean = result["observed_value"]
        seen = "no finite mean" if mean is None else f"mean {mean:.4g}"
        return f"{seen}, wanted {_between(at_least, at_most)}"

    ends = _ends(*_finite_ends(at_least, at_most))
    return Expected(name, "ExpectColumnMeanToBeBetween", partial(F.col, column), tell, ends, gates)


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
    name, itself = column.name, partial(F.col, column.name)
    if column.required:
        yield Expected(f"{name} is not null", "ExpectColumnValuesToNotBeNull", itself, _rows_fail)
    if column.one_of:
        allowed = {"value_set": list(column.one_of)}
        yield Expected(f"{name} is one of its values", "ExpectColumnValuesToBeInSet", itself, _rows_fail, allowed)
    if column.pattern:
        regex = {"regex": column.pattern.removesuffix("$") + r"\z"}  # in Java, `$` lets a newline pass
        yield Expected(f"{name} matches its pattern", "ExpectColumnValuesToMatchRegex", itself, _rows_fail, regex)
    if column.at_least is not None or column.at_most is not None:
        between = _between(column.at_least, column.at_most)
        yield _within(f"{name} is {between}", itself, column.at_least, column.at_most)
        return
    for part in _float_parts(name, kind):
        yield _within(f"{part} is finite", partial(_largest, part, kind), None, None)


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
    """As a share of distinct keys: one aggregate, where counting within windows sorts the whole table."""

    def tell(result: Mapping[str, Any]) -> str:
        share = result["observed_value"]
        return f"{_percent(1 - share)} of the rows repeat a key" if share else "no rows"

    return Expected("key is unique", _SHARE_OF_KEYS, lambda: F.struct(*key), tell, {"min_value": 1.0})


def _within(
    name: str,
    over: Callable[[], SparkColumn],
    at_least: float | None,
    at_most: float | None,
    gates: bool = True,
) -> Expected:
    ends = _ends(*_finite_ends(at_least, at_most))
    return Expected(name, "ExpectColumnValuesToBeBetween", over, _rows_fail, ends, gates)


# ---- asking


def validate(frame: DataFrame, table: Table, *, more: Sequence[Expected] = ()) -> list[Outcome]:
    """Holds the frame against its contract and `more`; one outcome an expectation, in their order.

    Only columns that are there are looked at. The frame is read several times: give one that lies in files or in a
    cache. Raises ValueError if two expectations share a name, RuntimeError if one could not be worked out.
    """
    asked = [*of_contract(table, frame.schema), *more]
    names = [expected.name for expected in asked]
    if len(set(names)) != len(names):
        raise ValueError(f"{table.name}: two expectations have one name: {sorted(names)}")
    looked_at = frame.select(
        *(expected.over().alias(f"c{number}") for number, expected in enumerate(asked) if expected.over)
    )
    results = _ask(looked_at, asked)
    return [_outcome(table, asked[number], results[number]) for number in range(len(asked))]


def _ask(frame: DataFrame, asked: Sequence[Expected]) -> dict[int, Any]:
    """What Great Expectations finds, by the expectation's number; it keeps no files and no cache."""
    os.environ["GX_ANALYTICS_ENABLED"] = "False"
    import great_expectations as gx
    import great_expectations.expectations as kinds
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_spark("lake", persist=False).add_dataframe_asset("table")
    batch = asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": frame})
    suite = gx.ExpectationSuite("contract")
    for number, expected in enumerate(asked):
        column = {"column": f"c{number}"} if expected.over else {}
        make = getattr(kinds, expected.kind)
        suite.add_expectation(make(**column, **expected.arguments, meta={"number": number}))
    # sampled values would be rows of people: none of them is asked for
    sparse = {"result_format": "SUMMARY", "partial_unexpected_count": 0}
    results = batch.validate(suite, result_format=sparse).results
    return {result.expectation_config.meta["number"]: result for result in results}


def _outcome(table: Table, expected: Expected, result: Any) -> Outcome:
    fault = _exception(result.exception_info)
    if fault:
        raise RuntimeError(f"{table.name}: `{expected.name}` could not be checked: {fault}")
    no_rows = expected.kind == _SHARE_OF_KEYS and not result.result["observed_value"]  # and so no key twice
    passed = bool(result.success) or no_rows
    return Outcome(table.name, expected.name, passed, expected.gates, expected.tell(result.result))


def _exception(info: Mapping[str, Any]) -> str | None:
    """The message of an exception inside a metric: told flat, or once for each metric."""
    entries = [info] if "raised_exception" in info else list(info.values())
    return next((str(e["exception_message"]) for e in entries if e["raised_exception"]), None)


# ---- words and numbers


def _ends(at_least: float | None, at_most: float | None) -> dict[str, float]:
    ends = {"min_value": at_least, "max_value": at_most}
    return {name: end for name, end in ends.items() if end is not None}


def _finite_ends(at_least: float | None, at_most: float | None) -> tuple[float, float]:
    return (-_LARGEST if at_least is None else at_least, _LARGEST if at_most is None else at_most)


def _between(at_least: Any, at_most: Any) -> str:
    low, high = (format(end, ",") if isinstance(end, int) else str(end) for end in (at_least, at_most))
    if at_most is None:
        return f"at least {low}"
    return f"at most {high}" if at_least is None else f"between {low} and {high}"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _of(result: Mapping[str, Any]) -> str:
    return f"{result['unexpected_count'] or 0:,} of {result['element_count'] or 0:,}"


def _rows_fail(result: Mapping[str, Any]) -> str:
    return f"{_of(result)} rows fail"
