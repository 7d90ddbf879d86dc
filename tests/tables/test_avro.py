"""Folders of Avro files: real files, each type and codec, files that disagree, damaged files, an import."""

import io
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import fastavro
import polars as pl
import pytest

from s3_assets.errors import (
    DataFileBrokenError,
    DataFilesMissingError,
    SchemaMismatchError,
    SourceRewrittenError,
    UnsupportedError,
)
from s3_assets.incremental.append import append_new
from s3_assets.tables import avro_blocks, avro_rows, ranges
from s3_assets.tables.avro_header import stored
from s3_assets.tables.avro_types import read_type
from s3_assets.tables.open import open_table
from s3_assets.tables.settings import AvroSettings, DeltaSettings, Partitions
from s3_assets.tables.table import ReadMode, Table
from s3_assets.windows import Window
from tests.support.proxy import RequestProxy
from tests.tables.formats import PATH, Place

LONGS: list[Any] = [1, 2]
DATA = Path(__file__).parents[1] / "data" / "avro"
CODECS = ("null", "deflate", "snappy", "zstandard", "bzip2", "xz")


def avro(place: Place, partitions: Partitions | None = None, **fields: Any) -> Table[Any]:
    settings = AvroSettings(connection="lake", path=PATH, partitions=partitions, **fields)
    return open_table("events", settings, place.connection())


def record(*fields: tuple[str, Any]) -> dict[str, Any]:
    return {
        "type": "record",
        "name": "row",
        "fields": [{"name": name, "type": kind} for name, kind in fields],
    }


def body(schema: Any, rows: Sequence[dict[str, Any]], codec: str = "deflate", **options: Any) -> bytes:
    buffer = io.BytesIO()
    fastavro.writer(buffer, schema, rows, codec=codec, **options)
    return buffer.getvalue()


def column(kind: Any, values: Sequence[Any]) -> bytes:
    return body(record(("x", kind), ("n", "long")), [{"x": x, "n": n} for n, x in enumerate(values)])


def numbers(count: int, first: int = 0, codec: str = "deflate") -> bytes:
    rows = [{"n": n, "text": f"row {n}"} for n in range(first, first + count)]
    return body(record(("n", "long"), ("text", ["null", "string"])), rows, codec)


def from_nanoseconds(name: str, value: int) -> datetime:
    assert value % 1000 == 0
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=value // 1000)
    return moment.replace(tzinfo=None) if name.startswith("local") else moment


# Real files


@pytest.mark.parametrize("path", sorted(DATA.glob("*.avro")), ids=lambda path: path.stem)
def test_real_files(place: Place, path: Path) -> None:
    place.put(path.name, path.read_bytes())
    with path.open("rb") as file:
        records: Any = list(fastavro.reader(file))
    # fastavro knows no nanoseconds, and leaves them as numbers; the files' are whole microseconds.
    expected = [
        {
            name: from_nanoseconds(name, value) if name.endswith("ts_nanos") else value
            for name, value in row.items()
        }
        for row in records
    ]
    table = avro(place)

    found = table.scan().collect()

    assert found.schema == table.schema()
    assert found.columns == list(expected[0])
    assert found.to_dicts() == expected
    for name in found.columns:
        assert table.scan().select(name).collect()[name].to_list() == [row[name] for row in expected]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("kind", ["string", ["string", "long"]], ids=["polars-avro", "fastavro"])
def test_codecs(place: Place, codec: str, kind: Any) -> None:
    schema = record(("n", "long"), ("x", kind))
    place.put("a.avro", body(schema, [{"n": n, "x": f"row {n}"} for n in range(5000)], codec))

    found = avro(place).scan().collect()

    assert found["n"].to_list() == list(range(5000))
    texts = found["x"] if kind == "string" else found["x"].struct.field("string")
    assert texts.to_list() == [f"row {n}" for n in range(5000)]


# Types


def fixed(size: int, logical: str | None = None, **more: Any) -> dict[str, Any]:
    told = {"type": "fixed", "name": f"fixed_{size}", "size": size, **more}
    return {**told, "logicalType": logical} if logical else told


