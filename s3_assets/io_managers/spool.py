"""A stream of batches that can be read again: what was drawn from it lies in a temporary file."""

from __future__ import annotations

from tempfile import TemporaryFile
from threading import Lock
from typing import TYPE_CHECKING

from s3_assets.local_disk import spooling

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl


class Spool:
    """Batches that are made once, for a frame that may be collected more than once, in bounded memory."""

    def __init__(self, schema: pl.Schema, batches: Iterator[pl.DataFrame]) -> None:
        self._schema = schema
        self._batches = batches
        self._lock = Lock()
        # Without a name: it is gone with the process, however that ends.
        self._file = TemporaryFile()  # noqa: SIM115 - open as long as the frame lives
        self._ends: list[int] = []
        """Where each batch in the file ends."""
        self.failed: Exception | None = None
        """What stopped the stream."""

    def frame(self) -> pl.LazyFrame:
        """Return the rows, lazily."""
        from polars.io.plugins import register_io_source

        return register_io_source(
            self._rows, schema=dict(self._schema), explain_name="what the asset returned"
        )

    def close(self) -> None:
        """Give the file back; the frame cannot be collected any more."""
        self._file.close()

    def _rows(
        self, columns: list[str] | None, predicate: pl.Expr | None, rows: int | None, size: int | None
    ) -> Iterator[pl.DataFrame]:
        del size
        left = rows
        for batch in self._all():
            found = batch if predicate is None else batch.filter(predicate)
            found = found if columns is None else found.select(columns)
            if left is not None:
                found = found.head(left)
                left -= found.height
            yield found
            if left == 0:
                return

    def _all(self) -> Iterator[pl.DataFrame]:
        number = 0
        while True:
            with self._lock:
                batch = self._read(number) if number < len(self._ends) else self._draw()
            if batch is None:
                return
            number += 1
            yield batch

    def _draw(self) -> pl.DataFrame | None:
        if self.failed is not None:
            # A generator that failed says that it is at its end: no commit may take that for all of its rows.
            raise self.failed
        try:
            batch = next(self._batches, None)
        except Exception as error:
            self.failed = error
            raise
        if batch is None:
            return None
        start = self._ends[-1] if self._ends else 0
        try:
            with spooling("what an asset returned"):
                self._file.seek(start)
                batch.write_ipc_stream(self._file, compression="lz4")
                # What is in Python's buffer only may yet find no room.
                self._file.flush()
        except Exception as error:
            # The batch is drawn, and nobody can draw it again: what a second look has would lack it.
            self.failed = error
            raise
        self._ends.append(self._file.tell())
        return batch

    def _read(self, number: int) -> pl.DataFrame:
        import polars as pl

        start = self._ends[number - 1] if number else 0
        self._file.seek(start)
        return pl.read_ipc_stream(self._file.read(self._ends[number] - start))
