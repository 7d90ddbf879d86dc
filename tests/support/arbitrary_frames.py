"""Frames of any columns, drawn by a seed: the values are Python's first, and become a frame afterwards.

A value's plain form is what all readers are compared in: times of all kinds are whole nanoseconds (since 1970
in UTC, since midnight, or long), categories are their text, all else is Python's own.
"""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Literal

import polars as pl

TEXTS = (
    *("", " ", '"', '""', ",", ";", "\t", "|", "'", "\\", "\\N", "\n", "\r", "\r\n", "NULL", "null", "NaN"),
    *(
        "true",
        "1",
        "-0.0",
        "é",
        "😀",
        "👩‍👩‍👧",
        "مرحبا",
        "e\u0301",
        "\u2028",
        "\x01",
        "\x7f",
        "\u00a0",
        "#",
        "//",
    ),
    *('a"b', "a,b", "a\nb", 'a\r\n"b",', "[1, 2]", '{"a": 1}', "2020-01-01", " led", "trailed ", "x" * 300),
)
_EPOCH = date(1970, 1, 1)
_FIRST, _LAST = (date(1, 1, 1) - _EPOCH).days, (date(9999, 12, 31) - _EPOCH).days
_DAY_NS = 86_400 * 10**9
_UNITS: tuple[Literal["ms", "us", "ns"], ...] = ("ms", "us", "ns")
NANOSECONDS = {"ms": 10**6, "us": 10**3, "ns": 1}
ZONES = (None, "UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns")


@dataclass(frozen=True)
class Column:
    """A column's type and its values in their plain form."""

    dtype: pl.DataType
    values: list[Any]


def frame_of(columns: dict[str, Column]) -> pl.DataFrame:
    """Return the columns as Polars holds them."""
    return pl.DataFrame([_series(name, column) for name, column in columns.items()])


def draw(random: Random, kinds: Sequence[Callable[[Random], pl.DataType]]) -> dict[str, Column]:
    """Draw a frame of some columns of these kinds."""
    height = random.choice((0, 1, 2, 7, 20, 40))
    columns = {}
    for number in range(random.randint(1, 7)):
        dtype = random.choice(kinds)(random)
        columns[f"{random.choice(NAMES)}{number}"] = Column(
            dtype, [_value(random, dtype) for _ in range(height)]
        )
    return columns


NAMES = ("plain", "With Capital", "comma,", 'quote"', "ünï", "😀", "line\nbreak", "1", "select", "a.b", "_")


def flat(random: Random) -> pl.DataType:
    """Draw a type that every format has a spelling for."""
    unit = random.choice(_UNITS)
    digits = random.randint(1, 38)
    choices: list[pl.DataType] = [
        *(pl.Boolean(), pl.Int8(), pl.Int16(), pl.Int32(), pl.Int64(), pl.UInt8(), pl.UInt16(), pl.UInt32()),
        *(pl.UInt64(), pl.Float32(), pl.Float64(), pl.Float64(), pl.String(), pl.String(), pl.String()),
        *(
            pl.Date(),
            pl.Time(),
            pl.Datetime(unit),
            pl.Datetime(unit, random.choice(ZONES)),
            pl.Duration(unit),
        ),
        *(pl.Decimal(digits, random.randint(0, digits)), pl.Decimal(38, 38), pl.Decimal(38, 0)),
        *(pl.Categorical(), pl.Enum(["z", "", 'a"b', "😀"]), pl.Null()),
    ]
    return random.choice(choices)


def binary(random: Random) -> pl.DataType:
    """Return the type of bytes."""
    del random
    return pl.Binary()


def nested(random: Random) -> pl.DataType:
    """Draw a type with others inside, which may have others inside."""
    inner = [random.choice((flat, flat, flat, nested))(random) for _ in range(random.randint(1, 3))]
    inner = [pl.Int64() if each == pl.Null() else each for each in inner]
    kind = random.choice(("list", "list", "array", "struct", "struct"))
    if kind == "list":
        return pl.List(inner[0])
    if kind == "array":
        return pl.Array(inner[0], random.randint(1, 3))
    return pl.Struct({f"field{number}": dtype for number, dtype in enumerate(inner)})


def _value(random: Random, dtype: pl.DataType) -> Any:  # noqa: C901, PLR0911 - one return for each type
    if dtype == pl.Null() or random.random() < 0.15:
        return None
    if isinstance(dtype, pl.List):
        return [_value(random, type_of(dtype.inner)) for _ in range(random.randint(0, 3))]
    if isinstance(dtype, pl.Array):
        return [_value(random, type_of(dtype.inner)) for _ in range(dtype.size)]
    if isinstance(dtype, pl.Struct):
        return {each.name: _value(random, type_of(each.dtype)) for each in dtype.fields}
    if isinstance(dtype, pl.Enum):
        return random.choice(dtype.categories.to_list())
    if isinstance(dtype, pl.Decimal):
        return _decimal(random, dtype)
    if dtype.is_float():
        return _float(random, "d" if dtype == pl.Float64() else "f")
    if dtype.is_integer():
        return _integer(random, dtype)
    if dtype.is_temporal():
        return _time(random, dtype)
    if isinstance(dtype, pl.Binary):
        return random.choice((b"", b"\x00", b"\xff\xfe", b"text", random.randbytes(random.randint(0, 40))))
    if dtype == pl.Boolean():
        return random.random() < 0.5
    return random.choice(
        (random.choice(TEXTS), random.choice(TEXTS) + random.choice(TEXTS), _any_text(random))
    )


