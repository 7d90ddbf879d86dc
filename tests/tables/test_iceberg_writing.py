"""Writing Iceberg: what lands is what PyIceberg alone, or the specification, says it has to be."""

import io
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from polars.testing import assert_frame_equal
from pyiceberg import transforms, types
from pyiceberg.expressions import EqualTo
from pyiceberg.schema import Schema
from pyiceberg.table import StaticTable
from pyiceberg.table import Table as Handle
from pyiceberg.table.sorting import SortField, SortOrder

from s3_assets.errors import (
    CommitConflictError,
    CursorError,
    PartitionColumnError,
    RowsRefusedError,
    SchemaMismatchError,
    SettingError,
    UnsupportedError,
)
from s3_assets.incremental.append import append_new
from s3_assets.incremental.overwrite import overwrite
from s3_assets.tables.iceberg_partitions import partition_spec
from s3_assets.tables.iceberg_settings import IcebergSettings
from s3_assets.tables.iceberg_transforms import expression
from s3_assets.tables.open import open_table
from s3_assets.tables.settings import ParquetSettings, Partitions
from s3_assets.tables.table import Commit, Table, WriteMode, Writer
from s3_assets.windows import Every, Window
from tests.tables.foreign_iceberg import EQUALITY, ForeignTable, column
from tests.tables.formats import PATH, Place
from tests.tables.iceberg_formats import PLACED, SQLITE, by_hand, namespace, sqlite_catalog

DAYS = [date(2026, 1, 1) + timedelta(days=number) for number in range(4)]
DAY = Partitions(column="day", start=DAYS[0])
ROWS = pl.DataFrame({"day": DAYS * 3, "number": range(12)}, schema_overrides={"number": pl.Int64})


# On a wall clock.
moment = datetime.fromisoformat


def window(first: int, last: int) -> Window:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return Window(start + timedelta(days=first), start + timedelta(days=last))


def alone(place: Place) -> Handle:
    """The table as PyIceberg alone has it."""
    return sqlite_catalog(place).load_table((namespace(place), "sales"))


def created(place: Place, schema: Schema, **more: Any) -> Handle:
    """A table that PyIceberg alone made."""
    catalog = sqlite_catalog(place)
    catalog.create_namespace_if_not_exists((namespace(place),))
    return catalog.create_table((namespace(place), "sales"), schema, place.url, **more)


def in_order(found: list[Any]) -> list[Any]:
    return sorted(found, key=repr)


def rows(place: Place) -> list[Any]:
    """The rows as PyIceberg alone reads them."""
    return in_order(pl.DataFrame(alone(place).scan().to_arrow()).select("day", "number").rows())


def data_files(handle: Handle) -> dict[str, Any]:
    """The live data files, by path."""
    return {task.file.file_path: task.file for task in handle.scan().plan_files()}


def body(place: Place, path: str) -> bytes:
    return place.get(path.removeprefix(f"s3://{place.bucket}/"))


def summary(place: Place) -> Any:
    """The summary of the current snapshot."""
    snapshot = alone(place).current_snapshot()
    assert snapshot is not None
    return snapshot.summary


