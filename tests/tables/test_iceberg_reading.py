"""Iceberg tables of other writers, read as their specification says; what is expected is written by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from s3_assets.errors import HistoryLostError, SourceRewrittenError
from s3_assets.tables.iceberg import IcebergTable
from s3_assets.tables.iceberg_settings import IcebergSettings
from s3_assets.tables.table import ReadMode, VersionPosition
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


def test_added_rows_are_those_of_appends_alone(place: Place) -> None:
    foreign = ForeignTable(place, NUMBERS)
    one, two = foreign.file(numbers(1)), foreign.file(numbers(2))
    first = foreign.commit("append", [one])
    foreign.save()
    table = opened(place)
    start = table.plan(ReadMode.ADDED).until
    assert start == VersionPosition(first, table.open().metadata.table_uuid.__str__())
    assert table.plan(ReadMode.ADDED, since=start).empty

    foreign.commit("append", [two])
    # Compaction: the same rows in one file. Then the first write of a partition, which replaces nothing.
    foreign.commit("replace", [foreign.file(numbers(1, 2))], [one, two])
    foreign.commit("overwrite", [foreign.file(numbers(3))])
    foreign.save()

    plan = table.plan(ReadMode.ADDED, since=start)
    assert sorted(plan.frame.collect()["number"]) == [2, 3]
    assert (plan.files, plan.empty) == (2, False)
    assert len(plan.notes) == 1
    assert read(table) == [1, 2, 3]

    rewriting = foreign.commit("delete", removed=[next(iter(foreign.live.values()))])
    foreign.save()
    with pytest.raises(SourceRewrittenError, match=rf"{rewriting} \(delete\)"):
        table.plan(ReadMode.ADDED, since=start)
    assert table.plan(ReadMode.ADDED, since=table.plan(ReadMode.ADDED).until).empty


def test_a_lost_start_is_told_from_a_table_that_was_made_anew_or_set_back(place: Place) -> None:
    foreign = ForeignTable(place, NUMBERS)
    first, second, third = (foreign.commit("append", [foreign.file(numbers(n))]) for n in range(3))
    foreign.save()
    table = opened(place)
    identity = table.plan(ReadMode.ADDED).until.table_id  # type: ignore[union-attr]

    # The start itself has expired, and all that came after it is kept.
    foreign.snapshots = foreign.snapshots[2:]
    foreign.save()
    assert read(table, mode=ReadMode.ADDED, since=VersionPosition(second, identity)) == [2]
    with pytest.raises(HistoryLostError, match=f"between {first}.*and {third} have expired"):
        table.plan(ReadMode.ADDED, since=VersionPosition(first, identity))
    with pytest.raises(SourceRewrittenError, match="made anew"):
        table.plan(ReadMode.ADDED, since=VersionPosition(third, "another"))

    fourth = foreign.commit("append", [foreign.file(numbers(4))])
    foreign.save(**{"current-snapshot-id": third})
    with pytest.raises(SourceRewrittenError, match="set back"):
        table.plan(ReadMode.ADDED, since=VersionPosition(fourth, identity))


def test_the_past_is_read_by_snapshot_and_by_time(place: Place) -> None:
    foreign = ForeignTable(place, NUMBERS)
    first = foreign.commit("append", [foreign.file(numbers(1))])
    foreign.evolve([column(1, "number", "long"), column(3, "kind", "string")])
    second = foreign.commit("append", [foreign.file([{"number": 2, "kind": "x"}])])
    foreign.save()
    table = opened(place)

    then = datetime.fromtimestamp(foreign.snapshots[0]["timestamp-ms"] / 1000, UTC)
    old = pl.DataFrame({"number": [1], "name": ["n1"]})
    assert_frame_equal(table.plan(at=first).frame.collect(), old)
    assert_frame_equal(table.plan(at=then + timedelta(milliseconds=999)).frame.collect(), old)
    assert table.plan(at=second).frame.collect().columns == ["number", "kind"]
    assert read(table, at=then.replace(tzinfo=None) + timedelta(seconds=1)) == [1, 2]
    with pytest.raises(HistoryLostError, match="there was no snapshot at"):
        table.plan(at=then - timedelta(milliseconds=1))
    with pytest.raises(HistoryLostError, match="keeps no snapshot 7"):
        table.plan(at=7)
