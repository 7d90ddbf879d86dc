"""The beginning of an object as it is: lines of text, packed or not, or what a binary file says of itself."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from s3_assets.errors import DataFileBrokenError, UnsupportedError
from s3_assets.explore.charsets import decode, find_charset
from s3_assets.explore.kinds import AVRO, PARQUET, kind_of_magic, require_text
from s3_assets.explore.packing import packing_of, unpack
from s3_assets.explore.samples import HEAD, TEXT
from s3_assets.object_answers import ObjectAnswer, first_bytes
from s3_assets.objects import Objects

if TYPE_CHECKING:
    from s3_assets.connection.settings import S3Connection

_DUMPED = 16
_FOOTER = 64 * 1024
_MOST_UNREADABLE = 0.02


@dataclass(frozen=True)
class Beginning:
    """What an object begins with."""

    answer: ObjectAnswer
    kind: str
    """`text`, or what the first bytes tell, such as `parquet`; `empty`, `archived`."""
    packing: str = "none"
    charset: str | None = None
    lines: tuple[str, ...] = ()
    more: bool = False
    """Whether there are more lines."""
    dump: tuple[str, ...] = ()
    """Of what is no text: its first bytes."""
    told: tuple[tuple[str, str], ...] = field(default=())
    """What the file says of itself, as names and values."""


def beginning_of(connection: S3Connection, key: str, lines: int, length: int) -> Beginning:
    """Look at the first bytes of an object, `length` at most, and of a Parquet file at its footer.

    Of text that is packed in blocks too large for that, a megabyte is fetched.
    """
    answer = first_bytes(connection, key, length)
    if not answer.body:
        return Beginning(answer, "archived" if answer.archived else "empty")
    if connection.encryption.client_side is not None:
        return Beginning(answer, "encrypted on the client", dump=_dump(answer.body, lines))
    kind = kind_of_magic(answer.body)
    if kind is not None:
        told = _told(connection, kind, answer)
        return Beginning(answer, kind, dump=() if told else _dump(answer.body, lines), told=told)
    if packing_of(answer.body) == "bzip2" and not answer.whole and length < HEAD:
        answer = first_bytes(connection, key, HEAD)
    return _text(answer, lines)


def _text(answer: ObjectAnswer, lines: int) -> Beginning:
    try:
        packing, data, whole = unpack(answer.body, TEXT, whole=answer.whole, place=answer.key)
        charset = find_charset(data, whole=whole)
        text = decode(data, charset).removeprefix("\ufeff")
        _require_letters(text, answer.key)
    except UnsupportedError:
        packing = packing_of(answer.body)
        kind = "binary" if packing == "none" else packing
        return Beginning(answer, kind, packing, dump=_dump(answer.body, lines))
    every = text.split("\n")
    if not every[-1]:
        every.pop()
    found = tuple(each.removesuffix("\r") for each in islice(every, lines))
    return Beginning(answer, "text", packing, charset.decoder, found, len(every) > len(found) or not whole)


def _require_letters(text: str, place: str) -> None:
    """Raise `UnsupportedError` for what only reads as text because nearly all bytes do in some charset."""
    if text.strip():
        require_text(text, place)
    if text.count("\ufffd") > _MOST_UNREADABLE * len(text):
        raise UnsupportedError("this is no text", location=place)


def _told(connection: S3Connection, kind: str, answer: ObjectAnswer) -> tuple[tuple[str, str], ...]:
    """Return what a file of a table says of itself."""
    try:
        if kind == PARQUET:
            return _footer(connection, answer)
        return _header(answer) if kind == AVRO else ()
    except (DataFileBrokenError, UnsupportedError) as error:
        return (("broken", error.found),)
    except EOFError:
        return (("broken", "its header is longer than what was looked at"),)


def _footer(connection: S3Connection, answer: ObjectAnswer) -> tuple[tuple[str, str], ...]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with Objects(connection).seekable(answer.key, answer.size, _FOOTER) as file:
            found = parquet.read_metadata(file)
    except (pa.ArrowException, OSError, ValueError) as error:
        return (("broken", f"it has no footer that can be read: {error}"),)
    groups = [found.row_group(index) for index in range(min(found.num_row_groups, 1))]
    codecs = {group.column(column).compression for group in groups for column in range(group.num_columns)}
    schema = found.schema.to_arrow_schema()
    return (
        ("rows", f"{found.num_rows:,}"),
        ("row groups", f"{found.num_row_groups:,}"),
        ("compression", ", ".join(sorted(each.lower() for each in codecs)) or "-"),
        ("written by", found.created_by or "-"),
        *((f"column {each.name}", str(each.type)) for each in schema),
    )


def _header(answer: ObjectAnswer) -> tuple[tuple[str, str], ...]:
    from s3_assets.tables.avro_header import read_header

    header = read_header(io.BytesIO(answer.body))
    columns = ((f"column {name}", type_.kind) for name, type_ in header.rows.members)
    return (("compression", header.codec), *columns)


def _dump(data: bytes, rows: int) -> tuple[str, ...]:
    """Return the first bytes as hexadecimal numbers and as ASCII, sixteen to a row."""
    found = []
    for start in range(0, min(len(data), rows * _DUMPED), _DUMPED):
        part = data[start : start + _DUMPED]
        shown = "".join(chr(each) if 32 <= each < 127 else "." for each in part)
        found.append(f"{start:08x}  {part.hex(' '):<{_DUMPED * 3 - 1}}  {shown}")
    return tuple(found)
