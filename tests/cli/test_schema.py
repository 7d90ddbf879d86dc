"""`schema` and `preview`: of a table of the registry, and of a URL."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.cli.conftest import Command


@pytest.fixture
def put(s3_client: Any, bucket: str) -> Callable[..., None]:
    def put_object(key: str, body: bytes | str) -> None:
        text = body.encode() if isinstance(body, str) else body
        s3_client.put_object(Bucket=bucket, Key=key, Body=text)

    return put_object


def test_schema_of_a_table(run: Command, registry: Path, bucket: str, land: Any) -> None:
    land("2026-01-05", 1)
    land("2026-01-06", 2)

    lines = [line.split() for line in run("schema", "landing/orders").out.splitlines()]

    assert lines[0] == ["landing/orders", f"s3://{bucket}/landing/orders/"]
    assert lines[1:] == [
        ["column", "type", "null", "partition"],
        ["id", "int64", "yes", "-"],
        ["name", "string", "yes", "-"],
        ["date", "date", "-", "yes"],
        [
            "told", "by", f"s3://{bucket}/landing/orders/date=2026-01-05/a.parquet,",
            f"s3://{bucket}/landing/orders/date=2026-01-06/a.parquet",
        ],
    ]  # fmt: skip


def test_what_formats_say_of_nulls(
    run: Command, registry: Path, bucket: str, put: Any, s3_server: Any
) -> None:
    import fastavro
    import pyarrow as pa
    from deltalake import DeltaTable, Field, Schema
    from deltalake.schema import PrimitiveType
    from pyarrow import parquet

    avro, columns = io.BytesIO(), io.BytesIO()
    fields = [{"name": "a", "type": "int"}, {"name": "b", "type": ["null", "int"]}]
    fastavro.writer(avro, {"type": "record", "name": "r", "fields": fields}, [{"a": 1, "b": None}])
    schema = pa.schema([pa.field("a", pa.int32(), nullable=False), pa.field("b", pa.int32())])
    parquet.write_table(pa.table({"a": [1], "b": [None]}, schema=schema), columns)
    put("avro/x.avro", avro.getvalue())
    put("parquet/x.parquet", columns.getvalue())
    integer = PrimitiveType("integer")
    DeltaTable.create(
        f"s3://{bucket}/delta",
        Schema([Field("a", integer, nullable=False), Field("b", integer)]),
        partition_by=["b"],
        storage_options={
            "aws_endpoint_url": s3_server.endpoint_url, "aws_allow_http": "true", "aws_region": "us-east-1",
            "aws_access_key_id": "test", "aws_secret_access_key": "test",
        },
    )  # fmt: skip

    for kind in ("avro", "parquet", "delta"):
        told = json.loads(run("schema", f"s3://{bucket}/{kind}/", "-o", "json").out)["columns"]
        found = {each["name"]: (each["type"], each["nullable"], each["partition"]) for each in told}
        assert found == {"a": ("int32", False, False), "b": ("int32", True, kind == "delta")}, kind


def test_preview_of_a_url(run: Command, registry: Path, bucket: str, put: Any) -> None:
    put("t/a.csv", "a;b;c\n" + "".join(f"{number};x;y\n" for number in range(30)))

    answer = run("preview", f"s3://{bucket}/t/", "--rows", "2", "--columns", "c,a")

    assert [line.split() for line in answer.out.splitlines()] == [
        [f"s3://{bucket}/t/"],
        ["csv,", "looked", "at", "1", "of", "1", "file,", "206", "B"],
        ["c", "a"],
        ["string", "int64"],
        ["y", "0"],
        ["y", "1"],
    ]


@pytest.mark.usefixtures("registry")
@pytest.mark.parametrize(
    ("name", "body", "found", "remedy"),
    [
        ("a.parquet", b"PAR1" + bytes(100), "a.parquet is not a Parquet file: it does not end", "Remove"),
        ("a.avro", b"Obj\x01\x04", "its header has no end", "Write it anew"),
        ("a.csv", bytes(range(256)) * 9, "this is no text, and no format that is known", "CSV, TSV, JSON"),
        ("a.csv", b"", "the object is empty", "Have it written again"),
    ],
    ids=["cut Parquet", "cut Avro", "binary", "empty"],
)
def test_preview_of_a_broken_file_tells_its_place(
    name: str, body: bytes, found: str, remedy: str, run: Command, bucket: str, s3_client: Any
) -> None:
    s3_client.put_object(Bucket=bucket, Key=f"t/{name}", Body=body)

    answer = run("preview", f"s3://{bucket}/t/{name}")

    assert (answer.code, answer.out) == (1, "")
    for told in (found, f"s3://{bucket}/t/{name}", remedy):
        assert told in answer.err
    assert "guess" not in answer.err
    assert "Traceback" not in answer.err


def test_preview_tells_of_bad_rows_and_keeps_none(
    run: Command, registry: Path, bucket: str, put: Any, keys: Callable[[], list[str]]
) -> None:
    put("t/a.csv", "a,b\n1,2\nx,3\n4,5,6\n7,8\n")
    settings = "connection: lake, path: t, format: csv, columns: { a: int64, b: int64 }"
    text = registry.read_text()
    for policy in ("fail", "skip", "quarantine"):
        entry = f"  bad: {{ {settings}, on_bad_row: {policy} }}\nimports:"
        registry.write_text(text.replace("imports:", entry))
        answer = run("preview", "bad", "--output", "json")
        if policy == "fail":
            assert answer.code == 1
            assert "line 3, column 1" in answer.err
            continue
        assert json.loads(answer.out) == [{"a": 1, "b": 2}, {"a": 7, "b": 8}]
        assert "note: 2 rows of 1 file were skipped; the first: " in answer.err

    assert keys() == ["t/a.csv"]


def test_preview_of_a_large_folder_reads_its_beginning(
    run: Command, registry: Path, bucket: str, put: Any
) -> None:
    for number in range(12):
        put(f"t/{number:02d}.csv", f"n\n{number}\n")
    # The eleventh file is not looked at: else its column would be one more.
    put("t/10.csv", "n,more\n1,2\n")
    registry.write_text(
        registry.read_text().replace("imports:", "  t: { connection: lake, path: t, format: csv }\nimports:")
    )

    assert json.loads(run("preview", "t", "-o", "json", "-n", 100).out) == [{"n": n} for n in range(10)]


def test_wide_tables_fit_the_screen(run: Command, registry: Path, bucket: str, put: Any) -> None:
    buffer = io.BytesIO()
    pl.DataFrame({f"column_{number}": ["word " * 3] for number in range(20)}).write_parquet(buffer)
    put("t/a.parquet", buffer.getvalue())

    lines = run("preview", f"s3://{bucket}/t/").out.splitlines()

    assert max(len(line) for line in lines[:-1]) <= 100
    assert lines[-1].startswith("and 15 more columns: column_5, ")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["preview", "landing/orders", "--columns", "id,nme"], "there is no column 'nme'"),
        (["preview", "landing/orders", "--region", "us-east-1"], "is a table of the registry"),
        (["schema", "landing/order"], "did you mean 'landing/orders'?"),
        (["schema", "lake/feed"], "no Delta table"),
    ],
    ids=["column", "options", "name", "missing"],
)
def test_errors(arguments: list[str], told: str, run: Command, registry: Path, land: Any) -> None:
    land("2026-01-05", 1)

    answer = run(*arguments)

    assert (answer.code, answer.out) == (1, "")
    assert told in answer.err