def landed(place: Place, name: str, frame: pl.DataFrame) -> Table[Any]:
    """A source with one more file."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    place.client.put_object(Bucket=place.bucket, Key=f"landed/{name}.parquet", Body=buffer.getvalue())
    return open_table("landed", ParquetSettings(connection="lake", path="landed"), place.connection())


# Partition transforms


HASHES = [
    # Iceberg Table Spec, Appendix B, "32-bit Hash Requirements".
    (pl.Series([34], dtype=pl.Int32), types.IntegerType(), 2017239379),
    (pl.Series([34], dtype=pl.Int64), types.LongType(), 2017239379),
    (pl.Series([Decimal("14.20")], dtype=pl.Decimal(9, 2)), types.DecimalType(9, 2), -500754589),
    (pl.Series([date(2017, 11, 16)]), types.DateType(), -653330422),
    (pl.Series([time(22, 31, 8)]), types.TimeType(), -662762989),
    (pl.Series([moment("2017-11-16T22:31:08")]), types.TimestampType(), -2047944441),
    (pl.Series([datetime(2017, 11, 16, 22, 31, 8, tzinfo=UTC)]), types.TimestamptzType(), -2047944441),
    (pl.Series(["iceberg"]), types.StringType(), 1210000089),
    (pl.Series([UUID("f79c3e09-677c-4bbd-a479-3f349cb785e7").bytes]), types.UUIDType(), 1488055340),
    (pl.Series([b"\x00\x01\x02\x03"]), types.BinaryType(), -188683207),
]


@pytest.mark.parametrize(
    ("value", "kind", "hashed"), HASHES, ids=[f"{index}-{kind}" for index, (_, kind, _) in enumerate(HASHES)]
)
def test_hashes_of_the_specification(value: pl.Series, kind: types.IcebergType, hashed: int) -> None:
    buckets = 2**31 - 1
    frame = pl.DataFrame({"x": value}).select(
        expression(["x"], transforms.BucketTransform(buckets), kind).alias("found")
    )

    assert frame["found"].to_list() == [(hashed & (2**31 - 1)) % buckets]


EVERY_KIND = pl.DataFrame(
    {
        "number": [-(2**63), -1, 0, 1, 2**63 - 1, 1_000_003, None],
        "day": [date(1, 1, 1), date(1969, 12, 31), date(1970, 1, 1), *[date(2026, 2, 28)] * 3, None],
        "at": [moment("1900-01-02T03:04:05.000006"), moment("1969-12-31T23:59:59.999999"), *[None] * 5],
        "moment": [datetime(1969, 12, 31, 23, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC), *[None] * 5],
        "name": ["", "a/b c%", "äöü€😀", "Iceberg", "x=1&y", "..", None],
        "raw": [b"", b"\x00\xff", b"abcdef", None, b"/", b"%", b"a"],
        "price": [Decimal("10.65"), Decimal("-0.01"), None, *[Decimal("0.00")] * 4],
        "ok": [True, False, None, *[True] * 4],
    },
    schema_overrides={"price": pl.Decimal(9, 2)},
)
FIELDS = (
    "number", "bucket(16, number)", "truncate(10, number)",
    "day", "year(day)", "months(day)", "day(day)", "bucket(3, day)",
    "at", "year(at)", "month(at)", "days(at)", "hour(at)", "bucket(7, at)",
    "year(moment)", "month(moment)", "day(moment)", "hour(moment)",
    "name", "truncate(3, name)", "bucket(8, name)",
    "raw", "truncate(2, raw)", "bucket(8, raw)",
    "price", "truncate(50, price)", "bucket(4, price)",
    "ok", "void(ok)",
)  # fmt: skip


def test_every_transform_as_a_partition_field(place: Place) -> None:
    """Fields are what PyIceberg's own transforms make of each row; readers that prune find each value."""
    # The smallest long overflows when it is truncated, in Java as well, where PyIceberg leaves 64 bits.
    frame = EVERY_KIND.slice(1)
    table = SQLITE.table(place, partition_by=FIELDS)
    overwrite(table, frame.lazy(), window=None)

    handle = alone(place)
    spec, schema = handle.spec(), handle.schema()
    assert len(spec.fields) == len(FIELDS)
    for path, file in data_files(handle).items():
        (row,) = pq.read_table(pa.BufferReader(body(place, path))).to_pylist()
        for index, field in enumerate(spec.fields):
            source = schema.find_field(field.source_id)
            expected = field.transform.transform(source.field_type)(row[source.name])
            assert file.partition[index] == _physical(expected), (field, row)
    assert_frame_equal(table.scan().collect(), frame, check_row_order=False)
    equal: Any = EqualTo
    for name in frame.columns:
        for value in frame[name].drop_nulls().unique():
            same = frame.filter(pl.col(name) == value).height
            assert table.scan().filter(pl.col(name) == value).select(pl.len()).collect().item() == same
            assert handle.scan(row_filter=equal(name, value)).count() == same


