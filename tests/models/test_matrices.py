"""Dense ids to matrices and back, on rows that can be checked by hand."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from foryou.models import matrices


def column(values, kind=None):
    """The values in two chunks, as tables of several files give them."""
    return pa.chunked_array([pa.array(values[:1], kind or pa.int32()), pa.array(values[1:], kind or pa.int32())])


def floats(values):
    return column(values, pa.float32())


def lists(values, kind):
    return column(values, pa.list_(kind))


def test_triples_become_rows_whose_columns_rise():
    rows = matrices.rows(column([2, 0, 2]), column([9, 5, 1]), floats([0.5, 1.0, 2.0]), height=4)
    assert rows.indptr.tolist() == [0, 1, 1, 3, 3]
    assert rows.indices.tolist() == [5, 1, 9]
    assert rows.values.tolist() == [1.0, 2.0, 0.5]


def test_a_pair_that_comes_twice_stands_once_with_its_first_value():
    rows = matrices.rows(column([1, 0, 1]), column([3, 3, 3]), floats([7.0, 1.0, 8.0]), height=2)
    assert rows.indptr.tolist() == [0, 1, 2]
    assert rows.values.tolist() == [1.0, 7.0]


def test_without_values_every_pair_counts_one():
    assert matrices.rows(column([0, 1]), column([0, 1]), None, height=2).values.tolist() == [1.0, 1.0]


def test_no_triples_are_rows_without_entries():
    nothing = pa.chunked_array([pa.array([], pa.int32())])
    rows = matrices.rows(nothing, nothing, None, height=3)
    assert rows.indptr.tolist() == [0, 0, 0, 0]
    assert rows.csr(5).shape == (3, 5)


def test_ids_near_the_end_of_int32_do_not_run_into_the_next_row():
    last = 2**31 - 1
    rows = matrices.rows(column([1, 0]), column([0, last]), None, height=2)
    assert rows.indices.tolist() == [last, 0]


def test_chosen_rows_come_in_the_order_asked_for_and_may_repeat():
    rows = matrices.rows(column([0, 0, 2]), column([1, 4, 3]), floats([1.0, 2.0, 3.0]), height=3)
    chosen = rows.of(np.array([2, 1, 0, 2], np.int32))
    assert chosen.indptr.tolist() == [0, 1, 1, 3, 4]
    assert chosen.indices.tolist() == [3, 1, 4, 3]
    assert chosen.values.tolist() == [3.0, 1.0, 2.0, 3.0]
    assert rows.of(np.array([], np.int32)).indptr.tolist() == [0]


def test_choosing_all_rows_gives_the_same_matrix():
    rng = np.random.default_rng(1)
    row, col = rng.integers(0, 20, 200).astype(np.int32), rng.integers(0, 30, 200).astype(np.int32)
    rows = matrices.rows(column(row), column(col), floats(rng.random(200, np.float32)), height=20)
    order = rng.permutation(20).astype(np.int32)
    np.testing.assert_array_equal(rows.of(order).csr(30).toarray(), rows.csr(30).toarray()[order])


def test_rows_stored_as_lists_keep_their_values():
    rows = matrices.list_rows(
        column([2, 0, 1]), lists([[4, 1], [], [3]], pa.int32()), lists([[0.4, 0.1], [], [0.3]], pa.float32()), height=3
    )
    wanted = np.zeros((3, 5), np.float32)
    wanted[2, 4], wanted[2, 1], wanted[1, 3] = 0.4, 0.1, 0.3
    np.testing.assert_array_equal(rows.csr(5).toarray(), wanted)


def test_vectors_take_their_rows_and_unknown_rows_are_zero():
    found = matrices.dense(column([2, 0]), lists([[1.0, 2.0], [3.0, 4.0]], pa.float32()), height=4)
    assert found.tolist() == [[3.0, 4.0], [0.0, 0.0], [1.0, 2.0], [0.0, 0.0]]


def test_vectors_come_back_from_arrow_as_they_went():
    matrix = np.arange(6, dtype=np.float32).reshape(3, 2)
    stored = pa.chunked_array([matrices.vectors(matrix)])
    np.testing.assert_array_equal(matrices.dense(column([0, 1, 2]), stored, height=3), matrix)


def test_a_padded_matrix_becomes_lists_of_what_is_kept():
    ids = np.array([[4, 2, -1], [-1, -1, -1], [7, 8, 9]], np.int32)
    assert matrices.lists(ids, ids >= 0).to_pylist() == [[4, 2], [], [7, 8, 9]]


def test_what_was_shared_is_mapped_and_equal(tmp_path):
    rows = matrices.rows(column([0, 1]), column([1, 0]), floats([0.5, 0.25]), height=2)
    matrices.share_rows(tmp_path / "night", "seen", rows)
    found = matrices.shared_rows(tmp_path / "night", "seen")
    assert isinstance(found.values, np.memmap)
    np.testing.assert_array_equal(found.csr(2).toarray(), rows.csr(2).toarray())
    with pytest.raises(ValueError, match="read-only"):
        found.values[0] = 1.0


def test_an_empty_array_can_be_shared(tmp_path):
    matrices.share(tmp_path, {"nothing": np.empty(0, np.int32)})
    assert matrices.shared(tmp_path, "nothing").size == 0


def as_lists(rows):
    ends = zip(rows.indptr[:-1], rows.indptr[1:], strict=True)
    return [list(zip(rows.indices[a:b].tolist(), rows.values[a:b].tolist(), strict=True)) for a, b in ends]


ROWS = matrices.Rows(np.array([0, 2, 2, 3]), np.array([1, 0, 1], np.int32), np.array([0.5, 2, 3], np.float32))


def test_through_a_matrix_each_entry_leads_to_those_of_the_row_it_names():
    matrix = matrices.rows(column([0, 1, 1]), column([7, 4, 9]), None, height=2)
    assert as_lists(matrices.through(ROWS, matrix)) == [[(4, 0.5), (9, 0.5), (7, 2)], [], [(4, 3), (9, 3)]]
    empty = matrices.Rows(np.zeros(3, np.int64), np.array([], np.int32), np.array([], np.float32))
    assert as_lists(matrices.through(ROWS, empty)) == [[], [], []]


def test_rows_beside_others_hold_the_entries_of_both():
    other = matrices.rows(column([0, 1, 1]), column([7, 4, 9]), floats([1, 2, 3]), height=3)
    assert as_lists(matrices.beside(ROWS, other)) == [[(1, 0.5), (0, 2), (7, 1)], [(4, 2), (9, 3)], [(1, 3)]]
    assert as_lists(matrices.beside(other, ROWS)) == [[(7, 1), (1, 0.5), (0, 2)], [(4, 2), (9, 3)], [(1, 3)]]
