"""Partition definitions of every kind, each with rows of its own, and foreign readers of what is kept."""

import gzip
import json
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import unquote

import dagster as dg
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pyarrow.fs
from pyiceberg.table import StaticTable

from tests.dagster_floor.conftest import Lake

Row = tuple[Any, ...]

NAMES = ("north", 'o\'brien "2"', "a/b 100%25", "größe=1", "x, y; --")
CLOCK_CHANGES = datetime(2026, 10, 24, 22, tzinfo=UTC)
"""Midnight in Berlin, before the day of 25 hours."""


@dataclass(frozen=True)
class Kind:
    """A definition, what the table says of it, and the values of each key's rows, in order of the keys."""

    definition: dg.PartitionsDefinition[Any]
    settings: dict[str, Any]
    schema: dict[str, Any]
    rows: dict[str, list[Row]] = field(repr=False)
    dynamic: bool = False

    @property
    def keys(self) -> list[str]:
        return list(self.rows)

    def frame(self, keys: Sequence[str], version: int) -> pl.DataFrame:
        """The rows of some partitions, as a version of the user's code makes them."""
        rows = [row for key in keys for row in self.rows[key]]
        found = pl.DataFrame(rows, schema=self.schema, orient="row")
        return found.with_columns(pl.lit(version).alias("version"))

    def counted(self, versions: dict[str, int]) -> Counter[Row]:
        """What a table holds whose partitions were made by these versions."""
        return Counter((*row, version) for key, version in versions.items() for row in self.rows[key])


def _timed(
    definition: dg.PartitionsDefinition[Any], starts: Sequence[Any], last: timedelta
) -> dict[str, list[Row]]:
    """The first and the last moment of each partition."""
    keys = definition.get_partition_keys()
    return {key: [(start,), (start + last,)] for key, start in zip(keys, starts, strict=True)}


def _days(first: str, count: int, every: int = 1) -> list[datetime]:
    start = datetime.fromisoformat(first)
    return [start + timedelta(days=every * number) for number in range(count)]


def _static() -> Kind:
    return Kind(
        dg.StaticPartitionsDefinition(list(NAMES)),
        {"partition_columns": "region"},
        {"region": pl.String},
        {name: [(name,), (name,)] for name in NAMES},
    )


def _dynamic() -> Kind:
    return Kind(
        dg.DynamicPartitionsDefinition(name="shops"),
        {"partition_columns": {"any": "shop"}},
        {"shop": pl.Int64},
        {str(number): [(number,), (number,)] for number in (7, -3, 12)},
        dynamic=True,
    )


def _day_and_region() -> Kind:
    days = dg.DailyPartitionsDefinition("2026-01-01", end_date="2026-01-04")
    return Kind(
        dg.MultiPartitionsDefinition({"day": days, "area": dg.StaticPartitionsDefinition(["eu", "u's"])}),
        {"partitions": {"column": "date", "start": "2026-01-01"}, "partition_columns": {"area": "region"}},
        {"date": pl.Date, "region": pl.String},
        {
            f"{region}|{day}": [(date.fromisoformat(day), region)] * 2
            for day in ("2026-01-01", "2026-01-02", "2026-01-03")
            for region in ("eu", "u's")
        },
    )


def _two_names() -> Kind:
    definition = dg.MultiPartitionsDefinition(
        {"size": dg.StaticPartitionsDefinition(["1", "2"]), "kind": dg.StaticPartitionsDefinition(["a", "b"])}
    )
    return Kind(
        definition,
        {"partition_columns": ["kind", "size"]},
        {"kind": pl.String, "size": pl.Int64},
        {f"{kind}|{size}": [(kind, size)] for kind in ("a", "b") for size in (1, 2)},
    )


def _hours() -> Kind:
    definition = dg.HourlyPartitionsDefinition(
        "2026-10-25-00:00", end_date="2026-10-26-00:00", timezone="Europe/Berlin"
    )
    starts = [CLOCK_CHANGES + timedelta(hours=number) for number in range(25)]
    return Kind(
        definition,
        {"partitions": {"column": "at", "every": "hour", "start": "2026-10-25", "timezone": "Europe/Berlin"}},
        {"at": pl.Datetime("us", "UTC")},
        _timed(definition, starts, timedelta(minutes=59, seconds=59)),
    )


def _offset_days() -> Kind:
    definition = dg.DailyPartitionsDefinition(
        "2026-01-01", end_date="2026-01-04", hour_offset=2, minute_offset=30, end_offset=1
    )
    return Kind(
        definition,
        {"partitions": {"column": "at", "start": "2026-01-01T02:30:00"}},
        {"at": pl.Datetime("us")},
        _timed(
            definition,
            _days("2026-01-01T02:30:00", len(definition.get_partition_keys())),
            timedelta(hours=23),
        ),
    )


def _weeks() -> Kind:
    definition = dg.WeeklyPartitionsDefinition("2026-01-07", end_date="2026-01-28", day_offset=3)
    starts = [int(f"{day:%Y%m%d}") for day in _days("2026-01-07", 3, 7)]
    return Kind(
        definition,
        {"partitions": {"column": "week", "every": "week", "start": "2026-01-07"}},
        {"week": pl.Int64},
        {key: [(start,)] for key, start in zip(definition.get_partition_keys(), starts, strict=True)},
    )


def _months() -> Kind:
    definition = dg.MonthlyPartitionsDefinition("2026-01-01", end_date="2026-04-01")
    starts = [date(2026, month, 1) for month in (1, 2, 3)]
    return Kind(
        definition,
        {"partitions": {"column": "day", "start": "2026-01-01"}},
        {"day": pl.Date},
        _timed(definition, starts, timedelta(days=27)),
    )


