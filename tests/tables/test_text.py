"""Folders of text files: every option against Python's own csv and json modules."""

import bz2
import codecs
import csv
import gzip
import io
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
import zstandard

from s3_assets.errors import BadRowError, SchemaMismatchError
from s3_assets.incremental.append import append_new
from s3_assets.tables.open import open_table
from s3_assets.tables.settings import DeltaSettings, Partitions
from s3_assets.tables.table import ReadMode, Table
from s3_assets.tables.text_settings import CsvSettings, JsonLinesSettings, JsonSettings, TsvSettings
from s3_assets.windows import Window
from tests.tables.formats import PATH, Place

KINDS: dict[str, Any] = {
    "csv": CsvSettings,
    "tsv": TsvSettings,
    "jsonl": JsonLinesSettings,
    "json": JsonSettings,
}
TRICKY = 'name,text\r\nä,"two\nlines, ""quoted"""\r\n\r\n€,plain "inside" it\nNUL,a\0b\n"",last'


def zipped(*members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, member in enumerate(members):
            archive.writestr(f"part-{number}.txt", member)
        archive.writestr("__MACOSX/._part", b"\0\0")
    return buffer.getvalue()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "none": bytes,
    "gzip": lambda body: gzip.compress(body[:20]) + gzip.compress(body[20:]),
    "bzip2": lambda body: bz2.compress(body[:20]) + bz2.compress(body[20:]),
    "zstd": lambda body: zstandard.compress(body[:20]) + zstandard.compress(body[20:]),
    "zip": zipped,
}
CHARSETS: dict[str, Callable[[str], bytes]] = {
    "utf-8": str.encode,
    "utf-8 with mark": lambda text: codecs.BOM_UTF8 + text.encode(),
    "utf-16 little": lambda text: codecs.BOM_UTF16_LE + text.encode("utf-16-le"),
    "utf-16 big": lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
}


def text_table(place: Place, kind: str = "csv", **fields: Any) -> Table[Any]:
    settings = KINDS[kind](connection="lake", path=PATH, **fields)
    return open_table("texts", settings, place.connection())


def by_csv(text: str, **options: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), **options))


def rows(table: Table[Any]) -> list[dict[str, Any]]:
    return table.scan().collect().to_dicts()


# Compression and charset


@pytest.mark.parametrize("charset", CHARSETS)
@pytest.mark.parametrize("packing", PACKERS)
@pytest.mark.parametrize("told", [True, False], ids=["declared", "found"])
def test_every_compression_of_every_charset(place: Place, packing: str, charset: str, told: bool) -> None:
    place.put("a.csv", PACKERS[packing](CHARSETS[charset](TRICKY)))

    found = rows(text_table(place, compression=packing if told else "auto", null_values=()))

    assert found == by_csv(TRICKY)


@pytest.mark.parametrize("charset", ["latin-1", "cp1252", "shift_jis", "utf-16-le", "utf-16-be", "UTF-16"])
def test_declared_charsets(place: Place, charset: str) -> None:
    text = "name,text\nA1,カナ\n" if charset == "shift_jis" else "name,text\nö,ü\n"
    place.put("a.csv", text.encode(charset))

    assert rows(text_table(place, charset=charset)) == by_csv(text)


def test_every_member_of_an_archive_has_its_header(place: Place) -> None:
    place.put("a.csv.zip", zipped(b"a,b\n1,2\n", b"b,a\n3,4"))

    assert rows(text_table(place)) == [{"a": 1, "b": 2}, {"a": 4, "b": 3}]


@pytest.mark.parametrize("packing", ["gzip", "bzip2", "zstd", "zip"])
def test_a_file_that_was_cut_short(place: Place, packing: str) -> None:
    body = PACKERS[packing](b"a,b\n" + b"1,2\n" * 5000)
    place.put("a.csv", body[:-9])

    with pytest.raises(BadRowError, match=r"base/table/a\.csv: the file cannot be unpacked"):
        rows(text_table(place, columns={"a": "int64", "b": "int64"}, compression=packing))


