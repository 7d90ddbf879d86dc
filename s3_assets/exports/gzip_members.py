"""Gzip in members that stand one behind the other (RFC 1952, section 2.2): each is packed by itself."""

from __future__ import annotations

import zlib

# 2^15 bytes of window, and gzip's header and checksum instead of zlib's.
_GZIP = 16 + zlib.MAX_WBITS
# Of ISA-L's four, the one behind which time grows faster than bytes shrink.
_FAST = 2


def pack(text: bytes, level: int | None) -> bytes:
    """Return one member; without a level by ISA-L: a fifth of zlib's time, for the bytes of its level 2."""
    if level is not None:
        return zlib.compress(text, level, _GZIP)
    from isal import isal_zlib

    return isal_zlib.compress(text, _FAST, _GZIP)
