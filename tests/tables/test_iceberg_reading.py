"""Iceberg tables of other writers, read as their specification says; what is expected is written by hand."""

import io
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import polars as pl
import pyarrow.parquet as pq
import pytest
from polars.testing import assert_frame_equal
from pyiceberg.table import StaticTable
from pyiceberg.transforms import BucketTransform
from pyiceberg.types import LongType

from s3_assets.errors import (
    HistoryLostError,
    S3AssetsError,
    SchemaMismatchError,
    SettingError,
    SourceRewrittenError,
    UnsupportedError,
)
from s3_assets.tables.iceberg import IcebergTable
from s3_assets.tables.iceberg_settings import IcebergSettings
from s3_assets.tables.positions import VersionPosition
from s3_assets.tables.table import ReadMode, Statistics
from s3_assets.windows import Window
from tests.support.proxy import RequestProxy
from tests.tables.foreign_iceberg import EQUALITY, Entry, ForeignTable, column
from tests.tables.formats import PATH, Place

NUMBERS = [column(1, "number", "long"), column(2, "name", "string")]


def numbers(*found: int) -> list[dict[str, Any]]:
    return [{"number": number, "name": f"n{number}"} for number in found]


def opened(place: Place, proxy: RequestProxy | None = None, **settings: Any) -> IcebergTable:
    told = IcebergSettings(connection="lake", warehouse_path=PATH, **settings)
    way: dict[str, Any] = {} if proxy is None else {"endpoint": proxy.endpoint}
    return IcebergTable("numbers", told, place.connection(**way))


def read(table: IcebergTable, **how: Any) -> list[int]:
    return sorted(table.plan(**how).frame.collect(engine="streaming")["number"].to_list())


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

    assert sorted(opened(place).plan().frame.collect().rows()) == [("de", 0), ("de", 2), ("de", 4)]


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


EVERY_TYPE: tuple[tuple[Any, pl.DataType, Any], ...] = (
    ("boolean", pl.Boolean(), True),
    ("int", pl.Int32(), -(2**31)),
    ("long", pl.Int64(), 2**63 - 1),
    ("float", pl.Float32(), 1.5),
    ("double", pl.Float64(), -0.1),
    ("decimal(9,2)", pl.Decimal(9, 2), Decimal("-1234567.89")),
    ("decimal(38,10)", pl.Decimal(38, 10), Decimal("1234567890123456789012345678.0123456789")),
    ("date", pl.Date(), date(1969, 12, 31)),
    ("time", pl.Time(), time(23, 59, 59, 999_999)),
    ("timestamp", pl.Datetime("us"), datetime.fromisoformat("1900-01-01T00:00:00.000001")),
    ("timestamptz", pl.Datetime("us", "UTC"), datetime(2024, 5, 1, 12, tzinfo=UTC)),
    ("timestamp_ns", pl.Datetime("ns"), datetime.fromisoformat("2024-05-01T12:00")),
    ("timestamptz_ns", pl.Datetime("ns", "UTC"), datetime(2024, 5, 1, 12, tzinfo=UTC)),
    ("string", pl.String(), "naïve 🧊"),
    ("uuid", pl.Binary(), UUID("f79c3e09-677c-4bbd-a479-3f349cb785e7").bytes),
    ("fixed[3]", pl.Binary(), b"\x00\xff\x01"),
    ("binary", pl.Binary(), b""),
    (
        {"type": "list", "element-id": 101, "element": "string", "element-required": False},
        pl.List(pl.String()),
        ["a", None],
    ),
    (
        {
            "type": "map",
            "key-id": 102,
            "key": "string",
            "value-id": 103,
            "value": "long",
            "value-required": False,
        },
        pl.Map(pl.String(), pl.Int64()),
        {"a": 1, "b": None},
    ),
    (
        {"type": "struct", "fields": [column(104, "inner", "int"), column(105, "when", "date")]},
        pl.Struct({"inner": pl.Int32(), "when": pl.Date()}),
        {"inner": 1, "when": None},
    ),
)


def test_every_type_is_read_as_it_is(place: Place) -> None:
    columns = [column(number, f"c{number}", kind) for number, (kind, _, _) in enumerate(EVERY_TYPE, 1)]
    foreign = ForeignTable(place, columns, version=3)
    values = {f"c{number}": value for number, (_, _, value) in enumerate(EVERY_TYPE, 1)}
    rows = [{**values, "c18": list(values["c18"]), "c19": list(values["c19"].items())}, dict.fromkeys(values)]
    foreign.commit("append", [foreign.file(rows)])
    foreign.save()

    table = opened(place)

    assert table.schema() == pl.Schema({f"c{n}": dtype for n, (_, dtype, _) in enumerate(EVERY_TYPE, 1)})
    frame = table.plan().frame.collect()
    assert frame.schema == table.schema()
    assert frame.row(0, named=True) == values
    assert frame.null_count().row(0) == (1,) * len(values)


