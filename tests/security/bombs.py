"""Inputs of some kilobytes that mean gigabytes, or no end: each made by hand for one reader."""

import gzip
import io
import json
import os
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.security.hostile import Kind, Reading, _delta_log, _guess, _own, _registry
from tests.security.mutations import varint

MIB = 1024 * 1024


@dataclass(frozen=True)
class Bomb(Kind):
    """An input that is always the same."""

    def input(self, number: int) -> tuple[Random, bytes]:
        return Random(f"{self.name} {number}"), self.seeds()[0]  # noqa: S311 - see the class above


def deflated(text: bytes, times: int) -> bytes:
    """Raw deflate of a text that is repeated: each copy is packed by itself, so that it takes no time."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    once = packer.compress(text) + packer.flush(zlib.Z_FULL_FLUSH)
    return once * times + packer.flush()


def gzipped(text: bytes, times: int) -> bytes:
    check, one = 0, text
    for _ in range(times):
        check = zlib.crc32(one, check)
    size = len(text) * times % 2**32
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + deflated(text, times) + struct.pack("<II", check, size)


def zstandard_of(text: bytes, times: int) -> bytes:
    import zstandard

    return zstandard.ZstdCompressor(write_content_size=False).compress(text) * times


def avro(schema: Any, codec: str, rows: int, block: bytes) -> bytes:
    told = [(b"avro.schema", json.dumps(schema).encode()), (b"avro.codec", codec.encode())]
    metadata = b"".join(varint(len(part)) + part for pair in told for part in pair)
    sync = b"0123456789abcdef"
    return (
        b"Obj\x01"
        + varint(len(told))
        + metadata
        + b"\0"
        + sync
        + varint(rows)
        + varint(len(block))
        + block
        + sync
    )


def record(kind: Any) -> dict[str, Any]:
    return {"type": "record", "name": "r", "fields": [{"name": "x", "type": kind}]}


def doubling(levels: int) -> dict[str, Any]:
    """Records of two records of two records: 2 to the power of so many columns."""
    found: Any = "int"
    for level in range(levels):
        fields = [{"name": "a", "type": found}, {"name": "b", "type": f"r{level - 1}" if level else "int"}]
        found = {"type": "record", "name": f"r{level}", "fields": fields}
    return record(found)


def deep(levels: int) -> dict[str, Any]:
    found: Any = "int"
    for _ in range(levels):
        found = {"type": "array", "items": found}
    return record(found)


def pax(size: int) -> bytes:
    """The header of a member's attributes that have no end, and their beginning, packed."""
    told = tarfile.TarInfo("a.csv")
    told.type, told.size = tarfile.XHDTYPE, size
    return gzip.compress(told.tobuf(tarfile.USTAR_FORMAT)) + gzipped(b"\0" * MIB, size // MIB)


def overlapping(members: int) -> bytes:
    """A zip of many members, all of them the same bytes (David Fifield, "A better zip bomb")."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", b"a\n" * MIB)
        first = archive.infolist()[0]
        for number in range(members):
            copy = zipfile.ZipInfo(f"{number}.csv")
            for name in ("header_offset", "compress_size", "file_size", "CRC", "compress_type"):
                setattr(copy, name, getattr(first, name))
            archive.filelist.append(copy)
            archive.NameToInfo[copy.filename] = copy
        archive._didModify = True  # type: ignore[attr-defined]  # so that the index is written
    return made.getvalue()


def anchors(levels: int) -> bytes:
    lines = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(["a0: &a0 [x]", *lines]).encode()


def _table(suffix: str, **settings: Any) -> Callable[[Reading, bytes], None]:
    def read(reading: Reading, body: bytes) -> None:
        reading.put(f"a{suffix}", body)
        reading.rows(**settings)

    return read


def _metadata(reading: Reading, body: bytes) -> None:
    reading.put("metadata/v1.gz.metadata.json", body)
    reading.rows(format="iceberg", path="", warehouse_path=reading.folder)


def _own_of(which: int) -> Callable[[Reading, bytes], None]:
    class Fixed(Random):
        def randrange(self, *_: Any) -> int:
            return which

    def read(reading: Reading, body: bytes) -> None:
        _own(Reading(reading.connection, reading.folder, Fixed()), body)

    return read


def _log_line() -> bytes:
    return b'{"add": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n"


_AVRO = {
    "deflate": lambda: avro(record("string"), "deflate", 1, deflated(b"\0" * MIB, 2048)),
    "zstandard": lambda: avro(record("string"), "zstandard", 1, zstandard_of(b"\0" * 64 * MIB, 64)),
    "snappy": lambda: avro(record("string"), "snappy", 1, b"\xff\xff\xff\xff\x0f" + b"\0" * 40),
    "empty rows": lambda: avro(record("null"), "null", 2**40, b""),
    "many rows": lambda: avro(record("int"), "null", 2**40, b"\0" * 8),
    "array of nulls": lambda: avro(
        record({"type": "array", "items": "null"}), "null", 1, varint(2**40) + b"\0"
    ),
    "long array": lambda: avro(
        record({"type": "array", "items": "long"}), "null", 1, varint(2**40) + b"\0\0"
    ),
    "long map": lambda: avro(record({"type": "map", "values": "long"}), "null", 1, varint(2**40) + b"\0\0"),
    "long string": lambda: avro(record("string"), "null", 1, varint(2**40) + b"abc"),
    "union of unions": lambda: avro(record(["null", "int", "string"]), "null", 1, varint(77) + b"abc"),
    "doubling": lambda: avro(doubling(60), "null", 1, b"\0"),
    "deep": lambda: avro(deep(300), "null", 1, b"\0"),
    "deeper": lambda: avro(record("int"), "null", 1, b"\0").replace(b'"int"', b"[" * 2000 + b"]" * 2000),
}
_TEXT: dict[str, tuple[str, dict[str, Any], Callable[[], bytes]]] = {
    "csv of one line": (".csv.gz", {"format": "csv"}, lambda: gzipped(b"a" * MIB, 600)),
    "csv of one field": (
        ".csv.gz",
        {"format": "csv"},
        lambda: gzip.compress(b'a\n"') + gzipped(b"b" * (MIB - 1) + b"\n", 100),
    ),
    "csv of empty lines": (
        ".csv.gz",
        {"format": "csv"},
        lambda: gzip.compress(b"a\n") + gzipped(b"\n" * MIB, 20),
    ),
    "csv of zeros": (".csv.zst", {"format": "csv"}, lambda: zstandard_of(b"\0" * 16 * MIB, 40)),
    "csv of columns": (".csv", {"format": "csv"}, lambda: b"," * 200_000 + b"\n" + b"," * 200_000),
    "json of brackets": (".json", {"format": "json"}, lambda: b"[" * 500_000),
    "json of depth": (
        ".jsonl",
        {"format": "jsonl"},
        lambda: b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n",
    ),
    "json of digits": (".jsonl", {"format": "jsonl"}, lambda: b'{"a": ' + b"9" * 1_000_000 + b"}\n"),
    "json of one string": (
        ".json.gz",
        {"format": "json"},
        lambda: gzip.compress(b'["') + gzipped(b"a" * MIB, 200),
    ),
    "attributes of tar": (".csv.tar.gz", {"format": "csv", "suffixes": [".gz"]}, lambda: pax(1024 * MIB)),
    "overlapping zip": (".csv.zip", {"format": "csv", "suffixes": [".zip"]}, lambda: overlapping(3_000)),
    "parquet footer": (
        ".parquet",
        {"format": "parquet"},
        lambda: b"PAR1" + b"\xff" * 20 + b"\xff\xff\xff\x7fPAR1",
    ),
}
_OTHERS: dict[str, tuple[Callable[[], bytes], Callable[[Reading, bytes], None]]] = {
    "guess of zstandard": (lambda: zstandard_of(b"\0" * 64 * MIB, 64), _guess),
    "registry of anchors": (lambda: anchors(20), _registry),
    "registry of depth": (lambda: b"a: " + b"[" * 200_000, _registry),
    "metadata of iceberg": (lambda: gzipped(b" " * MIB, 2048), _metadata),
    "delta log of depth": (_log_line, _delta_log),
    "cursor before itself": (
        lambda: b'{"schema_version": 2, "previous": 5, "position": null, "segments": []}',
        _own_of(0),
    ),
}


def _bomb(name: str, made: Callable[[], bytes], read: Callable[[Reading, bytes], None]) -> Bomb:
    return Bomb(name, lambda: [made()], (), read)


BOMBS: tuple[Bomb, ...] = (
    *(_bomb(f"avro: {name}", made, _table(".avro", format="avro")) for name, made in _AVRO.items()),
    *(_bomb(name, made, _table(suffix, **settings)) for name, (suffix, settings, made) in _TEXT.items()),
    *(_bomb(name, made, read) for name, (made, read) in _OTHERS.items()),
)
"""All of them; each has to be refused."""


def _raw(reading: Reading, body: bytes) -> None:
    raise KeyError(body)


def _crash(reading: Reading, body: bytes) -> None:
    os.abort()


def _memory(reading: Reading, body: bytes) -> None:
    bytearray(body) * (320 * MIB)


FAULTS = tuple(
    Bomb(f"fault: {name}", lambda: [b"x"], (), read)
    for name, read in (("raw", _raw), ("memory", _memory), ("crash", _crash))
)
"""What a harness has to see."""
