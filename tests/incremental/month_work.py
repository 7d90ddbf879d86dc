"""One run of the import of a month, as a process of its own does it."""

from typing import Any

from s3_assets.connection import S3Connection, ServiceEndpoints
from s3_assets.connection.catalogs import GlueCatalogSettings
from s3_assets.movement.imports import Import, ImportMode
from s3_assets.tables.iceberg_settings import IcebergSettings
from s3_assets.tables.open import open_table
from s3_assets.tables.positions import Limit
from s3_assets.tables.settings import DeltaSettings, ParquetSettings, TableSettings
from s3_assets.tables.table import Table
from s3_assets.tables.text_settings import JsonLinesSettings
from tests.incremental import work

SOURCE, TARGET = "source/", "target/"
# JSON says no types; what is declared may be in no file yet.
COLUMNS = {
    "id": "Int64",
    "day": "Date",
    "text": "String",
    "amount": "Int64",
    "note": "String",
    "remark": "String",
}


def run(
    endpoint: str, bucket: str, source: str, target: str, mode: str, *, files: int | None = None
) -> dict[str, Any]:
    """Import once, at most so many files at a time; say what happened."""
    where = connection(endpoint, bucket)
    job = Import(
        "month",
        _source(source, where, bucket),
        _target(target, where, bucket),
        ImportMode(mode),
        key=("id",) if mode == "mirror" else (),
        on_gap="full_refresh",
        limit=Limit(files=files) if files else None,
    )
    outcome = job.run()
    return {**work.describe(outcome), "notes": list(outcome.notes)}


def connection(endpoint: str, bucket: str) -> S3Connection:
    """The bucket, with Glue beside it."""
    glue = {"catalog": GlueCatalogSettings(), "service_endpoints": ServiceEndpoints(glue=endpoint)}
    return work.connection(endpoint, bucket).model_copy(update=glue)


def glue_name(bucket: str, role: str) -> str:
    """The table's name in Glue: a bucket is one month's."""
    return f"months.{role}_{bucket.replace('-', '_')}"


def _source(kind: str, where: S3Connection, bucket: str) -> Table[Any]:
    format_, _, how = kind.partition("-")
    policies: dict[str, Any] = {"incremental": how}
    if how != "path_order":
        policies |= {"on_rewritten": "ignore", "on_deleted": "ignore"}
    settings: TableSettings
    if format_ == "delta":
        settings = DeltaSettings(connection="s3", path=SOURCE)
    elif format_ == "iceberg":
        settings = IcebergSettings(connection="s3", path=SOURCE, table=glue_name(bucket, "source"))
    elif format_ == "jsonl":
        settings = JsonLinesSettings(connection="s3", path=SOURCE, columns=COLUMNS, **policies)
    else:
        settings = ParquetSettings(connection="s3", path=SOURCE, **policies)
    return open_table("orders", settings, where)


def _target(kind: str, where: S3Connection, bucket: str) -> Table[Any]:
    settings: TableSettings
    if kind == "delta":
        settings = DeltaSettings(connection="s3", path=TARGET, partitions=work.PARTITIONS)
    elif kind == "iceberg":
        name = glue_name(bucket, "target")
        settings = IcebergSettings(connection="s3", path=TARGET, table=name, partitions=work.PARTITIONS)
    else:
        settings = ParquetSettings(connection="s3", path=TARGET, partitions=work.PARTITIONS)
    return open_table("sales", settings, where)
