"""What is declared of a format is what its files are, as Python alone reads them."""

import gzip
import io
import json
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, BinaryIO

import fastavro
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from pydantic import ValidationError

from s3_assets.errors import RowsRefusedError, SchemaMismatchError, SettingError
from s3_assets.exports.formats import NAMES, export_format
from s3_assets.exports.writing import Split, check_columns, write_files
from s3_assets.progress import Progress

NOON = datetime(2026, 7, 1, 12, 30)  # noqa: DTZ001 - a wall clock
BERLIN = pl.Series("zoned", [NOON]).dt.replace_time_zone("Europe/Berlin")
ROW = pl.DataFrame(
    {
        "day": [date(2026, 7, 1)],
        "at": [NOON + timedelta(milliseconds=250)],
        "clock": [time(7, 5)],
        "flag": [True],
        "share": [1234.5],
        "price": [Decimal("-0.50")],
        "text": ['5" disk'],
        "none": pl.Series([None], dtype=pl.String),
        "long": [timedelta(milliseconds=1500)],
    }
).with_columns(BERLIN)
PLAIN = (
    '2026-07-01,2026-07-01T12:30:00.250,07:05:00,true,1234.5,-0.50,"5"" disk",,1500000,'
    "2026-07-01T10:30:00+00:00\n"
)


def exported(
    frame: pl.DataFrame | pl.LazyFrame, name: str, split: Split | None = None, **options: Any
) -> list[bytes]:
    files: list[io.BytesIO] = []

    def open_file(number: int) -> BinaryIO:
        assert number == len(files)
        files.append(io.BytesIO())
        return files[-1]

    written = write_files(frame.lazy(), export_format(name, **options), split or Split(), open_file)
    assert [each.number for each in written] == [*range(len(files))]
    return [file.getvalue() for file in files]


def one_line(**options: Any) -> str:
    (file,) = exported(ROW, "csv", header=False, **options)
    return file.decode()


def cells(column: str, frame: pl.DataFrame = ROW, **options: Any) -> str:
    (file,) = exported(frame.select(column), "csv", header=False, **options)
    return file.decode().removesuffix("\n")


def test_nothing_declared_is_rfc_4180_in_iso_8601() -> None:
    assert one_line() == PLAIN


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (
            {"delimiter": ";", "decimal_comma": True},
            PLAIN.replace(",", ";").replace("1234.5", "1234,5").replace("-0.50", "-0,50"),
        ),
        ({"quote": "'"}, PLAIN.replace('"5"" disk"', '5" disk')),
        ({"null_value": "\\N"}, None),
        ({"line_end": "crlf"}, PLAIN.replace("\n", "\r\n")),
    ],
    ids=["decimal-comma", "quote", "null", "crlf"],
)
def test_the_dialect(options: dict[str, object], line: str | None) -> None:
    if line is None:
        quoted = (
            '"2026-07-01"',
            '"2026-07-01T12:30:00.250"',
            '"07:05:00"',
            '"true"',
            "1234.5",
            "-0.50",
            '"5"" disk"',
        )
        line = ",".join((*quoted, "\\N", "1500000", '"2026-07-01T10:30:00+00:00"')) + "\n"
    assert one_line(**options) == line


def test_the_style_of_quotes() -> None:
    frame = pl.DataFrame({"a": ["x", "", None], "n": [1, 2, 3]})

    assert exported(frame, "csv", quote_style="always") == [b'"a","n"\n"x","1"\n"","2"\n"","3"\n']
    assert exported(frame, "csv", quote_style="non_numeric") == [b'"a","n"\n"x",1\n"",2\n,3\n']
    assert exported(frame, "csv", quote_style="never") == [b"a,n\nx,1\n,2\n,3\n"]
    with pytest.raises(RowsRefusedError, match="'text' has 1 texts with a delimiter"):
        exported(ROW, "csv", quote_style="never")


