"""The files that an export writes, one after the other, and what is counted of them."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from typing_extensions import Buffer

    from s3_assets.progress import Progress


@dataclass(frozen=True)
class WrittenFile:
    """A file that has all its bytes: its number, and its rows."""

    number: int
    rows: int


class CountedFile(io.RawIOBase):
    """A file of somebody else's that is told how much was written; it is never closed from here.

    An engine in between tells of a failure in words of its own: `failed` keeps the very error.
    """

    def __init__(self, file: BinaryIO, progress: Progress | None) -> None:
        super().__init__()
        self._file = file
        self._progress = progress
        self._kept: list[bytes] | None = None
        self.bytes = 0
        self.rows = 0
        self.failed: BaseException | None = None

    def writable(self) -> bool:
        """True."""
        return True

    def write(self, data: Buffer, /) -> int:
        """Write all of it."""
        length = memoryview(data).nbytes
        if not length:
            return 0
        try:
            self._file.write(data)
        except BaseException as error:
            self.failed = self.failed or error
            raise
        self.bytes += length
        if self._kept is not None:
            self._kept.append(bytes(data))
        if self._progress is not None:
            self._progress.advance(bytes_=length)
        return length

    def keep(self) -> None:
        """Keep what is written from now on, as `tail`."""
        self._kept = []

    @property
    def tail(self) -> bytes:
        """What was written since it is kept."""
        return b"".join(self._kept or ())

    def count(self, rows: int) -> None:
        """Note rows that are written, or are about to be."""
        self.rows += rows
        if self._progress is not None:
            self._progress.advance(rows=rows)


class Files:
    """One file at a time; those that have ended are in `written`."""

    def __init__(self, open_file: Callable[[int], BinaryIO], progress: Progress | None) -> None:
        self._open_file = open_file
        self._progress = progress
        self.current: CountedFile | None = None
        self.written: list[WrittenFile] = []

    def open(self) -> CountedFile:
        """Open the next file, which is `current` until it has ended."""
        self.current = CountedFile(self._open_file(len(self.written)), self._progress)
        return self.current

    def end(self) -> None:
        """Say that the current file has all its bytes, if there is one."""
        if self.current is None:
            return
        self.written.append(WrittenFile(len(self.written), self.current.rows))
        self.current = None
        if self._progress is not None:
            self._progress.advance(files=1)