def _list_of(number: int, inner: Any) -> dict[str, Any]:
    return {"type": "list", "element-id": number, "element": inner, "element-required": False}


def _struct_of(*fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "struct", "fields": list(fields)}


def test_columns_are_found_by_id_whatever_became_of_them(place: Place) -> None:
    """Added, dropped, renamed, swapped, moved, widened; in structs, lists and maps as well."""
    before = [
        column(1, "a", "int"),
        column(2, "b", "float"),
        column(3, "c", "decimal(9,2)"),
        column(4, "gone", "string"),
        column(5, "s", _struct_of(column(6, "x", "int"), column(7, "y", "string"))),
        column(8, "l", _list_of(9, _struct_of(column(10, "x", "int")))),
        column(13, "swapped", "string"),
        column(14, "other", "string"),
    ]
    after = [
        column(14, "swapped", "string"),
        column(13, "other", "string"),
        column(8, "l", _list_of(9, _struct_of(column(11, "new", "string"), column(10, "z", "long")))),
        column(3, "c", "decimal(18,2)"),
        column(1, "renamed", "long"),
        column(2, "b", "double"),
        column(12, "gone", "long"),
        column(5, "s", _struct_of(column(7, "x", "string"), column(6, "y", "long"))),
    ]
    foreign = ForeignTable(place, before)
    old = {"a": 7, "b": 0.5, "c": Decimal("1.25"), "gone": "old", "s": {"x": 3, "y": "why"}, "l": [{"x": 9}]}
    foreign.commit("append", [foreign.file([{**old, "swapped": "first", "other": "second"}])])
    foreign.evolve(after)
    new = {
        "swapped": "s", "other": "o", "l": [{"new": "n", "z": 2**40}], "c": Decimal("1234567890123456.78"),
        "renamed": 2**40, "b": 1e300, "gone": 2**40, "s": {"x": "ex", "y": 2**40},
    }  # fmt: skip
    foreign.commit("append", [foreign.file([new])])
    foreign.save()

    table = opened(place)

    migrated = {
        "swapped": "second", "other": "first", "l": [{"new": None, "z": 9}], "c": Decimal("1.25"),
        "renamed": 7, "b": 0.5, "gone": None, "s": {"x": "why", "y": 3},
    }  # fmt: skip
    frame = table.plan().frame
    assert frame.sort("renamed").collect().rows(named=True) == [migrated, new]
    assert frame.collect_schema() == frame.collect().schema == table.schema()
    # Bounds of the old file are those of the old type.
    assert frame.filter(pl.col("renamed") == 7).select("other").collect().item() == "first"
    assert frame.filter(pl.col("renamed") > 7, pl.col("b") > 1.0).select("other").collect().item() == "o"
    assert frame.filter(pl.col("gone").is_null()).select("renamed").collect().item() == 7
    assert table.plan(at=1000).frame.collect().rows(named=True) == [
        {**old, "swapped": "first", "other": "second"}
    ]


MOMENTS = [
    datetime(2024, 1, 1, hour, tzinfo=UTC) + timedelta(days=40 * step)
    for step in range(4)
    for hour in (1, 13)
]
EVENTS = [column(1, "number", "long"), column(2, "name", "string"), column(3, "at", "timestamptz")]


def _field(transform: str, source: int, kind: str, number: int = 1000) -> dict[str, Any]:
    return {"name": f"p{number}", "transform": transform, "source-id": source, "field-id": number, "as": kind}


def _hours(moment: datetime) -> int:
    return int(moment.timestamp()) // 3600


SPECS: dict[str, tuple[dict[str, Any], Callable[[datetime], Any]]] = {
    "identity": (_field("identity", 3, "timestamptz"), lambda moment: moment),
    "hour": (_field("hour", 3, "int"), _hours),
    "day": (_field("day", 3, "date"), lambda moment: moment.date()),
    "month": (_field("month", 3, "int"), lambda moment: (moment.year - 1970) * 12 + moment.month - 1),
    "year": (_field("year", 3, "int"), lambda moment: moment.year - 1970),
    "void": (_field("void", 3, "timestamptz"), lambda _: None),
}
"""Transforms of a moment with their values (Iceberg Table Spec, "Partition Transforms")."""
DAYS = {"column": "at", "start": "2024-01-01"}
WINDOW = Window(datetime(2024, 2, 10, tzinfo=UTC), datetime(2024, 2, 11, tzinfo=UTC))


