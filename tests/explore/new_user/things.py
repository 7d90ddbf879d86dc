"""What is made in the untuned bucket, and what somebody who knows data lakes expects to be told of it."""

import gzip
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq

Row = dict[str, Any]
Objects = Mapping[str, bytes]


@dataclass(frozen=True)
class Answer:
    """One table or media set that should be found.

    Right is an entry at one of `paths`, of `format`, that has `columns` and reads as exactly `rows` rows;
    `partition` is the column that its partitions should have, where a person would be cross without.
    A media set has no rows: it is told by its path alone.
    """

    paths: tuple[str, ...]
    format: str
    rows: int = 0
    columns: frozenset[str] = frozenset()
    partition: str | None = None


@dataclass(frozen=True)
class Thing:
    """Something that lies in the bucket: its objects, and the answers; none means that it is a trap."""

    name: str
    objects: Objects
    answers: tuple[Answer, ...] = ()
    prefixes: tuple[str, ...] = field(default=())
    """Where a trap lies: an entry that begins here is wrong."""


def table(
    path: str | Iterable[str], form: str, rows: int, columns: str, partition: str | None = None
) -> Answer:
    """Return the answer for a table; columns with spaces between."""
    paths = (path,) if isinstance(path, str) else tuple(path)
    return Answer(paths, form, rows, frozenset(columns.split()), partition)


def media(*paths: str) -> Answer:
    """Return the answer for a media set."""
    return Answer(paths, "media")


def trap(name: str, prefix: str, objects: Objects) -> Thing:
    """Return something in which nothing should be found."""
    return Thing(name, {f"{prefix}{key}": body for key, body in objects.items()}, (), (prefix,))


def orders(count: int, first: int = 0) -> list[Row]:
    """Return rows that differ, of a few types."""
    return [
        {
            "order_id": first + number,
            "customer": f"Customer {(first + number) % 97}",
            "amount": round((first + number) * 1.37, 2),
            "paid": number % 3 == 0,
        }
        for number in range(count)
    ]


def parquet(rows: Iterable[Row], compression: str = "snappy") -> bytes:
    """Return one Parquet file."""
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows)), sink, compression=compression)
    return sink.getvalue()


def lines(rows: Iterable[Row]) -> bytes:
    """Return JSON Lines."""
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


def text(rows: Iterable[Row], delimiter: str = ",", *, header: bool = True) -> bytes:
    """Return delimited text of values that need no quotes."""
    found = list(rows)
    written = [delimiter.join(found[0])] if header else []
    written += [delimiter.join(str(value) for value in row.values()) for row in found]
    return "".join(f"{each}\n" for each in written).encode()


def packed(body: bytes) -> bytes:
    """Return it as gzip writes it, the same each time."""
    return gzip.compress(body, mtime=0)


def identity(number: int) -> str:
    """Return a UUID as programs put them into names; the same each time."""
    return str(UUID(int=0x5D41_402A_BC4B_2A76_B971_9D91_1017_C592 ^ (number * 0x9E37_79B9_7F4A_7C15)))