def _quarters_of_days() -> Kind:
    definition = dg.TimeWindowPartitionsDefinition(
        start="2026-01-01-00:00", end="2026-01-02-00:00", fmt="%Y-%m-%d-%H:%M", cron_schedule="0 */6 * * *"
    )
    starts = [datetime(2026, 1, 1, hour) for hour in (0, 6, 12, 18)]  # noqa: DTZ001 - the column has no zone
    return Kind(
        definition,
        {"partitions": {"column": "at", "every": "hour", "start": "2026-01-01"}},
        {"at": pl.Datetime("us")},
        _timed(definition, starts, timedelta(hours=5, minutes=59)),
    )


def _quarters_of_hours() -> Kind:
    definition = dg.TimeWindowPartitionsDefinition(
        start="2026-01-01-00:00", end="2026-01-01-01:00", fmt="%Y-%m-%d-%H:%M", cron_schedule="*/15 * * * *"
    )
    keys = [f"2026-01-01-00:{minute:02d}" for minute in (0, 15, 30, 45)]
    return Kind(
        definition,
        {"partition_columns": "slot"},
        {"slot": pl.String},
        {key: [(key,), (key,)] for key in keys},
    )


def _weekdays() -> Kind:
    """Friday, Monday and Tuesday: a range in one run has a gap."""
    with warnings.catch_warnings():
        # The parameter is of late; here it is the user who has chosen it.
        warnings.simplefilter("ignore")
        definition = dg.DailyPartitionsDefinition(
            "2026-01-02",
            end_date="2026-01-07",
            exclusions=[datetime(2026, 1, day, tzinfo=UTC) for day in (3, 4)],
        )
    days = [date(2026, 1, day) for day in (2, 5, 6)]
    return Kind(
        definition,
        {"partitions": {"column": "day", "start": "2026-01-01"}},
        {"day": pl.Date},
        _timed(definition, days, timedelta()),
    )


KINDS: dict[str, Callable[[], Kind]] = {
    "static": _static,
    "dynamic": _dynamic,
    "day and region": _day_and_region,
    "two names": _two_names,
    "hours": _hours,
    "offset days": _offset_days,
    "weeks": _weeks,
    "months": _months,
    "quarters of days": _quarters_of_days,
    "quarters of hours": _quarters_of_hours,
    "weekdays": _weekdays,
}


def _delta(lake: Lake, name: str) -> pa.Table:
    return lake.delta(name).to_pyarrow_table()


def _iceberg(lake: Lake, name: str) -> pa.Table:
    listing = lake.client.list_objects_v2(Bucket=lake.bucket, Prefix=f"base/{name}/metadata/v")
    keys = [item["Key"] for item in listing["Contents"] if item["Key"].endswith(".metadata.json")]
    newest = max(keys, key=lambda key: int(key.rpartition("/v")[2].partition(".")[0]))
    properties = {
        "s3.endpoint": lake.endpoint,
        "s3.access-key-id": "test",
        "s3.secret-access-key": "test",
        "s3.region": "us-east-1",
    }
    return StaticTable.from_metadata(f"s3://{lake.bucket}/{newest}", properties).scan().to_arrow()


def _parquet(lake: Lake, name: str) -> pa.Table:
    host = lake.endpoint.removeprefix("http://")
    files = pyarrow.fs.S3FileSystem(
        access_key="test", secret_key="test", endpoint_override=host, scheme="http", region="us-east-1"
    )
    folder = f"{lake.bucket}/base/{name}"
    selector = pyarrow.fs.FileSelector(folder, recursive=True)
    paths = [each.path for each in files.get_file_info(selector) if each.path.endswith(".parquet")]
    return pyarrow.dataset.dataset(
        paths, format="parquet", filesystem=files, partition_base_dir=folder, partitioning="hive"
    ).to_table()


def _jsonl(lake: Lake, name: str) -> pa.Table:
    root, rows = f"base/{name}/", []
    for each in lake.client.list_objects_v2(Bucket=lake.bucket, Prefix=root)["Contents"]:
        path = each["Key"].removeprefix(root)
        if not path.endswith(".jsonl.gz"):
            continue
        named = (folder.partition("=") for folder in path.split("/")[:-1])
        folders = {unquote(column): unquote(value) for column, _, value in named}
        body = lake.client.get_object(Bucket=lake.bucket, Key=each["Key"])["Body"].read()
        rows += [{**folders, **json.loads(line)} for line in gzip.decompress(body).splitlines()]
    return pa.Table.from_pylist(rows)


FORMATS: dict[str, tuple[dict[str, str], Callable[[Lake, str], pa.Table]]] = {
    "delta": ({"path": "marts/kept"}, _delta),
    "iceberg": ({"warehouse_path": "marts/kept"}, _iceberg),
    "parquet": ({"path": "marts/kept"}, _parquet),
    "jsonl": ({"path": "marts/kept"}, _jsonl),
}


def held(lake: Lake, format_: str, kind: Kind, name: str = "marts/kept") -> Counter[Row]:
    """The rows of a table as a reader has them that is not ours."""
    found = FORMATS[format_][1](lake, name).to_pylist()
    return Counter(tuple(_typed(row[column]) for column in (*kind.schema, "version")) for row in found)


def _typed(value: Any) -> Any:
    """A date that is told by a folder alone is a text to pyarrow."""
    if isinstance(value, str):
        try:
            return date.fromisoformat(value) if len(value) == len("2026-01-01") else value
        except ValueError:
            return value
    return value