def _physical(value: Any) -> Any:
    """As manifests have it (Iceberg Table Spec, "Avro data type mappings")."""
    if isinstance(value, datetime):
        return (value - datetime(1970, 1, 1, tzinfo=value.tzinfo)) // timedelta(microseconds=1)
    return (value - date(1970, 1, 1)).days if isinstance(value, date) else value


SCHEMA = Schema(
    types.NestedField(1, "day", types.DateType(), required=False),
    types.NestedField(2, "at", types.TimestamptzType(), required=False),
    types.NestedField(3, "day_day", types.StringType(), required=False),
)


@pytest.mark.parametrize(
    ("name", "every", "expected"),
    [
        ("day", Every.DAY, "1000: day: identity(1)"),
        ("at", Every.HOUR, "1000: at_hour: hour(2)"),
        ("at", Every.WEEK, "1000: at_day: day(2)"),
        ("at", Every.MONTH, "1000: at_month: month(2)"),
    ],
    ids=["date", "hour", "week", "month"],
)
def test_fields_of_a_partition_column(name: str, every: Every, expected: str) -> None:
    partitions = Partitions(column=name, every=every, start=DAYS[0])
    settings = IcebergSettings(connection="lake", warehouse_path="t", partitions=partitions)

    assert [str(field) for field in partition_spec(settings, SCHEMA, "t").fields] == [expected]


@pytest.mark.parametrize(
    ("declared", "error", "match"),
    [
        ("hour(day)", PartitionColumnError, "cannot be partitioned so"),
        ("nothing", PartitionColumnError, "'nothing' .* is not among the columns"),
        ("bucket(at)", SettingError, "is not a partition field"),
        ("truncate(0, day_day)", SettingError, "is not a partition field"),
        ("week(at)", SettingError, "is not a partition field"),
    ],
    ids=["type", "column", "number", "zero", "name"],
)
def test_fields_that_cannot_be(declared: str, error: type[Exception], match: str) -> None:
    settings = IcebergSettings(connection="lake", warehouse_path="t", partition_by=(declared,))

    with pytest.raises(error, match=match):
        partition_spec(settings, SCHEMA, "t")


def test_a_field_is_not_called_as_a_column() -> None:
    settings = IcebergSettings(connection="lake", warehouse_path="t", partition_by=("day(day)", "day_day"))

    names = [field.name for field in partition_spec(settings, SCHEMA, "t").fields]
    assert names == ["day_day_partition", "day_day"]


# What manifests and snapshots tell


def test_statistics_are_those_that_pyiceberg_takes(place: Place) -> None:
    """Of the same rows, written once by each: bounds, counts, and the totals of the snapshots."""
    frame = pl.DataFrame(
        {
            "number": [3, None, -5],
            "name": ["a long text of more than sixteen letters", "\U0010ffff" * 17, None],
            "raw": [b"\xff" * 20, b"", None],
            "price": [Decimal("1.50"), Decimal("-7.25"), None],
            "at": [moment("2026-01-01T12:00"), None, moment("1969-01-01")],
            "clock": [time(1, 2, 3), time(0), None],
            "ratio": [1.5, -2.5, None],
            "ok": [True, None, False],
            "nested": [{"a": 1, "b": ["x"]}, None, {"a": None, "b": []}],
        },
        schema_overrides={"price": pl.Decimal(9, 2)},
    )
    table = SQLITE.table(place)
    append_new(table, "first", landed(place, "1", frame))
    handle = alone(place)
    (ours,) = data_files(handle)
    handle.append(frame.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(handle.schema().as_arrow()))

    files = data_files(handle)
    mine = files.pop(ours)
    (theirs,) = files.values()
    for name in ("record_count", "value_counts", "null_value_counts", "lower_bounds", "upper_bounds"):
        assert getattr(mine, name) == getattr(theirs, name), name
    assert set(mine.column_sizes) == set(theirs.column_sizes)
    assert mine.file_size_in_bytes == len(body(place, ours))
    assert_frame_equal(table.scan().collect(), pl.concat([frame, frame]), check_row_order=False)
    assert (summary(place)["total-records"], summary(place)["total-data-files"]) == ("6", "2")


