"""Avro's types, and what they are in Polars: the schema's JSON of the specification 1.12 is read here.

| Avro | Polars |
|---|---|
| null, boolean, int, long, float, double | Null, Boolean, Int32, Int64, Float32, Float64 |
| bytes, fixed, big-decimal | Binary |
| string, uuid | String |
| decimal (of bytes or fixed, up to 38 digits) | Decimal |
| date; time-millis, time-micros | Date; Time |
| timestamp-millis, -micros, -nanos; local-timestamp-... | Datetime in UTC; Datetime without a zone |
| duration | Struct of months, days, milliseconds, each as it was written |
| enum | Enum of its symbols |
| record, array, map | Struct, List, Map |
| union of null and one type | that type |
| union of several types | Struct with a field for each type, named like it; all but one are null |

A logical type that its base type cannot carry is ignored, as the specification asks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from s3_assets.errors import DataFileBrokenError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import polars as pl

_PRIMITIVES = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})
_TIMESTAMPS = {
    f"{zone}timestamp-{unit}": "long" for zone in ("", "local-") for unit in ("millis", "micros", "nanos")
}
_BASES = {"date": "int", "time-millis": "int", "time-micros": "long", **_TIMESTAMPS}
"""Logical types that annotate one primitive type, and which."""
UNITS = {"millis": "ms", "micros": "us", "nanos": "ns"}
_DURATION_BYTES = 12
_UUID_BYTES = 16
_MOST_DIGITS = 38
# Named types may be used again and again inside of each other: a short schema means any number of columns.
_MOST_TYPES = 100_000
_DEEPEST = 64


@dataclass(frozen=True)
class AvroType:
    """One type with all names in it resolved.

    `kind` is Avro's name of the logical type, else of the type; `base` is what it is stored as.
    """

    kind: str
    base: str
    members: tuple[tuple[str, AvroType], ...] = ()
    """A record's fields, a union's branches, the items of an array, the values of a map."""
    symbols: tuple[str, ...] = ()
    size: int = 0
    precision: int = 0
    scale: int = 0

    @property
    def choices(self) -> tuple[tuple[str, AvroType], ...]:
        """A union's branches that are not null."""
        return tuple((name, member) for name, member in self.members if member.kind != "null")

    @property
    def may_be_null(self) -> bool:
        """Whether null is among its values."""
        return self.kind == "null" or (self.kind == "union" and len(self.choices) < len(self.members))

    def walk(self) -> Iterator[AvroType]:
        """Yield this type and all inside it."""
        yield self
        for _, member in self.members:
            yield from member.walk()


def polars_type(avro: AvroType) -> pl.DataType:  # noqa: PLR0911 - one return for each shape
    """Return the type of a column of this type."""
    import polars as pl

    if avro.kind == "union":
        if len(avro.choices) > 1:
            return pl.Struct({name: polars_type(member) for name, member in avro.choices})
        return polars_type(avro.choices[0][1]) if avro.choices else pl.Null()
    if avro.kind == "record":
        return pl.Struct({name: polars_type(member) for name, member in avro.members})
    if avro.kind == "array":
        return pl.List(polars_type(avro.members[0][1]))
    if avro.kind == "map":
        return pl.Map(pl.String(), polars_type(avro.members[0][1]))
    if avro.kind == "enum":
        return pl.Enum(avro.symbols)
    if avro.kind == "decimal":
        return pl.Decimal(avro.precision, avro.scale)
    if avro.kind in _TIMESTAMPS:
        local, _, unit = avro.kind.rpartition("timestamp-")
        return pl.Datetime(UNITS[unit], None if local else "UTC")  # type: ignore[arg-type]  # one of three
    plain: dict[str, pl.DataType] = {
        "null": pl.Null(),
        "boolean": pl.Boolean(),
        "int": pl.Int32(),
        "long": pl.Int64(),
        "float": pl.Float32(),
        "double": pl.Float64(),
        "bytes": pl.Binary(),
        "fixed": pl.Binary(),
        "string": pl.String(),
        "uuid": pl.String(),
        "date": pl.Date(),
        "time-millis": pl.Time(),
        "time-micros": pl.Time(),
        "duration": pl.Struct(dict.fromkeys(("months", "days", "milliseconds"), pl.UInt32())),
    }
    return plain[avro.kind]


def read_type(schema: Any) -> AvroType:  # noqa: ANN401 - JSON
    """Return the type of a file's rows, from its schema's JSON.

    Raises `DataFileBrokenError` if it is no schema of records, `UnsupportedError` for a type that holds
    itself, or more than anybody means.
    """
    try:
        found = _Resolver().resolve(schema, "", "")
        _require_small(found)
    except RecursionError:
        raise _too_deep() from None
    if found.kind != "record":
        raise DataFileBrokenError(f"its rows are of the type {found.kind}, not records")
    return found


def _require_small(rows: AvroType) -> None:
    """Raise `UnsupportedError` for types that nobody could walk through, one by one."""
    known: dict[int, tuple[int, int]] = {}

    def measure(avro: AvroType) -> tuple[int, int]:
        if id(avro) not in known:
            inner = [measure(member) for _, member in avro.members]
            known[id(avro)] = (
                1 + sum(types for types, _ in inner),
                1 + max((depth for _, depth in inner), default=0),
            )
        return known[id(avro)]

    types, depth = measure(rows)
    if depth > _DEEPEST:
        raise _too_deep()
    if types > _MOST_TYPES:
        raise UnsupportedError(
            f"its schema means {types:,} types, and no more than {_MOST_TYPES:,} are read",
            remedy="Write the rows with fewer fields.",
        )


def _too_deep() -> UnsupportedError:
    return UnsupportedError(
        f"its schema is nested more than {_DEEPEST} levels deep", remedy="Write the inner records as text."
    )


