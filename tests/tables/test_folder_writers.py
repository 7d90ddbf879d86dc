"""Folders of every format that is written: windows, what is refused, and files that other software reads."""

import bz2
import csv
import gzip
import io
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import fastavro
import polars as pl
import pytest
import zstandard

from s3_assets.engines.polars import write_parts
from s3_assets.errors import (
    RowsOutsideWindowError,
    RowsRefusedError,
    SchemaMismatchError,
    ServerFailureError,
    UnsupportedError,
)
from s3_assets.incremental.audit import audit
from s3_assets.incremental.overwrite import overwrite
from s3_assets.movement.imports import Import, ImportMode
from s3_assets.tables.avro_writer import AvroEncoding
from s3_assets.tables.open import open_table
from s3_assets.tables.parts import Layout
from s3_assets.tables.settings import AvroSettings, ParquetSettings, Partitions, TableSettings
from s3_assets.tables.table import Table
from s3_assets.tables.text_settings import CsvSettings, JsonLinesSettings, JsonSettings, TsvSettings
from s3_assets.tables.text_writer import ObjectsEncoding
from s3_assets.windows import Every, Window
from tests.tables.formats import Place

DAYS = [date(2026, 1, 1) + timedelta(days=number) for number in range(4)]
BY_DAY = Partitions(column="day", start=DAYS[0])
ROWS = pl.DataFrame(
    {"day": DAYS * 2, "number": range(8), "text": ["a", 'b"', "c,\n", "ü", "", " ", "g", None]}
)
FORMATS = (AvroSettings, CsvSettings, TsvSettings, JsonLinesSettings, JsonSettings)
ENDINGS = (".avro", ".csv.gz", ".tsv.gz", ".jsonl.gz", ".json.gz")
each_format = pytest.mark.parametrize(
    ("settings", "ending"),
    list(zip(FORMATS, ENDINGS, strict=True)),
    ids=["avro", "csv", "tsv", "jsonl", "json"],
)


def window(first: int, last: int) -> Window:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return Window(start + timedelta(days=first), start + timedelta(days=last))


def table(settings: type[TableSettings], place: Place, **fields: Any) -> Table[Any]:
    return open_table("t", settings(connection="lake", path=place.path, **fields), place.connection())


def without_log(place: Place, path: str | None = None) -> dict[str, str]:
    """All objects but those of the log, which stays."""
    return {key: etag for key, etag in place.objects(path).items() if "/_s3_assets/log/" not in key}


