"""The format of a file: by its first bytes, and of a text by what it is made of."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from s3_assets.errors import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterator

PARQUET, AVRO = "parquet", "avro"
_TABLES = ((b"PAR1", PARQUET), (b"Obj\x01", AVRO))
_OTHERS = (
    (b"ORC", "an ORC file"),
    (b"ARROW1", "an Arrow file"),
    (b"PARE", "a Parquet file with an encrypted footer"),
    (b"SQLite format 3", "an SQLite database"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\xd0\xcf\x11\xe0", "an Office document"),
)
_OFFICE = (b"[Content_Types].xml", b"mimetypeapplication/vnd")
_CONTROL = re.compile(r"[\x00\x02-\x08\x0e-\x1a]")
_MOST_CONTROL = 0.02
_DECODER = json.JSONDecoder()


class JsonText(NamedTuple):
    """What a JSON text is: one object to a line or not, and its first objects."""

    lines: bool
    array: bool
    objects: list[dict[str, Any]]


def binary_kind(head: bytes, place: str) -> str | None:
    """Name the table format that a file's first bytes tell; None for text.

    Raises `UnsupportedError` for a file that is something else than a table that can be read.
    """
    found = kind_of_magic(head)
    if found is not None and found not in {PARQUET, AVRO}:
        raise _no_table(found, place)
    return found


def kind_of_magic(head: bytes) -> str | None:
    """Name what a file's first bytes tell: `parquet`, `avro`, or in words what is no table."""
    found = next((told for magic, told in (*_TABLES, *_OTHERS) if head.startswith(magic)), None)
    if found is None and head.startswith(b"PK\x03\x04") and any(mark in head[:256] for mark in _OFFICE):
        return "an Office document"
    return found


def require_text(text: str, place: str) -> None:
    """Raise `UnsupportedError` for a text with too many control characters to be one."""
    sample = text[:8192]
    if not sample.strip():
        raise _no_table("nothing but spaces", place)
    if len(_CONTROL.findall(sample)) > _MOST_CONTROL * len(sample):
        raise _no_table("no text, and no format that is known", place)


def read_json(text: str, *, whole: bool) -> JsonText | None:
    """Return the first objects of a JSON text; None if it is none."""
    start = text.lstrip()
    if start[:1] not in {"{", "["}:
        return None
    lines = _by_lines(text, whole=whole)
    if lines is not None:
        return JsonText(lines=True, array=False, objects=lines)
    found = list(_values(start))
    objects = [each for each in found if isinstance(each, dict)]
    if not objects or len(objects) < len(found):
        return None
    return JsonText(lines=False, array=start.startswith("["), objects=objects)


def _by_lines(text: str, *, whole: bool) -> list[dict[str, Any]] | None:
    lines = text.split("\n")
    if not whole:
        lines = lines[:-1]
    found = []
    for line in lines:
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            return None
        if not isinstance(value, dict):
            return None
        found.append(value)
    return found or None


def _values(text: str) -> Iterator[Any]:
    """Yield the values of an array, or those that follow each other, up to the first that is not whole."""
    position = 1 if text.startswith("[") else 0
    between = re.compile(r"[\s,]*" if position else r"\s*")
    while True:
        skipped = between.match(text, position)
        position = skipped.end() if skipped else position
        try:
            value, position = _DECODER.raw_decode(text, position)
        except (ValueError, RecursionError):
            return
        yield value


def _no_table(found: str, place: str) -> UnsupportedError:
    return UnsupportedError(
        f"this is {found}, not a table that can be read in place",
        remedy="Delta, Iceberg, Parquet, Avro, CSV, TSV, JSON and JSON Lines can.",
        location=place,
    )
