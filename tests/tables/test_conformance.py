"""What every table does, whatever its format."""

import io
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from s3_assets.connection import AccessKeyAuth, Transport
from s3_assets.embedded.server import EmbeddedServer
from s3_assets.errors import (
    AccessError,
    BucketMissingError,
    MissingError,
    PartitionColumnError,
    SchemaMismatchError,
    UnreachableError,
    UnsupportedError,
)
from s3_assets.incremental.append import append_new
from s3_assets.incremental.overwrite import overwrite
from s3_assets.tables.open import capabilities, open_table
from s3_assets.tables.settings import ParquetSettings, Partitions
from s3_assets.tables.table import Capability, ReadMode, Table
from s3_assets.windows import Every, Window
from tests.support.proxy import RequestProxy
from tests.tables.formats import PATH, Format, Place

DAYS = [date(2026, 1, 1) + timedelta(days=number) for number in range(6)]
DAY = Partitions(column="day", start=DAYS[0])
ROWS = pl.DataFrame(
    {"day": DAYS * 2, "number": range(12), "text": [f"row {number}" for number in range(12)]},
    schema_overrides={"number": pl.Int64},
)


def window(first: int, last: int) -> Window:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return Window(start + timedelta(days=first), start + timedelta(days=last))


def writes(table: Table[Any]) -> list[Callable[[], object]]:
    """The writes that the format can do."""
    if Capability.WRITE_WINDOW not in table.capabilities:
        return []
    return [lambda: overwrite(table, ROWS.lazy(), window=window(0, 6))]