def test_a_window_keeps_the_partitions_of_every_transform_and_spec(place: Place) -> None:
    foreign = ForeignTable(place, EVENTS, spec=[])
    rows: list[dict[str, Any]] = [
        {"number": number, "name": str(number), "at": moment} for number, moment in enumerate(MOMENTS)
    ]
    # Without bounds: the partition alone tells what a file may hold.
    kept = {"void": 8, "identity": 2, "hour": 2, "day": 2, "month": 2, "year": 8}
    for told, transform in SPECS.values():
        foreign.respec([told])
        foreign.commit(
            "append",
            [foreign.file([row], partition=[transform(row["at"])], bounds=False) for row in rows],
        )
    # And without partitions: the bounds alone.
    foreign.respec([])
    foreign.commit("append", [foreign.file([row]) for row in rows])
    foreign.save()
    table = opened(place, partitions=DAYS)

    plan = table.plan(window=WINDOW)

    assert (plan.files, plan.total_files) == (sum(kept.values()) + 2, 8 * 7)
    assert plan.bytes < (plan.total_bytes or 0) / 2
    assert sorted(plan.frame.collect()["number"]) == sorted([2, 3] * 7)
    everything = table.plan().frame
    assert sorted(everything.filter(pl.col("at") == MOMENTS[5]).collect()["number"]) == [5] * 7
    assert everything.select(pl.col("number").sum()).collect().item() == sum(range(8)) * 7


def test_buckets_and_prefixes_prune_what_a_predicate_excludes(place: Place) -> None:
    spec = [_field("bucket[4]", 1, "int"), _field("truncate[2]", 2, "string", 1001)]
    foreign = ForeignTable(place, EVENTS, spec=spec)
    bucket = BucketTransform(4).transform(LongType())
    told = [(number, f"{number:03d}", MOMENTS[0]) for number in range(40)]
    files = [
        foreign.file(
            [{"number": number, "name": name, "at": at}], partition=[bucket(number), name[:2]], bounds=False
        )
        for number, name, at in told
    ]
    foreign.commit("append", files)
    foreign.save()

    with RequestProxy(place.server.endpoint_url) as proxy:
        frame = opened(place, proxy).plan().frame

        def taken(predicate: pl.Expr) -> tuple[list[int], set[int]]:
            proxy.reset()
            rows = sorted(frame.filter(predicate).collect()["number"])
            fetched = {request.path for request in proxy.requests()}
            names = [f"/{place.bucket}/{entry.record['file_path'].split('/', 3)[3]}" for entry in files]
            return rows, {number for number, name in enumerate(names) if name in fetched}

        same = {number for number in range(40) if bucket(number) == bucket(17)}
        assert 1 < len(same) < 20
        assert taken(pl.col("number") == 17) == ([17], same)
        assert taken(pl.col("name").is_in(["017", "018"])) == ([17, 18], set(range(10, 20)))
        assert taken(pl.col("name") >= "035") == (list(range(35, 40)), set(range(30, 40)))
        assert taken((pl.col("number") == 17) & (pl.col("name") < "1")) == ([17], same)


def test_two_columns_of_one_date_cost_little_more_than_their_bytes(place: Place) -> None:
    rows, days = 150_000, 30
    columns = [column(1, "day", "date"), *(column(n, f"c{n}", "long") for n in range(2, 8))]
    foreign = ForeignTable(place, columns, spec=[_field("identity", 1, "date")])
    chosen = date(2024, 1, 10)
    entries = []
    for number in range(days):
        day = date(2024, 1, 1) + timedelta(number)
        count = rows if day == chosen else 10
        noise = (pl.int_range(count).hash(n).reinterpret(signed=True).alias(f"c{n}") for n in range(2, 8))
        table = pl.select(pl.repeat(day, count).alias("day"), *noise).to_arrow()
        entries.append(foreign.file(table, partition=[day]))
    foreign.commit("append", entries)
    url = entries[9].record["file_path"].removeprefix(f"s3://{place.bucket}/")
    footer = pq.read_metadata(io.BytesIO(place.get(url)))
    groups = [footer.row_group(group) for group in range(footer.num_row_groups)]
    needed = sum(group.column(index).total_compressed_size for group in groups for index in (2, 5))
    foreign.save()

    with RequestProxy(place.server.endpoint_url) as proxy:
        window = Window(datetime(2024, 1, 10, tzinfo=UTC), datetime(2024, 1, 11, tzinfo=UTC))
        plan = opened(place, proxy, partitions={**DAYS, "column": "day"}).plan(window=window)
        found = plan.frame.select("c3", "c6").collect(engine="streaming")
        fetched = sum(request.bytes_out for request in proxy.requests())

    assert (found.height, plan.files, plan.total_files) == (rows, 1, days)
    assert needed < fetched < 1.3 * needed


