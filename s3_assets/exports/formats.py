"""The formats of exported files: what an export declares of them, without I/O."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import Field, TypeAdapter, field_validator, model_validator

from s3_assets.exports.any_format import Format
from s3_assets.exports.text_formats import CsvFormat, JsonLinesFormat

__all__ = [
    "NAMES",
    "AvroFormat",
    "CsvFormat",
    "ExportFormat",
    "JsonLinesFormat",
    "ParquetFormat",
    "export_format",
]


class ParquetFormat(Format):
    """Parquet."""

    format: Literal["parquet"] = "parquet"
    compression: Literal["zstd", "snappy", "lz4", "gzip", "brotli", "uncompressed"] = Field(
        default="zstd", description="Of the data pages."
    )
    compression_level: int | None = Field(
        default=None,
        description="Of zstd (1 to 22), gzip (0 to 9) or brotli (0 to 11); left out: the engine's own.",
    )
    row_group_rows: int = Field(default=131_072, ge=1, description="Rows of a row group, at most.")
    page_bytes: int | None = Field(
        default=None, ge=1024, description="Of a data page, before compression; about."
    )
    statistics: bool = Field(
        default=True, description="Smallest, largest and number of nulls in each row group."
    )

    @model_validator(mode="after")
    def _known_level(self) -> Self:
        levels = {"zstd": range(1, 23), "gzip": range(10), "brotli": range(12)}.get(self.compression)
        if self.compression_level is None or (levels and self.compression_level in levels):
            return self
        found = f"{levels[0]} to {levels[-1]}" if levels else "no levels"
        raise ValueError(f"{self.compression} has {found}, not {self.compression_level}")

    @property
    def extension(self) -> str:
        """Return parquet."""
        return "parquet"

    @property
    def content_type(self) -> str:
        """As registered with IANA."""
        return "application/vnd.apache.parquet"


class AvroFormat(Format):
    """Avro object container files."""

    format: Literal["avro"] = "avro"
    codec: Literal["null", "deflate", "snappy", "zstandard", "bzip2", "xz"] = Field(
        default="snappy", description="Every reader knows null and deflate, and nearly every one snappy."
    )
    record: str = Field(default="row", description="The name of the rows' record type.")
    namespace: str | None = Field(
        default=None, description="The namespace of all names, such as org.example."
    )

    @field_validator("record", "namespace")
    @classmethod
    def _avro_name(cls, name: str | None) -> str | None:
        if name is not None and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*", name):
            raise ValueError(f"'{name}' is no name of Avro: letters, digits and underscores, joined by dots")
        return name

    @property
    def extension(self) -> str:
        """Return avro."""
        return "avro"

    @property
    def content_type(self) -> str:
        """What most software calls it; none is registered."""
        return "application/avro"


ExportFormat = Annotated[
    CsvFormat | JsonLinesFormat | ParquetFormat | AvroFormat, Field(discriminator="format")
]
"""A format with its options; `format` tells which."""

NAMES = ("csv", "csv.gz", "jsonl", "jsonl.gz", "parquet", "avro")
"""What formats are called in short, which is how their files end."""


def export_format(name: str, **options: object) -> CsvFormat | JsonLinesFormat | ParquetFormat | AvroFormat:
    """Return a format by its short name, such as csv.gz; raises pydantic's `ValidationError`."""
    plain, packed, _ = name.partition(".gz")
    told = {"format": plain, **({"compression": "gzip"} if packed else {}), **options}
    return TypeAdapter[CsvFormat | JsonLinesFormat | ParquetFormat | AvroFormat](
        ExportFormat
    ).validate_python(told)
