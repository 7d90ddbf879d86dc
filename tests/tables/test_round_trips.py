"""Any frame of a format's types, written and read back, is the same frame: whatever the values are.

With EVERYTHING=1 in the environment they are 500 frames for each format.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from itertools import count
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from s3_assets.errors import DataFilesMissingError, SchemaMismatchError
from s3_assets.incremental.overwrite import overwrite
from s3_assets.tables.iceberg_settings import IcebergSettings
from s3_assets.tables.open import open_table
from s3_assets.tables.settings import AvroSettings, DeltaSettings, ParquetSettings, TableSettings
from s3_assets.tables.text_settings import CsvSettings, JsonLinesSettings, JsonSettings, TsvSettings
from s3_assets.tables.type_names import type_name
from tests.support.extent import EVERYTHING
from tests.tables.formats import Place

MOST_DIGITS = 38
FIRST_YEAR, LAST_YEAR = -62_135_596_800, 253_402_300_799  # 0001 to 9999, in seconds since 1970
UNITS = {"ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}

_ODD = ['"', '""', "\\", ",", "null", "NA", "NaN", "😀", "#", "'", "\x00", "\ufeff"]
Texts = st.text(max_size=8) | st.sampled_from(["", " ", "\t", "\n", "\r", "\r\n", *_ODD])


@dataclass(frozen=True)
class Kind:
    """A kind of type: those of it, and its values as Python has them before they are cast to it."""

    types: st.SearchStrategy[pl.DataType]
    values: Callable[[pl.DataType], st.SearchStrategy[Any]]


def _integers(dtype: pl.DataType) -> st.SearchStrategy[int]:
    low, high = pl.select(dtype.min().alias("low"), dtype.max().alias("high")).row(0)  # type: ignore[attr-defined]
    return st.integers(low, high)


def _decimals(dtype: pl.DataType) -> st.SearchStrategy[Decimal]:
    assert isinstance(dtype, pl.Decimal)
    most = 10**dtype.precision - 1
    return st.integers(-most, most).map(lambda number: Decimal(f"{number}e-{dtype.scale}"))


def _moments(dtype: pl.DataType, seconds: int = 1) -> st.SearchStrategy[int]:
    assert isinstance(dtype, pl.Datetime)
    unit = UNITS[dtype.time_unit]
    low, high = FIRST_YEAR * unit, LAST_YEAR * unit
    return st.integers(max(low, -(2**63) + 1), min(high, 2**63 - 1)) | st.integers(-unit, unit)


def _one_of(*types: pl.DataType) -> st.SearchStrategy[pl.DataType]:
    return st.sampled_from(types)


def _datetimes(*units: str) -> st.SearchStrategy[pl.DataType]:
    zones = st.sampled_from([None, "UTC", "Europe/Berlin"])
    return st.builds(pl.Datetime, st.sampled_from(units), zones)


def _nothing(_: pl.DataType) -> st.SearchStrategy[None]:
    return st.none()


def _always(values: st.SearchStrategy[Any]) -> Callable[[pl.DataType], st.SearchStrategy[Any]]:
    return lambda _: values


finite = partial(st.floats, allow_nan=False, allow_infinity=False)
NANOS = st.integers(0, 86_399_999_999_999)
DAYS = st.integers(FIRST_YEAR // 86_400, LAST_YEAR // 86_400)
KINDS: dict[str, Kind] = {
    "boolean": Kind(_one_of(pl.Boolean()), _always(st.booleans())),
    "signed": Kind(_one_of(pl.Int8(), pl.Int16(), pl.Int32(), pl.Int64()), _integers),
    "signed of 32 bits": Kind(_one_of(pl.Int32(), pl.Int64()), _integers),
    "unsigned": Kind(_one_of(pl.UInt8(), pl.UInt16(), pl.UInt32(), pl.UInt64()), _integers),
    "float32": Kind(_one_of(pl.Float32()), _always(st.floats(width=32))),
    "float64": Kind(_one_of(pl.Float64()), _always(st.floats())),
    "finite float32": Kind(_one_of(pl.Float32()), _always(finite(width=32))),
    "finite float64": Kind(_one_of(pl.Float64()), _always(finite())),
    "string": Kind(_one_of(pl.String()), _always(Texts)),
    "binary": Kind(_one_of(pl.Binary()), _always(st.binary(max_size=6))),
    "date": Kind(_one_of(pl.Date()), _always(DAYS)),
    "time": Kind(_one_of(pl.Time()), _always(NANOS)),
    "time of microseconds": Kind(
        _one_of(pl.Time()), _always(NANOS.map(lambda nanos: nanos // 1_000 * 1_000))
    ),
    "datetime": Kind(_datetimes("ms", "us", "ns"), _moments),
    "datetime of microseconds": Kind(_one_of(pl.Datetime("us"), pl.Datetime("us", "UTC")), _moments),
    "duration": Kind(
        st.builds(pl.Duration, st.sampled_from(["ms", "us", "ns"])), _always(st.integers(-(2**62), 2**62))
    ),
    "decimal": Kind(
        st.integers(1, MOST_DIGITS).flatmap(
            lambda digits: st.integers(0, digits).map(partial(pl.Decimal, digits))
        ),
        _decimals,
    ),
    "enum": Kind(_one_of(pl.Enum(["a", "b c", "ü", ""])), _always(st.sampled_from(["a", "b c", "ü", ""]))),
    "categorical": Kind(_one_of(pl.Categorical()), _always(Texts)),
    "null": Kind(_one_of(pl.Null()), _nothing),
}
SCALARS = frozenset(KINDS) - {
    "finite float32",
    "finite float64",
    "signed of 32 bits",
    "time of microseconds",
    "datetime of microseconds",
}


@dataclass(frozen=True)
class Trip:
    """What one format carries: kinds of types, and what it does with the others."""

    name: str
    settings: type[TableSettings]
    refused: Mapping[str, str]
    """Kinds that are refused before anything is written, and why."""
    lost: Mapping[str, str] = field(default_factory=dict)
    """Kinds that are written and come back as another type, and as which."""
    instead: Mapping[str, str] = field(default_factory=dict)
    """Kinds of which some values are refused, and the kind of those that are not."""
    nested: frozenset[str] = frozenset({"list", "array", "struct"})
    not_nested: frozenset[str] = frozenset()
    """Kinds that are refused inside of others."""
    declared: bool = False
    share: float = 1.0
    """Of the frames that are tried: fewer where another format has the same code, or each takes long."""
    names: tuple[str, ...] = ("a b", "größe", "x,y", 'q"', "t\tab", "l\nine", "1", "a_x20b", "😀", "_x")

    @property
    def kinds(self) -> list[str]:
        found = SCALARS - set(self.refused) - set(self.lost) - set(self.instead)
        return sorted(found | set(self.instead.values()))


_NO_BYTES = "text has no spelling for bytes"
_TEXT = "string: no file says that a text is of a category"
_NO_TYPE = "a declaration has no name for a column without a type"
_FINITE = {"float32": "finite float32", "float64": "finite float64"}
_IN_TEXT = {"enum": _TEXT, "categorical": _TEXT, "null": _NO_TYPE}
_CSV = Trip("csv", CsvSettings, {"binary": _NO_BYTES}, _IN_TEXT, nested=frozenset(), declared=True)
_JSONL = Trip(
    "jsonl",
    JsonLinesSettings,
    {"binary": _NO_BYTES},
    _IN_TEXT,
    _FINITE,
    not_nested=frozenset({"time", "decimal", "duration"}),
    declared=True,
)
_DELTA = Trip(
    "delta",
    DeltaSettings,
    {"time": "the Delta protocol has no time of day", "duration": "the Delta protocol has no duration"},
    {
        "unsigned": "the signed integer of the next size",
        "enum": "string",
        "categorical": "string",
        "null": "a table has no column without a type",
    },
    {"datetime": "datetime of microseconds"},
    nested=frozenset({"list", "struct"}),
    share=0.4,
    names=("größe", "1", "😀", "_x"),
)
_ICEBERG = Trip(
    "iceberg",
    IcebergSettings,
    {"duration": "Iceberg has no duration"},
    {**_DELTA.lost, "unsigned": "the signed integer of the next size of 32 bits or more"},
    {
        "datetime": "datetime of microseconds",
        "signed": "signed of 32 bits",
        "time": "time of microseconds",
    },
    nested=frozenset({"list", "struct"}),
    share=0.4,
    names=_DELTA.names,
)
# They keep their columns where there is no row.
TABLES = (_DELTA, _ICEBERG)
TRIPS = (
    *TABLES,
    Trip("parquet", ParquetSettings, {}),
    Trip("avro", AvroSettings, {}, instead={"time": "time of microseconds"}),
    _CSV,
    replace(_CSV, name="tsv", settings=TsvSettings, share=0.4),
    _JSONL,
    replace(_JSONL, name="json", settings=JsonSettings, share=0.4),
)
IDS = [trip.name for trip in TRIPS]


def _types(trip: Trip) -> st.SearchStrategy[pl.DataType]:
    scalars = st.one_of(*(KINDS[kind].types for kind in trip.kinds))
    inside = st.one_of(*(KINDS[kind].types for kind in trip.kinds if kind not in trip.not_nested))
    names = st.lists(st.sampled_from(["a", "b c", "ü"]), min_size=1, max_size=2, unique=True)
    within: dict[str, Callable[[Any], st.SearchStrategy[pl.DataType]]] = {
        "list": lambda inner: inner.map(pl.List),
        "array": lambda inner: inner.map(lambda dtype: pl.Array(dtype, 2)),
        "struct": lambda inner: names.flatmap(
            lambda found: st.tuples(*(inner for _ in found)).map(
                lambda types: pl.Struct(dict(zip(found, types, strict=True)))
            )
        ),
    }
    if not trip.nested:
        return scalars
    nested = st.recursive(
        inside, lambda inner: st.one_of(*(within[each](inner) for each in sorted(trip.nested))), max_leaves=4
    )
    return scalars | nested


def _values(dtype: Any, trip: Trip) -> st.SearchStrategy[Any]:
    if isinstance(dtype, pl.List):
        found: st.SearchStrategy[Any] = st.lists(_values(dtype.inner, trip), max_size=3)
    elif isinstance(dtype, pl.Array):
        found = st.lists(_values(dtype.inner, trip), min_size=2, max_size=2)
    elif isinstance(dtype, pl.Struct):
        found = st.fixed_dictionaries({each.name: _values(each.dtype, trip) for each in dtype.fields})
    else:
        found = _kind(dtype, trip).values(dtype)
    return st.none() | found


def _kind(dtype: pl.DataType, trip: Trip) -> Kind:
    groups = {
        "signed": pl.Int8 | pl.Int16 | pl.Int32 | pl.Int64,
        "unsigned": pl.UInt8 | pl.UInt16 | pl.UInt32 | pl.UInt64,
        "boolean": pl.Boolean,
        "float32": pl.Float32,
        "float64": pl.Float64,
        "string": pl.String,
        "binary": pl.Binary,
        "date": pl.Date,
        "time": pl.Time,
        "datetime": pl.Datetime,
        "duration": pl.Duration,
        "decimal": pl.Decimal,
        "enum": pl.Enum,
        "categorical": pl.Categorical,
        "null": pl.Null,
    }
    name = next(name for name, group in groups.items() if isinstance(dtype, group))
    return KINDS[trip.instead.get(name, name)]


def _plain(dtype: Any) -> pl.DataType:
    """What the values are before they are cast."""
    if isinstance(dtype, pl.List):
        return pl.List(_plain(dtype.inner))
    if isinstance(dtype, pl.Array):
        return pl.Array(_plain(dtype.inner), dtype.size)
    if isinstance(dtype, pl.Struct):
        return pl.Struct({each.name: _plain(each.dtype) for each in dtype.fields})
    if dtype == pl.Date:
        return pl.Int32()
    if dtype.is_temporal():
        return pl.Int64()
    found: pl.DataType = pl.String() if isinstance(dtype, pl.Enum | pl.Categorical) else dtype
    return found


@st.composite
def frames(draw: st.DrawFn, trip: Trip) -> pl.DataFrame:
    names = draw(st.lists(st.sampled_from(trip.names), min_size=1, max_size=4, unique=True))
    height = draw(st.integers(0, 5))
    columns = [pl.Series("row", range(height), dtype=pl.Int64)]
    for name in names:
        dtype = draw(_types(trip))
        values = draw(st.lists(_values(dtype, trip), min_size=height, max_size=height))
        columns.append(pl.Series(name, values, dtype=_plain(dtype), strict=True).cast(dtype))
    return pl.DataFrame(columns)


def _table(trip: Trip, place: Place, path: str, schema: pl.Schema) -> Any:
    columns: dict[str, Any] = (
        {"columns": {name: type_name(dtype) for name, dtype in schema.items()}} if trip.declared else {}
    )
    where: dict[str, Any] = {"warehouse_path" if trip is _ICEBERG else "path": path}
    return open_table("t", trip.settings(connection="lake", **where, **columns), place.connection())


@pytest.mark.parametrize("trip", TRIPS, ids=IDS)
def test_the_same_frame(trip: Trip, place: Place) -> None:
    numbers = count()

    @settings(
        max_examples=500 if EVERYTHING else round(25 * trip.share),
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(frames(trip))
    def there_and_back(frame: pl.DataFrame) -> None:
        table = _table(trip, place, f"{trip.name}/{next(numbers)}", frame.schema)

        overwrite(table, frame.lazy(), window=None)

        if frame.is_empty() and trip not in TABLES:
            with pytest.raises(DataFilesMissingError):
                table.scan()
            return
        found = table.scan().collect()
        assert dict(found.schema) == dict(frame.schema)
        assert found.sort("row").select(frame.columns).equals(frame)

    there_and_back()


REFUSED = [(trip, kind) for trip in TRIPS for kind in sorted(trip.refused)]


@pytest.mark.parametrize(("trip", "kind"), REFUSED, ids=[f"{trip.name}-{kind}" for trip, kind in REFUSED])
def test_types_that_are_refused(trip: Trip, kind: str, place: Place) -> None:
    types = {"binary": pl.Binary(), "time": pl.Time(), "duration": pl.Duration("us")}
    schema = pl.Schema({"number": pl.Int64(), "odd": types[kind]})
    table = _table(trip, place, f"{trip.name}/refused", schema)

    with pytest.raises(SchemaMismatchError, match="'odd'"):
        overwrite(table, schema.to_frame(eager=False), window=None)

    assert not place.objects(trip.name)
