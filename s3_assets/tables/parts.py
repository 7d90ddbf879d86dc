"""Parts: files that are written beside a table before anyone can see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from s3_assets.location import Location
    from s3_assets.tables.encoding import Encoding

# Apache Hive's name for the folder of rows without a value.
NULL_FOLDER = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True)
class Layout:
    """Where the parts of one attempt go, and by which columns they are split into folders."""

    root: Location
    partition_by: tuple[str, ...]
    attempt: int
    keep_partition_columns: bool = False
    arrow_schema: Any = None
    """The columns of the files as Arrow has them, with field ids among their metadata; None: as they come."""
    first: int = 0
    """The number of the first part, where an attempt writes more than once."""
    encoding: Encoding | None = None
    """How rows become files; None: as Parquet, by the engine's own writer."""

    @property
    def suffix(self) -> str:
        """How the names of the parts end."""
        return ".parquet" if self.encoding is None else self.encoding.suffix

    def path(self, values: Mapping[str, str | None], index: int) -> str:
        """The part's path below the root: Hive folders, then a name that carries the attempt."""
        folders = "".join(
            f"{quote(column, safe='')}={folder_value(values[column])}/" for column in self.partition_by
        )
        return f"{folders}part-{index:05d}-{self.attempt}{self.suffix}"


def folder_value(value: str | None) -> str:
    """Write a partition value as the name of a folder."""
    return NULL_FOLDER if value is None else quote(value, safe="")


def read_value(value: str | None, dtype: pl.DataType) -> Any:  # noqa: ANN401 - a value of that type
    """Read a partition value that was written as text; None for null and for what is not of the type."""
    import polars as pl

    if value is None:
        return None
    series = pl.Series([value])
    if isinstance(dtype, pl.Datetime):
        return (
            series.str.to_datetime(strict=False)
            .dt.replace_time_zone("UTC" if dtype.time_zone else None)
            .item()
        )
    if dtype == pl.Boolean:
        return {"true": True, "false": False}.get(value)
    if dtype == pl.Date:
        return series.str.to_date(strict=False).item()
    return series.cast(dtype, strict=False).item()


class Beside(Protocol):
    """Columns that a layout needs beside those of the rows; it can be pickled."""

    def columns(self) -> Sequence[pl.Expr]:
        """Return them as what they are made of."""


@dataclass(frozen=True)
class Expressions:
    """Such columns, made by what Polars can do by itself: Python's functions could not be sent."""

    expressions: tuple[pl.Expr, ...] = ()

    def columns(self) -> Sequence[pl.Expr]:
        """Return them."""
        return self.expressions


class Outside(NamedTuple):
    """Rows outside of a window: how many, and the smallest and largest value that is no null, of a column."""

    rows: int
    smallest: Any
    largest: Any
    column: str = ""


def together(counted: Sequence[Outside]) -> Outside:
    """Return what was counted of several files as one."""
    column = next((each.column for each in counted if each.rows), "")
    told = [each for each in counted if each.column == column]
    smallest = [each.smallest for each in told if each.smallest is not None]
    largest = [each.largest for each in told if each.largest is not None]
    rows = sum(each.rows for each in counted)
    return Outside(rows, min(smallest, default=None), max(largest, default=None), column)


@dataclass(frozen=True)
class Part:
    """A part that was written: path below the layout's root, rows, bytes, partition values as text."""

    path: str
    rows: int
    bytes: int
    values: Mapping[str, str | None]
    outside: Outside | None = None
    """The rows that the writer met outside of the window; None if it was not looked for them."""


class ColumnStatistics(NamedTuple):
    """Smallest and largest value and number of nulls; the values are None where the footer has none."""

    smallest: Any
    largest: Any
    nulls: int | None


@dataclass(frozen=True)
class AuditedPart:
    """A part whose footer was read: what it holds is what it says."""

    part: Part
    statistics: Mapping[str, ColumnStatistics]
    footer: Any
    """PyArrow's `FileMetaData`."""