# What other tools have broken


def test_what_a_table_has_is_kept(place: Place) -> None:
    """dagster-iceberg deletes properties it does not know, strips identity fields, drops columns."""
    schema = Schema(
        types.NestedField(1, "day", types.DateType(), required=False, doc="when"),
        types.NestedField(2, "number", types.LongType(), required=True),
        types.NestedField(3, "extra", types.StringType(), required=False),
        identifier_field_ids=[2],
    )
    order = SortOrder(SortField(source_id=2, transform=transforms.IdentityTransform()))
    properties = {"owner": "somebody", "commit.retry.num-retries": "7", "write.summary.partition-limit": "3"}
    handle = created(place, schema, sort_order=order, properties=properties)
    with handle.update_spec() as update:
        update.add_identity("day")
        update.add_field("number", transforms.BucketTransform(2), "bucket")
    before = alone(place).metadata
    table = SQLITE.table(place, DAY)

    append_new(table, "stream", landed(place, "1", ROWS))
    overwrite(table, ROWS.head(1).lazy(), window=window(0, 1))

    after = alone(place).metadata
    assert properties.items() <= after.properties.items()
    for name in ("schemas", "current_schema_id", "partition_specs", "default_spec_id", "sort_orders"):
        assert getattr(after, name) == getattr(before, name), name
    assert after.default_sort_order_id == before.default_sort_order_id
    assert rows(place) == in_order([*ROWS.filter(pl.col("day") != DAYS[0]).rows(), (DAYS[0], 0)])
    assert alone(place).scan().to_arrow()["extra"].null_count == 10

    objects = place.objects(f"{PATH}/data")
    with pytest.raises(RowsRefusedError, match="'number' has 1 nulls"):
        overwrite(table, pl.LazyFrame({"day": [DAYS[1]], "number": [None]}), window=window(1, 2))
    assert len(rows(place)) == 10
    assert place.objects(f"{PATH}/data") == objects


# Windows


def test_a_window_cuts_files(place: Place) -> None:
    """One file of all days, with a null, and one that the window meets only by its bounds."""
    table = SQLITE.table(place, DAY, partition_by=())
    frame = pl.concat([ROWS, pl.DataFrame({"day": [None], "number": [99]}, schema=ROWS.schema)])
    append_new(table, "a", landed(place, "1", frame))
    (cut,) = data_files(alone(place))
    around = pl.DataFrame({"day": [DAYS[0], DAYS[3]], "number": [50, 53]})
    append_new(table, "a", landed(place, "2", around))
    (kept,) = set(data_files(alone(place))) - {cut}
    new = pl.DataFrame({"day": DAYS[1:3], "number": [201, 202]})

    written = overwrite(table, new.lazy(), window=window(1, 3))

    assert (written.commit.rows, written.commit.files, written.commit.removed_files) == (2, 1, 1)
    outside = frame.filter(~pl.col("day").is_in(DAYS[1:3]).fill_null(value=False))
    assert rows(place) == in_order([*outside.rows(), *around.rows(), *new.rows()])
    assert kept in data_files(alone(place))
    assert len(alone(place).snapshots()) == 3, "one snapshot removed and added"

    overwrite(table, new.clear().lazy(), window=window(1, 3))
    assert rows(place) == in_order([*outside.rows(), *around.rows()])


DAYS_OF = [column(1, "day", "date"), column(2, "number", "long")]


def foreign_rows(*numbers: int) -> list[dict[str, Any]]:
    return [{"day": DAYS[number % 4], "number": number} for number in numbers]