@dataclass
class _Resolver:
    named: dict[str, AvroType | None] = field(default_factory=dict)
    """By full name; None while the type is being read."""

    def resolve(  # noqa: PLR0911 - one return for each shape
        self,
        schema: Any,  # noqa: ANN401 - JSON
        namespace: str,
        place: str,
    ) -> AvroType:
        if isinstance(schema, str):
            return self._by_name(schema, namespace, place)
        if isinstance(schema, list):
            branches = [(self._branch(each, namespace), each) for each in schema]
            short = [name.rpartition(".")[2] for name, _ in branches]
            names = short if len({*short}) == len(short) else [name for name, _ in branches]
            return AvroType(
                "union",
                "union",
                tuple(
                    (name, self.resolve(each, namespace, place))
                    for name, (_, each) in zip(names, branches, strict=True)
                ),
            )
        if not isinstance(schema, dict) or "type" not in schema:
            raise _broken(place, schema)
        kind = schema["type"]
        if isinstance(kind, dict | list):
            return self.resolve(kind, namespace, place)
        if kind in {"record", "error", "enum", "fixed"}:
            return self._define(schema, namespace, place)
        if kind == "array":
            return AvroType("array", kind, (("items", self.resolve(schema.get("items"), namespace, place)),))
        if kind == "map":
            return AvroType("map", kind, (("values", self.resolve(schema.get("values"), namespace, place)),))
        if kind not in _PRIMITIVES:
            return self._by_name(kind, namespace, place)
        return _logical(AvroType(kind, kind), schema, place)

    def _by_name(self, name: str, namespace: str, place: str) -> AvroType:
        if name in _PRIMITIVES:
            return AvroType(name, name)
        full = _full_name(name, namespace)
        # A name without a namespace may also be one of the null namespace.
        key = full if full in self.named else name
        if key not in self.named:
            raise _broken(place, name)
        found = self.named[key]
        if found is None:
            raise UnsupportedError(
                f"field '{place}' is a '{name}' inside a '{name}', and a column cannot hold itself",
                remedy="Write the nested records as rows with an id and a parent's id, or as text.",
            )
        return found

    def _define(self, schema: Mapping[str, Any], namespace: str, place: str) -> AvroType:
        name = schema.get("name")
        if not isinstance(name, str):
            raise _broken(place, schema)
        inner = schema.get("namespace")
        full = _full_name(name, inner if isinstance(inner, str) else namespace)
        self.named[full] = None
        self.named[full] = found = self._defined(schema, full.rpartition(".")[0], place)
        return found

    def _defined(self, schema: Mapping[str, Any], namespace: str, place: str) -> AvroType:
        if schema["type"] == "enum":
            symbols = schema.get("symbols")
            if not isinstance(symbols, list):
                raise _broken(place, schema)
            return AvroType("enum", "enum", symbols=tuple(symbols))
        if schema["type"] == "fixed":
            size = schema.get("size")
            if not isinstance(size, int):
                raise _broken(place, schema)
            return _logical(AvroType("fixed", "fixed", size=size), schema, place)
        fields = schema.get("fields")
        if not isinstance(fields, list) or not all(
            isinstance(each, dict) and isinstance(each.get("name"), str) for each in fields
        ):
            raise _broken(place, schema)
        return AvroType(
            "record",
            "record",
            tuple(
                (
                    each["name"],
                    self.resolve(
                        each.get("type"), namespace, f"{place}.{each['name']}" if place else each["name"]
                    ),
                )
                for each in fields
            ),
        )

    @staticmethod
    def _branch(schema: Any, namespace: str) -> str:  # noqa: ANN401 - JSON
        """Return what tells a union's branch from the others: its type, or its full name."""
        if isinstance(schema, str):
            return schema if schema in _PRIMITIVES else _full_name(schema, namespace)
        if isinstance(schema, dict) and schema.get("type") in {"record", "error", "enum", "fixed"}:
            return _full_name(str(schema.get("name")), str(schema.get("namespace") or namespace))
        return str(schema.get("type")) if isinstance(schema, dict) else "union"


def _logical(base: AvroType, schema: Mapping[str, Any], place: str) -> AvroType:
    logical = schema.get("logicalType")
    kind = base.kind
    if not isinstance(logical, str):
        return base
    if logical == "decimal" and kind in {"bytes", "fixed"}:
        return _decimal(base, schema, place)
    known = (
        _BASES.get(logical) == kind
        or (logical == "uuid" and (kind == "string" or (kind == "fixed" and base.size == _UUID_BYTES)))
        or (logical == "duration" and kind == "fixed" and base.size == _DURATION_BYTES)
    )
    return AvroType(logical, kind, size=base.size) if known else base


def _decimal(base: AvroType, schema: Mapping[str, Any], place: str) -> AvroType:
    precision, scale = schema.get("precision"), schema.get("scale", 0)
    if not isinstance(precision, int) or not isinstance(scale, int) or not 0 <= scale <= precision > 0:
        return base
    if precision > _MOST_DIGITS:
        raise UnsupportedError(
            f"field '{place}' is a decimal of {precision} digits, and a column holds {_MOST_DIGITS}",
            remedy="Write it with fewer digits, or as text.",
        )
    return AvroType("decimal", base.kind, size=base.size, precision=precision, scale=scale)


def _full_name(name: str, namespace: str) -> str:
    return name if "." in name or not namespace else f"{namespace}.{name}"


def _broken(place: str, schema: object) -> DataFileBrokenError:
    where = f" of field '{place}'" if place else ""
    return DataFileBrokenError(f"its schema has no meaning: the type{where} is {str(schema)[:200]}")
