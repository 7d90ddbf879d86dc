"""Which files of a folder are read, what their rows tell of them, and how little of them is fetched."""

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from s3_assets.errors import AccessDeniedError, PartitionColumnError, SchemaMismatchError, UnsupportedError
from s3_assets.incremental.append import append_new
from s3_assets.tables.open import open_table
from s3_assets.tables.settings import DeltaSettings, ParquetSettings, Partitions
from s3_assets.tables.table import ReadMode, Table
from s3_assets.windows import Every, Window
from tests.support.proxy import RequestProxy
from tests.support.proxy_state import RecordedRequest
from tests.tables.formats import DELTA, PARQUET, PATH, Format, Place
from tests.tables.iceberg_formats import SQLITE
from tests.tables.row_formats import AVRO, CSV, JSON, JSONL, TSV

FOLDERS = (PARQUET, AVRO, CSV, TSV, JSONL, JSON)
DAYS = [date(2026, 1, 1) + timedelta(days=number) for number in range(30)]
DAY = Partitions(column="day", start=DAYS[0])
FEW = pl.DataFrame({"day": DAYS[:4], "number": range(4)}, schema={"day": pl.Date, "number": pl.Int64})


def window(first: int, last: int) -> Window:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return Window(start + timedelta(days=first), start + timedelta(days=last))


@pytest.fixture(params=FOLDERS, ids=[each.name for each in FOLDERS])
def folder(request: pytest.FixtureRequest) -> Format:
    found: Format = request.param
    return found


def numbers(table: Table[Any], **asked: Any) -> list[int]:
    return sorted(table.plan(**asked).frame.select("number").collect()["number"])


def opened(proxy: RequestProxy, suffix: str) -> set[str]:
    """The names of the data files of which anything was read."""
    return {
        request.path.partition("?")[0].rpartition("/")[2]
        for request in proxy.requests()
        if "list-type=2" not in request.path and suffix in request.path
    }


# Selection


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"path_prefix": "day=2026-01-02/"}, [1]),
        ({"path_prefix": "day=2026-01-0"}, [0, 1, 2, 3]),
        ({"path_regex": r"01-0[13]/.*00\."}, [0]),
        ({"start_after": "day=2026-01-02/~"}, [2, 3]),
        ({"start_after": "day=2026-01-03/~", "path_regex": "foreign"}, [3]),
        ({"max_files": 3}, [0, 1, 2]),
        ({"modified_after": datetime(2020, 1, 1, tzinfo=UTC)}, [0, 1, 2, 3]),
        (
            {
                "modified_after": datetime(2099, 1, 1, tzinfo=UTC),
                "columns": {"number": "int64", "day": "date"},
            },
            [],
        ),
    ],
    ids=["folder", "prefix", "regex", "after", "two", "most", "modified", "nothing modified"],
)
def test_selected_files(place: Place, settings: dict[str, Any], expected: list[int]) -> None:
    PARQUET.write(place, FEW, ["day"])
    table = PARQUET.table(place, DAY, **settings)
    since = Window(datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 5, tzinfo=UTC))

    if not expected:
        with pytest.raises(FileNotFoundError, match="no file"):
            table.plan()
        assert numbers(table, window=since) == []
        return
    plan = table.plan()
    assert sorted(plan.frame.collect()["number"]) == expected
    assert plan.files == len(expected)
    assert numbers(table, mode=ReadMode.ADDED) == expected
    assert numbers(table, window=since)[: table.settings.max_files] == [
        number for number in ([1, 2, 3] if "max_files" in settings else expected) if number
    ]


def test_a_selection_reaches_the_listing(place: Place, proxy: RequestProxy) -> None:
    """What is selected by path costs the listing of that path alone, for a window too."""
    PARQUET.write(place, FEW, ["day"])
    through: dict[str, Any] = {
        "connection": {"endpoint": proxy.endpoint},
        "columns": {"number": "int64", "day": "date"},
    }

    PARQUET.table(
        place, DAY, path_prefix="day=2026-01-02/f", start_after="day=2026-01-02/a", **through
    ).plan()
    (one,) = proxy.requests()
    assert "prefix=base%2Ftable%2Fday%3D2026-01-02%2Ff&" in f"{one.path}&"
    assert "start-after=base%2Ftable%2Fday%3D2026-01-02%2Fa&" in f"{one.path}&"
    proxy.reset()
    found = PARQUET.table(place, DAY, start_after="day=2026-01-04", **through).plan(window=window(1, 4))
    assert found.files == 1
    assert proxy.count() == 2, "the folders, and the only one that has not passed"


