"""Rows on their way into a table: parts that nobody sees yet, or what a library is about to write."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import polars as pl

    from s3_assets.connection.settings import S3Connection
    from s3_assets.tables.parts import AuditedPart, Layout


@dataclass(frozen=True)
class Staged:
    """The rows of one write; without parts what their footers tell has to be read."""

    frame: pl.LazyFrame
    parts: tuple[AuditedPart, ...] | None = None

    @classmethod
    def of(
        cls, arranged: pl.LazyFrame, layout: Layout, parts: Sequence[AuditedPart], connection: S3Connection
    ) -> Staged:
        """Return what an attempt has written, to be read where it lies.

        Formats whose files say no types are told by the rows from which their parts were made: these are run
        a second time.
        """
        if layout.encoding is not None:
            return cls(arranged)
        import polars as pl

        from s3_assets.connection.adapters import polars as adapter

        schema = arranged.collect_schema()
        if not parts:
            return cls(pl.LazyFrame(schema=schema), ())
        # The folders of some formats are named for columns that are in no file, those of others are not.
        named = {segment.partition("=")[0] for segment in parts[0].part.path.split("/")}
        folders = {each: schema[each] for each in layout.partition_by if quote(each, safe="") in named}
        frame = pl.scan_parquet(
            [layout.root.url + each.part.path for each in parts],
            glob=False,
            hive_partitioning=bool(folders),
            hive_schema=folders or None,
            **adapter.options(connection),
        )
        return cls(frame, tuple(parts))

    @property
    def rows(self) -> int | None:
        """How many rows there are, if they were counted."""
        return sum(each.part.rows for each in self.parts) if self.parts is not None else None

    @cached_property
    def schema(self) -> pl.Schema:
        """The columns of the rows."""
        return self.frame.collect_schema()

    def without_nulls(self, columns: Sequence[str]) -> bool:
        """Tell whether the footers say for certain that no row has a null in one of the columns."""
        return self.parts is not None and all(
            self._nulls(part, column) == 0 for part in self.parts for column in columns
        )

    def newest(self, column: str) -> date | None:
        """Return the largest date or time of a column that has one in each part's footer; else None."""
        from datetime import date

        values = [each.statistics.get(column) for each in self.parts or ()]
        found = [each.largest for each in values if each is not None and isinstance(each.largest, date)]
        return max(found) if found and len(found) == len(values) else None

    def _nulls(self, part: AuditedPart, column: str) -> int | None:
        if column in part.part.values:
            return part.part.rows if part.part.values[column] is None else 0
        found = part.statistics.get(column)
        return found.nulls if found is not None else None
