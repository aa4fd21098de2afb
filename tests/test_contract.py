"""Contracts: what may be declared."""

import pytest

from foryou import tables
from foryou.contract import Column, Table, delta_schema

DAY = Column("day", "date", "The day.")
SCORE = Column("score", "float", "How good.")


def table(*columns: Column, key: tuple[str, ...] = (), partition: tuple[str, ...] = (), name: str = "things") -> Table:
    return Table(name, "Things.", "one thing", columns, key=key, partition=partition)


def test_a_column_without_a_doc_is_refused():
    with pytest.raises(ValueError, match="column score: a doc is required"):
        Column("score", "float", "")


def test_a_column_declared_twice_is_refused():
    with pytest.raises(ValueError, match="table things: a column is declared twice"):
        table(SCORE, SCORE)


def test_a_key_that_is_no_column_is_refused():
    with pytest.raises(ValueError, match="table things: viewer is not one of its columns"):
        table(SCORE, key=("viewer",))


def test_a_partition_that_is_no_column_is_refused():
    with pytest.raises(ValueError, match="table things: day is not one of its columns"):
        table(SCORE, partition=("day",))


@pytest.mark.parametrize("name", ["Things", "../things", "things 2", "", "_things"])
def test_a_name_that_could_leave_the_lake_or_differ_by_case_is_refused(name):
    with pytest.raises(ValueError, match="names are lower case words"):
        table(SCORE, name=name)


def test_ddl_lists_names_and_types_in_order():
    assert table(DAY, SCORE).ddl() == "day date, score float"


def test_deltas_own_form_of_a_nested_type_names_every_field():
    nested = table(Column("items", "array<struct<video_id string, score float>>", "Best first."))
    assert delta_schema(nested)["fields"] == [
        {
            "name": "items",
            "type": {
                "type": "array",
                "elementType": {
                    "type": "struct",
                    "fields": [
                        {"name": "video_id", "type": "string", "nullable": True, "metadata": {}},
                        {"name": "score", "type": "float", "nullable": True, "metadata": {}},
                    ],
                },
                "containsNull": True,
            },
            "nullable": True,
            "metadata": {"comment": "Best first."},
        }
    ]


@pytest.mark.parametrize("declared", tables.ALL, ids=lambda declared: declared.path)
def test_the_schema_in_deltas_form_reads_back_as_the_contract(declared):
    deltalake = pytest.importorskip("deltalake")
    import json

    schema = deltalake.Schema.from_json(json.dumps(delta_schema(declared)))
    assert [field.name for field in schema.fields] == list(declared.column_names)
    assert [field.metadata["comment"] for field in schema.fields] == [column.doc for column in declared.columns]
