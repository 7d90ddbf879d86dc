"""Files as readers see them that are not ours, each value in its plain form: see `arbitrary_frames`."""

import csv
import gzip
import io
import json
import math
import re
import struct
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import fastavro
import polars as pl
import pyarrow as pa
import pyarrow.parquet

from tests.support.arbitrary_frames import NANOSECONDS, Column, type_of

Columns = Mapping[str, Column]
Found = list[list[Any]]
"""The values of each column."""

_DAY_NS = 86_400 * 10**9
_MOST_IN_DUCKDB = 2**63 - _DAY_NS
_MOMENT = re.compile(
    r"(?:(\d{4}-\d\d-\d\d)(?:T|$))?(?:(\d\d:\d\d:\d\d)(?:\.(\d{3}|\d{6}|\d{9}))?(\+00:00)?)?"
)


def expected(columns: Columns, change: Callable[[Any, pl.DataType], Any] | None = None) -> Found:
    """Return the values of each column, all inner values changed as a reader has to see them."""
    return [[_mapped(value, column.dtype, change) for value in column.values] for column in columns.values()]


def same(one: Any, other: Any) -> bool:
    """Tell whether two plain values are equal to the bit: zeros have signs, and NaN is NaN."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return [*one] == [*other] and all(map(same, one.values(), other.values()))
    if isinstance(one, float) and isinstance(other, float):
        return (math.isnan(one) and math.isnan(other)) or struct.pack("d", one) == struct.pack("d", other)
    return type(one) is type(other) and one == other


def csv_module(text: str, columns: Columns, *, delimiter: str, quote: str, null: str) -> Found:
    """Read by Python's csv module, which does not tell an empty text from none, or quoted from plain."""
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quotechar=quote, strict=True))
    assert rows[0] == [*columns]
    assert all(len(row) == len(columns) for row in rows)
    return [
        [_cell(row[index], column, null) for row in rows[1:]] for index, column in enumerate(columns.values())
    ]


def json_module(text: bytes, columns: Columns) -> Found:
    """Read by Python's json module, line by line; what JSON has no type for is read from its text."""
    rows = [json.loads(line, parse_constant=_no_json) for line in text.decode().split("\n")[:-1]]
    assert all([*row] == [*columns] for row in rows)
    return [[_read(row[name], column.dtype) for row in rows] for name, column in columns.items()]


def duckdb_csv(
    path: Path, columns: Columns, *, delimiter: str, quote: str, null: str, line_end: str
) -> Found:
    """Read by DuckDB with the columns' types, which tells what stands in quotes from what does not."""
    names = {f"c{index}": _sql_column(column) for index, column in enumerate(columns.values())}
    found = _duckdb(
        "SELECT * FROM read_csv(?, columns = ?, auto_detect = false, header = true, delim = ?, quote = ?, "
        "escape = ?, nullstr = ?, allow_quoted_nulls = false, new_line = ?)",
        [str(path), names, delimiter, quote, quote, null, line_end],
    )
    return [
        [_typed(value, column.dtype) for value in each]
        for each, column in zip(found, columns.values(), strict=True)
    ]


def duckdb_json(path: Path, columns: Columns) -> Found:
    """Read by DuckDB with the columns' types; times and decimals as the texts that they are in JSON."""
    names = {name: _sql(column.dtype, json_=True) for name, column in columns.items()}
    values = _duckdb(
        "SELECT * FROM read_json(?, format = 'newline_delimited', columns = ?)", [str(path), names]
    )
    return [
        [_read(value, column.dtype) for value in each]
        for each, column in zip(values, columns.values(), strict=True)
    ]


def duckdb_parquet(paths: Sequence[Path]) -> Found:
    """Read by DuckDB, whose durations are numbers."""
    return _duckdb("SELECT * FROM read_parquet(?)", [[str(path) for path in paths]])


def arrow_parquet(paths: Sequence[Path]) -> Found:
    """Read by pyarrow."""
    return _plain_table(pa.concat_tables(pyarrow.parquet.read_table(path) for path in paths))


