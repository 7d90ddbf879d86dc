"""Portions: some of a plan's rows, said so that another process can read them with a connection of its own.

A frame cannot be sent: it holds keys to the bucket. A portion names files, columns and settings, and the
connection says where its secrets are kept; whoever reads the portion asks there.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any, TypeVar

from s3_assets.tables.open import open_table

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl

    from s3_assets.connection.settings import S3Connection
    from s3_assets.tables.reading import Reading
    from s3_assets.tables.settings import TableSettings
    from s3_assets.tables.table import Table

Item = TypeVar("Item")


@dataclass(frozen=True)
class TableReference:
    """A table as it is declared: what another process opens."""

    name: str
    settings: TableSettings
    connection: S3Connection

    @classmethod
    def of(cls, table: Table[Any]) -> TableReference:
        """Return what an open table was declared as."""
        return cls(table.name, table.settings, table.connection)

    def open(self) -> Table[Any]:
        """Return the table; nothing is read."""
        return open_table(self.name, self.settings, self.connection)


@dataclass(frozen=True)
class Portion(ABC):
    """Some of a plan's rows: whole files of it, in its order."""

    table: TableReference
    files: int
    bytes: int

    @abstractmethod
    def read(self, reading: Reading) -> pl.LazyFrame:
        """Return the rows, lazily, in the columns of the plan; `reading` is told what was left out of them.

        The frames of all portions together hold the rows of the plan's frame, each of them once.
        """


Cut = Callable[[int], Sequence[Portion]]
"""Cuts the rows of a plan into portions of about so many bytes of files; a file is never cut."""


def shared_out(files: Iterable[tuple[Item, int]], size: int) -> list[tuple[list[Item], int]]:
    """Return the files, each given with its bytes, in their order and in groups of about `size` bytes.

    They are as equal as the files allow.
    """
    listed = list(files)
    total = sum(each for _, each in listed)
    count = max(1, ceil(total / max(size, 1)))
    groups: list[tuple[list[Item], int]] = []
    taken = number = 0
    for file, bytes_ in listed:
        # Its middle tells where it belongs: a file larger than a group has one to itself.
        begun = min(int((taken + bytes_ / 2) * count / total), count - 1) if total else 0
        if not groups or begun > number:
            groups.append(([], 0))
            number = begun
        names, before = groups[-1]
        groups[-1] = ([*names, file], before + bytes_)
        taken += bytes_
    return groups
