"""Text on its way into a file: in the table's charset, and packed as the file's name says."""

from __future__ import annotations

import bz2
import codecs
import zlib
from typing import TYPE_CHECKING, Protocol

from s3_assets.errors import RowsRefusedError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from s3_assets.tables.text_settings import TextSettings

# In the order in which they are chosen where nothing is declared: what every reader knows comes first.
_ENDINGS = {"gzip": ".gz", "none": "", "zstd": ".zst", "bzip2": ".bz2"}
_OTHERS = (".zip", ".tar", ".tgz", *(f".tar{ending}" for ending in _ENDINGS.values()))
_GZIP = 16 + zlib.MAX_WBITS
_GZIP_LEVEL = 4  # twice as fast as the usual 6 for a twentieth more bytes
_ZSTD_LEVEL = 3


class _Packer(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...


class Packing:
    """The bytes of one file."""

    def __init__(self, compression: str, charset: str) -> None:
        self._packer = _packer(compression)
        self._charset = "utf-8" if charset == "auto" else charset
        self._encoder = None if _is_utf8(self._charset) else codecs.getincrementalencoder(self._charset)()

    def pack(self, text: bytes) -> bytes:
        """Return the bytes for some more text, which is UTF-8."""
        found = text if self._encoder is None else self._encoded(text.decode())
        return found if self._packer is None else self._packer.compress(found)

    def end(self) -> bytes:
        """Return the last bytes."""
        rest = b"" if self._encoder is None else self._encoder.encode("", final=True)
        return rest if self._packer is None else self._packer.compress(rest) + self._packer.flush()

    def _encoded(self, text: str) -> bytes:
        if self._encoder is None:
            return text.encode()
        try:
            return self._encoder.encode(text)
        except UnicodeEncodeError as error:
            raise RowsRefusedError(
                f"the rows have the character {error.object[error.start]!r}, which {self._charset} lacks",
                remedy="Write the table in utf-8, or replace such characters; nothing was written.",
            ) from None


def choose(settings: TextSettings, table: str) -> tuple[str, str]:
    """Return compression and suffix of the files to write; both are such that the table reads them.

    Raises `UnsupportedError` for archives, and where no name that is data fits the compression.
    """
    declared = settings.compression
    if declared not in {"auto", *_ENDINGS}:
        raise UnsupportedError(
            f"files cannot be written as {declared}",
            remedy=f"Set compression to one of {', '.join(_ENDINGS)}.",
            table=table,
        )
    for compression in _ENDINGS if declared == "auto" else (declared,):
        suffix = _suffix(compression, settings.suffixes)
        if suffix is not None:
            return compression, suffix
    if declared != "auto" and settings.suffixes:
        # What is declared counts, whatever the names are.
        return declared, settings.suffixes[0]
    raise UnsupportedError(
        f"no file can be written whose name ends with {' or '.join(settings.suffixes)}",
        remedy="Add a suffix such as '.csv.gz' to the table's suffixes, or set its compression.",
        table=table,
    )


def _suffix(compression: str, suffixes: Sequence[str]) -> str | None:
    ending = _ENDINGS[compression]
    packed = tuple(each for each in (*_ENDINGS.values(), *_OTHERS) if each)
    if not ending:
        return next((each for each in suffixes if not each.endswith(packed)), None)
    return next((each for each in suffixes if each.endswith(ending) and not each.endswith(_OTHERS)), None)


def _packer(compression: str) -> _Packer | None:
    if compression == "gzip":
        return zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP)
    if compression == "bzip2":
        return bz2.BZ2Compressor()
    if compression == "zstd":
        import zstandard

        return zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compressobj()
    return None


def _is_utf8(charset: str) -> bool:
    return codecs.lookup(charset).name == "utf-8"
