"""What `guess` finds at a place, format by format, on a real server; and what it reads is compared."""

import io
import json
import tarfile
from collections.abc import Callable, Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from s3_assets.errors import DataFilesMissingError, UnsupportedError
from s3_assets.explore import listing
from s3_assets.explore.findings import Guess
from s3_assets.explore.guess import guess, opened
from s3_assets.explore.looks import columns_of
from tests.tables.foreign_iceberg import ForeignTable, column
from tests.tables.formats import Place

DATA = Path(__file__).parent.parent / "data"
HOUR = datetime.fromisoformat("2026-01-05T13:00")
YEAR_MONTH_DAY = "year=%Y/month=%m/day=%d"
Look = Callable[[str], Guess]


@pytest.fixture
def look(place: Place) -> Look:
    return lambda key: guess(place.connection(), key)


@pytest.fixture
def put(place: Place) -> Callable[..., None]:
    def put_object(key: str, body: bytes | str) -> None:
        text = body.encode() if isinstance(body, str) else body
        place.client.put_object(Bucket=place.bucket, Key=key, Body=text)

    return put_object


@pytest.fixture
def rows(place: Place) -> Callable[[Guess], list[dict[str, Any]]]:
    return lambda found: opened(place.connection(), found).scan().collect().to_dicts()


def doubts(found: Guess) -> list[str]:
    return [each.evidence for each in found.findings if each.doubt]


def about(found: Guess, field: str) -> str:
    return " ".join(each.evidence for each in found.findings if each.about == field)


# Real files of other writers


def upload(put: Callable[..., None], folder: str) -> None:
    for path in sorted((DATA / folder).rglob("*")):
        if path.is_file():
            put(path.relative_to(DATA).as_posix(), path.read_bytes())


DELTA = {
    "cdf-table": (
        {"id", "name", "birthday"}, {"column": "birthday", "every": "day", "start": date(2023, 12, 22)},
    ),
    "delta-0.8.0-date": ({"date", "dayOfYear"}, None),
    "delta-0.8.0-partitioned": ({"value", "year", "month", "day"}, None),
    "table-with-dv-small": ({"value"}, None),
}  # fmt: skip


def test_delta(look: Look, put: Callable[..., None], place: Place) -> None:
    upload(put, "delta")

    for name, (columns, partitions) in DELTA.items():
        found = look(f"delta/{name}/")
        assert found.settings["format"] == "delta"
        assert set(found.columns) == columns
        assert found.settings.get("partitions") == partitions
        # Another reader, without any code of ours; deletion vectors are the exception that it cannot read.
        if name != "table-with-dv-small":
            url = f"s3://{place.bucket}/delta/{name}"
            assert found.columns == pl.scan_delta(url, storage_options=place.options).collect_schema()
    assert look("delta/cdf-table/birthday=2023-12-22/").path == "delta/cdf-table/"
    with pytest.raises(UnsupportedError, match=r"4 tables .* such as delta/cdf-table/"):
        look("delta/")


def test_iceberg_without_a_catalog(look: Look, place: Place, rows: Any) -> None:
    columns = [column(1, "number", "long", required=True), column(2, "name", "string")]
    by_name = {"name": "name", "transform": "identity", "source-id": 2, "field-id": 1000}
    foreign = ForeignTable(place, columns)
    foreign.respec([{**by_name, "as": "string"}])
    foreign.commit("append", [foreign.file([{"number": 1, "name": "one"}], partition=["one"])])
    foreign.save()

    for key in (f"{place.path}/", f"{place.path}/metadata/"):
        found = look(key)
        assert found.settings == {"format": "iceberg", "warehouse_path": f"{place.path}/"}
        assert rows(found) == [{"number": 1, "name": "one"}]
        told = columns_of(opened(place.connection(), found), bounded=True)
        assert (told.nullable, told.partitions) == ({"number": False, "name": True}, frozenset({"name"}))
    with pytest.raises(UnsupportedError, match="1 table with a log of its own"):
        look("base/")


def test_avro_and_parquet(look: Look, put: Callable[..., None]) -> None:
    import fastavro

    upload(put, "avro")
    upload(put, "parquet")

    for path in sorted((*(DATA / "avro").glob("*.avro"), *(DATA / "parquet").glob("*.parquet"))):
        found = look(path.relative_to(DATA).as_posix())
        assert found.settings["format"] == path.suffix.removeprefix(".")
        assert found.settings["suffixes"] == [path.name]
        if path.suffix == ".avro":
            with path.open("rb") as file:
                schema: Any = fastavro.reader(file).writer_schema
            assert list(found.columns) == [field["name"] for field in schema["fields"]]
        else:
            assert found.columns == pl.read_parquet_schema(path)


