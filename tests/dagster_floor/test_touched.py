"""Touched partitions: what tables tell of their changes; expected are the dates of the written frames."""

import random
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from typing import Any

import deltalake
import polars as pl
import pytest

from s3_assets.incremental.commit import commit_frame
from s3_assets.registry import Registry
from s3_assets.tables.table import Table, WriteMode
from s3_assets.tables.touched import Touched
from tests.dagster_floor.conftest import Lake
from tests.dagster_floor.pipeline import START
from tests.support.extent import EVERYTHING
from tests.support.proxy import RequestProxy

Frame = pl.DataFrame
SCHEMA: dict[str, Any] = {"id": pl.Int64, "date": pl.Date, "at": pl.Datetime("us", "UTC"), "text": pl.String}
DAY = date(2026, 1, 5)


def rows(days: Iterable[date], first: int) -> Frame:
    """A row for each day, a little after noon."""
    return pl.DataFrame(
        [
            (first + index, day, datetime(day.year, day.month, day.day, 12, 0, 1, tzinfo=UTC), f"{index}")
            for index, day in enumerate(days)
        ],
        schema=SCHEMA,
        orient="row",
    )


def days_of(found: Touched) -> set[date]:
    """The days, in UTC, that have a moment of the spans."""
    days = set()
    for span in found.spans:
        day = span.start
        while day < span.end:
            days.add(day.date())
            day = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
    return days


def tables(lake: Lake, **settings: dict[str, Any]) -> Registry:
    found = {name.replace("__", "/"): {"connection": "lake", **each} for name, each in settings.items()}
    declared = lake.registry.model_dump(mode="python", exclude_unset=True)
    return Registry.model_validate({"connections": declared["connections"], "tables": found})


class Look:
    """A consumer of what a table tells: each look begins where the one before ended."""

    def __init__(self, table: Table[Any]) -> None:
        self.table = table
        self.position: Any = None

    def __call__(self) -> Touched:
        found = self.table.touched(self.position)
        self.position = found.until
        return found


class Delta:
    """A Delta table that delta-rs alone writes, with the dates that each change is of."""

    def __init__(self, lake: Lake, by: str) -> None:
        column = "at" if by == "time" else "date"
        partitions = {"column": column, "start": START}
        self.registry = tables(lake, source={"format": "delta", "path": "source", "partitions": partitions})
        self.look = Look(self.registry.table("source"))
        self.lake, self.by, self.count = lake, by, 0

    def append(self, days: Iterable[date]) -> set[date]:
        frame = rows(days, self.count)
        self.count += frame.height
        deltalake.write_deltalake(
            self.lake.url("source"),
            frame,
            mode="append",
            partition_by=["date"] if self.by == "date" else None,
            storage_options=self.lake.storage_options,
        )
        return set(frame["date"])

    def present(self) -> Frame:
        return pl.read_delta(self.lake.url("source"), storage_options=self.lake.storage_options)

    def delete(self, some: random.Random) -> set[date]:
        number = some.choice(self.present()["id"].to_list())
        gone = self.present().filter(pl.col("id") == number)
        self.lake.delta("source").delete(f"id = {number}")
        return set(gone["date"])

    def update(self, some: random.Random) -> set[date]:
        number = some.choice(self.present()["id"].to_list())
        self.lake.delta("source").update({"text": "'new'"}, predicate=f"id = {number}")
        return set(self.present().filter(pl.col("text") == "new", pl.col("id") == number)["date"])

    def overwrite(self, some: random.Random) -> set[date]:
        day = some.choice(self.present()["date"].to_list())
        deltalake.write_deltalake(
            self.lake.url("source"),
            rows([day], 10_000 + self.count),
            mode="overwrite",
            predicate=f"date = '{day}'",
            storage_options=self.lake.storage_options,
        )
        return {day}

    def optimize(self, some: random.Random | None = None) -> set[date]:
        del some
        self.lake.delta("source").optimize.compact()
        return set()


