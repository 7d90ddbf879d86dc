"""What is said of folders of text files: compression, charset, dialect, and what becomes of bad rows."""

from __future__ import annotations

import codecs
from typing import Literal

from pydantic import Field, field_validator, model_validator

from s3_assets.relative_path import RelativePath  # noqa: TC001 - pydantic reads it when the class is made
from s3_assets.tables.settings import FolderSettings

Compression = Literal[
    "auto", "none", "gzip", "bzip2", "zip", "zstd", "tar", "tar.gzip", "tar.bzip2", "tar.zstd"
]

_PACKED = ("", ".gz", ".bz2", ".zip", ".zst", ".tar", ".tar.gz", ".tar.bz2", ".tar.zst", ".tgz")


def _suffixes(*plain: str) -> tuple[str, ...]:
    return tuple(f"{name}{packed}" for name in plain for packed in _PACKED)


class TextSettings(FolderSettings):
    """What all text formats share."""

    compression: Compression = Field(
        default="auto",
        description="auto looks at each file's first bytes, whatever its name. Each member of an archive is "
        "a file of its own.",
    )
    charset: str = Field(
        default="auto",
        description="A charset that Python knows, such as utf-16-le or latin-1; auto: the byte order mark's, "
        "else UTF-8.",
    )
    formats: dict[str, str] = Field(
        default_factory=dict,
        description="Column to the strftime format of its dates, times or timestamps; left out: ISO 8601.",
    )
    on_bad_row: Literal["fail", "skip", "quarantine"] = Field(
        default="fail",
        description="fail names file, line and column; skip leaves such rows out and counts them; quarantine "
        "also keeps them, as JSON Lines.",
    )
    quarantine_path: RelativePath | None = Field(
        default=None,
        description="Folder below the connection's url for quarantined rows; left out: "
        "_s3_assets/quarantine below the table.",
    )

    @field_validator("charset")
    @classmethod
    def _known_charset(cls, name: str) -> str:
        if name == "auto":
            return name
        try:
            codecs.getincrementaldecoder(name)
            "".encode(name)  # codecs that are no charset, such as hex, refuse text
        except LookupError as error:
            raise ValueError(f"'{name}' is no charset that Python knows") from error
        return name


class DelimitedSettings(TextSettings):
    """What CSV and TSV share."""

    delimiter: str = Field(default=",", description="What stands between two values.")
    quote: str | None = Field(default='"', description="Doubled inside quotes; null: nothing is quoted.")
    escape: str | None = Field(default=None, description="The character before one that means itself.")
    header: bool = Field(default=True, description="Whether the first row has the names of the columns.")
    skip_lines: int = Field(default=0, ge=0, description="Lines before the header or the first row.")
    comment: str | None = Field(
        default=None, min_length=1, description="Lines that begin like this are no rows."
    )
    null_values: tuple[str, ...] = Field(
        default=("",),
        description="Values that are null; in a column of strings only where they stand without quotes.",
    )

    @field_validator("delimiter", "quote", "escape")
    @classmethod
    def _one_character(cls, text: str | None) -> str | None:
        if text is not None and (len(text) != 1 or not text.isascii() or text in "\r\n"):
            raise ValueError(f"{text!r} is not one ASCII character other than a line break")
        return text

    @model_validator(mode="after")
    def _different(self) -> DelimitedSettings:
        named = [text for text in (self.delimiter, self.quote, self.escape) if text is not None]
        if len(set(named)) < len(named):
            raise ValueError(
                "delimiter, quote and escape have to differ; a doubled quote needs no escape to be read"
            )
        return self


class CsvSettings(DelimitedSettings):
    """A folder of CSV files."""

    format: Literal["csv"] = "csv"
    suffixes: tuple[str, ...] = Field(default=_suffixes(".csv"), description="Names that are data.")


class TsvSettings(DelimitedSettings):
    """A folder of TSV files."""

    format: Literal["tsv"] = "tsv"
    delimiter: str = Field(default="\t", description="What stands between two values.")
    suffixes: tuple[str, ...] = Field(default=_suffixes(".tsv", ".tab"), description="Names that are data.")


class ObjectsSettings(TextSettings):
    """What JSON and JSON Lines share."""

    on_extra_field: Literal["note", "fail", "ignore"] = Field(
        default="note",
        description="What a read of all columns does with fields that are none: note counts them, by name.",
    )


class JsonLinesSettings(ObjectsSettings):
    """A folder of files with one JSON object to a line."""

    format: Literal["jsonl"] = "jsonl"
    suffixes: tuple[str, ...] = Field(
        default=_suffixes(".jsonl", ".ndjson"), description="Names that are data."
    )


class JsonSettings(ObjectsSettings):
    """A folder of files of JSON objects, in one array or one after the other."""

    format: Literal["json"] = "json"
    suffixes: tuple[str, ...] = Field(default=_suffixes(".json"), description="Names that are data.")
