"""Types as a registry writes them: `int64`, `timestamp[ns, UTC]`, `list[struct[a: int64, b: string]]`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

KNOWN = (
    "boolean, int8 to int64, uint8 to uint64, float32, float64, string, binary, date, time, timestamp, "
    "timestamp_ntz, timestamp[unit], timestamp[unit, zone], duration[unit], decimal[precision, scale], "
    "list[type], array[type, length], struct[name: type, ...]"
)
_PLAIN = {
    "boolean": "Boolean",
    "int8": "Int8",
    "int16": "Int16",
    "int32": "Int32",
    "int64": "Int64",
    "uint8": "UInt8",
    "uint16": "UInt16",
    "uint32": "UInt32",
    "uint64": "UInt64",
    "float32": "Float32",
    "float64": "Float64",
    "string": "String",
    "binary": "Binary",
    "date": "Date",
    "time": "Time",
}
_UNITS: dict[str, Literal["ms", "us", "ns"]] = {"ms": "ms", "us": "us", "ns": "ns"}
_MOST_DIGITS = 38
_FIELD = re.compile(r"^\s*(?:'(?P<quoted>[^']+)'|(?P<plain>[^:'\s][^:']*?))\s*:\s*(?P<type>.+)$", re.DOTALL)
_BARE = re.compile(r"^[^\s:,'\[\]](?:[^:,'\[\]]*[^\s:,'\[\]])?$")


def parse_type(text: str) -> pl.DataType:
    """Return the type that the text names; raises `ValueError` for one that is not `KNOWN`."""
    import polars as pl

    name, opened, rest = text.strip().partition("[")
    name = name.strip().lower()
    if not opened:
        if name in _PLAIN:
            made: pl.DataType = getattr(pl, _PLAIN[name])()
            return made
        if name in {"timestamp", "timestamp_ntz"}:
            return pl.Datetime("us", "UTC" if name == "timestamp" else None)
        raise ValueError(text)
    if not rest.rstrip().endswith("]"):
        raise ValueError(text)
    return _parameters(name, list(_split(rest.rstrip()[:-1])), text)


def type_name(dtype: pl.DataType) -> str:
    """Return the text that `parse_type` reads as this type, or as the one that stores all its values."""
    import polars as pl

    if isinstance(dtype, pl.Categorical | pl.Enum):
        return "string"
    if isinstance(dtype, pl.Datetime):
        plain = {"UTC": "timestamp", None: "timestamp_ntz"}
        if dtype.time_unit == "us" and dtype.time_zone in plain:
            return plain[dtype.time_zone]
    plain_names = {polars: ours for ours, polars in _PLAIN.items()}
    return plain_names.get(str(dtype)) or _with_parameters(dtype)


def _with_parameters(dtype: pl.DataType) -> str:
    import polars as pl

    found: list[str] = [str(dtype).lower()]
    if isinstance(dtype, pl.Datetime):
        found = ["timestamp", dtype.time_unit, *([dtype.time_zone] if dtype.time_zone else [])]
    elif isinstance(dtype, pl.Duration):
        found = ["duration", dtype.time_unit]
    elif isinstance(dtype, pl.Decimal):
        found = ["decimal", str(dtype.precision), str(dtype.scale)]
    elif isinstance(dtype, pl.List):
        found = ["list", type_name(_made(dtype.inner))]
    elif isinstance(dtype, pl.Array):
        # The shape of an array of arrays is the product of nested ones.
        found = ["array", type_name(_made(dtype.inner)), str(dtype.size)]
    elif isinstance(dtype, pl.Struct):
        found = ["struct"]
        found += [f"{_quoted(each.name)}: {type_name(_made(each.dtype))}" for each in dtype.fields]
    return f"{found[0]}[{', '.join(found[1:])}]" if len(found) > 1 else found[0]


def _parameters(name: str, parts: list[str], text: str) -> pl.DataType:
    import polars as pl

    if name in {"timestamp", "duration"} and parts[0] in _UNITS:
        if name == "duration" and len(parts) == 1:
            return pl.Duration(_UNITS[parts[0]])
        if name == "timestamp" and len(parts) <= 2:
            return pl.Datetime(_UNITS[parts[0]], parts[1] if len(parts) == 2 else None)
    if name == "decimal" and len(parts) == 2 and all(part.isdigit() for part in parts):
        precision, scale = int(parts[0]), int(parts[1])
        if 1 <= precision <= _MOST_DIGITS and scale <= precision:
            return pl.Decimal(precision, scale)
    if name == "list" and len(parts) == 1:
        return pl.List(parse_type(parts[0]))
    if name == "array" and len(parts) == 2 and parts[1].isdigit():
        return pl.Array(parse_type(parts[0]), int(parts[1]))
    if name == "struct":
        found = [_FIELD.match(part) for part in parts]
        fields = {each["quoted"] or each["plain"]: parse_type(each["type"]) for each in found if each}
        if len(fields) == len(parts):
            return pl.Struct(fields)
    raise ValueError(text)


def _split(text: str) -> Iterator[str]:
    """Yield what stands between the commas that are in no brackets and no quotes."""
    depth, quoted, start = 0, False, 0
    for index, character in enumerate(text):
        quoted ^= character == "'"
        if quoted:
            continue
        depth += (character == "[") - (character == "]")
        if character == "," and depth == 0:
            yield text[start:index].strip()
            start = index + 1
    yield text[start:].strip()


def _quoted(name: str) -> str:
    return name if _BARE.match(name) else f"'{name}'"


def _made(dtype: object) -> pl.DataType:
    """Return a type, where Polars also lets a class without parameters stand for it."""
    made: pl.DataType = dtype() if isinstance(dtype, type) else dtype  # type: ignore[assignment]
    return made
