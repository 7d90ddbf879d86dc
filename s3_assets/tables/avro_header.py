"""The header of an Avro file: what it says, and how it is put for the library that reads the rows.

Avro's rows carry no types, so two schemas of the same encoding read the same bytes. Each library gets the
schema that it reads rightly: all that it would turn into something else is spelled as what is stored.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from s3_assets.errors import DataFileBrokenError, UnsupportedError
from s3_assets.tables.avro_stored import KEY
from s3_assets.tables.avro_types import AvroType, read_type

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from typing import BinaryIO

MAGIC = b"Obj\x01"
CODECS = frozenset({"null", "deflate", "snappy", "zstandard", "bzip2", "xz"})
_METADATA = {"type": "map", "values": "bytes"}
_SYNC_BYTES = 16


@dataclass(frozen=True)
class Header:
    """What stands before an Avro file's rows."""

    rows: AvroType
    codec: str
    sync: bytes
    length: int
    told: bytes = b""
    """What our writer says of the columns; see `avro_stored`."""
    docs: Mapping[str, str] = field(default_factory=dict)
    """What the schema says of fields, for people."""

    def spelled(self, schema: Any) -> bytes:  # noqa: ANN401 - JSON
        """Return a header of the same file with another schema."""
        import fastavro

        out = io.BytesIO()
        out.write(MAGIC)
        metadata = {"avro.schema": json.dumps(schema).encode(), "avro.codec": self.codec.encode()}
        if self.told:
            metadata[KEY] = self.told
        fastavro.schemaless_writer(out, _METADATA, metadata)
        out.write(self.sync)
        return out.getvalue()


def read_header(stream: BinaryIO) -> Header:
    """Read the header from the start of a file.

    Raises EOFError if the stream ends inside it, `DataFileBrokenError` if it is none, `UnsupportedError`
    for a codec or a type that cannot be read.
    """
    import fastavro

    magic = stream.read(len(MAGIC))
    if magic != MAGIC:
        raise DataFileBrokenError(f"it is not an Avro file: it begins with {magic!r}, not {MAGIC!r}")
    try:
        metadata: Any = fastavro.schemaless_reader(stream, _METADATA, None)
        schema = json.loads(metadata["avro.schema"])
        codec = metadata.get("avro.codec", b"null").decode()
    except (KeyError, ValueError, IndexError, OverflowError, MemoryError, RecursionError) as error:
        raise DataFileBrokenError(f"its header cannot be read: {error!r}") from error
    sync = stream.read(_SYNC_BYTES)
    if len(sync) < _SYNC_BYTES:
        raise EOFError
    if codec not in CODECS:
        raise UnsupportedError(
            f"its codec '{codec}' is not known", remedy=f"Write it with one of {', '.join(sorted(CODECS))}."
        )
    rows = read_type(schema)
    docs = {
        str(each["name"]): each["doc"]
        for each in schema["fields"]
        if isinstance(each.get("doc"), str) and each["doc"]
    }
    return Header(rows, codec, sync, stream.tell(), metadata.get(KEY, b""), docs)


def stored(rows: AvroType, only: Collection[str] | None = None) -> dict[str, Any]:
    """Spell the rows as what is stored, for fastavro: numbers, bytes, text, lists and records alone.

    A map is stored as a list of records with key and value, an enum as the number of its symbol, and each
    type of a union as it would be in a record `_<number>_...` of its own, which tells which of them it was.
    `only` these fields are named in it: read with this schema, the others are skipped.
    """
    numbers = count()
    found: dict[str, Any] = _stored(rows, numbers)
    if only is not None:
        found["fields"] = [each for each in found["fields"] if each["name"] in only]
    return found


def _stored(avro: AvroType, numbers: Iterator[int]) -> Any:  # noqa: ANN401 - JSON
    members = [(name, _stored(member, numbers)) for name, member in avro.members]
    if avro.base == "union":
        return [
            schema if schema == "null" else _record(f"_{index}_{next(numbers)}", [("value", schema)])
            for index, (_, schema) in enumerate(members)
        ]
    if avro.base == "record":
        return _record(f"record_{next(numbers)}", members)
    if avro.base == "array":
        return {"type": "array", "items": members[0][1]}
    if avro.base == "map":
        pair = [("key", "string"), ("value", members[0][1])]
        return {"type": "array", "items": _record(f"pair_{next(numbers)}", pair)}
    if avro.base == "fixed":
        return {"type": "fixed", "name": f"fixed_{next(numbers)}", "size": avro.size}
    return "int" if avro.base == "enum" else avro.base


def _record(name: str, fields: list[tuple[str, Any]]) -> dict[str, Any]:
    return {
        "type": "record",
        "name": name,
        "fields": [{"name": each, "type": schema} for each, schema in fields],
    }


def native(rows: AvroType) -> dict[str, Any] | None:
    """Spell the rows for polars-avro; None if it cannot read them.

    It has no types for durations and for unions of several types; UUIDs it reads as bytes.
    """
    if not all(_is_native(optional(field)) for _, field in rows.members):
        return None
    found: dict[str, Any] = _native(rows, count())
    return found


def optional(avro: AvroType) -> AvroType:
    """Return the type itself, or that of which a union with null is made."""
    return avro.choices[0][1] if avro.base == "union" and _is_optional(avro) else avro


def _is_optional(union: AvroType) -> bool:
    return len(union.members) == 2 and len(union.choices) == 1


def _is_native(column: AvroType) -> bool:
    return needs_bytes(column) or not any(
        (each.base == "union" and not _is_optional(each))
        or (each.base == "record" and not each.members)
        # Columns of them are converted afterwards, but not what is inside of a column.
        or needs_bytes(each)
        for each in column.walk()
    )


def needs_bytes(avro: AvroType) -> bool:
    """Tell whether values are stored as bytes that polars-avro would not turn into the column's type."""
    return avro.kind == "duration" or (avro.kind == "uuid" and avro.base == "fixed")


def _native(avro: AvroType, numbers: Iterator[int]) -> Any:  # noqa: ANN401, PLR0911 - JSON; one return for each shape
    members = [(name, _native(member, numbers)) for name, member in avro.members]
    if avro.base == "union":
        return [schema for _, schema in members]
    if avro.base == "record":
        return _record(f"record_{next(numbers)}", members)
    if avro.base == "array":
        return {"type": "array", "items": members[0][1]}
    if avro.base == "map":
        return {"type": "map", "values": members[0][1]}
    if avro.base == "enum":
        return {"type": "enum", "name": f"enum_{next(numbers)}", "symbols": list(avro.symbols)}
    if avro.base != "fixed" and avro.kind in {avro.base, "uuid"}:
        # Spelled out, polars-avro would not know that a union with null is an optional column.
        return avro.base
    found: dict[str, Any] = {"type": avro.base}
    if avro.base == "fixed":
        found |= {"name": f"fixed_{next(numbers)}", "size": avro.size}
    if avro.kind == "decimal":
        found |= {"precision": avro.precision, "scale": avro.scale}
    if avro.kind not in {avro.base, "uuid", "duration"}:
        found["logicalType"] = avro.kind
    return found
