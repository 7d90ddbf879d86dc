"""The files of one stream beside its target, each named by the number of the attempt that wrote it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from s3_assets.errors import CommitConflictError, CursorError, ObjectMissingError
from s3_assets.objects import Objects

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from s3_assets.connection.settings import S3Connection
    from s3_assets.location import Location

FOLDER = "_s3_assets"
CURSOR = "json"
# Not .parquet: who reads a folder of Parquet files by `**/*.parquet` takes no ledger for data.
SEGMENT = "ledger"
# A run looks at the newest ones when it plans, when it writes and when it sweeps.
_KEPT, _KEPT_BYTES = 4, 64 * 1024
_NUMBERED = re.compile(rf"^(?P<number>\d+)\.(?P<kind>{CURSOR}|{SEGMENT})$")


class NumberTakenError(CommitConflictError):
    """Another attempt has this number, or a lost answer hid that it was ours: draw another."""

    def __init__(self) -> None:
        super().__init__("the attempt's number is taken", remedy="Draw another one.")


class StreamFile(NamedTuple):
    """One file of a stream: the number in its name, and whether it is a cursor or a segment of a ledger."""

    number: int
    kind: str

    @property
    def name(self) -> str:
        """Its name in the stream's folder."""
        return f"{self.number}.{self.kind}"


class StreamFiles:
    """The files of one stream: they are written once, and never changed."""

    def __init__(self, connection: S3Connection, table: Location, stream: str) -> None:
        self.stream = stream
        self.folder = f"{table.key}{FOLDER}/{quote(stream, safe='')}/"
        self._table = table
        self._objects = Objects(connection)
        self._kept: dict[str, bytes] = {}

    def get(self, number: int, kind: str) -> bytes:
        """Return a file of a committed attempt, a small one without asking twice.

        Raises `CursorError` if it is gone.
        """
        key = self.key(number, kind)
        if key in self._kept:
            return self._kept[key]
        try:
            body = self._objects.get(key)
        except ObjectMissingError:
            found = "its file is gone" if kind == CURSOR else "a part of its file ledger is gone"
            raise self.damaged(number, found) from None
        if len(body) <= _KEPT_BYTES:
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            self._kept[key] = body
        return body

    def put(self, number: int, kind: str, body: bytes) -> None:
        """Write a file; raises `NumberTakenError` if there is one.

        Never over another attempt's file: its commit would then name rows that it did not read.
        """
        if not self._objects.put_if_absent(self.key(number, kind), body):
            raise NumberTakenError

    def delete(self, names: Iterable[str]) -> None:
        """Delete files by their names, in this order."""
        self._objects.delete(self.folder + name for name in names)

    def list_files(self) -> Iterator[StreamFile]:
        """Yield the cursors and segments of all attempts."""
        for item in self._objects.list_objects(self.folder):
            if match := _NUMBERED.match(item.key.removeprefix(self.folder)):
                yield StreamFile(int(match["number"]), match["kind"])

    def key(self, number: int, kind: str) -> str:
        """Return where a file lies."""
        return f"{self.folder}{number}.{kind}"

    def damaged(self, number: int, found: str) -> CursorError:
        """Return the error of a cursor that cannot be read."""
        return CursorError(
            f"the cursor {number} of stream '{self.stream}' cannot be read: {found}",
            remedy=f"Restore {self.key(number, CURSOR)} from a backup or an older object version, or "
            "have the stream begin anew with `s3-assets cursor reset`.",
            location=self._table.url,
        )