def test_deleted_rows_stay_deleted(place: Place) -> None:
    """By position and by equality, in files that the window cuts; one delete names a row that is to come."""
    foreign = ForeignTable(place, DAYS_OF)
    one, two = foreign.file(foreign_rows(*range(8))), foreign.file(foreign_rows(*range(8, 16)))
    foreign.commit("append", [one, two])
    foreign.commit("delete", [foreign.positions([(one, 0), (one, 2), (two, 7)], limited=False)])
    equal = [{"number": 10}, {"number": 101}]
    foreign.commit("delete", [foreign.file(equal, content=EQUALITY, columns=DAYS_OF[1:], equality_ids=[2])])
    foreign.save()
    table = PLACED.table(place, DAY)

    overwrite(table, pl.LazyFrame(foreign_rows(101, 1)), window=window(1, 2))

    others = [number for number in range(16) if number % 4 != 1 and number not in {0, 2, 15, 10}]
    expected = sorted((DAYS[number % 4], number) for number in [*others, 101, 1])
    assert sorted(table.scan().collect().rows()) == expected
    # DuckDB's and Spark's way: data files alone, since the deletes that are left are older than each of them.
    handle = StaticTable.from_metadata(place.url, by_hand(place))
    plain = [pq.read_table(pa.BufferReader(body(place, path))) for path in data_files(handle)]
    assert sorted(pl.DataFrame(pa.concat_tables(plain)).rows()) == expected


def test_the_first_version_of_the_format(place: Place) -> None:
    table = SQLITE.table(place, DAY, format_version=1)
    for name in ("1", "2"):
        append_new(table, "stream", landed(place, name, ROWS))
    overwrite(table, ROWS.head(1).lazy(), window=window(0, 1))

    assert alone(place).format_version == 1
    assert rows(place) == in_order([*ROWS.filter(pl.col("day") != DAYS[0]).rows() * 2, (DAYS[0], 0)])
    assert append_new(table, "stream", landed(place, "2", ROWS)).nothing_new


def test_the_third_version_of_the_format_is_refused(place: Place) -> None:
    foreign = ForeignTable(place, DAYS_OF, version=3)
    foreign.commit("append", [foreign.file(foreign_rows(1, 2))])
    foreign.save()
    before = place.objects()

    with pytest.raises(UnsupportedError, match="format version 3"):
        overwrite(PLACED.table(place, DAY), pl.LazyFrame(foreign_rows(1)), window=window(1, 2))
    assert place.objects() == before


# Columns


def test_columns_follow_the_rows(place: Place) -> None:
    schema = Schema(
        types.NestedField(1, "day", types.DateType(), required=False),
        types.NestedField(2, "number", types.IntegerType(), required=False),
        types.NestedField(3, "ratio", types.FloatType(), required=False),
        types.NestedField(4, "price", types.DecimalType(5, 2), required=False),
    )
    created(place, schema)
    table = SQLITE.table(place, DAY)
    first = pl.DataFrame({"day": DAYS[:1], "number": pl.Series([1], dtype=pl.Int8)})
    append_new(table, "stream", landed(place, "1", first))
    assert alone(place).schema() == schema
    wide = pl.DataFrame(
        {
            "day": DAYS[1:2],
            "number": [2**40],
            "ratio": [0.1],
            "price": [Decimal("123456.78")],
            "dotted.name": ["new"],
            "list": [[{"x": 1}]],
        },
        schema_overrides={"price": pl.Decimal(12, 2)},
    )
    overwrite(table, wide.lazy(), window=window(1, 2))

    expected = pl.concat([first, wide], how="diagonal_relaxed")
    assert_frame_equal(table.scan().collect(), expected, check_row_order=False)
    kinds = {field.name: str(field.field_type) for field in alone(place).schema().fields}
    assert (kinds["number"], kinds["ratio"], kinds["price"]) == ("long", "double", "decimal(12, 2)")
    text = wide.with_columns(pl.col("number").cast(pl.String))
    with pytest.raises(SchemaMismatchError, match="'number' is String"):
        overwrite(table, text.lazy(), window=window(1, 2))
    strict = SQLITE.table(place, DAY, on_new_columns="fail")
    with pytest.raises(SchemaMismatchError, match="columns that the table lacks: more"):
        overwrite(strict, wide.with_columns(more=1).lazy(), window=None)


