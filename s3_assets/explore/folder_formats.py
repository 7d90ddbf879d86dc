"""The formats that are folders of files, and the settings of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.tables.settings import AvroSettings, ParquetSettings
from s3_assets.tables.text_settings import CsvSettings, JsonLinesSettings, JsonSettings, TsvSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from s3_assets.tables.settings import FolderSettings

FOLDERS: Mapping[str, type[FolderSettings]] = {
    "avro": AvroSettings,
    "csv": CsvSettings,
    "json": JsonSettings,
    "jsonl": JsonLinesSettings,
    "parquet": ParquetSettings,
    "tsv": TsvSettings,
}
