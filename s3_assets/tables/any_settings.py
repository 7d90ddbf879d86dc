"""The settings of a table of any format, told apart by `format`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from s3_assets.tables.iceberg_settings import IcebergSettings
from s3_assets.tables.settings import AvroSettings, DeltaSettings, ParquetSettings
from s3_assets.tables.text_settings import CsvSettings, JsonLinesSettings, JsonSettings, TsvSettings

AnyTableSettings = Annotated[
    DeltaSettings
    | IcebergSettings
    | ParquetSettings
    | AvroSettings
    | CsvSettings
    | TsvSettings
    | JsonLinesSettings
    | JsonSettings,
    Field(discriminator="format"),
]