def test_one_file_is_the_only_one_that_is_read(look: Look, put: Callable[..., None], rows: Any) -> None:
    put("files/a.csv", "x\n1\n")
    put("files/b.csv", "y\n2\n")

    assert rows(look("files/a.csv")) == [{"x": 1}]
    assert rows(look("files/b.csv")) == [{"y": 2}]


# Folders


def test_hive_folders(look: Look, put: Callable[..., None], rows: Any) -> None:
    for day in ("2026-01-05", "2026-01-06", "2026-01-07"):
        put(f"sales/day={day}/shop=1/part-0.csv", "id;at\n1;28.01.2026\n")
    put("sales/_SUCCESS", b"")
    put("sales/day=2026-01-05/.part-0.csv.crc", b"crc")
    put("sales/readme.md", "not a row")

    found = look("sales/")

    assert found.settings["partitions"] == {"column": "day", "every": "day", "start": date(2026, 1, 5)}
    assert found.looked_at == "looked at 3 of 4 files, 57 B"
    assert "1 file of other names" in about(found, "suffixes")
    assert rows(found)[0] == {"id": 1, "at": date(2026, 1, 28), "day": date(2026, 1, 5), "shop": 1}


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        (["dt=20260105", "dt=20260106"], {"column": "dt", "every": "day", "start": date(2026, 1, 5)}),
        (
            ["m=2026-01", "m=2026-02"],
            {"column": "m", "every": "month", "start": date(2026, 1, 1), "format": "%Y-%m"},
        ),
        (["d=2026-01-01", "d=2026-02-01"], {"column": "d", "every": "month", "start": date(2026, 1, 1)}),
        (["d=2026-01-05", "d=2026-01-12"], {"column": "d", "every": "week", "start": date(2026, 1, 5)}),
        (
            ["h=2026-01-05-13", "h=2026-01-05-14"],
            {"column": "h", "every": "hour", "start": HOUR, "format": "%Y-%m-%d-%H"},
        ),
        (
            ["year=2026/month=01/day=05"],
            {"column": "date", "every": "day", "start": date(2026, 1, 5), "folders": YEAR_MONTH_DAY},
        ),
        (
            ["2026/01/05/13", "2026/01/05/14"],
            {"column": "hour", "every": "hour", "start": HOUR, "folders": "%Y/%m/%d/%H"},
        ),
        (["2026/01/05", "2026/latest"], None),
        (["year=2026/month=01", "year=2026/month=none"], None),
        (["id=20261399", "id=7"], None),
    ],
    ids=lambda each: each[0].partition("/")[0] if isinstance(each, list) else None,
)  # fmt: skip
def test_steps(folders: list[str], expected: Any, look: Look, put: Any, rows: Any) -> None:
    for folder in folders:
        put(f"t/{folder}/a.jsonl", '{"x": 1}\n')

    found = look("t")

    assert found.settings.get("partitions") == expected
    assert len(rows(found)) == len(folders)
    # Dates are not told by some of the folders alone.
    assert bool(doubts(found)) == (folders[-1].endswith(("latest", "none")))


def test_listing_is_bounded_and_spread(look: Look, put: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "PAGE", 4)
    monkeypatch.setattr(listing, "FIRST_PAGES", 2)
    for day in range(1, 8):
        for number in range(5):
            put(f"t/d=2026-01-{day:02d}/{number}.csv", f"x\n{number}\n")

    found = look("t/")

    # Eight keys of the first two folders, then four of each that follows.
    assert found.looked_at.startswith(
        "looked at 10 of more than 28 files (the listing was not read to its end)"
    )
    assert any("d=2026-01-07" in each for each in found.files)


def test_large_files_are_not_fetched_whole(look: Look, put: Any) -> None:
    put("t/large.csv", "id,text\n" + "".join(f"{number},some text\n" for number in range(150_000)))

    found = look("t/")

    assert found.looked_at == "looked at 1 of 1 file, 1.0 MB"
    assert doubts(found) == []
    assert found.columns == pl.Schema({"id": pl.Int64, "text": pl.String})


def test_archives(look: Look, put: Any, rows: Any) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, text in {
            "folder/": b"",
            "folder/.hidden": b"a,b,c\n",
            "folder/a.csv": b"x;y\n1;2\n",
        }.items():
            member = tarfile.TarInfo(name)
            member.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text))
    put("t/a.csv.tar.gz", buffer.getvalue())

    found = look("t/")

    assert "tar, gzip" in about(found, "compression")
    assert rows(found) == [{"x": 1, "y": 2}]