def logical(base: str, name: str, **more: Any) -> dict[str, Any]:
    return {"type": base, "logicalType": name, **more}


ENUM = {"type": "enum", "name": "suit", "symbols": ["HEARTS", "SPADES"]}
UUID_TEXT = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
DURATION = pl.Struct({"months": pl.UInt32, "days": pl.UInt32, "milliseconds": pl.UInt32})
DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}
PAIR = {"type": "record", "name": "pair", "fields": [{"name": "a", "type": "int"}]}
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NANOSECONDS = 1_772_366_400_123_456_789
# Type, stored values as fastavro takes them, the column's type and values.
TYPES: dict[str, tuple[Any, list[Any], pl.DataType, list[Any]]] = {
    "null": ("null", [None, None], pl.Null(), [None, None]),
    "boolean": ("boolean", [True, False], pl.Boolean(), [True, False]),
    "int": ("int", [-(2**31), 1], pl.Int32(), [-(2**31), 1]),
    "long": ("long", [-(2**63), 2**63 - 1], pl.Int64(), [-(2**63), 2**63 - 1]),
    "float": ("float", [1.5, float("inf")], pl.Float32(), [1.5, float("inf")]),
    "double": ("double", [1e300, -0.0], pl.Float64(), [1e300, -0.0]),
    "bytes": ("bytes", [b"\x00\xff", b""], pl.Binary(), [b"\x00\xff", b""]),
    "string": ("string", ["é\x00\n", ""], pl.String(), ["é\x00\n", ""]),
    "fixed": (fixed(2), [b"ab", b"cd"], pl.Binary(), [b"ab", b"cd"]),
    "enum": (ENUM, ["SPADES", "HEARTS"], pl.Enum(["HEARTS", "SPADES"]), ["SPADES", "HEARTS"]),
    "optional enum": (["null", ENUM], [None, "HEARTS"], pl.Enum(["HEARTS", "SPADES"]), [None, "HEARTS"]),
    "decimal": (
        logical("bytes", "decimal", precision=38, scale=3),
        [Decimal("-12345678901234567890123456789012345.678"), Decimal("0.001")],
        pl.Decimal(38, 3),
        [Decimal("-12345678901234567890123456789012345.678"), Decimal("0.001")],
    ),
    "decimal of fixed": (
        fixed(9, "decimal", precision=20, scale=2),
        [Decimal("-1.50"), Decimal("99.99")],
        pl.Decimal(20, 2),
        [Decimal("-1.50"), Decimal("99.99")],
    ),
    "date": (logical("int", "date"), [-1, 20000], pl.Date(), [date(1969, 12, 31), date(2024, 10, 4)]),
    "time-millis": (logical("int", "time-millis"), [1, 0], pl.Time(), [time(0, 0, 0, 1000), time()]),
    "time-micros": (logical("long", "time-micros"), [1, 0], pl.Time(), [time(0, 0, 0, 1), time()]),
    **{
        f"{zone}timestamp-{unit}": (
            logical("long", f"{zone}timestamp-{unit}"),
            [NANOSECONDS // 10**step, -1],
            pl.Datetime(short, None if zone else "UTC"),  # type: ignore[arg-type]  # one of three
            [NANOSECONDS // 10**step, -1],
        )
        for zone in ("", "local-")
        for unit, short, step in (("millis", "ms", 6), ("micros", "us", 3), ("nanos", "ns", 0))
    },
    "uuid": (logical("string", "uuid"), [UUID_TEXT] * 2, pl.String(), [UUID_TEXT] * 2),
    "uuid of fixed": (fixed(16, "uuid"), [UUID(UUID_TEXT).bytes] * 2, pl.String(), [UUID_TEXT] * 2),
    "duration": (
        ["null", fixed(12, "duration")],
        [b"\x01\0\0\0\x02\0\0\0\xff\xff\xff\xff", None],
        DURATION,
        [{"months": 1, "days": 2, "milliseconds": 2**32 - 1}, None],
    ),
    "array": (
        {"type": "array", "items": ["null", "long"]},
        [[1, None], []],
        pl.List(pl.Int64()),
        [[1, None], []],
    ),
    "map": (
        {"type": "map", "values": "int"},
        [{"a": 1}, {}],
        pl.Map(pl.String(), pl.Int32()),
        [{"a": 1}, {}],
    ),
    "record": (["null", PAIR], [{"a": 1}, None], pl.Struct({"a": pl.Int32}), [{"a": 1}, None]),
    "null first or last": (["int", "null"], [None, 7], pl.Int32(), [None, 7]),
    "union of one": (["int"], [1, 2], pl.Int32(), [1, 2]),
    "union of several": (
        ["null", "int", "string", ENUM, PAIR],
        [1, ("row.suit", "HEARTS")],
        pl.Struct(
            {
                "int": pl.Int32,
                "string": pl.String,
                "suit": pl.Enum(["HEARTS", "SPADES"]),
                "pair": pl.Struct({"a": pl.Int32}),
            }
        ),
        [
            {"int": 1, "string": None, "suit": None, "pair": None},
            {"int": None, "string": None, "suit": "HEARTS", "pair": None},
        ],
    ),
    "map of optional records": (
        {"type": "map", "values": ["null", PAIR]},
        [{"k": {"a": 1}, "l": None}, {}],
        pl.Map(pl.String(), pl.Struct({"a": pl.Int32})),
        [{"k": {"a": 1}, "l": None}, {}],
    ),
    "arrays of arrays of decimals": (
        ["null", {"type": "array", "items": {"type": "array", "items": DECIMAL}}],
        [[[Decimal("-1.50")], []], None],
        pl.List(pl.List(pl.Decimal(9, 2))),
        [[[Decimal("-1.50")], []], None],
    ),
    "big-decimal": (
        logical("bytes", "big-decimal"),
        [b"\x04\x01\x02", b""],
        pl.Binary(),
        [b"\x04\x01\x02", b""],
    ),
    "unknown logical type": (logical("string", "colour"), ["a", "b"], pl.String(), ["a", "b"]),
    "misplaced logical type": (logical("string", "date"), ["a", "b"], pl.String(), ["a", "b"]),
    "empty record": ({"type": "record", "name": "none", "fields": []}, [{}, {}], pl.Struct([]), [{}, {}]),
}


def raw(kind: Any) -> Any:
    """The type without its logical type, so that fastavro stores what it is given."""
    if isinstance(kind, dict) and kind.get("logicalType") not in {None, "decimal"}:
        return {key: value for key, value in kind.items() if key != "logicalType"}
    return [raw(each) for each in kind] if isinstance(kind, list) else kind


def with_schema(written: bytes, schema: Any) -> bytes:
    """The same rows, below a header that says more of them."""
    metadata = {"type": "map", "values": "bytes"}
    stream = io.BytesIO(written[4:])
    told: Any = fastavro.schemaless_reader(stream, metadata, None)
    out = io.BytesIO()
    fastavro.schemaless_writer(out, metadata, {**told, "avro.schema": json.dumps(schema).encode()})
    return written[:4] + out.getvalue() + stream.read()


def stored_file(kind: Any, values: list[Any]) -> bytes:
    values = ["HEARTS" if isinstance(value, tuple) else value for value in values]
    tuples = [
        ("suit", value) if isinstance(kind, list) and ENUM in kind and value == "HEARTS" else value
        for value in values
    ]
    return with_schema(column(raw(kind), tuples), record(("x", kind), ("n", "long")))


def check(found: pl.DataFrame, dtype: pl.DataType, expected: list[Any]) -> None:
    assert found.schema == {"x": dtype, "n": pl.Int64()}
    assert found["n"].to_list() == [0, 1]
    values = found["x"].to_physical() if isinstance(dtype, pl.Datetime) else found["x"]
    assert values.to_list() == expected


@pytest.mark.parametrize("name", TYPES)
def test_types(place: Place, name: str) -> None:
    kind, values, dtype, expected = TYPES[name]
    place.put("a.avro", stored_file(kind, values))

    table = avro(place)

    assert table.schema() == {"x": dtype, "n": pl.Int64()}
    check(table.scan().collect(), dtype, expected)
    alone = table.scan().select("x").collect()
    assert alone.height == 2
    assert table.scan().select(pl.len()).collect().item() == 2


@pytest.mark.parametrize("name", [name for name in TYPES if name != "union of several"])
def test_types_beside_a_union(place: Place, name: str) -> None:
    """A union of several types has the whole file read by fastavro: each type is what it is without."""
    kind, values, dtype, expected = TYPES[name]
    whole = record(("x", kind), ("n", "long"), ("u", ["int", "string"]))
    rows = [{"x": x, "n": n, "u": u} for n, (x, u) in enumerate(zip(values, [1, "a"], strict=True))]
    place.put(
        "a.avro",
        with_schema(
            body(record(("x", raw(kind)), *[(f["name"], f["type"]) for f in whole["fields"][1:]]), rows),
            whole,
        ),
    )

    found = avro(place).scan().collect()

    check(found.drop("u"), dtype, expected)
    assert found["u"].to_list() == [{"int": 1, "string": None}, {"int": None, "string": "a"}]


@pytest.mark.parametrize("kind", [fixed(12, "duration"), fixed(16, "uuid"), ["int", "string"]])
@pytest.mark.parametrize("around", ["array", "map", "record"])
def test_nested_in_what_polars_avro_cannot_read(place: Place, kind: Any, around: str) -> None:
    value: Any = 5 if isinstance(kind, list) else bytes(range(kind["size"]))
    inner: Any = {"array": [value], "map": {"k": value}, "record": {"f": value}}[around]
    outer = {
        "array": {"type": "array", "items": kind},
        "map": {"type": "map", "values": kind},
        "record": {"type": "record", "name": "outer", "fields": [{"name": "f", "type": kind}]},
    }[around]
    plain = {
        "array": {"type": "array", "items": raw(kind)},
        "map": {"type": "map", "values": raw(kind)},
        "record": {"type": "record", "name": "outer", "fields": [{"name": "f", "type": raw(kind)}]},
    }[around]
    place.put("a.avro", with_schema(column(plain, [inner]), record(("x", outer), ("n", "long"))))

    (found,) = avro(place).scan().collect()["x"].to_list()

    expected: Any = {"int": 5, "string": None}
    if isinstance(kind, dict) and kind["size"] == 16:
        expected = str(UUID(bytes=value))
    elif isinstance(kind, dict):
        parts = [int.from_bytes(value[at : at + 4], "little") for at in (0, 4, 8)]
        expected = dict(zip(("months", "days", "milliseconds"), parts, strict=True))
    assert found == {"array": [expected], "map": {"k": expected}, "record": {"f": expected}}[around]


def test_names_are_looked_up_in_their_namespace(place: Place) -> None:
    schema = {
        "type": "record", "name": "row", "namespace": "a.b",
        "fields": [
            {"name": "one", "type": {"type": "enum", "name": "suit", "symbols": ["X"]}},
            {"name": "two", "type": "suit"},
            {"name": "three", "type": {"type": "record", "name": "c.inner", "fields": [
                {"name": "four", "type": {"type": "fixed", "name": "suit", "size": 1}},
                {"name": "five", "type": "c.suit"},
                {"name": "six", "type": "a.b.suit"},
            ]}},
        ],
    }  # fmt: skip
    row = {"one": "X", "two": "X", "three": {"four": b"4", "five": b"5", "six": "X"}}
    place.put("a.avro", body(schema, [row]))

    assert avro(place).scan().collect().to_dicts() == [row]


def test_a_type_that_holds_itself(place: Place) -> None:
    node = record(("value", "long"), ("next", ["null", "row"]))
    place.put("a.avro", body(node, [{"value": 1, "next": {"value": 2, "next": None}}]))

    with pytest.raises(
        UnsupportedError, match=r"table 'events'.*a\.avro: field 'next' is a 'row' inside a 'row'"
    ):
        avro(place).schema()


def test_more_digits_than_a_column_holds(place: Place) -> None:
    place.put("a.avro", column(logical("bytes", "decimal", precision=50, scale=2), [Decimal("1.50")]))

    with pytest.raises(UnsupportedError, match="field 'x' is a decimal of 50 digits"):
        avro(place).schema()


# Pushing down


def test_columns_predicates_and_limits(place: Place) -> None:
    place.put("day=2026-01-01/a.avro", numbers(10))
    place.put("day=2026-01-02/a.avro", numbers(10, 10))
    frame = avro(place).scan()

    assert frame.select("day").collect()["day"].to_list() == [date(2026, 1, 1)] * 10 + [date(2026, 1, 2)] * 10
    assert frame.select(pl.len()).collect().item() == 20
    assert frame.head(12).collect()["n"].to_list() == list(range(12))
    assert frame.head(12).filter(pl.col("n") > 9).collect()["n"].to_list() == [10, 11]
    assert frame.filter(pl.col("n") > 9).head(2).collect()["n"].to_list() == [10, 11]
    assert frame.slice(8, 4).collect()["n"].to_list() == [8, 9, 10, 11]
    assert frame.filter(pl.col("text") == "row 13").select("n").collect()["n"].to_list() == [13]
    assert frame.filter(pl.col("day") == date(2026, 1, 2)).collect().height == 10


def test_only_columns_that_are_asked_for_are_decoded(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.put("a.avro", numbers(50_000, codec="null"))
    decoded: list[pl.DataFrame] = []
    whole = avro_rows.Decoder.decode

    def watched(*arguments: Any) -> pl.DataFrame:
        decoded.append(whole(*arguments))
        return decoded[-1]

    monkeypatch.setattr(avro_rows.Decoder, "decode", watched)
    avro(place).scan().filter(pl.col("n") >= 0).select(pl.col("n").sum()).collect()

    assert {tuple(each.columns) for each in decoded} == {("n",)}
    assert sum(each.height for each in decoded) == 50_000


def test_a_limit_fetches_little_more_than_its_rows(place: Place) -> None:
    """Seen at the server: each file has 2 MB, and the first 64 KiB hold the rows."""
    for name in ("a", "b"):
        place.put(f"{name}.avro", numbers(120_000, codec="null"))
    settings = AvroSettings(connection="lake", path=PATH)
    with RequestProxy(place.server.endpoint_url) as proxy:
        frame = open_table("events", settings, place.connection(endpoint=proxy.endpoint)).scan()
        for rows, most in ((100, 64 * 1024), (30_000, 1_500_000)):
            proxy.reset()
            assert frame.head(rows).collect()["n"].to_list() == list(range(rows))
            assert 0 < sum(each.bytes_out for each in proxy.requests()) <= most


@pytest.mark.parametrize("kind", ["string", ["string", "long"]], ids=["polars-avro", "fastavro"])
def test_rows_keep_their_order_over_many_ranges_and_pieces(
    place: Place, kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocks lie across the borders of ranges; what is fetched and decoded at once is made small for it."""
    schema = record(("n", "long"), ("x", kind))
    for name, first in (("a", 0), ("b", 4000)):
        rows = [{"n": n, "x": f"row {n}"} for n in range(first, first + 4000)]
        place.put(f"{name}.avro", body(schema, rows, "null", sync_interval=500))
    monkeypatch.setattr(ranges, "RANGE", 7_001)
    monkeypatch.setattr(avro_blocks, "_PIECE_ROWS", 100)

    found = avro(place).scan().select("n").collect()

    assert found["n"].to_list() == list(range(8000))


def test_a_window_reads_its_folders_only(place: Place) -> None:
    for day in (1, 2, 3):
        place.put(f"day=2026-01-0{day}/a.avro", numbers(2, day * 10))
    table = avro(place, Partitions(column="day", start=date(2026, 1, 1)))

    plan = table.plan(window=Window(datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 3, tzinfo=UTC)))

    assert plan.files == 1
    assert plan.frame.collect()["n"].to_list() == [20, 21]


# Files that disagree


def test_columns_that_are_missing_added_or_wider(place: Place) -> None:
    place.put("a.avro", body(record(("x", "int"), ("y", "string")), [{"x": 1, "y": "a"}]))
    place.put("b.avro", body(record(("z", "double"), ("x", "long")), [{"x": 2**40, "z": 1.5}]))
    place.put("c.avro", body(record(("x", "long")), [{"x": 3}]))

    found = avro(place).scan().collect()

    assert found.schema == {"x": pl.Int64, "y": pl.String, "z": pl.Float64}
    assert found.rows() == [(1, "a", None), (2**40, None, 1.5), (3, None, None)]


def test_defaults_and_aliases_of_other_files_change_no_rows(place: Place) -> None:
    """Whether a file is read alone or beside a newer one, its rows are the same."""
    place.put("a.avro", body(record(("old", "int")), [{"old": 1}]))
    renamed = {"name": "new", "type": "int", "aliases": ["old"]}
    added = {"name": "country", "type": "string", "default": "FR"}
    newer = {"type": "record", "name": "row", "fields": [renamed, added]}
    place.put("b.avro", body(newer, [{"new": 2, "country": "CH"}]))

    assert avro(place).scan().select("old", "new", "country").collect().rows() == [
        (1, None, None),
        (None, 2, "CH"),
    ]


def test_records_and_enums_that_grew(place: Place) -> None:
    wide = {**PAIR, "fields": [*PAIR["fields"], {"name": "b", "type": ["null", "string"]}]}
    many = {**ENUM, "symbols": [*ENUM["symbols"], "CLUBS"]}
    for name, pair, suit, symbol in (("a", PAIR, ENUM, "SPADES"), ("b", wide, many, "CLUBS")):
        schema = record(("one", ["null", pair]), ("many", {"type": "array", "items": "pair"}), ("suit", suit))
        row = {"one": {"a": 1, "b": "x"}, "many": [{"a": 2, "b": "y"}], "suit": symbol}
        place.put(f"{name}.avro", body(schema, [row, {**row, "one": None}]))

    found = avro(place).scan().collect()

    assert found["one"].to_list() == [{"a": 1, "b": None}, None, {"a": 1, "b": "x"}, None]
    assert found["many"].to_list() == [[{"a": 2, "b": None}]] * 2 + [[{"a": 2, "b": "y"}]] * 2
    assert found["suit"].to_list() == ["SPADES", "SPADES", "CLUBS", "CLUBS"]


def test_types_that_do_not_fit(place: Place) -> None:
    place.put("a.avro", column("int", [1]))
    place.put("b.avro", column("string", ["a"]))

    with pytest.raises(
        SchemaMismatchError, match=r"column 'x' is Int32 in .*a\.avro and String in .*b\.avro"
    ):
        avro(place).scan()


def test_a_file_that_does_not_fit_declared_columns(place: Place) -> None:
    place.put("a.avro", column("long", [1]))

    with pytest.raises(SchemaMismatchError, match=r"is Int64 in .*a\.avro and only Int32 in the table"):
        avro(place, columns={"x": "int32", "n": "int64"}).scan().collect()
    with pytest.raises(SchemaMismatchError, match=r"a\.avro has the column 'n'"):
        avro(place, columns={"x": "int64"}).scan().collect()


def test_declared_columns_that_are_wider(place: Place) -> None:
    place.put("a.avro", column("int", [1]))

    found = avro(place, columns={"x": "float64", "n": "int64", "m": "date"}).scan().collect()

    assert found.schema == {"x": pl.Float64, "n": pl.Int64, "m": pl.Date}
    assert found.rows() == [(1.0, 0, None)]


# Damaged files


@pytest.mark.parametrize("kind", ["string", ["string", "long"]], ids=["polars-avro", "fastavro"])
@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("damage", ["cut in a block", "cut in a mark", "mark", "appended", "overwritten"])
def test_damaged_files(place: Place, kind: Any, codec: str, damage: str) -> None:
    rows = [{"n": n, "x": f"text {n}"} for n in range(3000)]
    whole = body(record(("n", "long"), ("x", kind)), rows, codec, sync_interval=4000)
    middle = len(whole) // 2
    damaged = {
        "cut in a block": whole[:-100],
        "cut in a mark": whole[:-8],
        "mark": whole[:-16] + bytes(16),
        "appended": whole + b"\x01more",
        "overwritten": whole[:middle] + b"\xff" * 3000 + whole[middle + 3000 :],
    }[damage]
    place.put("good.avro", whole)
    place.put("bad.avro", damaged)
    frame = avro(place).scan()

    for read in (frame, frame.select("n"), frame.select(pl.len())):
        with pytest.raises(DataFileBrokenError, match=r"table 'events', connection 'lake', s3://.*bad\.avro"):
            read.collect()


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"PAR1 this is something else", "it is not an Avro file"),
        (numbers(1)[:20], "its header has no end"),
        (numbers(1).replace(b'"record"', b'"recorx"'), "its schema has no meaning"),
        (body("long", LONGS), "its rows are of the type long"),
        (b"Obj\x01\x02\x16avro.schema\x04{]\x00" + bytes(16), "its header cannot be read"),
    ],
    ids=["another format", "cut header", "schema", "no records", "header"],
)
def test_what_is_no_avro_file(place: Place, content: bytes, found: str) -> None:
    place.put("a.avro", content)

    with pytest.raises(DataFileBrokenError, match=rf"table 'events'.*a\.avro: .*{found}"):
        avro(place).schema()


def test_an_unknown_codec(place: Place) -> None:
    place.put("a.avro", numbers(1, codec="deflate").replace(b"deflate", b"deflat9"))

    with pytest.raises(UnsupportedError, match=r"a\.avro: its codec 'deflat9' is not known"):
        avro(place).schema()


def test_a_file_that_is_replaced_between_plan_and_read(place: Place) -> None:
    place.put("a.avro", numbers(3))
    frame = avro(place).scan()
    place.put("a.avro", numbers(4))

    with pytest.raises(SourceRewrittenError, match=r"a\.avro: the object was changed while it was read"):
        frame.collect()


def test_a_header_longer_than_the_first_request(place: Place) -> None:
    schema = record(*[(f"column_{number}", ["null", "long"]) for number in range(3000)])
    place.put("a.avro", body(schema, [{"column_2999": 7}]))

    table = avro(place)

    assert len(table.schema()) == 3000
    assert table.scan().select("column_2999").collect().item() == 7


def test_no_data_files(place: Place) -> None:
    place.put("_SUCCESS", b"")

    with pytest.raises(DataFilesMissingError, match=r"no file that ends with \.avro"):
        avro(place).plan()


# The rest of the protocol


def test_files_are_imported_exactly_once(place: Place) -> None:
    place.put("a.avro", numbers(5))
    connection = place.connection()
    target = DeltaSettings(connection="lake", path="base/target")

    def run() -> int:
        return append_new(open_table("target", target, connection), "target/events", avro(place)).rows

    assert run() == 5
    place.put("b.avro", numbers(7, 5))
    assert run() == 7
    assert run() == 0
    kept = pl.read_delta(f"s3://{place.bucket}/base/target", storage_options=place.options)
    assert sorted(kept.rows()) == [(n, f"row {n}") for n in range(12)]


def test_added_files(place: Place) -> None:
    place.put("a.avro", numbers(1))
    since = avro(place).plan(ReadMode.ADDED).until
    place.put("b.avro", numbers(1, 1))

    assert avro(place).plan(ReadMode.ADDED, since=since).frame.collect()["n"].to_list() == [1]


def test_the_stored_spelling_reads_the_same_bytes() -> None:
    """What fastavro makes of the rows when told only what is stored, told by hand."""
    rows = read_type(record(("e", ENUM), ("m", {"type": "map", "values": "int"}), ("u", ["null", "int"])))

    assert stored(rows, only=["e", "u"])["fields"] == [
        {"name": "e", "type": "int"},
        {
            "name": "u",
            "type": [
                "null",
                {"type": "record", "name": "_1_1", "fields": [{"name": "value", "type": "int"}]},
            ],
        },
    ]
