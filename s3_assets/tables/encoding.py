"""How rows become the bytes of a file, where the engine's own writer does not tell what it wrote.

A format says what its files are made of; the engine says which rows go into which file, and sends the bytes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl


class Encoder(ABC):
    """One file, written from its start to its end."""

    @abstractmethod
    def encode(self, rows: pl.DataFrame) -> bytes:
        """Return the bytes of some more rows; raises `RowsRefusedError` for values that have no spelling."""

    @abstractmethod
    def end(self) -> bytes:
        """Return the last bytes of the file."""


class Encoding(ABC):
    """What the files of one table are made of."""

    suffix: str
    """How the names of the files end."""

    @abstractmethod
    def refuse(self, columns: pl.Schema) -> None:
        """Raise `SchemaMismatchError` for columns that the files cannot hold: by name, with a remedy."""

    @abstractmethod
    def encoder(self, columns: pl.Schema) -> Encoder:
        """Return what writes one file of rows with these columns."""
