"""Small files that were fetched to find a table's columns, kept for the read that follows."""

from __future__ import annotations

from threading import Lock

MOST_KEPT = 32 * 1024 * 1024
"""Bytes, as they are stored: a plan that nobody reads holds no more."""


class KeptBodies:
    """The bytes of objects by key and ETag; each is handed out once."""

    def __init__(self) -> None:
        self._bodies: dict[tuple[str, str], bytes] = {}
        self._room = MOST_KEPT
        self._lock = Lock()

    def keep(self, key: str, etag: str, body: bytes) -> None:
        """Keep an object, if there is room for it; nothing without an ETag, which tells it from another."""
        with self._lock:
            if etag and len(body) <= self._room and (key, etag) not in self._bodies:
                self._room -= len(body)
                self._bodies[key, etag] = body

    def take(self, key: str, etag: str) -> bytes | None:
        """Return an object with that ETag, and forget it; None if it is not kept."""
        with self._lock:
            body = self._bodies.pop((key, etag), None)
            self._room += len(body or b"")
        return body

    def clear(self) -> None:
        """Forget all of them."""
        with self._lock:
            self._bodies.clear()
            self._room = MOST_KEPT
