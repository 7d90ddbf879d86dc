"""Files of Parquet, which Polars' own sink writes."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any, cast

from s3_assets.errors import SchemaMismatchError
from s3_assets.tables.leaves import within

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

    import polars as pl

    from s3_assets.exports.files import CountedFile, Files
    from s3_assets.exports.formats import ParquetFormat
    from s3_assets.exports.split import Split

_SAMPLE_ROWS = 65_536


def refuse(columns: pl.Schema) -> None:
    """Raise `SchemaMismatchError` for a column that Parquet has no type for: by name, with a remedy.

    Polars stores integers of 128 bits as bytes that no other reader takes for numbers.
    """
    import polars as pl

    for column, dtype in columns.items():
        for each in within(dtype):
            if isinstance(each, pl.Object | pl.Int128 | pl.UInt128) or each == pl.Struct([]):
                where = "" if each is dtype else f", with {each} inside"
                raise SchemaMismatchError(
                    f"column '{column}' is {dtype}{where}, for which Parquet has no type",
                    remedy="Cast it to a type such as Decimal(38, 0) or String, or drop the column.",
                )


def write_parquet(frame: pl.LazyFrame, format_: ParquetFormat, split: Split, files: Files) -> None:
    """Write the rows of a frame to files, in their order."""
    if split.one_file:
        file = files.open()
        _sink(frame, format_, file)
        file.count(_footer_rows(file.tail))
        files.end()
        return
    supply = _Supply(frame, format_, split)
    while supply.more() or not files.written:
        file = files.open()
        try:
            _sink(supply.rows_of(file), format_, file)
        except Exception:
            if supply.failed is not None:
                raise supply.failed from None
            raise
        files.end()
        supply.learn(file)


def _sink(frame: pl.LazyFrame, format_: ParquetFormat, file: CountedFile) -> None:
    def at_end(_: object) -> dict[str, str]:
        # Asked for when all rows are packed: nearly all that is written behind this is the footer.
        file.keep()
        return {}

    try:
        frame.sink_parquet(
            cast("IO[bytes]", file),
            **_options(format_),
            row_group_size=format_.row_group_rows,
            metadata=at_end,
            maintain_order=True,
            engine="streaming",
        )
    except Exception:
        if file.failed is not None:
            raise file.failed from None
        raise


def _footer_rows(tail: bytes) -> int:
    """Return how many rows a file has, by its last bytes.

    A node that counts rows on their way would have the engine read ahead of it: twice the memory, at times.
    """
    import pyarrow.parquet

    metadata: Any = pyarrow.parquet.read_metadata(io.BytesIO(tail))
    return int(metadata.num_rows)


def _options(format_: ParquetFormat) -> dict[str, Any]:
    return {
        "compression": format_.compression,
        "compression_level": format_.compression_level,
        "statistics": format_.statistics,
        "data_page_size": format_.page_bytes,
    }


class _Supply:
    """The rows of a frame, as many at a time as one file takes."""

    def __init__(self, frame: pl.LazyFrame, format_: ParquetFormat, split: Split) -> None:
        self._columns = frame.collect_schema()
        self._batches = frame.collect_batches(maintain_order=True, engine="streaming")
        self._held: pl.DataFrame | None = None
        self._format = format_
        self._split = split
        self._row_bytes: float | None = None
        self.failed: Exception | None = None
        """What stopped the frame: the engine that writes its rows tells it in its own words only."""

    def more(self) -> bool:
        """Tell whether there are rows that no file has."""
        while self._held is None or not self._held.height:
            self._held = next(self._batches, None)
            if self._held is None:
                return False
        return True

    def rows_of(self, file: CountedFile) -> pl.LazyFrame:
        """Return the rows of the next file."""
        from polars.io.plugins import register_io_source

        def source(
            columns: list[str] | None, predicate: pl.Expr | None, rows: int | None, size: int | None
        ) -> Iterator[pl.DataFrame]:
            # A sink asks for all columns and rows.
            del columns, predicate, rows, size
            try:
                yield from self._until_full(file)
            except Exception as error:
                self.failed = error
                raise

        return register_io_source(source, schema=self._columns)

    def learn(self, file: CountedFile) -> None:
        """Note what the rows of a file took."""
        if file.rows:
            self._row_bytes = file.bytes / file.rows

    def _until_full(self, file: CountedFile) -> Iterator[pl.DataFrame]:
        taken = 0
        while self.more() and self._held is not None:
            if self._split.bytes is not None and file.bytes >= self._split.bytes:
                return
            room = self._most(self._held) - taken
            if room <= 0:
                return
            rows, self._held = self._held.head(room), self._held.slice(room)
            taken += rows.height
            file.count(rows.height)
            yield rows

    def _most(self, sample: pl.DataFrame) -> int:
        """Return how many rows the file may have, as far as can be told."""
        most = self._split.rows or sys.maxsize
        if self._split.bytes is None:
            return most
        if self._row_bytes is None:
            rows = sample.head(_SAMPLE_ROWS)
            packed = io.BytesIO()
            rows.write_parquet(packed, **_options(self._format))
            self._row_bytes = packed.tell() / rows.height
        return min(most, max(1, int(self._split.bytes / self._row_bytes)))
