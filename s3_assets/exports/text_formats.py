"""The formats of text, and how each spells what it holds."""

from __future__ import annotations

import codecs
import re
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from s3_assets.exports.any_format import Format

# What Polars' formats are made of: chrono's specifiers, https://docs.rs/chrono/latest/chrono/format/strftime/.
_SPECIFIER = re.compile(r"%(?:[-_0]?[aAbBcCdDeFgGhHIjklmMnpPqrRsSTtuUvVwWxXyYzZ+%]|\.?[369]?f|:{1,3}z)")
_STRANGE = "'{layout}' has a % that is no format of strftime"


class _TextFormat(Format):
    """What both text formats share."""

    compression: Literal["none", "gzip"] = Field(
        default="none", description="gzip adds .gz to the name; the file is made of several members."
    )
    compression_level: int | None = Field(
        default=None,
        ge=1,
        le=9,
        description="zlib's level; left out: ISA-L, several times as fast, about as small as zlib's level 2.",
    )
    formats: dict[str, str] = Field(
        default_factory=dict,
        description="Column to the strftime format of its times; goes before those of the types.",
    )
    date_format: str | None = Field(default=None, description="strftime; left out: ISO 8601.")
    time_format: str | None = Field(default=None, description="strftime; left out: ISO 8601.")
    timestamp_format: str | None = Field(
        default=None,
        description="strftime; left out: ISO 8601, with a zone in UTC and +00:00. One without %z writes "
        "the wall clock of the column's.",
    )
    durations: Literal["count", "iso"] = Field(
        default="count", description="count: the number of the column's units; iso: ISO 8601, such as PT1.5S."
    )
    binary: Literal["refuse", "base64", "hex"] = Field(
        default="refuse", description="What becomes of columns of bytes."
    )

    @field_validator("date_format", "time_format", "timestamp_format")
    @classmethod
    def _one_format(cls, layout: str | None) -> str | None:
        return layout if layout is None else _checked(layout)

    @field_validator("formats")
    @classmethod
    def _each_format(cls, formats: dict[str, str]) -> dict[str, str]:
        return {column: _checked(layout) for column, layout in formats.items()}

    @model_validator(mode="after")
    def _packed(self) -> Self:
        if self.compression == "none" and self.compression_level is not None:
            raise ValueError("compression_level has no meaning without compression: gzip")
        return self

    @property
    def _packed_ending(self) -> str:
        return ".gz" if self.compression == "gzip" else ""


class CsvFormat(_TextFormat):
    """Delimited text, csv or csv.gz."""

    format: Literal["csv"] = "csv"
    delimiter: str = Field(default=",", description=r"One ASCII character, such as ; or \t.")
    quote: str = Field(default='"', description="One ASCII character; doubled inside of quotes.")
    quote_style: Literal["necessary", "non_numeric", "always", "never"] | None = Field(
        default=None,
        description="Left out: necessary, or non_numeric if null_value is a text, so that texts like it "
        "stand in quotes. never: rows whose texts need quotes are refused. always: nulls are quoted, too.",
    )
    header: bool = Field(default=True, description="Whether each file begins with the names of the columns.")
    null_value: str = Field(
        default="", description="What a null is; a number that looks like it reads as null, too."
    )
    line_end: Literal["lf", "crlf"] = Field(default="lf", description="What ends a line.")
    charset: str = Field(
        default="utf-8", description="A charset that Python knows, such as utf-16 or latin-1."
    )
    byte_order_mark: bool = Field(
        default=False, description="Whether files in UTF-8 begin with one: for Excel."
    )
    booleans: tuple[str, str] = Field(
        default=("true", "false"), description="The texts of true and of false."
    )
    float_precision: int | None = Field(
        default=None,
        ge=0,
        le=300,
        description="Digits behind the point; left out: as many as give the float.",
    )
    float_notation: Literal["shortest", "plain", "scientific"] = Field(
        default="shortest", description="plain: never with an exponent; scientific: always."
    )
    decimal_comma: bool = Field(default=False, description="1,5 instead of 1.5 in floats and decimals.")

    @field_validator("delimiter", "quote")
    @classmethod
    def _one_character(cls, text: str) -> str:
        if len(text) != 1 or not text.isascii() or text in "\r\n":
            raise ValueError(f"{text!r} is not one ASCII character other than a line break")
        if text.isalnum() or text in "+-.:":
            raise ValueError(f"numbers, booleans and times are made of {text!r}, too")
        return text

    @field_validator("null_value")
    @classmethod
    def _plain_null(cls, text: str) -> str:
        if re.search(r"[\r\n]", text):
            raise ValueError(f"{text!r} has a line break")
        return text

    @field_validator("charset")
    @classmethod
    def _known_charset(cls, name: str) -> str:
        try:
            "".encode(name)  # codecs that are no charset, such as hex, refuse text
            return codecs.lookup(name).name
        except LookupError as error:
            raise ValueError(f"'{name}' is no charset that Python knows") from error

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.delimiter == self.quote:
            raise ValueError("delimiter and quote have to differ")
        if self.delimiter in self.null_value or self.quote in self.null_value:
            raise ValueError(f"null_value {self.null_value!r} has the delimiter or the quote in it")
        if self.booleans[0] == self.booleans[1]:
            raise ValueError(f"booleans are both {self.booleans[0]!r}")
        if self.byte_order_mark and self.charset != "utf-8":
            raise ValueError("byte_order_mark is for utf-8; utf-16 and utf-32 have one by themselves")
        return self

    @property
    def extension(self) -> str:
        """Return csv or csv.gz."""
        return f"csv{self._packed_ending}"

    @property
    def content_type(self) -> str:
        """text/csv (RFC 7111) with charset and header, or application/gzip (RFC 6713)."""
        if self.compression == "gzip":
            return "application/gzip"
        charset = re.sub(r"^iso(?=\d)", "iso-", re.sub(r"^cp(?=125\d)", "windows-", self.charset))
        return f"text/csv; charset={charset}; header={'present' if self.header else 'absent'}"


class JsonLinesFormat(_TextFormat):
    """One JSON object to a line, jsonl or jsonl.gz."""

    format: Literal["jsonl"] = "jsonl"
    not_finite: Literal["refuse", "null"] = Field(
        default="refuse", description="What becomes of floats that are NaN or infinite, which JSON lacks."
    )
    float_precision: int | None = Field(
        default=None, ge=0, le=300, description="Floats are rounded to so many digits behind the point."
    )

    @property
    def extension(self) -> str:
        """Return jsonl or jsonl.gz."""
        return f"jsonl{self._packed_ending}"

    @property
    def content_type(self) -> str:
        """What most software calls it, or application/gzip (RFC 6713)."""
        return "application/gzip" if self.compression == "gzip" else "application/x-ndjson"


def _checked(layout: str) -> str:
    if "%" in _SPECIFIER.sub("", layout):
        raise ValueError(_STRANGE.format(layout=layout))
    return layout