# The dialect


@pytest.mark.parametrize(
    ("text", "options", "as_csv"),
    [
        ("a;b\n1;2\n", {"delimiter": ";"}, {"delimiter": ";"}),
        ("a|b\nx|'y|''z'\n", {"delimiter": "|", "quote": "'"}, {"delimiter": "|", "quotechar": "'"}),
        ('a,b\n"x,y"\n', {"quote": None}, {"quoting": csv.QUOTE_NONE}),
        (
            'a,b\nx\\,y,"\\"z\\""\n"1\\\n2",3\n',
            {"escape": "\\"},
            {"escapechar": "\\", "doublequote": True},
        ),
        ("a,b\r1,x\r\r2,y\r", {}, {}),
        ("a,b\r\n1,x\r\n\n\n2,y", {}, {}),
    ],
)
def test_dialects(place: Place, text: str, options: dict[str, Any], as_csv: dict[str, Any]) -> None:
    place.put("a.csv", text.encode())

    table = text_table(place, columns={"a": "string", "b": "string"}, **options)

    assert rows(table) == by_csv(text, **as_csv)


def test_tab_separated(place: Place) -> None:
    text = 'a\tb\n1,5\t"x\ty"\n'
    place.put("a.tsv", text.encode())

    assert rows(text_table(place, "tsv")) == by_csv(text, delimiter="\t")


def test_lines_before_the_header_and_comments(place: Place) -> None:
    body = 'a,b\nx,1\n"#y",2\n'
    place.put("a.csv", f'report "of" today\r\n\r\n# don"t\n{body}#, end'.encode())

    found = rows(text_table(place, skip_lines=2, comment="#", columns={"a": "string", "b": "string"}))

    assert found == by_csv(body)


def test_no_header(place: Place) -> None:
    text = "1,x\n2,y\n"
    place.put("day=2026-01-01/a.csv", text.encode())

    assert text_table(place, header=False).schema().names() == ["column_1", "column_2", "day"]
    named = text_table(place, header=False, columns={"n": "int8", "t": "string", "day": "date"})
    expected = [(int(n), t, date(2026, 1, 1)) for n, t in csv.reader(io.StringIO(text))]
    assert named.scan().collect().rows() == expected


def test_null_values(place: Place) -> None:
    place.put("a.csv", b'n,t\n,\nNA,NA\n"NA","NA"\n"",""\n3,x\n')

    found = text_table(place, null_values=("", "NA"), columns={"n": "int64", "t": "string"}).scan().collect()

    assert found.rows() == [(None, None), (None, None), (None, "NA"), (None, ""), (3, "x")]


def test_every_type_and_its_spelling(place: Place) -> None:
    texts = ["007", "-1.25", "TRUE", "2026-01-02", "2026-01-02T03:04:05.5+02:00", "03:04:05", "1.50", "x"]
    types = ["int32", "float64", "boolean", "date", "timestamp", "time", "decimal[9, 2]", "binary"]
    names = [f"c{number}" for number in range(len(types))]
    place.put("a.csv", f"{','.join(names)}\n{','.join(texts)}\n".encode())

    (found,) = text_table(place, columns=dict(zip(names, types, strict=True))).scan().collect().rows()

    moment = datetime.fromisoformat(texts[4]).astimezone(UTC)
    numbers = (7, -1.25, True, date(2026, 1, 2), moment, time(3, 4, 5), Decimal("1.50"), b"x")
    assert found == numbers


