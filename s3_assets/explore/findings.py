"""What was found, why it is believed, and what the sample could not tell."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from s3_assets.objects import ObjectInfo


FIRST_FILES = 10
"""Of a folder so many are looked at by whoever wants to see its columns, or a few rows."""

NAMELESS = ""
"""The name of a table that was found at a URL: errors tell its place alone."""


@dataclass(frozen=True)
class Finding:
    """One choice: the field of the table's settings that it is about, and the evidence for it.

    `doubt` is a choice that the sample does not force: another one would read it as well.
    """

    about: str
    evidence: str
    doubt: bool = False


@dataclass(frozen=True)
class Guess:
    """A table as it seems to be: settings other than the defaults, columns, and the evidence."""

    settings: Mapping[str, Any]
    columns: pl.Schema
    findings: tuple[Finding, ...]
    looked_at: str
    files: tuple[str, ...] = ()
    """The URLs of the files that were opened."""

    single: str | None = None
    """The name of the one file that was asked for."""

    first: tuple[ObjectInfo, ...] = ()
    """The first data files of a folder, `FIRST_FILES` at most."""

    @property
    def path(self) -> str:
        """The table's folder below the connection's url."""
        return str(self.settings.get("path", self.settings.get("warehouse_path", "")))


@dataclass
class TextGuess:
    """The settings of a text table other than the defaults, as far as its text tells them."""

    format: str
    settings: dict[str, Any] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    types: dict[str, pl.DataType] = field(default_factory=dict)
    """Of delimited text: the columns that have values, and their types."""

    def set(self, name: str, value: object, default: object) -> None:
        """Keep a setting that is not the default."""
        if value != default:
            self.settings[name] = value
