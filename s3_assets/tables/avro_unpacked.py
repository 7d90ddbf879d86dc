"""The blocks of an Avro file unpacked, in bounded memory: a block of some bytes may unpack to any size.

The libraries that read rows unpack a block as a whole, whatever it becomes, and none can be told to stop.
Here each codec's own library can.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.errors import DataFileBrokenError, UnsupportedError
from s3_assets.tables.avro_blocks import number, spelled_number

if TYPE_CHECKING:
    from collections.abc import Callable

    from s3_assets.tables.avro_blocks import Piece
    from s3_assets.tables.avro_types import AvroType

MOST_BYTES = 512 * 1024 * 1024
"""What a piece may unpack to: it was packed in some megabytes, or has some ten thousand rows."""

MOST_EMPTY_ROWS = 2**24
"""Rows of a block that take no bytes, of which a file can tell any number."""

LEFT_PACKED = frozenset({"null", "snappy"})
"""Codecs of which the packed bytes tell how many they become."""

_RAW_DEFLATE = -15
_XZ_MEMORY = 128 * 1024 * 1024
# The window of zstandard's level 22; more has to be asked for when a block is packed.
_ZSTD_WINDOW = 128 * 1024 * 1024
_PIECE = 1024 * 1024
# A block of snappy ends with a checksum.
_CHECKSUM = 4
_LEAST = {"null": 0, "float": 4, "double": 8}


def least(avro: AvroType) -> int:
    """Return how many bytes a value of the type has at least (Avro 1.12, "Binary encoding")."""
    if avro.base == "record":
        return sum(least(member) for _, member in avro.members)
    if avro.base == "fixed":
        return avro.size
    if avro.base == "union":
        return 1 + min((least(member) for _, member in avro.members), default=0)
    return _LEAST.get(avro.base, 1)


def refuse_endless(rows: AvroType) -> None:
    """Raise `UnsupportedError` for arrays of what takes no bytes: a file can say that any number is there."""
    for each in rows.walk():
        if each.base == "array" and not least(each.members[0][1]):
            raise UnsupportedError(
                "it has an array of nothing but nulls or empty records",
                remedy="Write the array's length as a number.",
            )


def unpacked(piece: Piece, codec: str, sync: bytes, smallest: int) -> bytes:
    """Return a piece's blocks as those of a file without a codec; those of `LEFT_PACKED` as they are.

    `smallest` is how many bytes a row has at least. Raises `DataFileBrokenError` for blocks that unpack to
    too much, or say that they have more rows than fit into their bytes.
    """
    unpack = _UNPACK[codec]
    held, position, left = piece.blocks, 0, MOST_BYTES
    made: list[bytes] = []
    while position < len(held):
        rows, after = number(held, position)
        size, begin = number(held, after)
        position = begin + size + len(sync)
        body = held[begin : begin + size]
        if unpack is None:
            length = size if codec == "null" else _of_snappy(body)
        else:
            body = unpack(body, left)
            length = len(body)
            made += [spelled_number(rows), spelled_number(length), body, sync]
        left -= length
        if left < 0:
            raise too_much()
        if rows > (length // smallest if smallest else MOST_EMPTY_ROWS):
            raise DataFileBrokenError(f"a block says that it has {rows} rows in {length} bytes")
    return held if unpack is None else b"".join(made)


def too_much() -> DataFileBrokenError:
    """Return the error of a piece that unpacks to more than anybody means."""
    return DataFileBrokenError(
        f"a part of it unpacks to more than {MOST_BYTES // 1024**2} MiB",
        remedy="Write it with smaller blocks, or remove it.",
    )


def _deflate(body: bytes, most: int) -> bytes:
    from isal import isal_zlib

    opened = isal_zlib.decompressobj(_RAW_DEFLATE)
    return _whole(opened.decompress(body, most + 1), most, ended=opened.eof)


def _bzip2(body: bytes, most: int) -> bytes:
    import bz2

    opened = bz2.BZ2Decompressor()
    return _whole(opened.decompress(body, most + 1), most, ended=opened.eof)


def _xz(body: bytes, most: int) -> bytes:
    import lzma

    opened = lzma.LZMADecompressor(memlimit=_XZ_MEMORY)
    return _whole(opened.decompress(body, most + 1), most, ended=opened.eof)


def _zstandard(body: bytes, most: int) -> bytes:
    import zstandard

    opened = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    told = zstandard.frame_content_size(body)
    if told > most:
        raise too_much()
    if told > 0:
        return opened.decompress(body)
    made: list[bytes] = []
    with opened.stream_reader(body, read_across_frames=True) as stream:
        while part := stream.read(_PIECE):
            made.append(part)
            most -= len(part)
            if most < 0:
                raise too_much()
    return b"".join(made)


def _whole(made: bytes, most: int, *, ended: bool) -> bytes:
    if len(made) > most:
        raise too_much()
    if not ended:
        raise DataFileBrokenError("a block cannot be unpacked to its end")
    return made


def _of_snappy(body: bytes) -> int:
    """Return the unpacked length that a block begins with (Snappy, "Preamble")."""
    if len(body) <= _CHECKSUM:
        raise DataFileBrokenError("a block cannot be unpacked: it is shorter than its checksum")
    length = shift = 0
    for byte in body[:5]:
        length |= (byte & 0x7F) << shift
        if byte < 0x80:
            return length
        shift += 7
    raise DataFileBrokenError("a block does not begin with its unpacked length")


_UNPACK: dict[str, Callable[[bytes, int], bytes] | None] = {
    "null": None,
    "snappy": None,
    "deflate": _deflate,
    "bzip2": _bzip2,
    "xz": _xz,
    "zstandard": _zstandard,
}
