"""Bad rows that are kept: one object of JSON Lines for each read that met some."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, BinaryIO, Self, cast

from s3_assets.local_disk import spooling

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from s3_assets.objects import Objects
    from s3_assets.tables.text_rows import BadRow

_IN_MEMORY = 4 * 1024 * 1024


class Quarantine:
    r"""The bad rows of one read, spooled to the disk of this machine until all are known.

    The object's name is a digest of the rows, so that the same read, run again, finds it there. Each line
    has `file`, `etag`, `line`, `column`, `reason`, `text` and `read_at` (UTC, ISO 8601); bytes of the text
    that are no UTF-8 are written `\xff`.
    """

    def __init__(self, objects: Objects, prefix: str, etags: Mapping[str, str]) -> None:
        self._objects = objects
        self._prefix = prefix
        self._etags = etags
        self._digest = hashlib.sha256()
        self._read_at = datetime.now(UTC).isoformat(timespec="seconds")
        self._rows = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed with the quarantine
        self._empty = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._rows.close()

    def add(self, row: BadRow) -> None:
        """Take a row."""
        etag = self._etags.get(row.place.partition("!/")[0], "")
        known = {
            "file": row.place,
            "etag": etag,
            "line": row.line,
            "column": row.column,
            "reason": row.found,
            "text": row.text.decode(errors="backslashreplace"),
        }
        self._digest.update(json.dumps(known).encode())
        with spooling("the bad rows of a read"):
            self._rows.write(json.dumps({**known, "read_at": self._read_at}).encode() + b"\n")
        self._empty = False

    def save(self) -> str:
        """Write the rows, unless they are there already; return the object's URL, or nothing without rows."""
        if self._empty:
            return ""
        key = f"{self._prefix}{self._digest.hexdigest()[:32]}.jsonl"
        if not self._objects.exists(key):
            self._rows.seek(0)
            self._objects.put(key, cast("BinaryIO", self._rows))
        return self._objects.url(key)