def _any_text(random: Random) -> str:
    # From U+0001 on: DuckDB takes no zero. Surrogates are no characters.
    found = (
        random.choice((random.randint(1, 0x7F), random.randint(1, 0x10FFFF)))
        for _ in range(random.randint(0, 9))
    )
    return "".join(chr(each) for each in found if not 0xD800 <= each <= 0xDFFF)


def _integer(random: Random, dtype: pl.DataType) -> int:
    name = str(dtype)
    bits = int(name.removeprefix("U").removeprefix("Int"))
    low, high = (0, 2**bits - 1) if name.startswith("U") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return random.choice((low, high, 0, 1, random.randint(low, high)))


def _float(random: Random, code: str) -> float:
    special = (0.0, -0.0, 0.1, 1.0, 1e15, 1e16, 1e-7, 123456789.125)
    bits = random.randbytes(struct.calcsize(code))
    extremes = {
        "d": (5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, -1.7976931348623157e308),
        "f": (1.401298464324817e-45, 1.1754943508222875e-38, 3.4028234663852886e38),
    }[code]
    found = random.choice((*special, *extremes, *struct.unpack(code, bits), *struct.unpack(code, bits)))
    return float(struct.unpack(code, struct.pack(code, found))[0])


def _decimal(random: Random, dtype: pl.Decimal) -> Decimal:
    most = 10**dtype.precision - 1
    number = random.choice((0, 1, -1, most, -most, random.randint(-most, most)))
    return Decimal(f"{number}E-{dtype.scale}")


def _time(random: Random, dtype: pl.DataType) -> int:
    if dtype == pl.Date():
        return random.choice((_FIRST, _LAST, 0, -1, random.randint(_FIRST, _LAST))) * _DAY_NS
    if dtype == pl.Time():
        # Avro has no finer ones.
        return random.choice(
            (0, _DAY_NS - 1_000, random.randrange(86_400) * 10**9, random.randrange(_DAY_NS // 1000) * 1000)
        )
    step = NANOSECONDS[dtype.time_unit]  # type: ignore[attr-defined]  # of Datetime and Duration
    if isinstance(dtype, pl.Duration):
        most = 2**62 // 10**6
        return random.choice((0, 1, -1, most, -most, random.randint(-most, most))) * step
    # Nanoseconds reach from 1677 to 2262.
    low, high = (-(2**63) + 1, 2**63 - 1) if step == 1 else (_FIRST * _DAY_NS, (_LAST + 1) * _DAY_NS - step)
    found = random.choice(
        (0, low, high, -1, random.randint(low, high), random.randint(-(10**9), 10**9) * 10**9)
    )
    if getattr(dtype, "time_zone", None):
        # A day from both ends: the wall clock of a zone has a year, too.
        found = min(max(found, low + _DAY_NS), high - _DAY_NS)
    return found // step * step


def type_of(dtype: Any) -> pl.DataType:
    """Return a type itself, of its class too."""
    return dtype if isinstance(dtype, pl.DataType) else dtype()


def _series(name: str, column: Column) -> pl.Series:
    values = [_stored(value, column.dtype) for value in column.values]
    return pl.Series(name, values, dtype=_storage(column.dtype)).cast(column.dtype)


def _storage(dtype: pl.DataType) -> pl.DataType:
    if isinstance(dtype, pl.List):
        return pl.List(_storage(type_of(dtype.inner)))
    if isinstance(dtype, pl.Array):
        return pl.Array(_storage(type_of(dtype.inner)), dtype.size)
    if isinstance(dtype, pl.Struct):
        return pl.Struct({each.name: _storage(type_of(each.dtype)) for each in dtype.fields})
    if isinstance(dtype, pl.Categorical | pl.Enum):
        return pl.String()
    return dtype if not dtype.is_temporal() else pl.Int32() if dtype == pl.Date() else pl.Int64()


def _stored(value: Any, dtype: pl.DataType) -> Any:
    if value is None:
        return None
    if isinstance(dtype, pl.List | pl.Array):
        return [_stored(each, type_of(dtype.inner)) for each in value]
    if isinstance(dtype, pl.Struct):
        return {each.name: _stored(value[each.name], type_of(each.dtype)) for each in dtype.fields}
    if not dtype.is_temporal():
        return value
    return value // (_DAY_NS if dtype == pl.Date() else NANOSECONDS[getattr(dtype, "time_unit", "ns")])


def as_date(nanoseconds: int) -> date:
    """Return the day of a date's plain form."""
    return _EPOCH + timedelta(days=nanoseconds // _DAY_NS)
