"""The settings of each format, imported when one of its tables is looked at: models take long to make."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from s3_assets.tables.settings import TableSettings

_CLASSES = {
    "avro": "s3_assets.tables.settings:AvroSettings",
    "csv": "s3_assets.tables.text_settings:CsvSettings",
    "delta": "s3_assets.tables.settings:DeltaSettings",
    "iceberg": "s3_assets.tables.iceberg_settings:IcebergSettings",
    "json": "s3_assets.tables.text_settings:JsonSettings",
    "jsonl": "s3_assets.tables.text_settings:JsonLinesSettings",
    "parquet": "s3_assets.tables.settings:ParquetSettings",
    "tsv": "s3_assets.tables.text_settings:TsvSettings",
}


def settings_of(kind: str) -> type[TableSettings]:
    """Return the class of a format's settings."""
    module, _, name = _CLASSES[kind].partition(":")
    found: type[TableSettings] = getattr(import_module(module), name)
    return found