# What is no table


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "a PNG picture"),
        (b"ORC" + bytes(50), "an ORC file"),
        (b"\xfd7zXZ\x00" + bytes(50), "packed by xz"),
        (bytes(range(256)) * 9, "no text"),
        (b" \n \n", "no text"),
    ],
    ids=["picture", "orc", "xz", "binary", "blank"],
)
def test_what_is_no_table(body: bytes, told: str, look: Look, put: Any) -> None:
    put("t/file.csv", body)

    with pytest.raises(UnsupportedError, match=told):
        look("t/")


def test_nothing_there(look: Look, put: Any) -> None:
    put("t/_SUCCESS", b"")

    with pytest.raises(DataFilesMissingError, match="only hidden or empty objects"):
        look("t/")
    with pytest.raises(DataFilesMissingError, match="there is nothing"):
        look("u/")


def test_an_empty_object_is_called_empty(look: Look, put: Any) -> None:
    put("t/a.csv", b"")
    put("t/b", b"")
    put("t/b/c.csv", b"n\n1\n")

    with pytest.raises(DataFilesMissingError, match="the object is empty") as raised:
        look("t/a.csv")
    assert str(raised.value.location).endswith("/t/a.csv")
    # Some tools put an object in the place of a folder.
    assert list(look("t/b").columns) == ["n"]


# What a sample cannot tell


def csv_of(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)


def one_column(name: str, values: Iterable[str]) -> str:
    return csv_of(f"n,{name}", *(f"{number},{value}" for number, value in enumerate(values)))


def test_day_or_month_first(look: Look, put: Any) -> None:
    put("sure/a.csv", one_column("at", ["03/04/2026", "13/04/2026"]))
    put("sorted/a.csv", one_column("at", ["01/11/2026", "02/10/2026", "03/09/2026"]))
    put("open/a.csv", one_column("at", ["03/04/2026"]))
    put("clock/a.csv", one_column("at", ["03/04/2026 10:00 PM"]))
    put("both/a.csv", csv_of("a,b", "03/04/2026,12/31/2025"))

    found = {name: look(name) for name in ("sure", "sorted", "open", "clock", "both")}
    formats = {name: each.settings["formats"] for name, each in found.items()}

    assert formats["sure"] == {"at": "%d/%m/%Y"}
    assert formats["sorted"] == {"at": "%m/%d/%Y"}
    assert formats["open"] == {"at": "%d/%m/%Y"}
    assert formats["clock"] == {"at": "%m/%d/%Y %I:%M %p"}
    assert formats["both"] == {"a": "%m/%d/%Y", "b": "%m/%d/%Y"}
    assert {name for name, each in found.items() if doubts(each)} == {"sorted", "open", "clock"}


def test_words_of_doubt(look: Look, put: Any) -> None:
    put("charset/a.csv", "name,n\nMüller,1\n".encode("latin-1"))
    put("header/a.csv", csv_of("red,green", "blue,white"))
    put("comma/a.csv", csv_of("n;price", "1;1,50"))
    put("millis/a.csv", one_column("created_at", ["1769580000000"]))
    put("bad/a.csv", csv_of("a,b", *["1,2"] * 30, "1,2,3"))

    told = {name: " ".join(doubts(look(name))) for name in ("charset", "header", "comma", "millis", "bad")}

    assert "other one-byte charsets would as well: look at 'Müller'" in told["charset"]
    assert "all columns are text" in told["header"]
    assert "decimal comma, such as '1,50'" in told["comma"]
    assert "milliseconds since 1970" in told["millis"]
    assert "line 32 of " in told["bad"]
    assert "has 3 cells instead of 2" in told["bad"]


def test_names_and_ends_of_files_do_not_matter(look: Look, put: Any, rows: Any) -> None:
    lines = "".join(json.dumps({"id": number}) + "\n" for number in range(3))
    put("a/part-00000", lines)
    put("b/data.json", lines)
    put("c/data.csv", "id\tx\n1\t2\n")
    put("d/data.txt", "id,x\n1,2\n")
    buffer = io.BytesIO()
    pl.DataFrame({"id": [1]}).write_parquet(buffer)
    put("e/data", buffer.getvalue())

    found = {name: look(name) for name in "abcde"}

    assert [each.settings["format"] for each in found.values()] == ["jsonl", "jsonl", "tsv", "csv", "parquet"]
    assert [each.settings["suffixes"] for each in found.values()] == [
        [""],
        [".json"],
        [".csv"],
        [".txt"],
        [""],
    ]
    assert [rows(each)[0]["id"] for each in found.values()] == [0, 0, 1, 1, 1]