def rows_of(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    return sorted(frame.select("day", "number", "text").rows(), key=repr)


@each_format
def test_a_window_replaces_its_partitions_and_nothing_else(
    settings: type[TableSettings], ending: str, place: Place
) -> None:
    target = table(settings, place, partitions=BY_DAY)
    overwrite(target, ROWS.lazy(), window=window(0, 4))
    before = without_log(place)
    names = sorted(before)
    assert len(names) == len(DAYS), "nothing is left beside them"
    for name, day in zip(names, DAYS, strict=True):
        assert name.startswith(f"{place.path}/day={day}/part-")
        assert name.endswith(f"-00000{ending}")

    new = pl.DataFrame({"day": [DAYS[2]], "number": [100], "text": ["new"]})
    written = overwrite(target, new.lazy(), window=window(1, 3))

    after = without_log(place)
    assert names[2] in after, "new rows take the place of old ones"
    assert {key: after.get(key) for key in (names[0], names[3])} == {
        key: before[key] for key in (names[0], names[3])
    }
    assert names[1] not in after, "no rows: no file"
    assert (written.commit.rows, written.commit.files, written.commit.removed_files) == (1, 1, 1)
    kept = ROWS.filter(pl.col("day").is_in([DAYS[0], DAYS[3]]))
    assert rows_of(target.scan().collect()) == rows_of(pl.concat([kept, new]))


def test_rows_outside_of_their_folders_are_counted(place: Place) -> None:
    target = table(JsonLinesSettings, place, partitions=BY_DAY)

    with pytest.raises(RowsOutsideWindowError) as caught:
        overwrite(target, ROWS.lazy(), window=window(1, 3))

    assert (caught.value.count, caught.value.smallest, caught.value.largest) == (
        4,
        str(DAYS[0]),
        str(DAYS[3]),
    )
    assert not without_log(place), "neither parts nor marks are left"


@pytest.mark.parametrize("settings", [AvroSettings, CsvSettings], ids=["avro", "csv"])
def test_rows_outside_are_counted_where_a_folder_is_a_label(
    settings: type[TableSettings], place: Place
) -> None:
    start = datetime(2026, 1, 1)  # noqa: DTZ001 - a wall clock
    at = [start + timedelta(minutes=number) for number in range(100)]
    target = table(settings, place, partitions=Partitions(column="at", start=start, every=Every.HOUR))
    begin = datetime(2026, 1, 1, 0, tzinfo=UTC)

    with pytest.raises(RowsOutsideWindowError) as caught:
        overwrite(
            target,
            pl.LazyFrame({"at": [*at, None]}).with_columns(odd=pl.lit(1)),
            window=Window(begin, begin + timedelta(hours=1), Every.HOUR),
        )

    assert caught.value.count == 41, "one is null"
    assert (caught.value.smallest, caught.value.largest) == (str(at[60]), str(at[-1]))
    assert not without_log(place), "neither parts nor marks are left"


def test_other_software_reads_what_was_written(place: Place) -> None:
    def written(settings: type[TableSettings], **fields: Any) -> bytes:
        rows = ROWS.with_columns(
            price=pl.lit("1.50").cast(pl.Decimal(38, 2)), odd=pl.struct("number", "text")
        )
        frame = rows.drop("odd") if settings is CsvSettings else rows
        path = f"{place.path}-{settings.__name__}-{len(fields)}"
        target = open_table("t", settings(connection="lake", path=path, **fields), place.connection())
        overwrite(target, frame.lazy(), window=None)
        (key,) = without_log(place, path)
        return place.get(key)

    rows = sorted(ROWS.rows(), key=repr)
    avro: list[Any] = list(fastavro.reader(io.BytesIO(written(AvroSettings))))
    assert sorted(((each["day"], each["number"], each["text"]) for each in avro), key=repr) == rows
    assert {str(each["price"]) for each in avro} == {"1.50"}
    assert all(each["odd"] == {"number": each["number"], "text": each["text"]} for each in avro)

    text = gzip.decompress(written(CsvSettings)).decode()
    table = list(csv.DictReader(io.StringIO(text, newline="")))
    assert sorted([each["day"], each["number"], each["text"]] for each in table) == sorted(
        [str(day), str(number), text or ""] for day, number, text in ROWS.rows()
    )
    lines = zstandard.decompress(written(JsonLinesSettings, compression="zstd"), max_output_size=10_000)
    whole = json.loads(bz2.decompress(written(JsonSettings, compression="bzip2")))
    for found in ([json.loads(line) for line in lines.splitlines()], whole):
        assert (
            sorted(
                ((date.fromisoformat(each["day"]), each["number"], each["text"]) for each in found), key=repr
            )
            == rows
        )
        assert {each["price"] for each in found} == {"1.50"}


@pytest.mark.parametrize(
    "fields",
    [
        {"compression": "none", "charset": "utf-16"},
        {"delimiter": ";", "quote": "'", "escape": "\\", "null_values": ["NULL", ""], "skip_lines": 2},
        {"header": False, "comment": "#", "charset": "utf-8-sig"},
        {"formats": {"day": "%d.%m.%Y"}, "suffixes": [".txt"]},
    ],
    ids=["utf-16", "escape", "headless", "format"],
)
def test_the_dialect_that_is_declared_is_written(fields: dict[str, Any], place: Place) -> None:
    odd = ["NULL", "\\", "#", "'", ";", "\\'", "", None]
    rows = ROWS.with_columns(pl.Series("text", odd))
    columns = {"text": "string", "day": "date", "number": "int64"}
    target = table(CsvSettings, place, columns=columns, **fields)

    overwrite(target, rows.lazy(), window=None)

    assert rows_of(target.scan().collect()) == rows_of(rows)


NAN = pl.Series("odd", [1.0, float("nan"), None])


@pytest.mark.parametrize(
    ("settings", "fields", "odd", "found"),
    [
        (CsvSettings, {}, pl.Series("odd", [[1]]), "'odd' is List.Int64."),
        (CsvSettings, {"columns": {"odd": "int64"}}, pl.Series("odd", ["x"]), "'odd' is String in the rows"),
        (CsvSettings, {"columns": {"more": "int64"}}, pl.Series("odd", [1]), "not among the table's: odd"),
        (CsvSettings, {"quote": None}, pl.Series("odd", [1]), "quote is null"),
        (CsvSettings, {"header": False}, pl.Series("odd", [1]), "header is false"),
        (CsvSettings, {"comment": "-"}, pl.Series("odd", [1]), "rows can begin like that"),
        (CsvSettings, {"compression": "zip"}, pl.Series("odd", [1]), "cannot be written as zip"),
        (JsonLinesSettings, {}, pl.Series("odd", [{"a": timedelta(1)}]), "with Duration"),
        (AvroSettings, {}, pl.Series("odd", [{"a": 1}], dtype=pl.Struct({"a": pl.Int128})), "with Int128"),
    ],
    ids=["list", "text", "extra", "quote", "header", "comment", "zip", "duration", "int128"],
)
def test_what_cannot_be_written_is_refused_before_anything_is(
    settings: type[TableSettings], fields: dict[str, Any], odd: pl.Series, found: str, place: Place
) -> None:
    with pytest.raises((SchemaMismatchError, UnsupportedError), match=found):
        overwrite(table(settings, place, **fields), odd.to_frame().lazy(), window=None)
    assert not place.objects()


@pytest.mark.parametrize(
    ("settings", "fields", "odd", "found"),
    [
        (JsonLinesSettings, {}, NAN, "1 numbers that are NaN"),
        (CsvSettings, {}, NAN, "has nulls and is the only one"),
        (CsvSettings, {"charset": "latin-1"}, pl.Series("odd", ["ü", "😀"]), "'😀', which latin-1 lacks"),
        (CsvSettings, {"formats": {"odd": "%d.%m."}}, pl.Series("odd", DAYS), "'%d.%m.' does not carry"),
        (JsonSettings, {}, pl.Series("odd", [[5_000_000]]).cast(pl.List(pl.Date)), "years 0000 to 9999"),
        (AvroSettings, {}, pl.Series("odd", [1]).cast(pl.Time), "times with nanoseconds"),
    ],
    ids=["nan", "blank", "charset", "format", "year", "nanoseconds"],
)
def test_values_that_have_no_spelling_leave_what_was_there(
    settings: type[TableSettings], fields: dict[str, Any], odd: pl.Series, found: str, place: Place
) -> None:
    overwrite(table(settings, place), pl.LazyFrame({"number": [1]}), window=None)
    before = without_log(place)

    with pytest.raises(RowsRefusedError, match=found):
        overwrite(table(settings, place, **fields), odd.to_frame().lazy(), window=None)

    assert {key: etag for key, etag in place.objects().items() if "_s3_assets" not in key} == before


def test_a_part_of_which_bytes_are_missing_is_not_taken_in(place: Place) -> None:
    """Somebody else writes over a staged part before it is looked at."""
    connection = place.connection()
    encoding = ObjectsEncoding(JsonLinesSettings(connection="lake", path=place.path), "none", ".jsonl")
    layout = Layout(connection.location.folder("staged/"), (), 17, encoding=encoding)
    (part,) = write_parts(pl.LazyFrame({"number": [1, 2]}), layout, connection)
    assert audit([part], layout, connection)[0].part == part

    place.client.put_object(Bucket=place.bucket, Key=f"staged/{part.path}", Body=b'{"number":1}')

    with pytest.raises(ServerFailureError, match="the server has 12 of the part's 26 bytes"):
        audit([part], layout, connection)


def test_a_frame_that_fails_leaves_nothing(place: Place) -> None:
    def fail(rows: pl.DataFrame) -> pl.DataFrame:
        if rows["number"].max() == 299_999:
            raise LookupError("on purpose")
        return rows

    connection = place.connection()
    layout = Layout(
        connection.location.folder("staged/"), ("day",), 17, encoding=AvroEncoding("null", ".avro")
    )
    number = pl.int_range(300_000, dtype=pl.Int64)
    text = number.hash(1).cast(pl.String) + number.hash(2).cast(pl.String)
    rows = pl.select(number.alias("number"), (number // 150_000).alias("day"), text.alias("text"))

    with pytest.raises((LookupError, pl.exceptions.ComputeError), match="on purpose"):
        write_parts(rows.lazy().map_batches(fail, schema=rows.schema, streamable=True), layout, connection)

    assert not place.objects("staged")


@pytest.mark.parametrize("settings", [AvroSettings, TsvSettings], ids=["avro", "tsv"])
def test_an_import_replaces_a_folder(settings: type[TableSettings], place: Place) -> None:
    source = open_table(
        "source",
        ParquetSettings(connection="lake", path="source", partitions=BY_DAY),
        place.connection(),
    )
    overwrite(source, ROWS.lazy(), window=window(0, 4))
    target = table(settings, place, partitions=BY_DAY)
    moving = Import("moving", source, target, ImportMode.REPLACE)

    for _ in range(2):
        moving.run(window=window(1, 3))

    assert rows_of(target.scan().collect()) == rows_of(ROWS.filter(pl.col("day").is_in(DAYS[1:3])))