ODD_NAMES = ("_hidden", "a.b", "day=1", " Größe ", "UPPER", "upper", "0", 'quo"te', "snow☃")


@pytest.mark.parametrize(
    "told",
    [
        {"version": 1, "has_uuid": False},
        {"version": 1, "compressed": True, "summarized": False},
        {"scheme": "s3a", "slash": "/"},
    ],
    ids=["v1", "v1-gzip", "s3a"],
)
def test_tables_of_other_writers(place: Place, told: dict[str, Any]) -> None:
    columns = [column(1, "number", "long"), *(column(n, name, "int") for n, name in enumerate(ODD_NAMES, 2))]
    foreign = ForeignTable(place, columns, **told)
    values = {name: n for n, name in enumerate(ODD_NAMES, 2)}
    elsewhere = f"{foreign.scheme}://{place.bucket}/other folder/01101/p=1%2F2 %20+#?&=ü~/"
    paths = [None, "data/day=2024-01-01 00%3A00/x.parquet", f"{elsewhere}file.parquet"]
    foreign.commit(
        "append", [foreign.file([{"number": n, **values}], path=path) for n, path in enumerate(paths)]
    )
    foreign.commit("append", [foreign.file([{"number": 3, **values}])])
    foreign.save()

    table = opened(place)

    frame = table.plan().frame.sort("number").collect()
    assert frame["number"].to_list() == [0, 1, 2, 3]
    assert frame.drop("number").row(0, named=True) == values
    assert table.location.url == f"{place.url}/"
    assert table.state().statistics.rows == 4
    first, again = (table.plan(ReadMode.ADDED).until for _ in range(2))
    assert first == again
    assert read(table, mode=ReadMode.ADDED, since=VersionPosition(1000, first.table_id)) == [3]  # type: ignore[union-attr]
    assert table.version().number == 2


def test_files_without_field_ids_are_read_by_the_name_mapping(place: Place) -> None:
    mapping = [{"field-id": 1, "names": ["number", "nr"]}, {"field-id": 2, "names": ["name"]}]
    foreign = ForeignTable(place, NUMBERS, properties={"schema.name-mapping.default": json.dumps(mapping)})
    buffer = io.BytesIO()
    pl.DataFrame({"nr": [1, 2], "name": ["a", "b"]}).write_parquet(buffer)
    record = {**foreign.put("data/moved.parquet", buffer.getvalue()), "content": 0, "record_count": 2}
    foreign.commit("append", [Entry(record, 0, 0, 0)])
    foreign.save()

    assert opened(place).plan().frame.collect().rows() == [(1, "a"), (2, "b")]


def test_columns_with_a_default_and_partitions_without_a_value(place: Place) -> None:
    foreign = ForeignTable(place, EVENTS, version=3, spec=[_field("day", 3, "date")])
    foreign.commit("append", [foreign.file([{"number": 1, "at": None}], partition=[None], bounds=False)])
    # The source of the old partition field is dropped, and what is added has a value for the old rows.
    foreign.respec([])
    foreign.evolve([EVENTS[0], column(4, "kind", "string", **{"initial-default": "old"})])
    foreign.commit("append", [foreign.file([{"number": 2, "kind": None}])])
    foreign.save()
    table = opened(place)

    assert sorted(table.plan().frame.collect().rows()) == [(1, "old"), (2, None)]
    assert table.plan().frame.filter(pl.col("kind") == "old").collect().rows() == [(1, "old")]
    before = table.plan(at=1000).frame
    assert before.filter(pl.col("at").is_null() | (pl.col("at") > MOMENTS[0])).collect().height == 1