@pytest.mark.parametrize("kind", ["csv", "jsonl", "json"])
def test_formats_of_dates(place: Place, kind: str) -> None:
    formats = {"d": "%d.%m.%Y", "t": "%d/%b/%Y:%H:%M:%S %z", "p": "%Y%m%d %H%M%S"}
    values = {"d": "31.12.2025", "t": "31/Dec/2025:23:59:58 +0100", "p": "20251231 235958"}
    body = f"{','.join(values)}\n{','.join(values.values())}\n" if kind == "csv" else json.dumps(values)
    place.put(f"a.{kind}", body.encode())
    parsed = {name: datetime.strptime(text, formats[name]) for name, text in values.items()}  # noqa: DTZ007

    expected = [{"d": parsed["d"].date(), "t": parsed["t"].astimezone(UTC), "p": parsed["p"]}]
    assert rows(text_table(place, kind, formats=formats)) == expected


def test_files_may_order_their_columns_as_they_like(place: Place) -> None:
    place.put("a.csv", b"a,b\n1,x\n")
    place.put("b.csv", b"c,b,a\n2.5,y,2\n")

    expected = [{"a": 1, "b": "x", "c": None}, {"a": 2, "b": "y", "c": 2.5}]
    assert rows(text_table(place)) == expected


def test_what_is_inferred(place: Place) -> None:
    place.put("a.csv", b"n,zip,f,d,t,none,mixed\n1,01234,1.5,2026-01-01,2026-01-01 10:00:00,,1\n")
    place.put("b.csv", b"n,zip,f,d,t,none,mixed\n2,99999,2,2026-01-02,2026-01-01 10:00:00.5,,x\n")

    assert text_table(place).schema() == pl.Schema(
        {
            "n": pl.Int64(),
            "zip": pl.String(),
            "f": pl.Float64(),
            "d": pl.Date(),
            "t": pl.Datetime("us"),
            "none": pl.String(),
            "mixed": pl.String(),
        }
    )


# Across the borders of blocks


