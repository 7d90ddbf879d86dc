"""Files of texts: archives, thousands of small ones, and how much of a large one is fetched."""

import bz2
import csv
import gzip
import io
import json
import random
import tarfile
import zipfile
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
import zstandard

from s3_assets.errors import BadRowError, UnsupportedError
from s3_assets.tables.tasks import grouped
from s3_assets.tables.text_fetch import TextFile
from tests.support.proxy import RequestProxy
from tests.tables.formats import Place
from tests.tables.test_text import rows, text_table

MEMBERS = {
    "a.csv": b"n,t\n1,x\n",
    "inner/b.csv": b"t,n\ny,2\nz,3",
    ".hidden/c.csv": b"\0",
    "inner/__MACOSX/._b.csv": b"\0",
    "d.csv.gz": gzip.compress(b"n,t\n4,") + gzip.compress(b"w\n"),
}
READ = [{"n": 1, "t": "x"}, {"n": 2, "t": "y"}, {"n": 3, "t": "z"}, {"n": 4, "t": "w"}]


def as_zip(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("inner")
        for name, body in members.items():
            archive.writestr(name, body)
    return buffer.getvalue()


def as_tar(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        folder = tarfile.TarInfo("inner")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, body in members.items():
            known = tarfile.TarInfo(name)
            known.size = len(body)
            archive.addfile(known, io.BytesIO(body))
    return buffer.getvalue()


ARCHIVES: dict[str, Callable[[dict[str, bytes]], bytes]] = {
    "zip": as_zip,
    "tar": as_tar,
    "tar.gzip": lambda members: gzip.compress(as_tar(members)),
    "tar.bzip2": lambda members: bz2.compress(as_tar(members)),
    "tar.zstd": lambda members: zstandard.compress(as_tar(members)),
}


@pytest.mark.parametrize("kind", ARCHIVES)
def test_every_member_of_an_archive_is_a_file(place: Place, kind: str) -> None:
    place.put("a.csv", ARCHIVES[kind](MEMBERS))
    columns = {"n": "int64", "t": "string"}

    assert rows(text_table(place, columns=columns)) == READ
    assert rows(text_table(place, columns=columns, compression=kind)) == READ
    assert text_table(place).schema() == {"n": pl.Int64, "t": pl.String}
    place.put("a.csv", ARCHIVES[kind]({**MEMBERS, "inner/b.csv": b"n,t\n5,v\nno,v\n"}))
    with pytest.raises(BadRowError, match=r"a\.csv!/inner/b\.csv: line 3, column 1: column 'n': 'no'"):
        rows(text_table(place, columns=columns))
    for inner in (as_zip, as_tar, ARCHIVES["tar.gzip"]):
        place.put("a.csv", ARCHIVES[kind]({"b.csv": inner(MEMBERS)}))
        with pytest.raises(UnsupportedError, match=r"the member 'b\.csv' is an archive itself"):
            rows(text_table(place, columns=columns))


def test_an_archive_with_a_password(place: Place) -> None:
    body = bytearray(as_zip({"b.csv": b"n\n1\n"}))
    # The flag of APPNOTE.TXT 4.4.4, in the archive's index, where readers look.
    body[body.rindex(b"PK\x01\x02") + 8] |= 1
    place.put("a.csv", bytes(body))

    with pytest.raises(UnsupportedError, match=r"the member 'b\.csv' needs a password"):
        rows(text_table(place, columns={"n": "int64"}))


def test_many_small_files_keep_their_order_and_their_lines(place: Place) -> None:
    expected = []
    for number in range(120):
        lines = [json.dumps({"n": number * 100 + row}) for row in range(number % 4)]
        text = "\n\n".join(lines) + "\n" * (number % 2)
        # One of them is large when it is unpacked, and is read by itself.
        text += ("\n" + json.dumps({"n": -number, "t": "x" * 1000})) * 40_000 if number == 60 else ""
        expected += [json.loads(line)["n"] for line in text.splitlines() if line]
        body = text.encode()
        place.put(f"day={number // 50}/{number:03d}.jsonl", gzip.compress(body) if number % 3 else body)
    columns = {"n": "int64", "t": "string", "day": "int64"}
    with RequestProxy(place.server.endpoint_url) as proxy:
        table = text_table(place, "jsonl", columns=columns)
        found = table.scan().collect()
        assert found["n"].to_list() == expected
        assert found["day"].to_list() == sorted(found["day"])
        assert proxy.count() == 0

    place.put("day=1/077.jsonl", b'{"n": 1}\n\n{"n": "no"}\n')
    with pytest.raises(BadRowError, match=r"day=1/077\.jsonl: line 3, column 1: field 'n'"):
        table.scan().collect()


def test_the_first_rows_of_a_large_file_need_its_beginning_alone(place: Place) -> None:
    text = "n,t\n" + "".join(f"{number},some text of row {number}\n" for number in range(400_000))
    place.put("a.csv", text.encode())
    place.put("b.csv", text.encode())
    packed = gzip.compress("".join(json.dumps({"n": n}) + "\n" for n in range(900_000)).encode(), 1)
    place.put("a.jsonl.gz", packed)
    with RequestProxy(place.server.endpoint_url) as proxy:
        beyond = place.connection(endpoint=proxy.endpoint)
        for kind, size in (("csv", len(text)), ("jsonl", len(packed))):
            table = text_table(
                place, kind, columns={"n": "int64"} | ({"t": "string"} if kind == "csv" else {})
            )
            table.connection = beyond
            proxy.reset()
            assert table.scan().head(10).collect()["n"].to_list() == list(range(10))
            fetched = sum(each.bytes_out for each in proxy.requests() if "list-type" not in each.path)
            assert 0 < fetched <= 300_000 < size / 4


def test_tasks_are_no_smaller_than_they_should_be() -> None:
    files = [TextFile(str(number), size) for number, size in enumerate([5, 1, 1, 1, 9, 2, 2])]

    assert [[file.size for file in task] for task in grouped(files, 4)] == [[5], [1, 1, 1, 9], [2, 2]]
    assert [len(task) for task in grouped(files, 100, most=3)] == [3, 3, 1]
    assert list(grouped(files[:0], 4)) == []


# Polars' parser, the careful one and Python's csv module


def a_field(dice: random.Random, delimiter: str) -> str:
    plain = "".join(dice.choices("ab1 é-.", k=dice.randint(0, 3)))
    if dice.random() < 0.6:
        return plain + ('"' + plain if plain and dice.random() < 0.1 else "")
    inside = plain + "".join(dice.choices(["\n", "\r\n", delimiter, '""', "x"], k=dice.randint(0, 3)))
    return f'"{inside}"'


@pytest.mark.parametrize("delimiter", [",", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_whatever_parser_reads_it_the_rows_are_the_same(place: Place, delimiter: str, newline: str) -> None:
    dice = random.Random(f"{delimiter!r}{newline!r}")  # noqa: S311 - the same texts each time
    good: list[dict[str, str]] = []
    bad = 0
    for number in range(60):
        names = [f"c{index}" for index in range(dice.choice([1, 2, 3]))]
        lines = [
            delimiter.join(a_field(dice, delimiter) for _ in range(len(names) + (dice.random() < 0.02)))
            if dice.random() > 0.05
            else ""
            for _ in range(dice.choice([1, 3, 40]))
        ]
        text = newline.join([delimiter.join(names), *lines])
        place.put(f"{number:02d}.csv", text.encode())
        found = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))[1:]
        good += [dict(zip(names, row, strict=True)) for row in found if len(row) == len(names)]
        bad += sum(len(row) not in (0, len(names)) for row in found)
    columns = dict.fromkeys(("c0", "c1", "c2"), "string")

    def read(**options: Any) -> tuple[list[dict[str, str | None]], int]:
        table = text_table(place, columns=columns, delimiter=delimiter, on_bad_row="skip", **options)
        plan = table.plan()
        return plan.frame.collect().to_dicts(), plan.reading.tally.rows.total()

    expected = [{name: row.get(name) for name in columns} for row in good]
    assert read(null_values=()) == (expected, bad)
    # An escape keeps Polars' parser out of it; there is none in the texts.
    assert read() == read(escape="\\")
    for name in columns:
        table = text_table(place, columns=columns, delimiter=delimiter, on_bad_row="skip", null_values=())
        assert table.scan().select(name).collect()[name].to_list() == [row[name] for row in expected]


def test_numbers_are_the_same_by_both_parsers(place: Place) -> None:
    texts = [
        "1",
        "-1",
        "+1",
        " 1",
        "1 ",
        "007",
        "1.0",
        "1e3",
        "inf",
        "nan",
        "",
        '""',
        '"2"',
        "1_0",
        "0x1",
        "9" * 30,
    ]
    for number, each in enumerate(texts):
        place.put(f"{number:02d}.csv", f"i,f\n{each},\n,{each}\n,{each}\n".encode())

    def read(**options: Any) -> tuple[str, str]:
        columns = {"i": "int64", "f": "float64"}
        plan = text_table(place, columns=columns, on_bad_row="skip", **options).plan()
        return repr(plan.frame.collect().rows()), repr(plan.remarks)

    assert read() == read(escape="\\")