def rows_of(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    return sorted(frame.select("day", "number", "text").rows())


@pytest.fixture
def table(table_format: Format, place: Place) -> Table[Any]:
    """Six days, each in a folder of its own, by another writer."""
    table_format.write(place, ROWS, ["day"])
    return table_format.table(place, DAY)


def test_schema_and_rows(table: Table[Any]) -> None:
    assert table.schema() == ROWS.schema.__class__({name: ROWS.schema[name] for name in table.schema()})
    assert set(table.schema()) == set(ROWS.columns)
    assert rows_of(table.scan().collect()) == rows_of(ROWS)
    statistics = table.statistics()
    assert statistics.files == 6
    assert statistics.bytes > 0
    assert statistics.rows in {None, ROWS.height}


def test_columns_and_predicates(table: Table[Any]) -> None:
    frame = table.scan()

    assert sorted(frame.select("number").collect()["number"]) == list(range(12))
    assert sorted(frame.filter(pl.col("number") > 8).select("text").collect()["text"]) == [
        "row 10",
        "row 11",
        "row 9",
    ]
    assert frame.filter(pl.col("day") == DAYS[2]).select(pl.len()).collect().item() == 2
    assert frame.filter(pl.col("day").is_in(DAYS[:2])).collect().height == 4
    assert frame.head(3).collect().height == 3
    assert frame.select(pl.len()).collect().item() == 12


def test_version_changes_when_and_only_when_data_does(
    table_format: Format, place: Place, table: Table[Any]
) -> None:
    first = table.version()
    table.scan().collect()
    place.put("_s3_assets/stream/1.json", b"{}")
    assert table.version() == first
    table_format.write(place, ROWS.head(1), ["day"])
    assert table.version() != first


def test_a_window_reads_its_partitions_only(table: Table[Any]) -> None:
    plan = table.plan(window=window(1, 3))

    assert plan.files == 2
    assert rows_of(plan.frame.collect()) == rows_of(ROWS.filter(pl.col("day").is_in(DAYS[1:3])))
    assert table.plan(window=window(40, 41)).frame.collect().height == 0
    assert table.plan(window=window(40, 41)).empty


@pytest.fixture
def proxy(place: Place) -> Iterator[RequestProxy]:
    with RequestProxy(place.server.endpoint_url) as proxy:
        yield proxy


def test_a_window_requests_its_files_only(
    table_format: Format, place: Place, table: Table[Any], proxy: RequestProxy
) -> None:
    through = table_format.table(place, DAY, connection={"endpoint": proxy.endpoint})

    through.plan(window=window(2, 3)).frame.collect()

    read = {request.path for request in proxy.requests() if table_format.suffix in request.path}
    folders = {path.partition("day%3D")[2][:10] or path.partition("day=")[2][:10] for path in read}
    assert folders <= {"2026-01-03", "2026-01-01"}, "the first file may tell the schema"
    assert "2026-01-03" in folders


@pytest.mark.needs("write")
def test_neighbours_stay_bit_for_bit(table_format: Format, place: Place, table: Table[Any]) -> None:
    before = table_format.files(place)
    new = pl.LazyFrame({"day": [DAYS[2]], "number": [100], "text": ["new"]})

    overwrite(table, new, window=window(2, 3))

    after = table_format.files(place)
    assert len(after) == 6
    assert len(before.items() & after.items()) == 5
    assert rows_of(table.scan().collect()) == rows_of(
        pl.concat([ROWS.filter(pl.col("day") != DAYS[2]), new.collect()])
    )


@pytest.mark.needs("write")
def test_whole_replacement(table_format: Format, place: Place, table: Table[Any]) -> None:
    new = ROWS.head(3)

    for _ in range(2):
        overwrite(table, new.lazy(), window=None)

    assert rows_of(table.scan().collect()) == rows_of(new)


@pytest.mark.needs("write")
def test_what_is_new_is_appended_once(table_format: Format, place: Place) -> None:
    table = table_format.table(place, DAY, ROWS.schema)
    settings = ParquetSettings(connection="lake", path="source")
    source = open_table("source", settings, place.connection())
    for number, rows in enumerate((ROWS.head(7), ROWS.tail(5))):
        buffer = io.BytesIO()
        rows.write_parquet(buffer)
        place.client.put_object(Bucket=place.bucket, Key=f"source/{number}.parquet", Body=buffer.getvalue())

        assert append_new(table, "sales/source", source).rows == rows.height
        assert append_new(table, "sales/source", source).nothing_new

    assert rows_of(table.scan().collect()) == rows_of(ROWS)
    assert rows_of(table_format.read(place, ROWS.schema)) == rows_of(ROWS)


def test_no_partitions_no_window(table_format: Format, place: Place, table: Table[Any]) -> None:
    plain = table_format.table(place)

    with pytest.raises(PartitionColumnError, match="declares none"):
        plain.plan(window=window(0, 1))
    if Capability.WRITE_WINDOW in plain.capabilities:
        with pytest.raises(PartitionColumnError, match="declares none"):
            overwrite(plain, ROWS.lazy(), window=window(0, 1))
    assert rows_of(plain.scan().collect()) == rows_of(ROWS)


def test_a_partition_column_that_is_not_there(table_format: Format, place: Place, table: Table[Any]) -> None:
    wrong = table_format.table(place, Partitions(column="nothing", start=DAYS[0]))

    with pytest.raises(PartitionColumnError, match="'nothing' is not among the columns"):
        wrong.plan(window=window(0, 1))
    if Capability.WRITE_WINDOW in wrong.capabilities:
        with pytest.raises(PartitionColumnError, match="'nothing' is not among the columns"):
            overwrite(wrong, ROWS.lazy(), window=window(0, 1))


@pytest.mark.needs("write")
@pytest.mark.parametrize(
    ("dtype", "every"), [(pl.Float64(), Every.DAY), (pl.Boolean(), Every.DAY), (pl.Date(), Every.HOUR)]
)
def test_partition_columns_that_cannot_carry_partitions(
    table_format: Format, place: Place, dtype: pl.DataType, every: Every
) -> None:
    schema = pl.Schema({"day": dtype, "number": pl.Int64()})
    table = table_format.table(place, Partitions(column="day", every=every, start=DAYS[0]), schema)
    rows = pl.LazyFrame(schema=schema)

    with pytest.raises(PartitionColumnError, match="cannot carry partitions of one"):
        overwrite(table, rows, window=Window(window(0, 1).start, window(0, 1).end, every))
    assert table_format.keeps_schema or table_format.files(place) == {}


# What is not there


def test_no_table(table_format: Format, place: Place) -> None:
    table = table_format.table(place, DAY)

    for look in (table.schema, table.scan, table.plan):
        with pytest.raises(MissingError, match="table 'sales', connection 'lake'") as caught:
            look()
        assert not isinstance(caught.value, BucketMissingError)


@pytest.mark.needs("a look at the bucket first")
def test_no_bucket(table_format: Format, place: Place) -> None:
    table = table_format.table(place, DAY, connection={"url": "s3://there-is-no-such-bucket/"})

    for look in (table.schema, table.version, table.plan):
        with pytest.raises(BucketMissingError, match="connection 'lake'"):
            look()
    for act in writes(table):
        with pytest.raises(BucketMissingError):
            act()


@pytest.mark.needs("a look at the bucket first")
def test_nobody_there(table_format: Format, place: Place) -> None:
    nowhere = {"endpoint": "http://127.0.0.1:1", "transport": Transport(max_retries=0)}
    table = table_format.table(place, DAY, connection=nowhere)

    acts: list[Callable[[], object]] = [table.schema, *writes(table)]
    for act in acts:
        with pytest.raises(UnreachableError, match="connection 'lake'"):
            act()


@pytest.mark.needs("a look at the bucket first")
def test_wrong_keys(table_format: Format, strict_s3_server: EmbeddedServer, place: Place) -> None:
    """An error other than "there is no table" never creates one."""
    wrong = AccessKeyAuth(access_key_id="AKIAWRONG", secret_access_key="hunter2hunter2")
    reached = {"endpoint": strict_s3_server.endpoint_url, "auth": wrong}
    table = table_format.table(place, DAY, connection=reached)

    acts: list[Callable[[], object]] = [table.schema, table.plan, *writes(table)]
    for act in acts:
        with pytest.raises(AccessError, match="connection 'lake'") as caught:
            act()
        assert "hunter2" not in str(caught.value)


def test_what_is_never_data(table_format: Format, place: Place, table: Table[Any]) -> None:
    for name in (
        "_SUCCESS", "day=2026-01-01/_SUCCESS", "day=2026-01-01/.part.crc", ".hidden", "_temporary/0/part",
        "day=2026-01-01/_metadata", "day=2026-01-01/.part",
    ):  # fmt: skip
        place.put(f"{name}{table_format.suffix}", b"not a data file")
    place.put("day=2026-01-01/_SUCCESS", b"")
    place.put("notes.txt", b"not a data file")
    place.put(f"day=2026-01-02/zero{table_format.suffix}", b"")
    place.put("day=2026-01-09/", b"")

    assert rows_of(table.scan().collect()) == rows_of(ROWS)
    assert rows_of(table.plan(window=window(0, 2)).frame.collect()) == rows_of(
        ROWS.filter(pl.col("day").is_in(DAYS[:2]))
    )


# Columns


SPECIAL = [
    "a b",
    "a/b",
    "100%",
    "é",
    "x=y",
    "a+b",
    "q?r",
    "#1",
    "a&b",
    "日本",
    "'quoted'",
    '"double"',
    "%2F",
    "a:b",
]


@pytest.mark.needs("write")
def test_special_characters_in_partition_values(table_format: Format, place: Place) -> None:
    rows = pl.DataFrame({"kind": SPECIAL, "number": range(len(SPECIAL))}).cast({"number": pl.Int64})
    table = table_format.table(place, None, rows.schema, partition_by=("kind",))

    overwrite(table, rows.lazy(), window=None)

    for found in (table.scan().collect(), table_format.read(place, rows.schema)):
        assert sorted(found.select("kind", "number").rows()) == sorted(rows.rows())
    for value in SPECIAL:
        assert table.scan().filter(pl.col("kind") == value).collect().height == 1


def test_special_characters_of_another_writer(table_format: Format, place: Place) -> None:
    rows = pl.DataFrame({"kind": SPECIAL, "number": range(len(SPECIAL))}).cast({"number": pl.Int64})
    table_format.write(place, rows, ["kind"])

    found = table_format.table(place).scan().collect()

    assert sorted(found.select("kind", "number").rows()) == sorted(rows.rows())


def test_deep_folders(table_format: Format, place: Place) -> None:
    columns = [f"level_{number}" for number in range(5)]
    rows = pl.DataFrame({**{column: ["x", "y"] for column in columns}, "number": [1, 2]})
    table_format.write(place, rows, columns)

    frame = table_format.table(place).scan()

    assert sorted(frame.select(*columns, "number").collect().rows()) == sorted(
        rows.select(*columns, "number").rows()
    )
    assert frame.filter(pl.col("level_3") == "y").collect()["number"].to_list() == [2]


@pytest.mark.needs("write")
def test_many_columns(table_format: Format, place: Place) -> None:
    rows = pl.DataFrame({f"column_{number}": [number, None] for number in range(500)})
    table = table_format.table(place)

    overwrite(table, rows.lazy(), window=None)

    assert table.scan().select(sorted(rows.columns)).collect().equals(rows.select(sorted(rows.columns)))
    assert table.scan().select("column_499").collect()["column_499"].to_list() == [499, None]


TYPES: dict[str, tuple[pl.DataType, list[Any]]] = {
    "boolean": (pl.Boolean(), [True, None]),
    "int8": (pl.Int8(), [-128, None]),
    "int16": (pl.Int16(), [-(2**15), None]),
    "int32": (pl.Int32(), [2**31 - 1, None]),
    "int64": (pl.Int64(), [-(2**63), None]),
    "float32": (pl.Float32(), [1.5, None]),
    "float64": (pl.Float64(), [float("-inf"), None]),
    "string": (pl.String(), ["é\x00\n", None]),
    "binary": (pl.Binary(), [b"\x00\xff", None]),
    "date": (pl.Date(), [date(1, 1, 1), None]),
    "naive": (pl.Datetime("us"), [datetime(1066, 1, 1, tzinfo=UTC).replace(tzinfo=None), None]),
    "zoned": (pl.Datetime("us", "UTC"), [datetime(2026, 1, 1, tzinfo=UTC), None]),
    "decimal": (pl.Decimal(38, 10), [Decimal("-1234567890123456789012345678.0123456789"), None]),
    "list": (pl.List(pl.Int64()), [[1, None], None]),
    "nested": (pl.List(pl.Struct({"a": pl.List(pl.String())})), [[{"a": ["x", None]}], []]),
    "struct": (
        pl.Struct({"a": pl.Int64(), "b": pl.Struct({"c": pl.String()})}),
        [{"a": 1, "b": {"c": "x"}}, None],
    ),
}


def typed_rows(table_format: Format) -> pl.DataFrame:
    """A column of each type that the format can store as it is."""
    return pl.DataFrame(
        {
            name: pl.Series(values, dtype=dtype)
            for name, (dtype, values) in TYPES.items()
            if name not in table_format.lost_types
        }
    )


@pytest.mark.needs("write")
def test_types(table_format: Format, place: Place) -> None:
    rows = typed_rows(table_format)
    table = table_format.table(place, None, rows.schema)

    overwrite(table, rows.lazy(), window=None)

    assert table.schema() == rows.schema
    assert table.scan().collect().equals(rows)
    assert table_format.read(place, rows.schema).equals(rows)


def test_types_of_another_writer(table_format: Format, place: Place) -> None:
    rows = typed_rows(table_format)
    table_format.write(place, rows, [])

    found = table_format.table(place, None, rows.schema).scan().collect()

    assert found.schema == rows.schema
    assert found.equals(rows)


@pytest.mark.needs("write")
def test_types_that_are_widened_when_they_are_stored(table_format: Format, place: Place) -> None:
    rows = pl.DataFrame(
        {
            "category": pl.Series(["a", "b"], dtype=pl.Categorical()),
            "small": pl.Series([255, None], dtype=pl.UInt8()),
            "large": pl.Series([2**64 - 1, None], dtype=pl.UInt64()),
            "berlin": pl.Series([datetime(2026, 7, 1, tzinfo=UTC), None]).dt.convert_time_zone(
                "Europe/Berlin"
            ),
        }
    )
    stored = {"category": pl.String(), "small": pl.Int16(), "large": pl.Decimal(20, 0)}
    table = table_format.table(place, None, pl.Schema({**rows.schema, **stored}))

    for _ in range(2):
        overwrite(table, rows.lazy(), window=None)

    found = table.scan().collect()
    assert found["category"].cast(pl.String).to_list() == ["a", "b"]
    assert [None if value is None else int(value) for value in found["large"]] == [2**64 - 1, None]
    assert found["small"].to_list() == [255, None]
    assert found["berlin"][0].astimezone(UTC) == datetime(2026, 7, 1, tzinfo=UTC)


@pytest.mark.needs("write")
def test_columns_are_added_and_never_dropped(table_format: Format, place: Place, table: Table[Any]) -> None:
    wider = pl.LazyFrame({"day": [DAYS[0]], "number": [100], "text": ["new"], "extra": [1.5]})
    overwrite(table, wider, window=window(0, 1))
    narrower = pl.LazyFrame({"day": [DAYS[1]], "number": [101]})

    overwrite(table, narrower, window=window(1, 2))

    found = table.scan().select("day", "number", "text", "extra").collect()
    assert sorted(found.rows(), key=str) == sorted(
        [
            (DAYS[0], 100, "new", 1.5),
            (DAYS[1], 101, None, None),
            *[(*row, None) for row in ROWS.filter(~pl.col("day").is_in(DAYS[:2])).rows()],
        ],
        key=str,
    )


@pytest.mark.needs("write")
def test_int32_is_widened_on_write(table_format: Format, place: Place, table: Table[Any]) -> None:
    rows = pl.LazyFrame(
        {"day": [DAYS[0]], "number": [7], "text": ["x"]}, schema_overrides={"number": pl.Int32}
    )

    overwrite(table, rows, window=window(0, 1))

    found = table.scan().collect()
    assert found.schema["number"] == pl.Int64
    assert found.filter(pl.col("day") == DAYS[0])["number"].to_list() == [7]


@pytest.mark.needs("write", "typed files")
@pytest.mark.parametrize("dtype", [pl.String(), pl.Float64(), pl.Boolean()])
def test_narrowing_is_refused(
    table_format: Format, place: Place, table: Table[Any], dtype: pl.DataType
) -> None:
    before = table_format.files(place)
    rows = pl.LazyFrame(
        {"day": [DAYS[0]], "number": [1], "text": ["x"]}, schema_overrides={"number": pl.Int64}
    )

    if table_format.keeps_schema:
        with pytest.raises(SchemaMismatchError, match=f"column 'number' is {dtype}"):
            overwrite(table, rows.with_columns(pl.col("number").cast(dtype)), window=window(0, 1))
        assert table_format.files(place) == before
    else:
        # Each file has a schema of its own: two that do not fit together are refused when they are read.
        overwrite(table, rows.with_columns(pl.col("number").cast(dtype)), window=window(0, 1))
        with pytest.raises(SchemaMismatchError, match="column 'number' is"):
            table.scan()


def test_what_a_format_cannot_do_is_said(table_format: Format, table: Table[Any]) -> None:
    if Capability.TIME_TRAVEL not in table.capabilities:
        with pytest.raises(UnsupportedError, match="time travel"):
            table.plan(at=1)
    if Capability.READ_CHANGES not in table.capabilities:
        with pytest.raises(UnsupportedError, match="read changes"):
            table.plan(ReadMode.CHANGES)


def test_a_base_path_of_the_connection(table_format: Format, place: Place, table: Table[Any]) -> None:
    settings = table.settings.model_copy(
        update={
            name: "table"
            for name in ("path", "warehouse_path")
            if getattr(table.settings, name, None) == PATH
        }
    )
    connection = place.connection(**{**table_format.reach(place), "url": f"s3a://{place.bucket}/base"})
    below = open_table("sales", settings, connection)

    assert rows_of(below.scan().collect()) == rows_of(ROWS)


def test_what_is_skipped_is_what_it_cannot_do(table_format: Format) -> None:
    assert (Capability.WRITE_WINDOW in capabilities(table_format.settings())) != (
        "write" in table_format.lacks
    )
