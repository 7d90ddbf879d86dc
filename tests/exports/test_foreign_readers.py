"""Exported files read by software that is not ours: every value is that of the source, to the bit.

Seeded frames of any columns: nulls, quotes, line breaks, emoji, limits of numbers, the years 1 to 9999.
"""

import math
from pathlib import Path
from random import Random
from typing import Any, BinaryIO

import polars as pl
import pytest

from s3_assets.exports.formats import ExportFormat, export_format
from s3_assets.exports.writing import Split, write_files
from tests.support import foreign_readers as readers
from tests.support.arbitrary_frames import NANOSECONDS, Column, binary, draw, flat, frame_of, nested
from tests.support.extent import EVERYTHING

FRAMES = 100 if EVERYTHING else 6
SEEDS = range(FRAMES)
LINE_ENDS = {"lf": "\\n", "crlf": "\\r\\n"}


def written(columns: dict[str, Column], format_: ExportFormat, split: Split, folder: Path) -> list[Path]:
    opened: list[BinaryIO] = []

    def open_file(number: int) -> BinaryIO:
        assert number == len(opened)
        opened.append((folder / f"{number}.{format_.extension}").open("wb"))
        return opened[-1]

    found = write_files(frame_of(columns).lazy(), format_, split, open_file, None)
    for file in opened:
        assert not file.closed
        file.close()
    height = len(next(iter(columns.values())).values)
    assert [file.number for file in found] == [*range(len(opened))]
    assert sum(file.rows for file in found) == height
    return [Path(file.name) for file in opened]


def check(found: readers.Found, wanted: readers.Found, columns: dict[str, Column]) -> None:
    for (name, column), one, other in zip(columns.items(), found, wanted, strict=True):
        wrong = [(a, b) for a, b in zip(one, other, strict=True) if not readers.same(a, b)]
        assert not wrong, f"{name!r}, {column.dtype}: {wrong[0]}"


def joined(files: list[readers.Found]) -> readers.Found:
    return [[value for each in column for value in each] for column in zip(*files, strict=True)]


@pytest.mark.parametrize("seed", SEEDS)
def test_csv_is_what_pythons_module_and_duckdb_read(tmp_path: Path, seed: int) -> None:
    random = Random(f"csv {seed}")  # noqa: S311 - a seed
    columns = draw(random, (flat,))
    dialect = {
        "delimiter": random.choice((",", ";", "\t", "|")),
        "quote": random.choice(('"', "'")),
        "null": random.choice(("NULL", "\\N", "") if len(columns) > 1 else ("NULL", "\\N")),
    }
    line_end = random.choice(("lf", "crlf"))
    format_ = export_format(
        random.choice(("csv", "csv.gz")),
        delimiter=dialect["delimiter"],
        quote=dialect["quote"],
        null_value=dialect["null"],
        line_end=line_end,
    )
    paths = written(columns, format_, _split(random), tmp_path)

    texts = [path.read_bytes() for path in paths]
    texts = [readers.unpacked(text) for text in texts] if format_.extension.endswith(".gz") else texts
    check(
        joined([readers.csv_module(text.decode(), columns, **dialect) for text in texts]),
        [
            [dialect["null"] if value is None and _is_text(column.dtype) else value for value in values]
            for values, column in zip(readers.expected(columns), columns.values(), strict=True)
        ],
        columns,
    )
    check(
        joined(
            [readers.duckdb_csv(path, columns, line_end=LINE_ENDS[line_end], **dialect) for path in paths]
        ),
        readers.expected(columns),
        columns,
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_json_lines_are_what_pythons_module_and_duckdb_read(tmp_path: Path, seed: int) -> None:
    random = Random(f"jsonl {seed}")  # noqa: S311 - a seed
    columns = draw(random, (flat, flat, nested))
    format_ = export_format(random.choice(("jsonl", "jsonl.gz")), not_finite="null")
    paths = written(columns, format_, _split(random), tmp_path)

    wanted = readers.expected(columns, _finite)
    texts = [path.read_bytes() for path in paths]
    texts = [readers.unpacked(text) for text in texts] if format_.extension.endswith(".gz") else texts
    check(joined([readers.json_module(text, columns) for text in texts]), wanted, columns)
    check(joined([readers.duckdb_json(path, columns) for path in paths]), wanted, columns)


@pytest.mark.parametrize("seed", SEEDS)
def test_parquet_is_what_pyarrow_and_duckdb_read(tmp_path: Path, seed: int) -> None:
    random = Random(f"parquet {seed}")  # noqa: S311 - a seed
    columns = draw(random, (flat, flat, binary, nested))
    format_ = export_format(
        "parquet",
        compression=random.choice(("zstd", "snappy", "lz4", "gzip", "brotli", "uncompressed")),
        row_group_rows=random.choice((3, 1000)),
        statistics=random.random() < 0.5,
    )
    paths = written(columns, format_, _split(random), tmp_path)

    check(readers.arrow_parquet(paths), readers.expected(columns), columns)
    check(readers.duckdb_parquet(paths), readers.expected(columns, _as_duckdb_has_it), columns)


@pytest.mark.parametrize("seed", SEEDS)
def test_avro_is_what_fastavro_reads(tmp_path: Path, seed: int) -> None:
    random = Random(f"avro {seed}")  # noqa: S311 - a seed
    columns = draw(random, (flat, flat, binary, nested))
    codec = random.choice(("null", "deflate", "snappy", "zstandard", "bzip2", "xz"))
    paths = written(columns, export_format("avro", codec=codec), _split(random), tmp_path)

    found = joined([readers.avro_rows(path.read_bytes(), columns) for path in paths])
    check(found or [[] for _ in columns], readers.expected(columns), columns)


def _split(random: Random) -> Split:
    return Split(rows=random.choice((None, None, 1, 7)), bytes=random.choice((None, None, 500, 5_000)))


def _is_text(dtype: pl.DataType) -> bool:
    return isinstance(dtype, pl.String | pl.Categorical | pl.Enum)


def _finite(value: Any, dtype: pl.DataType) -> Any:
    return None if dtype.is_float() and not math.isfinite(value) else value


def _as_duckdb_has_it(value: Any, dtype: pl.DataType) -> Any:
    if isinstance(dtype, pl.Duration):
        return value // NANOSECONDS[dtype.time_unit]
    return value
