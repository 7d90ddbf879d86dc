"""The rows of one Avro file, batch by batch: by polars-avro, or by fastavro where that cannot read them."""

from __future__ import annotations

import io
import struct
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any
from uuid import UUID

from s3_assets.errors import DataFileBrokenError
from s3_assets.tables.avro_blocks import Blocks
from s3_assets.tables.avro_header import Header, native, needs_bytes, optional, stored
from s3_assets.tables.avro_types import AvroType, polars_type

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import polars as pl

    from s3_assets.tables.ranges import RangeReader

BATCH_ROWS = 16_384
_BUFFER = 256 * 1024
_DURATION = struct.Struct("<III")
_DURATION_PARTS = ("months", "days", "milliseconds")
_TIMES = {"time-millis": 1_000_000, "time-micros": 1_000}


def read_rows(
    stream: RangeReader, header: Header, columns: Sequence[str], limit: int | None
) -> Iterator[pl.DataFrame]:
    """Yield the first `limit` rows in batches with these columns, typed as `polars_type` says.

    Only these columns are decoded; if there are none, one that only tells how many rows there are.
    """
    schema = native(header.rows)
    types = dict(header.rows.members)
    asked = list(columns)
    if all(types[name].kind == "null" for name in asked):
        # polars-avro counts no rows if nothing but nulls is asked for.
        asked += [name for name, avro in types.items() if avro.kind != "null"][:1]
        schema = schema if any(types[name].kind != "null" for name in asked) else None
    blocks = Blocks(header.sync)
    stream.watch(header.length, blocks.feed)
    if schema is not None:
        stream.replace_start(header.spelled(schema), header.length)
        batches = _by_polars_avro(stream, {name: types[name] for name in asked}, limit)
    else:
        stream.replace_start(header.spelled(stored(header.rows)), header.length)
        batches = _by_fastavro(stream, header.rows, asked, limit)
    rows = 0
    for batch in batches:
        rows += batch.height
        yield batch
    if limit is None or rows < limit:
        if not stream.ended:
            raise DataFileBrokenError(f"reading it ended early, after {rows} rows")
        blocks.check(rows)


def _by_polars_avro(
    stream: RangeReader, types: dict[str, AvroType], limit: int | None
) -> Iterator[pl.DataFrame]:
    import polars_avro

    frame = polars_avro.scan_avro([stream], batch_size=BATCH_ROWS).select(  # type: ignore[list-item]  # a raw stream
        [_typed(name, avro) for name, avro in types.items()]
    )
    if limit is not None:
        frame = frame.head(limit)
    yield from frame.collect_batches(lazy=True, maintain_order=True, chunk_size=BATCH_ROWS)


def _typed(name: str, avro: AvroType) -> pl.Expr:
    """Make of a column, as polars-avro gives it, one of our type."""
    import polars as pl

    column = pl.col(name)
    inner = optional(avro)
    if not needs_bytes(inner):
        return column.cast(polars_type(avro))
    if inner.kind == "uuid":
        digits = column.bin.encode("hex")
        parts = [
            digits.str.slice(start, length) for start, length in ((0, 8), (8, 4), (12, 4), (16, 4), (20, 12))
        ]
        return pl.concat_str(parts, separator="-").alias(name)
    numbers = [
        column.bin.slice(4 * index, 4).bin.reinterpret(dtype=pl.UInt32(), endianness="little").alias(part)
        for index, part in enumerate(_DURATION_PARTS)
    ]
    return pl.when(column.is_not_null()).then(pl.struct(numbers)).alias(name)


def _by_fastavro(
    stream: RangeReader, rows: AvroType, columns: Sequence[str], limit: int | None
) -> Iterator[pl.DataFrame]:
    import fastavro
    import polars as pl

    records: Iterator[Any] = fastavro.reader(
        io.BufferedReader(stream, _BUFFER),
        reader_schema=stored(rows, only=columns),
        return_record_name=True,
    )
    types = dict(rows.members)
    converts = {name: _converter(types[name]) for name in columns}
    while batch := list(islice(records, BATCH_ROWS if limit is None else min(limit, BATCH_ROWS))):
        yield pl.DataFrame(
            [
                pl.Series(
                    name,
                    [convert(record[name]) for record in batch],
                    dtype=_converted(types[name]),
                    strict=True,
                ).cast(polars_type(types[name]))
                for name, convert in converts.items()
            ],
            height=len(batch),
        )
        if limit is not None:
            limit -= len(batch)


def _converted(avro: AvroType) -> pl.DataType:  # noqa: PLR0911 - one return for each shape
    """Return the type of what `_converter` makes, which is cast to the column's type afterwards."""
    import polars as pl

    if avro.base == "union":
        if len(avro.choices) > 1:
            return pl.Struct({name: _converted(member) for name, member in avro.choices})
        return _converted(avro.choices[0][1]) if avro.choices else pl.Null()
    if avro.base == "record":
        return pl.Struct({name: _converted(member) for name, member in avro.members})
    if avro.base == "array":
        return pl.List(_converted(avro.members[0][1]))
    if avro.base == "map":
        return pl.List(pl.Struct({"key": pl.String(), "value": _converted(avro.members[0][1])}))
    if avro.kind in {"decimal", "duration", "uuid"}:
        return polars_type(avro)
    if avro.base == "enum":
        return pl.String()
    if avro.kind in _TIMES:
        return pl.Int64()
    return polars_type(AvroType(avro.base, avro.base))


def _converter(avro: AvroType) -> Callable[[Any], Any]:  # noqa: PLR0911 - one return for each shape
    """Return what makes a value of the stored one."""
    inner = [_converter(member) for _, member in avro.members]
    names = [name for name, _ in avro.members]
    if avro.base == "union":
        return _of_union(avro, inner)
    if avro.base == "record":
        return lambda value: {name: convert(value[name]) for name, convert in zip(names, inner, strict=True)}
    if avro.base == "array":
        return lambda value: [inner[0](each) for each in value]
    if avro.base == "map":
        return lambda value: [{"key": each["key"], "value": inner[0](each["value"])} for each in value]
    if avro.base == "enum":
        return lambda value: avro.symbols[value]
    if avro.kind == "decimal":
        return lambda value: _decimal(value, avro.scale)
    if avro.kind == "duration":
        return lambda value: dict(zip(_DURATION_PARTS, _DURATION.unpack(value), strict=True))
    if needs_bytes(avro):
        return lambda value: str(UUID(bytes=value))
    if avro.kind in _TIMES:
        return lambda value: value * _TIMES[avro.kind]
    return lambda value: value


def _of_union(avro: AvroType, inner: Sequence[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    names = [name for name, _ in avro.members]
    several = len(avro.choices) > 1

    def convert(value: Any) -> Any:  # noqa: ANN401 - any of the union's types
        if value is None:
            return None
        record, held = value
        index = int(record.split("_")[1])
        found = inner[index](held["value"])
        return {names[index]: found} if several else found

    return convert


def _decimal(value: bytes, scale: int) -> Decimal:
    number = int.from_bytes(value, "big", signed=True)
    # Not by arithmetic: its result would be rounded to the digits of the thread's context.
    return Decimal((int(number < 0), tuple(map(int, str(abs(number)))), -scale))
