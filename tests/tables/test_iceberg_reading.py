"""Iceberg tables of other writers, read as their specification says; what is expected is written by hand."""

from typing import Any

import polars as pl
from s3_assets.tables.iceberg import IcebergTable
from s3_assets.tables.iceberg_settings import IcebergSettings
from tests.tables.foreign_iceberg import EQUALITY, ForeignTable, column
from tests.tables.formats import PATH, Place

NUMBERS = [column(1, "number", "long"), column(2, "name", "string")]


def numbers(*found: int) -> list[dict[str, Any]]:
    return [{"number": number, "name": f"n{number}"} for number in found]


def opened(place: Place, **settings: Any) -> IcebergTable:
    told = IcebergSettings(connection="lake", warehouse_path=PATH, **settings)
    return IcebergTable("numbers", told, place.connection())


def read(table: IcebergTable, **how: Any) -> list[int]:
    return sorted(table.plan(**how).frame.collect()["number"].to_list())


def test_position_deletes_of_one_and_of_several_files(place: Place) -> None:
    foreign = ForeignTable(place, NUMBERS)
    one, two, three = (
        foreign.file(numbers(*range(start, start + 10)), row_group_size=3) for start in (0, 10, 20)
    )
    foreign.commit("append", [one, two, three])
    # Of one file; of two files, one of which has deletes of its own.
    foreign.commit("delete", [foreign.positions([(one, 0), (one, 9)], limited=True)])
    foreign.commit("delete", [foreign.positions([(one, 4), (two, 3), (two, 3)], limited=False)])
    # Written after the deletes, though it is in their partition.
    foreign.commit("append", [foreign.file(numbers(30, 31))])
    foreign.save()

    table = opened(place)

    expected = [number for number in range(32) if number not in {0, 9, 4, 13}]
    assert read(table) == expected
    assert table.plan().frame.select(pl.len()).collect().item() == len(expected)
    filtered = table.plan().frame.filter(pl.col("number") > 12).select("name").collect()["name"]
    assert set(filtered) == {f"n{number}" for number in expected if number > 12}
    assert table.state().statistics.rows is None


PLACED = [column(1, "number", "long"), column(2, "name", "string"), column(3, "country", "string")]
BY_COUNTRY = [{"name": "country", "transform": "identity", "source-id": 3, "field-id": 1000, "as": "string"}]


def test_equality_deletes_by_sequence_and_partition(place: Place) -> None:
    foreign = ForeignTable(place, PLACED, spec=BY_COUNTRY)

    def data(country: str | None, *rows: tuple[int, str | None]) -> Any:
        told = [{"number": number, "name": name, "country": country} for number, name in rows]
        return foreign.file(told, partition=[country])

    def deletes(ids: list[int], *rows: dict[str, Any], **more: Any) -> Any:
        told = [each for each in foreign.schemas[-1] if each["id"] in ids]
        return foreign.file(rows, content=EQUALITY, columns=told, equality_ids=ids, **more)

    foreign.commit(
        "append",
        [data("de", (1, "a"), (2, "b"), (3, None), (4, "d")), data("fr", (1, "a"), (2, "b"), (3, None))],
    )
    # An update: the row that comes with the delete stays, the one of the other partition as well.
    foreign.commit("overwrite", [data("de", (2, "again")), deletes([1], {"number": 2}, partition=["de"])])
    # Null equals null; of two columns both have to be equal.
    foreign.commit("delete", [deletes([2], {"name": None}, partition=["fr"])])
    foreign.commit(
        "delete", [deletes([1, 2], {"number": 4, "name": "x"}, {"number": 1, "name": "a"}, partition=["de"])]
    )
    foreign.commit("append", [data("de", (1, "a")), data(None, (2, "b"), (5, "e"))])
    # Without partition fields: of every partition.
    foreign.respec([])
    foreign.commit("delete", [deletes([1], {"number": 5}, {"number": 4})])
    foreign.save()

    table = opened(place)

    assert sorted(table.plan().frame.collect().rows(), key=str) == sorted(
        [
            (3, None, "de"),
            (2, "again", "de"),
            (1, "a", "fr"),
            (2, "b", "fr"),
            (1, "a", "de"),
            (2, "b", None),
        ],
        key=str,
    )
    assert table.plan().frame.filter(pl.col("country") == "fr").select(pl.len()).collect().item() == 2


def test_equality_deletes_by_a_column_that_was_renamed_or_dropped(place: Place) -> None:
    foreign = ForeignTable(place, PLACED)
    foreign.commit(
        "append", [foreign.file([{"number": n, "name": f"n{n}", "country": "de"} for n in range(5)])]
    )
    named = [column(2, "name", "string")]
    foreign.commit(
        "delete", [foreign.file([{"name": "n1"}], content=EQUALITY, columns=named, equality_ids=[2])]
    )
    numbered = [column(1, "number", "long")]
    foreign.commit(
        "delete", [foreign.file([{"number": 3}], content=EQUALITY, columns=numbered, equality_ids=[1])]
    )
    foreign.evolve([column(3, "country", "string"), column(1, "id", "long")])
    foreign.save()

    assert opened(place).plan().frame.collect().rows() == [("de", 0), ("de", 2), ("de", 4)]


def test_deletion_vectors_come_before_position_deletes(place: Place) -> None:
    foreign = ForeignTable(place, NUMBERS, version=3)
    one, two = foreign.file(numbers(*range(10))), foreign.file(numbers(*range(10, 20)))
    foreign.commit("append", [one, two])
    # What version 2 left behind: positions of both files, which the vector of one has taken over in part.
    foreign.commit("delete", [foreign.positions([(one, 0), (two, 0)], limited=False)])
    foreign.commit("delete", [foreign.vector(one, [1, 9])])
    foreign.save()

    table = opened(place)

    assert read(table) == [number for number in range(20) if number not in {1, 9, 10}]
    assert read(table, at=1000) == list(range(20))
