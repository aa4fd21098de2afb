"""Rows in parts: none is lost, all of an id are together, and within a part they keep their order."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pyarrow as pa

from foryou.models import hashing, parts


def test_every_row_is_in_the_part_of_its_id_in_the_order_that_it_had(tmp_path):
    rows = pa.table({"id": [f"u{n % 7}" for n in range(50)], "n": range(50)})
    part = parts.of_digests(hashing.of_texts(rows["id"]), 5)
    path = str(tmp_path / "rows")
    parts.write(rows.slice(0, 20), part[:20], 5, path)
    parts.write(rows, part, 5, path)
    read = [parts.read(path, number) for number in range(5)]
    assert [table.num_rows for table in read] == np.bincount(part, minlength=5).tolist()
    assert [row for table in read for row in table["n"].to_pylist()] == np.argsort(part, kind="stable").tolist()
    assert all(set(one["id"].to_pylist()).isdisjoint(two["id"].to_pylist()) for one, two in combinations(read, 2))
    assert parts.read_all(path).equals(pa.concat_tables(read))
    assert [parts.place(path, number) for number in range(5)] == np.cumsum([0, *map(len, read)])[:-1].tolist()


def test_no_rows_are_as_many_empty_parts(tmp_path):
    path = str(tmp_path / "rows")
    parts.write(pa.table({"id": pa.array([], pa.string())}), np.zeros(0, np.int16), 3, path)
    assert [parts.read(path, number).num_rows for number in range(3)] == [0, 0, 0]
