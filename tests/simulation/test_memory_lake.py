"""The lake in memory does what the lake does, as far as the jobs after `views` can tell."""

from __future__ import annotations

import inspect
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from foryou import tables
from foryou.errors import ContractBroken, InputMissing
from foryou.platform.lake import Lake
from foryou.simulation.memory_lake import MemoryLake

DAY = date(2026, 3, 10)
NEXT = DAY + timedelta(days=1)
SEEN = pa.table({"viewer": pa.array([1, 2], pa.int32()), "video": pa.array([7, 8], pa.int32())})


@pytest.fixture(params=["memory", "disk"])
def any_lake(request, tmp_path):
    """One test for both: the lake on disk never starts Spark for what is asked here."""
    if request.param == "memory":
        return MemoryLake(tmp_path)
    return Lake(tmp_path / "lake", lambda: pytest.fail("no Spark is needed"))


def rows(table: pa.Table) -> list[dict]:
    return sorted(table.to_pylist(), key=str)


def test_its_methods_are_asked_in_the_same_way_as_the_lake_s():
    ours = {name: method for name, method in vars(MemoryLake).items() if callable(method) and name[0] != "_"}
    for name in set(ours) - {"copy"}:
        asked = [str(p).split(":")[0] for p in inspect.signature(ours[name]).parameters.values()]
        assert asked == [str(p).split(":")[0] for p in inspect.signature(getattr(Lake, name)).parameters.values()], name


def test_a_day_is_replaced_and_read_back_with_its_day(any_lake):
    any_lake.replace_day(tables.SEEN, DAY, SEEN)
    any_lake.replace_day(tables.SEEN, NEXT, SEEN.slice(0, 1))
    any_lake.replace_day(tables.SEEN, DAY, SEEN.slice(1))
    assert rows(any_lake.arrow(tables.SEEN)) == [
        {"day": DAY, "viewer": 2, "video": 8},
        {"day": NEXT, "viewer": 1, "video": 7},
    ]
    assert rows(any_lake.arrow(tables.SEEN, ["video"], days=[NEXT])) == [{"video": 7}]
    assert any_lake.days(tables.SEEN) == [DAY, NEXT]
    assert any_lake.days_until(tables.SEEN, DAY) == [DAY]
    assert any_lake.count(tables.SEEN, [DAY, NEXT]) == 2


def test_a_table_that_nobody_wrote_is_empty_and_lacks_every_day(any_lake):
    empty = any_lake.arrow(tables.SEEN, ["viewer"])
    assert (empty.num_rows, empty.schema.field("viewer").type) == (0, pa.int32())
    assert any_lake.arrow(tables.SEEN, days=[DAY]).num_rows == any_lake.arrow(tables.SEEN, days=[]).num_rows == 0
    assert any_lake.days(tables.SEEN) == []
    with pytest.raises(InputMissing):
        any_lake.require(tables.SEEN, DAY)


def test_part_of_a_day_is_replaced(any_lake):
    columns = [column for column in tables.CHECKS.columns if column.name != "day"]
    kinds = {"string": "x", "boolean": True}

    def check(step: str) -> pa.Table:
        return pa.Table.from_pylist([{c.name: kinds[c.type] for c in columns} | {"step": step}])

    for step in ("publish", "build_events", "publish"):
        any_lake.replace_day(tables.CHECKS, DAY, check(step), where=f"step = '{step}'")
    assert sorted(any_lake.arrow(tables.CHECKS, days=[DAY])["step"].to_pylist()) == ["build_events", "publish"]


def test_values_are_brought_into_the_types_of_the_contract(any_lake):
    any_lake.replace_day(tables.SEEN, DAY, pa.table({"viewer": [1], "video": [7]}))
    assert any_lake.arrow(tables.SEEN).schema.field("video").type == pa.int32()


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"viewer": [1]}, "video is missing"),
        ({"viewer": [1], "video": [1], "extra": [1]}, "extra is not in the contract"),
        ({"viewer": [1], "video": [2**40]}, "video is int64"),
    ],
)
def test_what_departs_from_the_contract_is_refused(any_lake, wrong, told):
    with pytest.raises(ContractBroken, match=told):
        any_lake.replace_day(tables.SEEN, DAY, pa.table(wrong))
    assert any_lake.days(tables.SEEN) == []


def test_parts_are_written_in_order_and_found_again_as_files(tmp_path):
    lake = MemoryLake(tmp_path)
    parts = [SEEN.slice(1), SEEN.slice(0, 0), SEEN.slice(0, 1)]
    assert lake.replace_parts(tables.SEEN, DAY, 3, lambda part: iter([parts[part]])) == 2
    files = lake.files(tables.SEEN, DAY)
    assert [pq.read_table(path).to_pylist() for path in files] == [
        [{"viewer": 2, "video": 8}],
        [{"viewer": 1, "video": 7}],
    ]
    assert lake.replace_parts(tables.SEEN, DAY, 0, lambda part: iter([])) == 0
    assert lake.days(tables.SEEN) == []


def test_a_part_of_other_columns_is_refused(tmp_path):
    with pytest.raises(ContractBroken, match="video is missing"):
        MemoryLake(tmp_path).replace_parts(tables.SEEN, DAY, 1, lambda part: iter([SEEN.select(["viewer"])]))


def test_a_copy_goes_its_own_way(tmp_path):
    lake = MemoryLake(tmp_path)
    lake.replace_day(tables.SEEN, DAY, SEEN)
    other = lake.copy(tmp_path)
    other.replace_day(tables.SEEN, NEXT, SEEN)
    assert (lake.days(tables.SEEN), other.days(tables.SEEN)) == ([DAY], [DAY, NEXT])
    assert (lake.version(tables.SEEN), other.version(tables.SEEN)) == (0, 1)
