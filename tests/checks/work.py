"""Tables with checks, and what the children of the zygote do with them."""

from datetime import date
from typing import Any

from obstore.store import S3Store

from s3_assets.errors import CheckFailedError
from s3_assets.incremental.append import append_new
from s3_assets.tables.check_settings import ChecksSettings
from s3_assets.tables.iceberg_settings import IcebergSettings
from s3_assets.tables.open import open_table
from s3_assets.tables.settings import (
    DeltaSettings,
    ParquetSettings,
    Partitions,
    PreviewSettings,
    TableSettings,
)
from s3_assets.tables.table import Table
from tests.incremental.work import connection

PARTITIONS = Partitions(column="day", start=date(2026, 1, 1))
STREAM = "sales/orders"
SOUND = {"before_commit": True, "unique": {"columns": ["id"], "against": "table"}, "not_null": ["id", "text"]}


def table(
    endpoint: str,
    bucket: str,
    format_: str,
    path: str,
    checks: dict[str, Any] | None,
    *,
    rows: int = 0,
    **more: Any,
) -> Table[Any]:
    """Open a table; `rows` of it may be shown."""
    shared: dict[str, Any] = {
        "connection": "s3",
        "partitions": PARTITIONS,
        "checks": ChecksSettings.model_validate(checks) if checks else None,
        "preview": PreviewSettings(rows=rows),
        **more,
    }
    settings: TableSettings
    if format_ == "iceberg":
        settings = IcebergSettings(warehouse_path=path, **shared)
    elif format_ == "delta":
        settings = DeltaSettings(path=path, **shared)
    else:
        settings = ParquetSettings(path=path, **shared)
    found = open_table("sales", settings, connection(endpoint, bucket))
    found.shown = settings.preview
    return found


def store(endpoint: str, bucket: str) -> S3Store:
    """The bucket as another program reaches it."""
    return S3Store(
        bucket,
        endpoint=endpoint,
        region="us-east-1",
        access_key_id="test",
        secret_access_key="test",
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
    )


def import_checked(endpoint: str, bucket: str, source_path: str, prefix: str) -> int:
    """Append what is new of a folder to a table with checks; return the number of rows."""
    where = connection(endpoint, bucket)
    source = open_table("orders", ParquetSettings(connection="s3", path=source_path), where)
    return append_new(table(endpoint, bucket, "delta", prefix, SOUND), STREAM, source).rows


def import_beside_another(endpoint: str, bucket: str, format_: str, source_path: str, prefix: str) -> str:
    """Append a folder, by a stream of its own, to a table of unique ids; tell what became of it."""
    source = open_table(
        "orders", ParquetSettings(connection="s3", path=source_path), connection(endpoint, bucket)
    )
    target = table(endpoint, bucket, format_, prefix, SOUND)
    try:
        append_new(target, f"sales/{source_path.rstrip('/')}", source)
    except CheckFailedError:
        return "refused"
    return "committed"
