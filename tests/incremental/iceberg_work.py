"""What the children of the zygote do with Iceberg tables: the work of `work`, with another target."""

from datetime import date
from typing import Any

import polars as pl

from s3_assets.connection import S3Connection, ServiceEndpoints
from s3_assets.connection.catalogs import GlueCatalogSettings
from s3_assets.incremental.append import append_new
from s3_assets.incremental.overwrite import overwrite
from s3_assets.tables.iceberg_settings import IcebergSettings
from s3_assets.tables.open import open_table
from s3_assets.tables.table import Table
from tests.incremental import work

FOLDER = "table/"


def connection(endpoint: str, bucket: str, retries: int = 3, *, glue: bool = False) -> S3Connection:
    plain = work.connection(endpoint, bucket, retries)
    if not glue:
        return plain
    return plain.model_copy(
        update={"catalog": GlueCatalogSettings(), "service_endpoints": ServiceEndpoints(glue=endpoint)}
    )


def table(where: S3Connection, name: str | None, *, flat: bool = False) -> Table[Any]:
    """The table without a catalog, or of that name in Glue; a flat one has no partition fields."""
    placed: dict[str, Any] = {"table": name, "path": FOLDER} if name else {"warehouse_path": FOLDER}
    settings = IcebergSettings(
        connection="s3", partitions=work.PARTITIONS, partition_by=() if flat else None, **placed
    )
    return open_table("sales", settings, where)


def import_new(
    endpoint: str, bucket: str, source_bucket: str, format_: str, name: str | None = None, retries: int = 3
) -> dict[str, Any]:
    """Append what is new; say what happened."""
    source = (
        table(connection(endpoint, source_bucket, retries), None)
        if format_ == "iceberg"
        else work.source(format_, work.connection(endpoint, source_bucket, retries))
    )
    target = table(connection(endpoint, bucket, retries, glue=name is not None), name)
    return work.describe(append_new(target, work.STREAM, source))


def replace_all(
    endpoint: str, bucket: str, rows: list[tuple[int, date, str]], name: str | None, *, flat: bool
) -> None:
    """Make these the table's rows, in one file if it is flat."""
    frame = pl.LazyFrame(rows, schema={"id": pl.Int64, "day": pl.Date, "text": pl.String}, orient="row")
    target = table(connection(endpoint, bucket, glue=name is not None), name, flat=flat)
    overwrite(target, frame, window=None)


def foreign_append(endpoint: str, name: str, first: int, rows: int) -> None:
    """What PyIceberg alone does: append rows of a day far off to a table of Glue; it tries again itself."""
    from tests.incremental.iceberg_ground import glue_catalog

    table = glue_catalog(endpoint).load_table(name)
    numbers = list(range(first, first + rows))
    frame = pl.DataFrame(
        {"id": numbers, "day": [date(2027, 1, 1)] * rows, "text": [f"row {n}" for n in numbers]}
    )
    table.append(frame.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(table.schema().as_arrow()))


def overwrite_day(
    endpoint: str,
    bucket: str,
    day: str,
    first: int,
    rows: int,
    name: str | None = None,
    *,
    flat: bool = False,
    retries: int = 3,
) -> int:
    """Replace one day by so many rows, numbered from `first`."""
    which = date.fromisoformat(day)
    numbers = list(range(first, first + rows))
    frame = pl.LazyFrame({"id": numbers, "day": [which] * rows, "text": [f"row {n}" for n in numbers]})
    target = table(connection(endpoint, bucket, retries, glue=name is not None), name, flat=flat)
    return overwrite(target, frame, window=work.day_window(which)).commit.rows