@pytest.mark.parametrize("size", [1, 3, 7, 64])
def test_borders_of_blocks_fall_anywhere(place: Place, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("s3_assets.tables.text_read.BLOCK", size)
    text = TRICKY + '\r\n"a\r\nb\rc","d""\n"\r\nx,y\r\n' * 5
    place.put("a.csv", text.encode())
    place.put("a.utf16", codecs.BOM_UTF16_LE + text.encode("utf-16-le"))

    table = text_table(place, null_values=(), suffixes=("csv", "utf16"))

    assert rows(table) == by_csv(text) * 2


def test_quoted_line_breaks_in_a_long_file(place: Place) -> None:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(["n", "text"])
    writer.writerows([number, f'line\r\n{"x" * (number % 997)}\n"{number}"'] for number in range(30_000))
    text = buffer.getvalue()
    assert len(text) > 3 * 4 * 1024 * 1024
    place.put("a.csv.gz", gzip.compress(text.encode(), 1))

    found = text_table(place).scan().collect()

    assert found.rows() == [(int(row["n"]), row["text"]) for row in by_csv(text)]


# JSON


OBJECTS = [
    {"n": 1, "t": "ä\nb", "l": [1, 2], "s": {"x": 1.5}},
    {"n": None, "t": "\0", "l": [], "s": {"x": None}},
    {"n": -5, "t": None, "l": None, "s": {"x": 1e3}},
]


@pytest.mark.parametrize("charset", CHARSETS)
@pytest.mark.parametrize("packing", PACKERS)
def test_json_lines(place: Place, packing: str, charset: str) -> None:
    text = "\r\n\n".join(json.dumps(each, ensure_ascii=False) for each in OBJECTS)
    place.put("a.jsonl", PACKERS[packing](CHARSETS[charset](text)))

    assert rows(text_table(place, "jsonl")) == [json.loads(line) for line in text.splitlines() if line]


@pytest.mark.parametrize("size", [1, 5, 4096])
@pytest.mark.parametrize(
    "write",
    [
        lambda: json.dumps(OBJECTS, indent=2),
        lambda: "".join(json.dumps(each, indent=1) for each in OBJECTS),
        lambda: "\n".join(json.dumps(each, ensure_ascii=False) for each in OBJECTS),
    ],
    ids=["an array", "one after the other", "lines"],
)
def test_json(place: Place, write: Callable[[], str], size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("s3_assets.tables.text_read.BLOCK", size)
    place.put("a.json", write().encode())

    assert rows(text_table(place, "json")) == OBJECTS


# Bad rows


BAD_CSV = [
    (b"a,b\n1,x\n2\n3,z\n", 3, 2, "1 fields instead of 2", [(1, "x"), (3, "z")]),
    (b"a,b\n1,x\n2,y,w\n3,z\n", 3, 5, "3 fields instead of 2", [(1, "x"), (3, "z")]),
    (b'a,b\n1,"x\ny"\nno,z\n', 4, 1, "column 'a': 'no' is no Int64", [(1, "x\ny")]),
    (b'a,b\n1,x\n2,"y"y\n3,z\n', 3, 3, "a quote that is not closed", [(1, "x"), (3, "z")]),
    (b'a,b\n1,x\n2,"y\n3,z\n', 3, 3, "a quote that is not closed", [(1, "x"), (3, "z")]),
    (b"a,b\n1,x\n2,y\xff\n3,z\n", 3, 4, "bytes that are no", [(1, "x"), (3, "z")]),
    (b"a,b\n\n1,x\r\n99999999999999999999,y\n", 4, 1, "is no Int64", [(1, "x")]),
]


@pytest.mark.parametrize(("body", "line", "column", "reason", "good"), BAD_CSV)
def test_bad_rows(place: Place, body: bytes, line: int, column: int, reason: str, good: list[Any]) -> None:
    place.put("a.csv", body)
    columns = {"a": "int64", "b": "string"}

    with pytest.raises(
        BadRowError, match=rf"base/table/a\.csv: line {line}, column {column}: .*{reason}"
    ) as e:
        rows(text_table(place, columns=columns))

    assert (e.value.line, e.value.column) == (line, column)
    lenient = text_table(place, columns=columns, on_bad_row="skip")
    plan = lenient.plan()
    assert plan.frame.collect().rows() == good
    (note,) = plan.remarks
    assert note.startswith("1 row of 1 file was skipped; the first: ")
    assert f"a.csv, line {line}, column {column}: " in note
    assert lenient.scan().select(pl.len()).collect().item() == len(good)
    assert lenient.scan().select("b").collect().rows() == [(b,) for _, b in good]


BAD_JSON = [
    (b'{"a":1}\n{"a":\n{"a":3}\n', 2, "no JSON"),
    (b'{"a":1}\n{"a":"x"}\n{"a":3}\n', 2, "cannot parse 'x'"),
    (b'{"a":1}\n\n[2]\n{"a":3}\n', 3, "a JSON list instead of an object"),
    (b'{"a":1}\n{"b":"\xff"}\n{"a":3}\n', 2, "no text"),
    (b'{"a":1}\n{"b":"\\ud800"}\n{"a":3}\n', 2, "half of a character"),
    (b'{"a":1}\n{"d":"2026-02-30"}\n{"a":3}\n', 2, "field 'd': '2026-02-30' is no Date"),
]


@pytest.mark.parametrize(("body", "line", "reason"), BAD_JSON)
def test_bad_objects(place: Place, body: bytes, line: int, reason: str) -> None:
    place.put("a.jsonl", body)
    columns = {"a": "int64", "b": "string", "d": "date"}

    with pytest.raises(BadRowError, match=rf"base/table/a\.jsonl: line {line}, column 1: .*{reason}"):
        rows(text_table(place, "jsonl", columns=columns))

    lenient = text_table(place, "jsonl", columns=columns, on_bad_row="skip")
    assert [row["a"] for row in rows(lenient)] == [1, 3]
    assert lenient.scan().select(pl.len()).collect().item() == 2


@pytest.mark.parametrize(
    ("body", "line", "column"),
    [
        ('[{"a": 1},\n {"a": }]', 2, 8),
        ('[{"a": 1}', 1, 10),
        ('[{"a": 1}]\n x', 2, 2),
        ('[{"a": 1} 2]', 1, 11),
    ],
)
def test_a_text_that_is_no_json(place: Place, body: str, line: int, column: int) -> None:
    place.put("a.json", body.encode())

    with pytest.raises(BadRowError, match=f"line {line}, column {column}: "):
        rows(text_table(place, "json", columns={"a": "int64"}))


def test_a_bad_object_of_an_array(place: Place) -> None:
    place.put("a.json", b'[{"a": 1},\n {"a": "x"}, {"a": 3}]')

    with pytest.raises(BadRowError, match="line 2, column 2: field 'a': cannot parse 'x'"):
        rows(text_table(place, "json", columns={"a": "int64"}))


def test_a_header_that_names_a_column_twice(place: Place) -> None:
    place.put("a.csv", b"a,b,a\n1,2,3\n")

    with pytest.raises(SchemaMismatchError, match="names 'a' twice"):
        rows(text_table(place, columns={"a": "int64", "b": "int64"}))


def test_a_file_with_a_column_that_is_not_declared(place: Place) -> None:
    place.put("a.csv", b"a,b\n1,2\n")

    with pytest.raises(SchemaMismatchError, match=r"a\.csv has the columns 'b', which"):
        text_table(place, columns={"a": "int64"}).scan().select("a").collect()


# What reaches the reader


def test_projection_predicate_and_limit(place: Place) -> None:
    for day in (1, 2, 3):
        lines = "".join(f"{n},row {n},no number\n" for n in range(1000))
        place.put(f"day=2026-01-0{day}/a.csv", f"n,t,x\n{lines}".encode())
    table = text_table(
        place, columns={"n": "int64", "t": "string", "x": "int64", "day": "date"},
        partitions=Partitions(column="day", start=date(2026, 1, 1)),
    )  # fmt: skip

    # Column x cannot be read: whatever reads it fails.
    scan = table.scan()
    assert scan.select("n").collect()["n"].sum() == 3 * sum(range(1000))
    found = scan.filter(pl.col("n") >= 998, pl.col("day") == date(2026, 1, 2)).select("t").collect()
    assert found["t"].to_list() == ["row 998", "row 999"]
    assert scan.select("n", "day").head(3).collect()["n"].to_list() == [0, 1, 2]
    assert scan.select(pl.len()).collect().item() == 3000
    window = Window(datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 3, tzinfo=UTC))
    assert table.plan(window=window).files == 1
    with pytest.raises(BadRowError, match="column 'x': 'no number' is no Int64"):
        scan.collect()


@pytest.mark.parametrize(
    ("kind", "fields"),
    [("csv", {"delimiter": ";;"}), ("csv", {"quote": ","}), ("csv", {"charset": "klingon"}),
     ("csv", {"charset": "hex"}), ("json", {"delimiter": ";"}), ("tsv", {"quote": "\t"})],
)  # fmt: skip
def test_settings_that_cannot_be(place: Place, kind: str, fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="1 validation error"):
        text_table(place, kind, **fields)


def test_json_lines_arrive_in_a_delta_table_exactly_once(place: Place) -> None:
    def put(name: str, numbers: range) -> None:
        text = "".join(f"{json.dumps({'n': number})}\n" for number in numbers)
        place.put(name, gzip.compress(text.encode()))

    source = text_table(place, "jsonl")
    target = open_table("target", DeltaSettings(connection="lake", path="target"), place.connection())
    put("a.jsonl.gz", range(1000))
    assert append_new(target, "target/texts", source).rows == 1000
    assert append_new(target, "target/texts", source).nothing_new
    put("b.jsonl.gz", range(1000, 1500))
    put("c.jsonl.gz", range(1500, 1501))
    assert source.plan(ReadMode.ADDED).files == 3
    assert append_new(target, "target/texts", source).rows == 501

    assert sorted(target.scan().collect()["n"]) == list(range(1501))