@pytest.mark.parametrize("by", ["date", "nothing", "time"])
def test_delta(lake: Lake, by: str) -> None:
    """Appends, deletes, updates, overwrites and compactions, in an order of chance."""
    some = random.Random(5)  # noqa: S311 - a seed, so that each run is the same
    source = Delta(lake, by)
    assert source.append([DAY, DAY + timedelta(days=2)])
    first = days_of(source.look())
    # Statistics tell the smallest and largest day of a file, and no gap in between.
    assert first == {DAY + timedelta(days=each) for each in ((0, 2) if by == "date" else (0, 1, 2))}
    changes: list[Callable[[random.Random], set[date]]] = [
        lambda some: source.append([DAY + timedelta(days=some.randrange(6))]),
        source.delete,
        source.update,
        source.overwrite,
        source.optimize,
    ]
    for _ in range(12 if EVERYTHING else 3):
        expected = set().union(*(change(some) for change in some.sample(changes, 3)))
        found = source.look()
        assert found.untold == ()
        if by == "date":
            assert days_of(found) == expected
        else:
            assert days_of(found) >= expected
    assert source.look().spans == ()


def test_delta_that_only_compacts_touches_nothing(lake: Lake) -> None:
    source = Delta(lake, "date")
    for _ in range(3):
        source.append([DAY])
    source.look()
    source.optimize()
    found = source.look()

    assert (found.spans, found.changes, source.look.position.version) == ((), 0, 3)


def test_delta_whose_log_is_gone_says_so(lake: Lake) -> None:
    source = Delta(lake, "date")
    source.append([DAY])
    source.look()
    source.append([DAY])
    source.append([DAY + timedelta(days=1)])
    lake.delta("source").create_checkpoint()
    lake.client.delete_object(Bucket=lake.bucket, Key="base/source/_delta_log/00000000000000000001.json")
    found = source.look()

    assert found.untold == ("the log of version 1 is gone",)
    assert days_of(found) == {DAY + timedelta(days=1)}


def test_delta_made_anew_says_so(lake: Lake) -> None:
    source = Delta(lake, "date")
    source.append([DAY])
    source.look()
    listing = lake.client.list_objects_v2(Bucket=lake.bucket, Prefix="base/source/")
    for each in listing["Contents"]:
        lake.client.delete_object(Bucket=lake.bucket, Key=each["Key"])
    source.append([DAY + timedelta(days=9)])
    found = source.look()

    assert found.untold == ("the table was dropped and made anew",)
    assert days_of(found) == {DAY + timedelta(days=9)}


def iceberg(lake: Lake, column: str, *partition_by: str) -> Look:
    partitions = {"column": column, "start": START}
    settings = {"warehouse_path": "source", "partition_by": partition_by, "partitions": partitions}
    source = tables(lake, source={"format": "iceberg", **settings}).table("source")
    source.create(pl.Schema(SCHEMA))
    look = Look(source)
    assert look().spans == ()
    return look


@pytest.mark.parametrize("by", ["date", "nothing"])
def test_iceberg(lake: Lake, by: str) -> None:
    """Snapshots that PyIceberg alone makes: appends, a delete, an overwrite."""
    look = iceberg(lake, "date", *([by] if by == "date" else []))
    handle = look.table.open  # type: ignore[attr-defined]
    for first, days in ((0, [DAY]), (1, [DAY + timedelta(days=3)]), (10, [DAY + timedelta(days=1)] * 3)):
        handle().append(rows(days, first).to_arrow())
        assert days_of(look()) == set(days)
    handle().delete("id == 0")
    assert days_of(look()) == {DAY}
    handle().overwrite(rows([DAY + timedelta(days=4)], 99).to_arrow(), overwrite_filter="id == 1")
    assert days_of(look()) == {DAY + timedelta(days=3), DAY + timedelta(days=4)}
    assert look().spans == ()
    there = set(pl.DataFrame(handle().scan().to_arrow())["date"])
    assert days_of(look.table.touched(None)) == there


@pytest.mark.parametrize(
    "by", ["hour(at)", "month(at)", "bucket(4, id)", *(["day(at)", "year(at)"] if EVERYTHING else [])]
)
def test_iceberg_by_transforms(lake: Lake, by: str) -> None:
    look = iceberg(lake, "at", by)
    wide = {
        "month(at)": set(january()),
        "year(at)": {date(2026, 1, 1) + timedelta(each) for each in range(365)},
    }
    for first, days in ((0, [DAY]), (1, [DAY + timedelta(days=3)])):
        commit_frame(look.table, look.table.writer(), rows(days, first).lazy(), WriteMode.APPEND)
        assert days_of(look()) == wide.get(by, set(days))
    look.table.open().delete("id == 1")  # type: ignore[attr-defined]
    assert days_of(look()) == wide.get(by, {DAY + timedelta(days=3)})