def test_the_next_import_takes_the_next_files(place: Place) -> None:
    PARQUET.write(place, FEW, ["day"])
    source = PARQUET.table(place, max_files=3, reader_columns=["_file_name", "_file_path", "_file_modified"])
    target = open_table("copy", DeltaSettings(connection="lake", path="copy"), place.connection())

    runs = [append_new(target, "orders", source) for _ in range(3)]

    assert [run.rows for run in runs] == [3, 1, 0]
    assert runs[0].notes == ("the first 3 of 4 files are read, by path (max_files)",)
    copied = DELTA.read(replace(place, path="copy"), FEW.schema).sort("number")
    found = place.client.list_objects_v2(Bucket=place.bucket, Prefix=PATH)["Contents"]
    listed = {item["Key"]: item["LastModified"] for item in found}
    assert copied["_file_path"].to_list() == [f"s3://{place.bucket}/{key}" for key in sorted(listed)]
    assert copied["_file_name"].to_list() == [key.rpartition("/")[2] for key in sorted(listed)]
    assert copied["_file_modified"].to_list() == [listed[key] for key in sorted(listed)]


def test_archived_files(place: Place) -> None:
    PARQUET.write(place, FEW, ["day"])
    first, second, *_ = sorted(place.objects())
    table = PARQUET.table(place, DAY)
    before = table.plan(ReadMode.ADDED).until
    for key in (first, second):
        source = {"Bucket": place.bucket, "Key": key}
        place.client.copy_object(Bucket=place.bucket, Key=key, CopySource=source, StorageClass="GLACIER")

    for part in (None, window(0, 2)):
        with pytest.raises(AccessDeniedError, match=rf"{first}: .*archived \(GLACIER\).*skip_glacier"):
            table.plan(window=part)
    assert numbers(table, window=window(2, 4)) == [2, 3]
    assert table.plan(ReadMode.ADDED, since=before).empty, "what was read before may be archived since"
    skipping = PARQUET.table(place, DAY, skip_glacier=True)
    plan = skipping.plan()
    assert sorted(plan.frame.collect()["number"]) == [2, 3]
    assert plan.notes == ("2 archived files were left out (skip_glacier)",)
    assert (plan.files, plan.total_files, skipping.state().statistics.files) == (2, 4, 2)


@pytest.mark.parametrize("declared", [False, True], ids=["more than are looked at", "declared columns"])
def test_an_archived_file_is_found_before_any_file_is_read(
    place: Place, proxy: RequestProxy, *, declared: bool
) -> None:
    PARQUET.write(place, FEW, [])
    (written,) = place.objects()
    body = place.client.get_object(Bucket=place.bucket, Key=written)["Body"].read()
    for number in range(2 if declared else 102):
        kind = "GLACIER" if number == 1 else "STANDARD"
        key = f"{PATH}/{number:03d}.parquet"
        place.client.put_object(Bucket=place.bucket, Key=key, Body=body, StorageClass=kind)
    columns = {"day": "date", "number": "int64"} if declared else None
    table = PARQUET.table(place, columns=columns, connection={"endpoint": proxy.endpoint})

    with pytest.raises(AccessDeniedError, match=r"001\.parquet: .*archived \(GLACIER\)"):
        table.plan()

    assert opened(proxy, ".parquet") == {"001.parquet"}, "whether there is a restored copy is asked"


