"""The rows of some blocks of an Avro file: by polars-avro, or by fastavro where that cannot read them."""

from __future__ import annotations

import io
import struct
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from s3_assets.errors import DataFileBrokenError
from s3_assets.tables.avro_header import Header, native, needs_bytes, optional, stored
from s3_assets.tables.avro_types import AvroType, polars_type
from s3_assets.tables.avro_unpacked import LEFT_PACKED, least, refuse_endless, unpacked

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import polars as pl

    from s3_assets.tables.avro_blocks import Piece

# A single block may have millions of rows.
_BATCH_ROWS = 65_536
_DURATION = struct.Struct("<III")
_DURATION_PARTS = ("months", "days", "milliseconds")
_TIMES = {"time-millis": 1_000_000, "time-micros": 1_000}


class Decoder:
    """Makes frames of a file's pieces, with these columns, typed as `polars_type` says; threads may share it.

    Only these columns are decoded. Those of nulls alone have nothing to decode.
    """

    def __init__(self, header: Header, columns: Sequence[str]) -> None:
        types = dict(header.rows.members)
        self._columns = list(columns)
        self._types = {name: types[name] for name in columns if types[name].kind != "null"}
        self._rows = header.rows
        refuse_endless(header.rows)
        self._least = least(header.rows)
        self._codec, self._sync = header.codec, header.sync
        if header.codec not in LEFT_PACKED:
            header = replace(header, codec="null")
        schema = native(header.rows)
        self._natively = schema is not None
        self._start = header.spelled(stored(header.rows) if schema is None else schema)

    def decode(self, piece: Piece) -> pl.DataFrame:
        """Return the rows of a piece; raises `DataFileBrokenError` if they are not as many as it says."""
        import polars as pl

        blocks = unpacked(piece, self._codec, self._sync, self._least)
        found = pl.DataFrame(height=piece.rows)
        if self._types:
            stream = io.BytesIO(self._start + blocks)
            found = self._by_polars_avro(stream, piece.rows) if self._natively else self._by_fastavro(stream)
        if found.height != piece.rows:
            raise DataFileBrokenError(f"its blocks say {piece.rows} rows, and {found.height} could be read")
        nulls = [pl.lit(None, pl.Null()).alias(name) for name in self._columns if name not in self._types]
        return found.with_columns(nulls)

    def _by_polars_avro(self, stream: io.BytesIO, rows: int) -> pl.DataFrame:
        import polars_avro

        frame = polars_avro.scan_avro([stream], batch_size=min(rows, _BATCH_ROWS))
        return frame.select([_typed(name, avro) for name, avro in self._types.items()]).collect()

    def _by_fastavro(self, stream: io.BytesIO) -> pl.DataFrame:
        import fastavro
        import polars as pl

        records: list[Any] = list(
            fastavro.reader(
                stream, reader_schema=stored(self._rows, only=self._types), return_record_name=True
            )
        )
        columns = []
        for name, avro in self._types.items():
            convert = _converter(avro)
            values = [convert(record[name]) for record in records]
            columns.append(
                pl.Series(name, values, dtype=_converted(avro), strict=True).cast(polars_type(avro))
            )
        return pl.DataFrame(columns)


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