def avro_rows(text: bytes, columns: Columns) -> Found:
    """Read by fastavro; names are as Avro can have them, and the order is that of the columns."""
    rows: list[Any] = [
        list(row.values()) for row in fastavro.reader(io.BytesIO(text)) if isinstance(row, dict)
    ]
    return [
        [_avro(row[index], column.dtype) for row in rows] for index, column in enumerate(columns.values())
    ]


def unpacked(text: bytes) -> bytes:
    """Unpack by Python's gzip, all members."""
    return gzip.decompress(text)


def _no_json(constant: str) -> None:
    raise AssertionError(f"JSON has no {constant}")


def _cell(text: str, column: Column, null: str) -> Any:
    if isinstance(column.dtype, pl.String | pl.Categorical | pl.Enum):
        return text
    return None if text == null else _read(text, column.dtype)


def _mapped(value: Any, dtype: pl.DataType, change: Callable[[Any, pl.DataType], Any] | None) -> Any:
    if value is None or change is None:
        return value
    if isinstance(dtype, pl.List | pl.Array):
        return [_mapped(each, type_of(dtype.inner), change) for each in value]
    if isinstance(dtype, pl.Struct):
        return {each.name: _mapped(value[each.name], type_of(each.dtype), change) for each in dtype.fields}
    return change(value, dtype)


def _read(value: Any, dtype: pl.DataType) -> Any:  # noqa: C901, PLR0911 - one return for each type
    """Return the plain form of a text, or of what JSON or DuckDB has for it."""
    if value is None:
        return None
    if isinstance(dtype, pl.List | pl.Array):
        return [_read(each, type_of(dtype.inner)) for each in value]
    if isinstance(dtype, pl.Struct):
        return {each.name: _read(value[each.name], type_of(each.dtype)) for each in dtype.fields}
    if isinstance(dtype, pl.Duration):
        return int(value) * NANOSECONDS[dtype.time_unit]
    if dtype.is_temporal():
        return _moment(value, zoned=getattr(dtype, "time_zone", None) is not None)
    if isinstance(dtype, pl.Decimal):
        assert isinstance(value, str)
        return Decimal(value)
    if dtype.is_float():
        found = float(value)
        return found if dtype == pl.Float64() else struct.unpack("f", struct.pack("f", found))[0]
    if dtype.is_integer():
        return int(value) if isinstance(value, str) else value
    if dtype == pl.Boolean() and isinstance(value, str):
        return {"true": True, "false": False}[value]
    if isinstance(dtype, pl.Binary):
        return bytes.fromhex(value)
    return value


def _moment(text: str, *, zoned: bool) -> int:
    """Read a date, a time or both as ISO 8601 has them."""
    found = _MOMENT.fullmatch(text)
    assert found, text
    day, clock, fraction, zone = found.groups()
    assert (zone is not None) == zoned, text
    days = 0 if day is None else (date.fromisoformat(day) - date(1970, 1, 1)).days
    nanoseconds = days * _DAY_NS + int((fraction or "").ljust(9, "0"))
    hours, minutes, seconds = map(int, (clock or "0:0:0").split(":"))
    return nanoseconds + ((hours * 60 + minutes) * 60 + seconds) * 10**9


def _avro(value: Any, dtype: pl.DataType) -> Any:  # noqa: PLR0911 - one return for each type
    if value is None:
        return None
    if isinstance(dtype, pl.List | pl.Array):
        return [_avro(each, type_of(dtype.inner)) for each in value]
    if isinstance(dtype, pl.Struct):
        return {
            each.name: _avro(found, type_of(each.dtype))
            for each, found in zip(dtype.fields, value.values(), strict=True)
        }
    if isinstance(dtype, pl.Duration):
        return value * NANOSECONDS[dtype.time_unit]
    if isinstance(value, datetime):
        zone = UTC if getattr(dtype, "time_zone", None) else None
        return (value - datetime(1970, 1, 1, tzinfo=zone)) // timedelta(microseconds=1) * 1000
    if isinstance(value, date):
        return (value - date(1970, 1, 1)).days * _DAY_NS
    if isinstance(value, time):
        return (((value.hour * 60 + value.minute) * 60 + value.second) * 10**6 + value.microsecond) * 1000
    if isinstance(value, Decimal) and dtype == pl.UInt64():
        return int(value)
    return value


