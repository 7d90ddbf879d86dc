"""From settings to a table: each format is imported when one of its tables is opened."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from s3_assets.connection.settings import S3Connection
    from s3_assets.tables.settings import TableSettings
    from s3_assets.tables.table import Capability, Table

_CLASSES = {
    "avro": "s3_assets.tables.avro:AvroTable",
    "csv": "s3_assets.tables.text_csv:CsvTable",
    "delta": "s3_assets.tables.delta:DeltaTable",
    "iceberg": "s3_assets.tables.iceberg:IcebergTable",
    "json": "s3_assets.tables.text_json:JsonTable",
    "jsonl": "s3_assets.tables.text_json:JsonLinesTable",
    "parquet": "s3_assets.tables.parquet:ParquetTable",
    "tsv": "s3_assets.tables.text_csv:CsvTable",
}


def open_table(name: str, settings: TableSettings, connection: S3Connection) -> Table[Any]:
    """Return the table of that name; nothing is read."""
    table: Table[Any] = _table_class(settings)(name, settings, connection)
    return table


def capabilities(settings: TableSettings) -> frozenset[Capability]:
    """Return what the format of these settings can do."""
    return _table_class(settings).capabilities


def _table_class(settings: TableSettings) -> type[Table[Any]]:
    module, _, class_name = _CLASSES[type(settings).model_fields["format"].default].partition(":")
    found: type[Table[Any]] = getattr(import_module(module), class_name)
    return found
