"""Rows in parts: none is lost, and within a part they keep their order."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from foryou.models import parts


def test_every_row_is_in_its_part_in_the_order_that_it_had(tmp_path):
    rows = pa.table({"id": [f"u{n % 7}" for n in range(50)], "n": range(50)})
    part = np.arange(50) * 3 % 5
    path = str(tmp_path / "rows")
    parts.write(rows.slice(0, 20), part[:20], 5, path)
    parts.write(pa.concat_tables([rows.slice(0, 9), rows.slice(9)]), part, 5, path)
    read = [parts.read(path, number) for number in range(5)]
    assert [table.num_rows for table in read] == np.bincount(part, minlength=5).tolist()
    order = np.argsort(part, kind="stable")
    assert [row for table in read for row in table["n"].to_pylist()] == order.tolist()
    assert [row for table in read for row in table["id"].to_pylist()] == [f"u{n % 7}" for n in order]


def test_no_rows_are_as_many_empty_parts(tmp_path):
    path = str(tmp_path / "rows")
    parts.write(pa.table({"id": pa.array([], pa.string())}), np.zeros(0, np.int64), 3, path)
    assert [parts.read(path, number).num_rows for number in range(3)] == [0, 0, 0]