def test_a_table_that_reads_some_of_its_files_is_not_written(place: Place) -> None:
    for settings in ({"path_prefix": "a"}, {"max_files": 1}, {"reader_columns": ["_file_name"]}):
        with pytest.raises(UnsupportedError, match="cannot be written"):
            PARQUET.table(place, DAY, **settings).writer()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"path_prefix": "/a"}, "begins with a slash; write 'a'"),
        ({"path_regex": "("}, "no regular expression"),
        ({"modified_after": "2026-01-01T00:00:00"}, "has no zone"),
        ({"reader_columns": ["_file_name", "_file_name"]}, "named twice"),
        ({"max_files": 0}, "greater than or equal to 1"),
        ({"partitions": {"column": "day", "start": "2026-01-01", "folders": "%Y/%d"}}, "%m is not in it"),
        ({"partitions": {"column": "day", "start": "2026-01-01", "folders": "%Y/%m/%x"}}, "none of %Y"),
    ],
    ids=["slash", "regex", "zone", "twice", "most", "gap", "directive"],
)
def test_settings_that_are_wrong(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ParquetSettings(connection="lake", path=PATH, **settings)


def test_folders_of_partitions_are_for_folders() -> None:
    told = Partitions(column="day", start=DAYS[0], folders="%Y/%m/%d")

    with pytest.raises(ValueError, match=r"partitions\.folders is for folders of files"):
        DeltaSettings(connection="lake", path=PATH, partitions=told)


# Columns of the reader


def test_columns_of_the_reader(folder: Format, place: Place, proxy: RequestProxy) -> None:
    folder.write(place, FEW, ["day"])
    names = ["_file_name", "_file_path", "_file_modified"]
    table = folder.table(
        place, DAY, FEW.schema, reader_columns=names, connection={"endpoint": proxy.endpoint}
    )
    keys = sorted(place.objects())

    assert list(table.schema())[-3:] == names
    frame = table.scan()
    found = frame.collect().sort("number")
    assert found["_file_path"].to_list() == [f"s3://{place.bucket}/{key}" for key in keys]
    assert found["_file_name"].to_list() == [key.rpartition("/")[2] for key in keys]
    assert found.schema["_file_modified"] == pl.Datetime("us", "UTC")
    assert found["number"].to_list() == [0, 1, 2, 3]
    assert sorted(frame.select("_file_name").collect()["_file_name"]) == sorted(found["_file_name"])
    proxy.reset()
    one = frame.filter((pl.col("_file_path") == f"s3://{place.bucket}/{keys[2]}") & (pl.col("number") >= 0))
    assert one.select("number", "_file_name").collect().rows() == [(2, keys[2].rpartition("/")[2])]
    assert opened(proxy, folder.suffix) == {keys[2].rpartition("/")[2]}


def test_a_column_of_the_readers_name(folder: Format, place: Place) -> None:
    folder.write(place, FEW.rename({"number": "_file_name"}), [])

    with pytest.raises(SchemaMismatchError, match="'_file_name', and the table has one of that name"):
        folder.table(place, reader_columns=["_file_name"]).plan()


# Folders that tell a date


NESTED = [(f"eu/year=2026/month={day.month:02d}/day={day.day:02d}/{day.day:02d}", day) for day in DAYS[:4]]


def test_dates_of_nested_folders(folder: Format, place: Place, proxy: RequestProxy) -> None:
    for number, (path, _) in enumerate(NESTED):
        inner = replace(place, path=f"{PATH}/{path}")
        folder.write(inner, pl.DataFrame({"number": [number]}), [])
    told = Partitions(column="day", start=DAYS[0], folders="*/year=%Y/month=%m/day=%d/%H")
    schema = pl.Schema({"number": pl.Int64(), "year": pl.Int64(), "month": pl.Int64()})
    table = folder.table(place, told, schema, connection={"endpoint": proxy.endpoint})

    assert table.schema()["day"] == pl.Date()
    frame = table.scan()
    assert sorted(frame.select("number", "year", "day").collect().rows()) == [
        (number, 2026, day) for number, (_, day) in enumerate(NESTED)
    ]
    proxy.reset()
    assert frame.filter((pl.col("day") == DAYS[1]) & (pl.col("number") < 9)).collect().height == 1
    assert all("day%3D02" in each.path or "day=02" in each.path for each in proxy.requests())
    proxy.reset()
    plan = table.plan(window=window(2, 4))
    listings = [each for each in proxy.requests() if "list-type=2" in each.path]
    assert sorted(plan.frame.select("number", "day").collect().rows()) == [(2, DAYS[2]), (3, DAYS[3])]
    assert len(listings) == 2, "the regions, and the folders of both days at once"
    assert plan.files == 2
    assert table.plan(window=window(20, 21)).empty


def test_hours_of_folders_are_on_the_wall_clock(place: Place) -> None:
    for hour in ("00", "01", "02"):
        body = io.BytesIO()
        pl.DataFrame({"number": [int(hour)]}).write_parquet(body)
        place.put(f"2026/1/2/{hour}/a.parquet", body.getvalue())
    told = Partitions(
        column="at", start=DAYS[0], every=Every.HOUR, timezone="Europe/Berlin", folders="%Y/%-m/%-d/%H"
    )
    table = PARQUET.table(place, told)
    first = datetime(2026, 1, 2, 0, tzinfo=UTC)

    found = table.plan(window=Window(first, first + timedelta(hours=1), Every.HOUR)).frame.collect()

    assert found.rows() == [(1, first)]
    assert table.scan().collect()["at"].min() == datetime(2026, 1, 1, 23, tzinfo=UTC)


def test_a_date_that_files_and_folders_tell(place: Place) -> None:
    body = io.BytesIO()
    FEW.write_parquet(body)
    place.put("2026/01/01/a.parquet", body.getvalue())
    told = Partitions(column="day", start=DAYS[0], folders="%Y/%m/%d")

    with pytest.raises(PartitionColumnError, match="the files have a column 'day'"):
        PARQUET.table(place, told).plan()


# How little is fetched


FETCHED = (PARQUET, DELTA, SQLITE, AVRO, CSV, JSONL)
READ = DAYS[12]
COLUMNAR = ".parquet"
WIDE = [f"c{number}" for number in range(10)]


def wide_rows(table_format: Format) -> pl.DataFrame:
    """Thirty days of numbers that do not compress; the day that is read has most of them, some megabytes."""
    of_day = 80_000 if table_format.suffix == COLUMNAR else 8_000
    days = pl.concat([pl.Series([day]).new_from_index(0, of_day if day == READ else 5) for day in DAYS])
    seed = pl.int_range(days.len(), eager=True)
    noise = {name: seed.hash(number).reinterpret(signed=True) for number, name in enumerate(WIDE)}
    return pl.DataFrame({"day": days, **noise})


def needed(table_format: Format, place: Place, day: date, columns: Sequence[str]) -> int:
    """The bytes of these columns of the day's files, by their footers; of formats of rows, of these files."""
    import pyarrow.parquet

    total = 0
    for key in table_format.files(place):
        if f"day={day}" not in key:
            continue
        body = place.get(key)
        if table_format.suffix != COLUMNAR:
            total += len(body)
            continue
        footer = pyarrow.parquet.read_metadata(io.BytesIO(body))
        for group in (footer.row_group(number) for number in range(footer.num_row_groups)):
            chunks = [group.column(number) for number in range(group.num_columns)]
            total += sum(each.total_compressed_size for each in chunks if each.path_in_schema in columns)
    return total


def fetched(requests: Sequence[RecordedRequest]) -> int:
    return sum(request.bytes_out for request in requests if request.method == "GET")


@pytest.mark.parametrize("table_format", FETCHED, ids=lambda each: each.name)
def test_two_columns_of_one_day_fetch_little_more_than_these(
    table_format: Format, place: Place, proxy: RequestProxy
) -> None:
    rows = wide_rows(table_format)
    table_format.write(place, rows, ["day"])
    table = table_format.table(place, DAY, rows.schema, connection={"endpoint": proxy.endpoint})
    expected = needed(table_format, place, READ, ["c3", "c7"])
    reads: dict[str, Callable[[], pl.LazyFrame]] = {
        "window": lambda: table.plan(window=window(12, 13)).frame,
        "predicate": lambda: table.scan().filter(pl.col("day") == READ),
    }

    found = {}
    for name, read in reads.items():
        proxy.reset()
        frame = read().select("c3", "c7").collect()
        found[name] = fetched(proxy.requests()) / expected
        assert frame.equals(rows.filter(pl.col("day") == READ).select("c3", "c7"))
    assert all(ratio <= 1.3 for ratio in found.values()), found


@pytest.mark.parametrize("table_format", FETCHED, ids=lambda each: each.name)
def test_the_first_rows_open_the_first_files(table_format: Format, place: Place, proxy: RequestProxy) -> None:
    rows = wide_rows(table_format)
    table_format.write(place, rows, ["day"])
    table = table_format.table(place, DAY, rows.schema, connection={"endpoint": proxy.endpoint})
    frame = table.scan()
    proxy.reset()

    assert frame.head(5).collect().height == 5
    total = sum(len(place.get(key)) for key in table_format.files(place))
    assert fetched(proxy.requests()) < total / 4
