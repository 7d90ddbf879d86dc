"""The beginning of an object, and as little more as a format's header takes: each piece is a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

START = 16 * 1024
"""Bytes that the first request takes: enough for most headers."""
_PIECE = 16 * 1024
# A header that is spread over more than this is left unread.
_MOST_REQUESTS = 6


class HeaderEndsError(Exception):
    """The object ends, or would take too many requests, before its header was read."""


class Header:
    """Random access to an object: its `start` is known, and `fetch` reads from one byte to another."""

    def __init__(self, start: bytes, size: int, fetch: Callable[[int, int], bytes] | None = None) -> None:
        self.start = start
        self.size = size
        self._fetch = fetch
        self._pieces = [(0, start)]
        self._left = _MOST_REQUESTS

    def read(self, offset: int, length: int) -> bytes:
        """Return exactly these bytes; raises `HeaderEndsError` if they cannot be had."""
        if offset < 0 or offset + length > self.size:
            raise HeaderEndsError
        for begin, piece in self._pieces:
            if begin <= offset and offset + length <= begin + len(piece):
                return piece[offset - begin : offset - begin + length]
        if self._fetch is None or not self._left or length > _PIECE:
            raise HeaderEndsError
        self._left -= 1
        piece = self._fetch(offset, min(offset + _PIECE, self.size))
        self._pieces.append((offset, piece))
        if len(piece) < length:
            raise HeaderEndsError
        return piece[:length]

    def number(self, offset: int, length: int, *, little: bool = False) -> int:
        """Return an unsigned integer."""
        return int.from_bytes(self.read(offset, length), "little" if little else "big")
