"""From settings to a table: each format is imported when one of its tables is opened."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from s3_assets.connection.settings import S3Connection
    from s3_assets.tables.settings import TableSettings
    from s3_assets.tables.table import Table

_CLASSES = {
    "delta": "s3_assets.tables.delta:DeltaTable",
    "parquet": "s3_assets.tables.parquet:ParquetTable",
}


def open_table(name: str, settings: TableSettings, connection: S3Connection) -> Table[Any]:
    """Return the table of that name; nothing is read."""
    module, _, class_name = _CLASSES[type(settings).model_fields["format"].default].partition(":")
    table: Table[Any] = getattr(import_module(module), class_name)(name, settings, connection)
    return table
