"""What only Delta tables do: versions, time travel, change feed, constraints, statistics; and real files."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake

from s3_assets.errors import (
    ChangeFeedMissingError,
    CursorError,
    HistoryLostError,
    RowsRefusedError,
    SchemaMismatchError,
    SettingError,
    SourceRewrittenError,
    TableMissingError,
    UnsupportedError,
)
from s3_assets.incremental.commit import commit_frame
from s3_assets.incremental.overwrite import overwrite
from s3_assets.object_listings import empty_listing
from s3_assets.tables.open import open_table
from s3_assets.tables.positions import FilesPosition, VersionPosition
from s3_assets.tables.settings import Partitions
from s3_assets.tables.table import ReadMode, Table, WriteMode
from s3_assets.windows import Every, Window
from tests.tables.formats import DELTA, PATH, Place

DATA = Path(__file__).parents[1] / "data" / "delta"
FEED = {"delta.enableChangeDataFeed": "true"}
DAY = Partitions(column="day", start=date(2026, 1, 1))


def naive(*parts: int) -> datetime:
    """A time on a wall clock, without a zone."""
    return datetime(*parts, tzinfo=UTC).replace(tzinfo=None)  # type: ignore[arg-type, misc]  # parts of a date


def delta(place: Place, partitions: Partitions | None = None, **fields: Any) -> Table[Any]:
    return open_table("sales", DELTA.settings(partitions, **fields), place.connection())


def write(place: Place, rows: dict[str, list[Any]] | pl.DataFrame, **options: Any) -> None:
    frame = rows if isinstance(rows, pl.DataFrame) else pl.DataFrame(rows)
    write_deltalake(place.url, frame, storage_options=place.options, **{"mode": "append", **options})


def handle(place: Place) -> DeltaTable:
    return DeltaTable(place.url, storage_options=place.options)


def upload(place: Place, name: str) -> None:
    for path in (DATA / name).rglob("*"):
        if path.is_file():
            place.put(str(path.relative_to(DATA / name)), path.read_bytes())


def position(plan_until: object) -> VersionPosition:
    assert isinstance(plan_until, VersionPosition)
    return plan_until


def read(table: Table[Any], since: VersionPosition, mode: ReadMode = ReadMode.ADDED) -> pl.DataFrame:
    return table.plan(mode, since=since).frame.collect()


# Real files of other writers


@pytest.mark.parametrize(
    ("name", "rows", "column"),
    [
        ("cdf-table", 6, "id"),
        ("delta-0.8.0-date", 5, "dayOfYear"),
        ("delta-0.8.0-partitioned", 7, "value"),
        ("table-with-dv-small", 8, "value"),
    ],
)
def test_real_tables(place: Place, name: str, rows: int, column: str) -> None:
    upload(place, name)
    expected = pl.read_delta(str(DATA / name))

    table = delta(place)
    found = table.scan().collect()

    assert table.schema() == expected.schema
    assert found.schema == expected.schema
    assert found.sort(column).equals(expected.sort(column))
    assert found.height <= rows + 4
    # Files go on counting the rows that deletion vectors take out.
    assert table.statistics().rows in ({None} if "-dv-" in name else {None, found.height})
    assert table.scan().select(column).collect()[column].sort().equals(expected[column].sort())
    first = expected[column].sort()[0]
    assert table.scan().filter(pl.col(column) == first).collect().height == 1
    assert table.scan().head(2).collect().height == 2


def test_real_change_feed(place: Place) -> None:
    upload(place, "cdf-table")
    table = delta(place)
    start = position(table.plan(at=0).until)

    found = read(table, start, ReadMode.CHANGES)

    local = DeltaTable(str(DATA / "cdf-table")).load_cdf(starting_version=1)
    expected = pl.DataFrame(local)
    columns = ["id", "name", "birthday", "_change_type", "_commit_version"]
    assert found.select(columns).sort(columns).equals(expected.select(columns).sort(columns))
    assert set(found["_change_type"]) == {"update_preimage", "update_postimage", "delete"}


def test_real_partitions_are_pruned(place: Place) -> None:
    upload(place, "cdf-table")
    partitions = Partitions(column="birthday", start=date(2023, 1, 1))
    window = Window(datetime(2023, 12, 24, tzinfo=UTC), datetime(2023, 12, 25, tzinfo=UTC))

    plan = delta(place, partitions).plan(window=window)

    expected = pl.read_delta(str(DATA / "cdf-table")).filter(pl.col("birthday") == date(2023, 12, 24))
    assert plan.frame.collect().sort("id").equals(expected.sort("id"))
    assert plan.files < (plan.total_files or 0)


# Time travel


def test_time_travel(place: Place) -> None:
    write(place, {"number": [1]})
    write(place, {"number": [2]})
    write(place, {"number": [3]})
    table = delta(place)
    stamps = {entry["version"]: entry["timestamp"] for entry in handle(place).history()}
    before_last = datetime.fromtimestamp((stamps[2] - 1) / 1000, UTC)

    assert sorted(table.scan(at=0).collect()["number"]) == [1]
    assert sorted(table.scan(at=1).collect()["number"]) == [1, 2]
    if stamps[2] - 1 >= stamps[1]:
        assert sorted(table.scan(at=before_last).collect()["number"]) == [1, 2]
    assert sorted(table.scan(at=datetime.now(UTC)).collect()["number"]) == [1, 2, 3]
    with pytest.raises(HistoryLostError, match=r"table 'sales', connection 'lake'.*7"):
        table.scan(at=7)


def test_version_is_cheap_and_right_past_a_checkpoint(place: Place) -> None:
    table = delta(place)
    with pytest.raises(TableMissingError):
        table.version()
    for number in range(3):
        write(place, {"number": [number]})
        assert table.version().number == number
    handle(place).create_checkpoint()
    assert table.version().number == 2
    write(place, {"number": [3]})
    assert table.version().number == 3


# The change feed


def test_added_is_what_appends_added(place: Place) -> None:
    write(place, {"number": [1]}, configuration=FEED)
    table = delta(place)
    first = table.plan(ReadMode.ADDED)
    assert sorted(first.frame.collect()["number"]) == [1]
    since = position(first.until)
    write(place, {"number": [2, 3]})
    write(place, {"number": [4]})
    handle(place).delete("number = 2")

    plan = table.plan(ReadMode.ADDED, since=since)

    assert sorted(plan.frame.collect()["number"]) == [2, 3, 4]
    assert "version 3 (DELETE)" in plan.notes[0]
    assert position(plan.until).version == 3
    assert table.plan(ReadMode.ADDED, since=plan.until).empty
    assert plan.frame.filter(pl.col("number") > 2).select("number").collect().height == 2
    assert plan.frame.head(1).collect().height == 1


def test_changes(place: Place) -> None:
    write(place, {"number": [1, 2], "name": ["a", "b"]}, configuration=FEED)
    table = delta(place)
    first = table.plan(ReadMode.CHANGES)
    assert set(first.frame.collect()["_change_type"]) == {"insert"}
    handle(place).update(predicate="number = 2", updates={"name": "'c'"})
    handle(place).delete("number = 1")

    changes = read(table, position(first.until), ReadMode.CHANGES)

    shown = changes.select("number", "name", "_change_type", "_commit_version").sort(
        "_commit_version", "_change_type"
    )
    assert shown.rows() == [
        (2, "c", "update_postimage", 1),
        (2, "b", "update_preimage", 1),
        (1, "a", "delete", 2),
    ]
    assert changes.schema == first.frame.collect_schema()


def test_no_feed(place: Place) -> None:
    write(place, {"number": [1]})
    table = delta(place)
    with pytest.raises(ChangeFeedMissingError, match=r"connection 'lake'.*delta.enableChangeDataFeed"):
        table.plan(ReadMode.CHANGES)
    since = position(table.plan().until)
    write(place, {"number": [2]})
    with pytest.raises(ChangeFeedMissingError):
        table.plan(ReadMode.CHANGES, since=since)


def test_added_without_a_feed_when_commits_only_append(place: Place) -> None:
    write(place, {"number": [1], "day": ["a"]}, partition_by=["day"])
    table = delta(place)
    since = position(table.plan().until)
    write(place, {"number": [2, 3], "day": ["a", "b c"]})
    handle(place).optimize.compact()

    plan = table.plan(ReadMode.ADDED, since=since)

    assert sorted(plan.frame.collect()["number"]) == [2, 3]
    assert plan.files == 2


def test_feed_that_was_switched_on_later(place: Place) -> None:
    write(place, {"number": [1]})
    table = delta(place)
    before = position(table.plan().until)
    write(place, {"number": [2]})
    handle(place).delete("number = 1")
    handle(place).alter.set_table_properties(FEED)
    after = position(table.plan().until)
    write(place, {"number": [3]})

    assert read(table, after)["number"].to_list() == [3]
    with pytest.raises(ChangeFeedMissingError, match="switched on"):
        read(table, before, ReadMode.CHANGES)


def test_log_that_was_cleaned_up(place: Place) -> None:
    write(place, {"number": [0]}, configuration=FEED)
    table = delta(place)
    since = position(table.plan().until)
    for number in range(1, 5):
        write(place, {"number": [number]})
    handle(place).create_checkpoint()
    for version in range(3):
        key = f"{PATH}/_delta_log/{version:020d}.json"
        place.client.delete_object(Bucket=place.bucket, Key=key)

    with pytest.raises(HistoryLostError, match=r"versions 1 to 2 is gone.*version 0.*logRetentionDuration"):
        table.plan(ReadMode.ADDED, since=since)
    with pytest.raises(HistoryLostError, match=r"log of version 1 is gone, the newest is 4"):
        table.scan(at=1)
    # Whoever compares two states has to find another way.
    assert table.difference(since) is None


@pytest.mark.parametrize("mode", [ReadMode.ADDED, ReadMode.CHANGES])
def test_data_files_that_were_vacuumed(place: Place, mode: ReadMode) -> None:
    write(place, {"number": [0]}, configuration=FEED)
    table = delta(place)
    since = position(table.plan().until)
    write(place, {"number": [1]})
    handle(place).optimize.compact()
    if mode is ReadMode.CHANGES:
        handle(place).update(updates={"number": "7"})
    handle(place).vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False, full=True)

    with pytest.raises(HistoryLostError, match="table 'sales'"):
        read(table, since, mode)


def test_overwritten_in_between(place: Place) -> None:
    write(place, {"number": [1]}, configuration=FEED)
    table = delta(place)
    since = position(table.plan().until)
    write(place, {"number": [1, 2]}, mode="overwrite")

    with pytest.raises(SourceRewrittenError, match=r"version 1 \(WRITE\) replaced rows"):
        table.plan(ReadMode.ADDED, since=since)
    assert set(read(table, since, ReadMode.CHANGES)["_change_type"]) == {"insert", "delete"}


def test_dropped_and_made_anew(place: Place) -> None:
    write(place, {"number": [1]}, configuration=FEED)
    table = delta(place)
    since = position(table.plan().until)
    for key in place.objects():
        place.client.delete_object(Bucket=place.bucket, Key=key)
    for number in range(3):
        write(place, {"number": [number]}, configuration=FEED)

    with pytest.raises(SourceRewrittenError, match="dropped and made anew"):
        table.plan(ReadMode.ADDED, since=since)
    with pytest.raises(CursorError):
        table.plan(ReadMode.ADDED, since=FilesPosition(empty_listing()))


def test_feed_with_a_column_that_was_added(place: Place) -> None:
    write(place, {"number": [1]}, configuration=FEED)
    table = delta(place)
    since = position(table.plan().until)
    write(place, {"number": [2]})
    write(place, {"number": [3], "name": ["x"]}, schema_mode="merge")

    assert read(table, since).sort("number").rows() == [(2, None), (3, "x")]


# Writes that only delta-rs can do


def window(day: date, days: int = 1) -> Window:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return Window(start, start + timedelta(days=days))


def test_constraints(place: Place) -> None:
    table = delta(place, DAY)
    days = [date(2026, 1, 1), date(2026, 1, 2)]
    write(place, {"day": days, "number": [1, 2]}, partition_by=["day"])
    handle(place).alter.add_constraint({"positive": "number > 0"})
    new = pl.LazyFrame({"day": [days[0]], "number": [7]})

    for _ in range(2):
        assert overwrite(table, new, window=window(days[0])).commit.rows == 1
    assert sorted(DELTA.read(place, pl.Schema()).rows()) == [(days[0], 7), (days[1], 2)]

    version = table.version()
    with pytest.raises(RowsRefusedError, match=r"1 rows failed validation check.*demands: number > 0"):
        overwrite(table, new.with_columns(number=-pl.col("number")), window=window(days[0]))
    assert table.version() == version
    stamps = handle(place).transaction_version("s3_assets/overwrite")
    assert stamps is not None


def test_columns_that_may_not_be_null(place: Place) -> None:
    from deltalake import Field, Schema
    from deltalake.schema import PrimitiveType

    fields = [Field("day", PrimitiveType("date")), Field("number", PrimitiveType("long"), nullable=False)]
    DeltaTable.create(place.url, schema=Schema(fields), storage_options=place.options, partition_by=["day"])
    table = delta(place, DAY)
    day = date(2026, 1, 1)

    overwrite(table, pl.LazyFrame({"day": [day], "number": [1]}), window=window(day))
    assert DELTA.read(place, pl.Schema()).rows() == [(day, 1)]
    with pytest.raises(RowsRefusedError, match="demands: number is not null"):
        overwrite(
            table,
            pl.LazyFrame({"day": [day], "number": pl.Series([None], dtype=pl.Int64)}),
            window=window(day),
        )
    with pytest.raises(RowsRefusedError, match="demands: number is not null"):
        overwrite(table, pl.LazyFrame({"day": [day]}), window=window(day))
    assert DELTA.read(place, pl.Schema()).rows() == [(day, 1)]


def test_generated_columns(place: Place) -> None:
    from deltalake import Field, Schema
    from deltalake.schema import PrimitiveType

    generated = {"delta.generationExpression": "number * 2"}
    fields = [
        Field("day", PrimitiveType("date")),
        Field("number", PrimitiveType("long")),
        Field("twice", PrimitiveType("long"), metadata=generated),
    ]
    DeltaTable.create(place.url, schema=Schema(fields), storage_options=place.options, partition_by=["day"])
    table = delta(place, DAY)
    day = date(2026, 1, 1)

    overwrite(table, pl.LazyFrame({"day": [day], "number": [4]}), window=window(day))
    assert DELTA.read(place, pl.Schema()).select("day", "number", "twice").rows() == [(day, 4, 8)]
    with pytest.raises(RowsRefusedError, match=r"demands: twice = number \* 2"):
        overwrite(table, pl.LazyFrame({"day": [day], "number": [4], "twice": [9]}), window=window(day))


def test_hours_of_a_timestamp_that_is_no_folder(place: Place) -> None:
    at = [datetime(2026, 1, 1, 0, tzinfo=UTC) + timedelta(minutes=20 * step) for step in range(12)]
    write(place, {"at": at, "number": list(range(12))})
    table = delta(place, Partitions(column="at", every=Every.HOUR, start=date(2026, 1, 1)))
    hour = Window(at[3], at[6], Every.HOUR)

    for _ in range(2):
        overwrite(table, pl.LazyFrame({"at": at[4:6], "number": [40, 50]}), window=hour)

    expected = (
        [(at[n], n) for n in (0, 1, 2)] + [(at[4], 40), (at[5], 50)] + [(at[n], n) for n in range(6, 12)]
    )
    assert sorted(DELTA.read(place, pl.Schema()).rows()) == expected
    assert sorted(table.plan(window=hour).frame.collect().rows()) == [(at[4], 40), (at[5], 50)]


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([naive(2026, 1, day) for day in (1, 2, 10)], id="naive"),
        pytest.param([datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2, 10)], id="zoned"),
    ],
)
def test_a_timestamp_as_folder_of_another_writer(place: Place, values: list[datetime]) -> None:
    write(place, {"day": values, "number": [1, 2, 10]}, partition_by=["day"])
    table = delta(place, DAY)

    for _ in range(2):
        overwrite(table, pl.LazyFrame({"day": values[1:2], "number": [20]}), window=window(date(2026, 1, 2)))

    assert sorted(DELTA.read(place, pl.Schema()).select("day", "number").rows()) == sorted(
        zip(values, (1, 20, 10), strict=True)
    )
    assert table.plan(window=window(date(2026, 1, 2))).frame.collect()["number"].to_list() == [20]


# Statistics


EXTREMES = {
    "float": [float("nan"), 1.5, -2.5, float("inf")],
    "nan": [float("nan")] * 4,
    "text": ["\U0001f600" * 40, "a" * 100, "", "é"],
    "before": [
        naive(1066, 10, 14),
        naive(1969, 12, 31, 23, 59, 59, 999999),
        None,
        naive(9999, 1, 1),
    ],
    "zoned": [datetime(1066, 10, 14, tzinfo=UTC), datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC), None, None],
    "money": [
        Decimal("-12345678901234567890.123456"),
        Decimal("0.1"),
        None,
        Decimal("99999999999999999999.999999"),
    ],
    "nothing": [None] * 4,
    "big": [2**63 - 1, -(2**63), 0, None],
    "flag": [True, False, None, True],
    "day": [date(1, 1, 1), date(9999, 12, 31), None, date(2026, 1, 1)],
    "binary": [b"\x00", b"\xff" * 50, None, b""],
}
SCHEMA = {"nothing": pl.Int64(), "money": pl.Decimal(38, 6), "big": pl.Int64()}


def test_statistics_let_readers_skip_and_never_too_much(place: Place) -> None:
    """Every value that was written is found by a filter on it, by delta-rs and by Polars."""
    rows = pl.DataFrame(EXTREMES, schema_overrides=SCHEMA).with_row_index("number").cast({"number": pl.Int64})
    table = delta(place)
    table.create(rows.schema)
    for number in range(rows.height):
        writer = table.writer()
        commit_frame(table, writer, rows[number : number + 1].lazy(), WriteMode.APPEND)

    assert DELTA.read(place, pl.Schema()).sort("number").equals(rows)
    assert table.scan().collect().sort("number").equals(rows)
    assert table.statistics().rows == rows.height
    for column, dtype in rows.schema.items():
        for value in rows[column]:
            expected = rows.filter(pl.col(column).eq_missing(pl.lit(value, dtype=dtype)))["number"].to_list()
            predicate = (
                pl.col(column).is_null() if value is None else pl.col(column) == pl.lit(value, dtype=dtype)
            )
            foreign = pl.scan_delta(place.url, storage_options=place.options).filter(predicate)
            for found in (foreign, table.scan().filter(predicate)):
                assert sorted(found.collect()["number"]) == expected, (column, value)
    numbers = handle(place).scan(predicate="big = 9223372036854775807")
    assert [n for batch in numbers for n in pl.DataFrame(batch)["number"]] == [0]
    for text in ("before < '1970-01-01'", "text > 'zz'", "money < 0", '"float" > 1'):
        batches = [pl.DataFrame(batch) for batch in handle(place).scan(predicate=text)]
        assert sum(batch.height for batch in batches) >= 1, text


def test_files_are_skipped_by_our_statistics(place: Place) -> None:
    table = delta(place)
    for start in (0, 100, 200):
        frame = pl.LazyFrame({"number": range(start, start + 10)})
        commit_frame(table, table.writer() if start else None, frame, WriteMode.APPEND)
    actions = pl.DataFrame(handle(place).get_add_actions(flatten=True))

    assert sorted(actions["min.number"]) == [0, 100, 200]
    assert sorted(actions["max.number"]) == [9, 109, 209]
    assert actions["null_count.number"].to_list() == [0, 0, 0]
    assert actions["num_records"].to_list() == [10, 10, 10]


# Neighbours


def test_our_folder_survives_vacuum(place: Place) -> None:
    write(place, {"number": [1]})
    place.put("_s3_assets/stream/1.json", b"{}")
    write(place, {"number": [2]}, mode="overwrite")

    removed = handle(place).vacuum(
        retention_hours=0, enforce_retention_duration=False, dry_run=False, full=True
    )

    assert removed
    assert not [path for path in removed if "_s3_assets" in path]
    assert f"{PATH}/_s3_assets/stream/1.json" in place.objects()


def test_properties_and_other_transactions_are_kept(place: Place) -> None:
    properties = {"delta.appendOnly": "false", "delta.logRetentionDuration": "interval 9 days", **FEED}
    write(
        place,
        {"day": [date(2026, 1, 1)], "number": [1]},
        configuration=properties,
        partition_by=["day"],
        commit_properties=CommitProperties(app_transactions=[Transaction("other", 5)]),
    )
    frame = pl.LazyFrame({"day": [date(2026, 1, 1)], "number": [2], "new": ["x"]})

    overwrite(delta(place, DAY), frame, window=window(date(2026, 1, 1)))

    table = handle(place)
    assert properties.items() <= dict(table.metadata().configuration).items()
    assert table.transaction_version("other") == 5
    assert table.metadata().partition_columns == ["day"]


def test_append_only_tables_refuse_overwrites(place: Place) -> None:
    rows = pl.DataFrame({"day": [date(2026, 1, 1)], "number": [1]})
    write(place, rows, configuration={"delta.appendOnly": "true"}, partition_by=["day"])

    with pytest.raises(UnsupportedError, match="append-only"):
        overwrite(delta(place, DAY), rows.lazy(), window=window(date(2026, 1, 1)))
    assert DELTA.read(place, pl.Schema()).height == 1


def test_new_table(place: Place) -> None:
    rows = pl.LazyFrame({"day": [date(2026, 1, 1)], "number": [1]})
    table = delta(place, DAY, change_feed=True, properties={"delta.logRetentionDuration": "interval 9 days"})

    overwrite(table, rows, window=window(date(2026, 1, 1)))

    metadata = handle(place).metadata()
    assert metadata.partition_columns == ["day"]
    assert {"delta.logRetentionDuration": "interval 9 days", **FEED}.items() <= dict(
        metadata.configuration
    ).items()
    assert json.loads(json.dumps(table.version().token)) == "1"


def test_properties_that_delta_rs_refuses(place: Place) -> None:
    with pytest.raises(SettingError, match=r"'my\.own'.*Leave it out"):
        overwrite(delta(place, properties={"my.own": "x"}), pl.LazyFrame({"number": [1]}), window=None)


@pytest.mark.parametrize("dtype", [pl.Duration("us"), pl.Time(), pl.Null()])
def test_types_that_delta_has_not(place: Place, dtype: pl.DataType) -> None:
    frame = pl.LazyFrame(schema={"number": pl.Int64, "odd": dtype})

    with pytest.raises(SchemaMismatchError, match=r"column 'odd'.*Delta has no such type"):
        overwrite(delta(place), frame, window=None)
    assert place.objects() == {}


def test_a_file_with_numbers_and_no_numbers(place: Place) -> None:
    """In Polars a NaN is greater than every number, so statistics must not let it skip the file."""
    table = delta(place)
    for values in ([1.0, float("nan")], [2.0, 3.0]):
        frame = pl.LazyFrame({"value": values})
        commit_frame(table, table.writer() if values[1] == 3.0 else None, frame, WriteMode.APPEND)

    for frame in (table.scan(), pl.scan_delta(place.url, storage_options=place.options)):
        assert frame.filter(pl.col("value") > 100).collect().height == 1
        assert frame.filter(pl.col("value").is_nan()).collect().height == 1
        assert frame.filter(pl.col("value") > 2.5).collect().height == 2


def test_a_table_that_forgets_transactions_keeps_no_cursor(place: Place) -> None:
    retention = {"delta.setTransactionRetentionDuration": "interval 7 days"}
    write(place, {"id": [1]}, configuration=retention)
    writer = delta(place).writer()

    with pytest.raises(UnsupportedError, match=r"forgets cursors.*Unset delta\.setTransactionRetention"):
        writer.committed("lake/orders/landing/orders")
