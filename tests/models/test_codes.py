"""Words to numbers."""

from __future__ import annotations

import pyarrow as pa

from foryou.models import codes


def test_numbers_go_by_the_order_of_words_not_of_rows():
    column = pa.chunked_array([["pets", None, "art"], ["pets", "food"]])
    found = codes.coded(column)
    assert found.names.to_pylist() == ["art", "food", "pets"]
    assert found.codes.tolist() == [2, -1, 0, 2, 1]
    assert found.at(pa.array([9, 1, 3, 0, 4]).to_numpy(), 10).tolist() == [2, -1, -1, 0, 1, -1, -1, -1, -1, 2]


def test_a_column_without_a_word_has_no_names():
    for column in (pa.chunked_array([], pa.string()), pa.chunked_array([pa.nulls(2, pa.string())])):
        found = codes.coded(column)
        assert len(found.names) == 0
        assert set(found.codes.tolist()) <= {-1}


def test_words_in_lists_and_alone_are_held_once_by_their_id():
    tags = pa.chunked_array([pa.array([["b", "a", "b"], None, [], [None, "c"]], pa.list_(pa.string()))])
    names, held = codes.holding(pa.array([3, 1, 0, 2]).to_numpy(), tags, 5)
    assert names.to_pylist() == ["a", "b", "c"]
    assert held.toarray().tolist() == [[0, 0, 0], [0, 0, 0], [0, 0, 1], [1, 1, 0], [0, 0, 0]]
    names, held = codes.holding(pa.array([1, 0]).to_numpy(), pa.chunked_array([["x", None]], pa.string()), 2)
    assert (names.to_pylist(), held.toarray().tolist()) == (["x"], [[0], [1]])


def test_lists_without_a_word_have_no_columns():
    names, held = codes.holding(pa.array([0]).to_numpy(), pa.chunked_array([[[]]], pa.list_(pa.string())), 2)
    assert (len(names), held.shape) == (0, (2, 0))