@pytest.mark.parametrize(
    ("column", "options", "text"),
    [
        ("day", {"date_format": "%d.%m.%y"}, "01.07.26"),
        ("clock", {"time_format": "%H%M"}, "0705"),
        ("at", {"timestamp_format": "%Y/%m/%d %H:%M:%S%.6f"}, "2026/07/01 12:30:00.250000"),
        ("at", {"timestamp_format": "%Y", "formats": {"at": "%s"}}, "1782909000"),
        # Without its zone, the wall clock of the column; with it, UTC.
        ("zoned", {"timestamp_format": "%H:%M"}, "12:30"),
        ("zoned", {"timestamp_format": "%H:%M %z"}, "10:30 +0000"),
        ("long", {"durations": "iso"}, "PT1.5S"),
        ("flag", {"booleans": ["yes", "no"]}, "yes"),
        ("share", {"float_precision": 2}, "1234.50"),
        ("share", {"float_notation": "scientific"}, "1.2345e3"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_values_are_spelled_as_declared(column: str, options: dict[str, Any], text: str) -> None:
    assert cells(column, **options) == text


def test_booleans_of_all_kinds() -> None:
    frame = pl.DataFrame({"flag": [True, False, None]})

    assert cells("flag", frame, booleans=["Y", "N"], null_value="?") == '"Y"\n"N"\n?'


@pytest.mark.parametrize("charset", ["utf-16", "utf-16-be", "utf-8-sig", "cp1252"])
def test_a_charset_is_that_of_the_whole_file(charset: str) -> None:
    frame = pl.DataFrame({"größe": ["é", "ß"] * 2_000, "n": range(4_000)})
    # So small that there are many pieces.
    (file,) = exported(frame, "csv", Split(bytes=1_000_000), charset=charset)

    assert file.decode(charset) == "größe,n\n" + "".join(f"{'éß'[n % 2]},{n}\n" for n in range(4_000))
    assert file == file.decode(charset).encode(charset)


def test_a_character_that_the_charset_lacks() -> None:
    with pytest.raises(RowsRefusedError, match="'😀', which the charset iso8859-1 lacks"):
        exported(pl.DataFrame({"a": ["😀"]}), "csv", charset="latin-1")


def test_a_byte_order_mark() -> None:
    assert exported(pl.DataFrame({"a": [1]}), "csv", byte_order_mark=True) == [b"\xef\xbb\xbfa\n1\n"]


def test_json_has_what_json_has() -> None:
    frame = pl.DataFrame(
        {
            "n": [2**64 - 1],
            "share": [0.1 + 0.2],
            "price": [Decimal("1.50")],
            "bytes": [b"\xff"],
            "inside": [{"at": NOON, "list": [date(2026, 7, 2), None], "bytes": b"\x01"}],
        },
        schema_overrides={"n": pl.UInt64},
    )
    (file,) = exported(frame, "jsonl", binary="base64", float_precision=3, date_format="%d.%m.%Y")

    assert json.loads(file) == {
        "n": 2**64 - 1,
        "share": 0.3,
        "price": "1.50",
        "bytes": "/w==",
        "inside": {"at": "2026-07-01T12:30:00", "list": ["02.07.2026", None], "bytes": "AQ=="},
    }


def test_numbers_that_json_lacks() -> None:
    frame = pl.DataFrame({"list": [[1.0], [float("nan"), float("inf")]]})

    assert exported(frame, "jsonl", not_finite="null") == [b'{"list":[1.0]}\n{"list":[null,null]}\n']
    with pytest.raises(RowsRefusedError, match="'list' has 2 numbers that are NaN or infinite"):
        exported(frame, "jsonl")


@pytest.mark.parametrize("codec", ["zstd", "snappy", "lz4", "gzip", "brotli", "uncompressed"])
def test_parquet_is_made_as_declared(codec: str) -> None:
    frame = pl.DataFrame({"n": range(1000), "text": ["x"] * 1000})
    (file,) = exported(frame, "parquet", compression=codec, row_group_rows=300, statistics=codec != "zstd")
    footer = pyarrow.parquet.ParquetFile(io.BytesIO(file)).metadata

    assert [footer.row_group(n).num_rows for n in range(footer.num_row_groups)] == [300, 300, 300, 100]
    column = footer.row_group(1).column(0)
    assert column.compression == {"lz4": "LZ4"}.get(codec, codec.upper())
    assert column.is_stats_set == (codec != "zstd")
    if codec != "zstd":
        assert (column.statistics.min, column.statistics.max) == (300, 599)


def test_rows_are_counted_by_a_footer_of_any_length() -> None:
    frame = pl.DataFrame({f"column {n}": range(600) for n in range(100)})
    files = [io.BytesIO()]
    written = write_files(
        frame.lazy(), export_format("parquet", row_group_rows=4), Split(), lambda _: files[0]
    )

    assert int.from_bytes(files[0].getvalue()[-8:-4], "little") > 1024 * 1024
    assert [each.rows for each in written] == [600]


def test_levels_and_pages_change_the_bytes() -> None:
    frame = pl.DataFrame({"n": [n * 7919 % 10_007 for n in range(50_000)]})
    quick, small = (len(exported(frame, "parquet", compression_level=level)[0]) for level in (1, 19))
    one_page, pages = (len(exported(frame, "parquet", page_bytes=size)[0]) for size in (1 << 20, 1 << 12))
    level_one, level_nine = (len(exported(frame, "csv.gz", compression_level=level)[0]) for level in (1, 9))

    assert small < quick
    assert pages > one_page
    assert level_nine < level_one


@pytest.mark.parametrize("codec", ["null", "deflate", "snappy", "zstandard", "bzip2", "xz"])
def test_avro_is_made_as_declared(codec: str) -> None:
    frame = pl.DataFrame({"n": [1, None], "inner": [{"a": 1}, None]})
    (file,) = exported(frame, "avro", codec=codec, record="order", namespace="org.example")
    reader: Any = fastavro.reader(io.BytesIO(file))

    assert [*reader] == [{"n": 1, "inner": {"a": 1}}, {"n": None, "inner": None}]
    assert reader.codec == codec
    assert reader.writer_schema["name"] == "org.example.order"


@pytest.mark.parametrize("name", NAMES)
def test_rows_keep_their_order_and_files_their_limits(name: str) -> None:
    frame = pl.DataFrame({"n": range(30_000), "text": [f"row {n * 7919 % 30_011}" for n in range(30_000)]})
    progress = Progress("export")
    by_rows = exported(frame, name, Split(rows=12_000))
    by_bytes = exported(frame, name, Split(bytes=40_000))
    whole = exported(frame, name)
    write_files(frame.lazy(), export_format(name), Split(), lambda _: io.BytesIO(), progress)

    assert [len(_numbers(file, name)) for file in by_rows] == [12_000, 12_000, 6_000]
    for files in (by_rows, by_bytes, whole):
        assert [n for file in files for n in _numbers(file, name)] == [*range(30_000)]
    assert len(whole) == 1
    if name == "parquet":
        # Told by the rows before: as good as even for even rows.
        assert all(0.5 < len(file) / 40_000 < 1.5 for file in by_bytes[:-1])
    else:
        assert all(0.85 < len(file) / 40_000 <= 1 for file in by_bytes[:-1])
        assert len(by_bytes[-1]) <= 40_000
    assert (progress.rows, progress.files) == (30_000, 1)
    assert progress.bytes == pytest.approx(len(whole[0]), rel=0.01)


def test_gzip_of_several_members_is_one_text_to_all() -> None:
    frame = pl.DataFrame({"n": range(200_000), "text": ["the same text in each row"] * 200_000})
    (file,) = exported(frame, "csv.gz")
    text = frame.write_csv().encode()

    assert file.count(b"\x1f\x8b\x08\x00") > 3
    assert gzip.decompress(file) == text
    assert pl.read_csv(file).equals(frame)
    arrow = pa.input_stream(io.BytesIO(file), compression="gzip")
    assert pyarrow.csv.read_csv(arrow).num_rows == 200_000
    with gzip.open(io.BytesIO(file), "rt") as lines:
        assert sum(1 for _ in lines) == 200_001


@pytest.mark.parametrize("name", NAMES)
def test_no_rows_are_a_file_with_the_columns(name: str) -> None:
    (file,) = exported(ROW.select("text", "share").head(0), name)

    if name.startswith("csv"):
        assert (gzip.decompress(file) if name.endswith(".gz") else file) == b"text,share\n"
    elif name.startswith("jsonl"):
        assert (gzip.decompress(file) if name.endswith(".gz") else file) == b""
    elif name == "avro":
        assert [*fastavro.reader(io.BytesIO(file))] == []
    else:
        assert pyarrow.parquet.read_table(io.BytesIO(file)).column_names == ["text", "share"]


@pytest.mark.parametrize(
    ("name", "values", "found"),
    [
        ("csv", pl.Series([b"x"]), "'col' is Binary"),
        ("csv", pl.Series([[1]]), r"'col' is List\(Int64\)"),
        ("csv.gz", pl.Series([{"a": 1}]), "'col' is Struct"),
        ("jsonl", pl.Series([[b"x"]]), r"'col' is List\(Binary\), with Binary inside"),
        ("jsonl", pl.Series([object()], dtype=pl.Object), "'col' is Object"),
        ("parquet", pl.Series([1], dtype=pl.Int128), "'col' is Int128"),
        ("parquet", pl.Series([[{}]], dtype=pl.List(pl.Struct([]))), "with Struct"),
        ("avro", pl.Series([1], dtype=pl.Int128), "'col' is Int128"),
        ("avro", pl.Series([1], dtype=pl.UInt128), "'col' is UInt128"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 8 else None,
)
def test_columns_that_a_format_cannot_hold(name: str, values: pl.Series, found: str) -> None:
    frame = pl.DataFrame({"good": [1], "col": values})

    with pytest.raises(SchemaMismatchError, match=found) as caught:
        write_files(frame.lazy(), export_format(name), Split(), _never)
    assert caught.value.remedy
    with pytest.raises(SchemaMismatchError, match=found):
        check_columns(export_format(name), frame.schema)


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"formats": {"text": "%Y"}}, "column 'text', which is String"),
        ({"formats": {"other": "%Y"}}, "column 'other', which is not there"),
        ({"formats": {"day": "%H"}}, "column 'day' is Date, which has not all"),
        ({"timestamp_format": "%Y %z"}, "column 'at' is Datetime"),
    ],
    ids=["no-time", "not-there", "no-hours", "no-zone"],
)
def test_formats_that_do_not_fit_their_columns(options: dict[str, object], found: str) -> None:
    with pytest.raises(SchemaMismatchError, match=found):
        write_files(ROW.lazy(), export_format("csv", **options), Split(), _never)


def test_a_column_whose_nulls_would_be_blank_lines() -> None:
    frame = pl.DataFrame({"only": ["a", None]})

    with pytest.raises(RowsRefusedError, match="'only' has nulls and is the only one"):
        exported(frame, "csv")
    assert exported(frame, "csv", null_value="-") == [b'"only"\n"a"\n-\n']


@pytest.mark.parametrize(
    ("name", "options", "found"),
    [
        ("csv", {"delimiter": ";;"}, "not one ASCII character"),
        ("csv", {"delimiter": '"'}, "have to differ"),
        ("csv", {"delimiter": "-"}, "times are made of '-'"),
        ("csv", {"null_value": "a,b"}, "has the delimiter"),
        ("csv", {"null_value": "a\n"}, "line break"),
        ("csv", {"charset": "klingon"}, "no charset"),
        ("csv", {"charset": "utf-16", "byte_order_mark": True}, "for utf-8"),
        ("csv", {"date_format": "%Y-%Q"}, "no format of strftime"),
        ("csv", {"formats": {"a": "100 %"}}, "no format of strftime"),
        ("csv", {"booleans": ["1", "1"]}, "both '1'"),
        ("csv", {"compression_level": 3}, "without compression"),
        ("csv.gz", {"compression_level": 10}, "less than or equal to 9"),
        ("parquet", {"compression": "snappy", "compression_level": 1}, "snappy has no levels"),
        ("parquet", {"compression_level": 23}, "1 to 22"),
        ("parquet", {"row_group_rows": 0}, "greater than or equal to 1"),
        ("avro", {"record": "my rows"}, "no name of Avro"),
        ("jsonl", {"delimiter": ";"}, "Extra inputs"),
        ("xlsx", {}, "does not match any of the expected tags"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else value,
)
def test_what_has_no_meaning_is_refused_when_it_is_declared(
    name: str, options: dict[str, object], found: str
) -> None:
    with pytest.raises(ValidationError, match=found):
        export_format(name, **options)


@pytest.mark.parametrize("name", NAMES)
def test_formats_know_what_their_files_are_called(name: str) -> None:
    found = export_format(name)

    assert found.extension == name
    assert found.content_encoding is None
    assert "/" in found.content_type


def test_content_types_tell_charset_and_header() -> None:
    found = export_format("csv", charset="latin-1", header=False)

    assert found.content_type == "text/csv; charset=iso-8859-1; header=absent"
    assert export_format("csv.gz").content_type == "application/gzip"


def test_splits_of_nothing() -> None:
    with pytest.raises(SettingError, match="files of 0 rows"):
        Split(rows=0)


class FullError(Exception):
    """The disk is full."""


class Full(io.RawIOBase):
    """A file that takes a few writes."""

    writes = 1

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self.writes -= 1
        if self.writes < 0:
            raise FullError
        return len(data)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("split", [Split(), Split(rows=290_000)], ids=["one-file", "several"])
def test_an_error_of_the_file_arrives_as_it_is(name: str, split: Split) -> None:
    frame = pl.DataFrame({"n": range(300_000), "text": ["text"] * 300_000})
    format_ = export_format(name, **({"row_group_rows": 1000} if name == "parquet" else {}))

    with pytest.raises(FullError):
        write_files(frame.lazy(), format_, split, lambda _: Full())  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize("name", ["csv", "parquet"])
@pytest.mark.parametrize("split", [Split(), Split(rows=10)], ids=["one-file", "several"])
def test_an_error_of_the_frame_arrives(name: str, split: Split) -> None:
    frame = pl.LazyFrame({"n": ["1", "x"] * 50}).select(pl.col("n").cast(pl.Int64))

    with pytest.raises(pl.exceptions.PolarsError, match="conversion"):
        write_files(frame, export_format(name), split, lambda _: io.BytesIO())


def _never(number: int) -> BinaryIO:
    raise AssertionError(f"file {number} was opened")


def _numbers(file: bytes, name: str) -> list[int]:
    text = gzip.decompress(file) if name.endswith(".gz") else file
    if name.startswith("csv"):
        return [int(line.split(",")[0]) for line in text.decode().splitlines()[1:]]
    if name.startswith("jsonl"):
        return [json.loads(line)["n"] for line in text.splitlines()]
    if name == "avro":
        rows: Any = fastavro.reader(io.BytesIO(file))
        return [row["n"] for row in rows]
    found: list[int] = pyarrow.parquet.read_table(io.BytesIO(file))["n"].to_pylist()
    return found