def test_a_new_table_has_types_that_iceberg_knows(place: Place) -> None:
    stored: dict[str, tuple[pl.DataType, pl.DataType]] = {
        "i8": (pl.Int8(), pl.Int32()),
        "u16": (pl.UInt16(), pl.Int32()),
        "u32": (pl.UInt32(), pl.Int64()),
        "u64": (pl.UInt64(), pl.Decimal(20, 0)),
        "enum": (pl.Enum(["a"]), pl.String()),
        "at": (pl.Datetime("ns", "Europe/Berlin"), pl.Datetime("us", "UTC")),
        "local": (pl.Datetime("ms"), pl.Datetime("us")),
        "pair": (pl.Array(pl.Int16(), 2), pl.List(pl.Int32())),
        "map": (pl.Map(pl.String(), pl.UInt8()), pl.Map(pl.String(), pl.Int32())),
        "nested": (pl.Struct({"x": pl.List(pl.Categorical())}), pl.Struct({"x": pl.List(pl.String())})),
    }
    table = opened(place)

    table.create(pl.Schema({name: told for name, (told, _) in stored.items()}))
    table.create(pl.Schema({"another": pl.String()}))

    assert table.schema() == pl.Schema({name: kept for name, (_, kept) in stored.items()})
    assert [field.field_id for field in table.open().schema().fields] == list(range(1, len(stored) + 1))
    assert table.state().statistics == Statistics(0, 0, 0)
    empty = table.plan(ReadMode.ADDED)
    assert empty.empty
    assert empty.frame.collect().schema == table.schema()
    assert table.plan(ReadMode.ADDED, since=empty.until).empty
    for dtype in (pl.Duration(), pl.Null(), pl.Int128(), pl.List(pl.Object())):
        with pytest.raises(SchemaMismatchError, match="column 'c'"):
            table.create(pl.Schema({"c": dtype}))


REFUSED: dict[str, tuple[dict[str, Any], type[S3AssetsError], str]] = {
    "format": ({"file_format": "ORC"}, UnsupportedError, "files of format ORC"),
    "encryption": ({"key_metadata": b"key"}, UnsupportedError, "encrypted files"),
    "scheme": ({"file_path": "s3n://lake/x.parquet"}, SettingError, "s3n://lake/x.parquet"),
    "bucket": ({"file_path": "s3://elsewhere/x.parquet"}, SettingError, "s3://elsewhere/x.parquet"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_files_that_cannot_be_read_are_refused_by_name(place: Place, case: str) -> None:
    told, error, text = REFUSED[case]
    foreign = ForeignTable(place, NUMBERS)
    whole = foreign.file(numbers(1))
    foreign.commit(
        "append", [whole, Entry({**whole.record, "file_path": f"{foreign.root}/x", **told}, 0, 0, 0)]
    )
    foreign.save()

    with pytest.raises(error, match=text) as raised:
        opened(place).plan()
    assert raised.value.table == "numbers"


@pytest.mark.parametrize(
    ("told", "text"),
    [
        ({"format-version": 4}, "version 4 of Iceberg's format"),
        ({"schemas": [{"type": "struct", "schema-id": 0, "fields": [column(1, "v", "variant")]}]}, "variant"),
    ],
    ids=["version", "type"],
)
def test_features_that_nobody_here_can_read_are_named(place: Place, told: dict[str, Any], text: str) -> None:
    foreign = ForeignTable(place, NUMBERS, version=3)
    foreign.commit("append", [foreign.file(numbers(1))])
    foreign.save(**told)

    with pytest.raises(UnsupportedError, match=text):
        opened(place).plan()


def test_position_deletes_and_vectors_as_pyiceberg_reads_them(place: Place) -> None:
    """A second reader of the same bytes, with files of its own."""
    foreign = ForeignTable(place, NUMBERS, version=3)
    one, two, three = (foreign.file(numbers(*range(n, n + 50)), row_group_size=7) for n in (0, 50, 100))
    foreign.commit("append", [one, two, three])
    foreign.commit("delete", [foreign.positions([(one, n) for n in range(0, 50, 3)], limited=True)])
    both = [(file, n) for file in (one, three) for n in range(1, 50, 4)]
    foreign.commit("delete", [foreign.positions(both, limited=False), foreign.vector(two, range(2, 50, 5))])
    foreign.save()

    told = {
        "s3.endpoint": place.server.endpoint_url,
        "s3.region": "us-east-1",
        "s3.access-key-id": "test",
        "s3.secret-access-key": "test",
    }
    theirs = StaticTable.from_metadata(f"{foreign.root}/metadata/v1.metadata.json", told).scan().to_arrow()

    gone = {*range(0, 50, 3), *range(1, 50, 4), *range(52, 100, 5), *range(101, 150, 4)}
    assert read(opened(place)) == sorted(theirs["number"].to_pylist()) == sorted(set(range(150)) - gone)