def january() -> list[date]:
    return [date(2026, 1, 1) + timedelta(days=each) for each in range(31)]


class Files:
    """A folder of files that boto3 alone writes."""

    def __init__(self, lake: Lake, folder: str, **partitions: Any) -> None:
        self.lake, self.folder = lake, folder
        declared = {"column": "date", "start": START, **partitions}
        registry = tables(lake, source={"format": "parquet", "path": "source", "partitions": declared})
        self.look = Look(registry.table("source"))

    def put(self, day: date, name: str, first: int = 0) -> set[date]:
        body = BytesIO()
        rows([day], first).drop("date").write_parquet(body)
        self.lake.client.put_object(Bucket=self.lake.bucket, Key=self.key(day, name), Body=body.getvalue())
        return {day}

    def delete(self, day: date, name: str) -> set[date]:
        self.lake.client.delete_object(Bucket=self.lake.bucket, Key=self.key(day, name))
        return {day}

    def key(self, day: date, name: str) -> str:
        return f"base/source/{day.strftime(self.folder)}/{name}.parquet"


FOLDERS: dict[str, dict[str, Any]] = {
    "date=%Y-%m-%d": {},
    "%Y/%m/%d": {"folders": "%Y/%m/%d"},
    "date=%Y%m%d": {"format": "%Y%m%d"},
}


@pytest.mark.parametrize("folder", FOLDERS)
def test_folders(lake: Lake, folder: str) -> None:
    """New files, rewritten ones and deleted ones are told apart from those that were only put again."""
    source = Files(lake, folder, **FOLDERS[folder])
    days = [DAY + timedelta(days=each) for each in range(5)]
    expected = set().union(*(source.put(day, name) for day in days[:4] for name in ("one", "two")))
    assert days_of(source.look()) == expected
    expected = source.put(days[4], "new") | source.put(days[1], "two", 7) | source.delete(days[2], "one")
    source.put(days[0], "one")
    found = source.look()

    assert days_of(found) == expected
    assert found.changes == 3
    assert source.look().spans == ()
    assert days_of(source.look.table.touched(None)) == set(days)


def test_folders_of_months(lake: Lake) -> None:
    source = Files(lake, "%Y/%m", folders="%Y/%m", every="month")
    source.put(DAY, "one")

    assert days_of(source.look()) == set(january())


def test_a_file_outside_of_all_folders_is_not_placed(lake: Lake) -> None:
    source = Files(lake, "date=%Y-%m-%d")
    source.put(DAY, "one")
    source.look()
    source.folder = "."
    source.lake.client.put_object(Bucket=lake.bucket, Key="base/source/loose.parquet", Body=b"PAR1")
    found = source.look()

    assert found.spans == ()
    assert "no folder of the partition column 'date'" in found.untold[0]


def test_no_data_is_read(counted: tuple[Lake, RequestProxy]) -> None:
    """One listing of a folder; of a Delta table the log alone, and of that what is new."""
    lake, proxy = counted
    folder = Files(lake, "date=%Y-%m-%d")
    for day in range(5):
        folder.put(DAY + timedelta(days=day), "one")
    folder.look()
    proxy.reset()
    folder.put(DAY, "two")
    before = proxy.count()
    folder.look()
    assert [each.method for each in proxy.requests()[before:]] == ["GET"]
    assert "list-type=2" in proxy.requests()[-1].path

    lake.client.delete_object(Bucket=lake.bucket, Key=folder.key(DAY, "two"))
    delta = Delta(lake, "date")
    for day in range(8):
        delta.append([DAY + timedelta(days=day)])
    lake.delta("source").create_checkpoint()
    delta.look()
    delta.append([DAY])
    proxy.reset()
    assert days_of(delta.look()) == {DAY}
    read = [each.path for each in proxy.requests() if each.method == "GET" and "list-type" not in each.path]
    assert all("/_delta_log/" in path for path in read)
    assert sum(path.endswith(".json") for path in read) < 5


def test_a_wall_clock_that_shows_an_hour_twice(lake: Lake) -> None:
    """In Berlin a day of 25 hours: its span is all of them."""
    source = Files(lake, "date=%Y-%m-%d", timezone="Europe/Berlin")
    source.put(date(2026, 10, 25), "one")
    (span,) = source.look().spans

    assert (span.start, span.end) == (
        datetime(2026, 10, 24, 22, tzinfo=UTC),
        datetime(2026, 10, 25, 23, tzinfo=UTC),
    )