# Commits


def publish(writer: Writer, number: int) -> Commit:
    """Publish a snapshot without files."""
    return writer.publish([], WriteMode.APPEND, window=None, stamps={"stream": number}, notes={"a": "b"})


@pytest.fixture
def empty(place: Place) -> Table[Any]:
    table = SQLITE.table(place)
    table.create(ROWS.schema)
    return table


def test_a_stale_writer_lands_nothing(place: Place, empty: Table[Any]) -> None:
    stale, fresh = empty.writer(), empty.writer()
    assert (fresh.committed("stream"), fresh.commits_since(0)) == (None, [])

    version = publish(fresh, 1).version
    before = place.objects()
    with pytest.raises(CommitConflictError, match="table 'sales', connection 'lake'"):
        publish(stale, 2)
    stale.abandon()

    assert place.objects() == before
    writer = empty.writer()
    assert (writer.committed("stream"), writer.version) == (1, version)
    notes = {"attempt": "1", "a": "b", "stream.stream": "1", "version": version.token, "number": "1"}
    assert writer.commits_since(0) == [notes]


def test_columns_and_fields_that_changed_behind_a_writer(place: Place, empty: Table[Any]) -> None:
    """Neither makes a snapshot. A column that comes back is another one: old values would be nulls."""
    writer = empty.writer()
    with alone(place).update_schema() as schema:
        schema.delete_column("number")
    with alone(place).update_schema() as schema:
        schema.add_column("number", types.LongType())
    with pytest.raises(CommitConflictError, match="schema id has changed"):
        publish(writer, 1)
    assert empty.writer().schema == writer.schema
    assert empty.writer().shape != writer.shape

    writer = empty.writer()
    with alone(place).update_spec() as spec:
        spec.add_identity("day")
    with pytest.raises(CommitConflictError, match="spec id has changed"):
        publish(writer, 1)


def test_cursors_outlive_their_snapshots(place: Place) -> None:
    table = SQLITE.table(place, DAY)
    append_new(table, "stream", landed(place, "1", ROWS))
    overwrite(table, ROWS.head(1).lazy(), window=window(0, 1))
    alone(place).maintenance.expire_snapshots().older_than(datetime.now(UTC) + timedelta(days=1)).commit()
    assert len(alone(place).snapshots()) == 1

    assert append_new(table, "stream", landed(place, "1", ROWS)).nothing_new
    assert append_new(table, "stream", landed(place, "2", ROWS)).rows == 12


def test_a_table_that_was_rolled_back(place: Place) -> None:
    """The rows are gone, and so is the cursor that came with them, whatever the table's property says."""
    table = SQLITE.table(place, DAY)
    append_new(table, "stream", landed(place, "1", ROWS))
    first = alone(place).current_snapshot()
    assert first is not None
    append_new(table, "stream", landed(place, "2", ROWS))
    alone(place).manage_snapshots().rollback_to_snapshot(first.snapshot_id).commit()
    assert len(rows(place)) == 12

    assert append_new(table, "stream", landed(place, "2", ROWS)).rows == 12
    assert len(rows(place)) == 24

    # With the snapshot of the commit before expired, nobody can tell what had been read.
    overwrite(table, ROWS.head(1).lazy(), window=window(0, 1))
    anchor = alone(place).current_snapshot()
    assert anchor is not None
    append_new(table, "stream", landed(place, "3", ROWS))
    handle = alone(place)
    last = handle.current_snapshot()
    assert last is not None
    handle.manage_snapshots().rollback_to_snapshot(anchor.snapshot_id).create_tag(
        last.snapshot_id, "kept"
    ).commit()
    alone(place).maintenance.expire_snapshots().older_than(datetime.now(UTC) + timedelta(days=1)).commit()
    with pytest.raises(CursorError, match="rolled back behind the last commit of the stream 'stream'"):
        append_new(table, "stream", landed(place, "3", ROWS))