def _sql_column(column: Column) -> str:
    # What is not far from the limits of nanoseconds is not read: such columns as the texts that they are.
    most = max((abs(value) for value in column.values if isinstance(value, int)), default=0)
    kind = _sql(column.dtype)
    return "VARCHAR" if kind.endswith("_NS") and most > _MOST_IN_DUCKDB else kind


def _sql(dtype: pl.DataType, *, json_: bool = False) -> str:  # noqa: PLR0911 - one return for each type
    """Return DuckDB's name of a type."""
    if isinstance(dtype, pl.List | pl.Array):
        return f"{_sql(type_of(dtype.inner), json_=json_)}[]"
    if isinstance(dtype, pl.Struct):
        fields = ", ".join(f'"{each.name}" {_sql(type_of(each.dtype), json_=json_)}' for each in dtype.fields)
        return f"STRUCT({fields})"
    if isinstance(dtype, pl.Duration):
        return "BIGINT"
    if json_ and (dtype.is_temporal() or dtype.is_decimal()):
        return "VARCHAR"
    if isinstance(dtype, pl.Decimal):
        return f"DECIMAL({dtype.precision}, {dtype.scale})"
    if isinstance(dtype, pl.Datetime):
        zoned = "TIMESTAMPTZ" if dtype.time_zone else "TIMESTAMP"
        return f"{zoned}_NS" if dtype.time_unit == "ns" else zoned
    names = {
        "Boolean": "BOOLEAN",
        "Int8": "TINYINT",
        "Int16": "SMALLINT",
        "Int32": "INTEGER",
        "Int64": "BIGINT",
        "UInt8": "UTINYINT",
        "UInt16": "USMALLINT",
        "UInt32": "UINTEGER",
        "UInt64": "UBIGINT",
        "Float32": "FLOAT",
        "Float64": "DOUBLE",
        "Date": "DATE",
        "Time": "TIME",
    }
    return names.get(str(dtype), "VARCHAR")


def _duckdb(query: str, parameters: list[Any]) -> Found:
    with duckdb.connect() as connection:
        return _plain_table(connection.sql(query, params=parameters).to_arrow_table())


def _typed(value: Any, dtype: pl.DataType) -> Any:
    """Return what DuckDB read with the column's type."""
    return _read(value, dtype) if isinstance(value, str) or isinstance(dtype, pl.Duration) else value


def _plain_table(table: Any) -> Found:
    return [_plain(column.combine_chunks()) for column in table.columns]


def _plain(values: Any) -> list[Any]:
    """Return the plain form of an Arrow array's values."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        return _plain(values.dictionary_decode())
    if pa.types.is_struct(kind):
        fields = {kind.field(index).name: _plain(values.field(index)) for index in range(kind.num_fields)}
        return [
            {name: each[index] for name, each in fields.items()} if valid.as_py() else None
            for index, valid in enumerate(values.is_valid())
        ]
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return [_plain(each.values) if each.is_valid else None for each in values]
    if pa.types.is_date(kind):
        return _scaled(values.cast(pa.int32()), _DAY_NS)
    if pa.types.is_temporal(kind):
        step = {"s": 10**9, **NANOSECONDS}[kind.unit]
        return _scaled(values.view(pa.int64() if kind.bit_width == 64 else pa.int32()), step)
    return list(values.to_pylist())


def _scaled(numbers: Any, step: int) -> list[int | None]:
    return [None if each is None else each * step for each in numbers.to_pylist()]
