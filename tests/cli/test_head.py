"""`head`: an object as it is, by one ranged request, whatever lies in it."""

import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from s3_assets.embedded.server import EmbeddedServer
from tests.cli.conftest import Command
from tests.support.proxy import RequestProxy

LINES = ["id;name", *(f"{number};Müller {number}" for number in range(20_000))]
CSV = "".join(f"{each}\r\n" for each in LINES).encode("cp1252")


@pytest.fixture
def put(s3_client: Any, bucket: str) -> Callable[..., str]:
    def put_object(key: str, body: bytes, **headers: Any) -> str:
        s3_client.put_object(Bucket=bucket, Key=key, Body=body, **headers)
        return f"s3://{bucket}/{key}"

    return put_object


def test_headers_and_lines_of_packed_text(run: Command, registry: Path, put: Callable[..., str]) -> None:
    body = gzip.compress(CSV, mtime=0)
    url = put("a/b.csv.gz", body, Metadata={"owner": "zoe"}, ContentType="text/csv", CacheControl="no-store")

    found = run("head", url, "--lines", 3, "--bytes", 4_000, "--output", "json")
    shown = run("head", url, "-n", 1)

    told = json.loads(found.out)
    assert told["lines"] == LINES[:3]
    assert told["more"]
    assert (told["kind"], told["packing"], told["charset"]) == ("text", "gzip", "cp1252")
    assert (told["size"], told["bytes_fetched"]) == (len(body), 4_000)
    assert (told["content_type"], told["metadata"]) == ("text/csv", {"owner": "zoe"})
    assert told["headers"]["cache-control"] == "no-store"
    assert shown.out.splitlines()[-2:] == ["id;name", "..."]
    assert "metadata owner  zoe" in shown.out


def test_one_request_of_a_large_object(
    run: Command, registry: Path, s3_server: EmbeddedServer, put: Callable[..., str]
) -> None:
    url = put("large.csv", CSV)
    with RequestProxy(s3_server.endpoint_url) as proxy:
        registry.write_text(registry.read_text().replace(s3_server.endpoint_url, proxy.endpoint))

        answer = run("head", url, "--bytes", 1_000, "--output", "json")

        assert json.loads(answer.out)["bytes_fetched"] == 1_000
        assert [each.method for each in proxy.requests()] == ["GET"]


def parquet() -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame({"id": [1, 2], "name": ["a", "b"]}).write_parquet(buffer, compression="zstd")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("body", "kind", "expected"),
    [
        (b"", "empty", {"lines": [], "dump": []}),
        (b"one line, no end", "text", {"lines": ["one line, no end"], "more": False}),
        (bytes(range(256)), "binary", {"lines": []}),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "a PNG picture", {"more": False}),
        (parquet(), "parquet", {"dump": []}),
        (parquet()[:-20], "parquet", {"dump": []}),
    ],
    ids=["empty", "line", "binary", "picture", "parquet", "cut parquet"],
)
def test_what_an_object_holds(
    run: Command, registry: Path, put: Callable[..., str], body: bytes, kind: str, expected: dict[str, Any]
) -> None:
    answer = run("head", put("x", body), "--output", "json")

    told = json.loads(answer.out)
    assert told["kind"] == kind
    assert {name: told[name] for name in expected} == expected
    if kind == "binary":
        assert told["dump"][1] == f"00000010  {bytes(range(16, 32)).hex(' ')}  {'.' * 16}"
    if kind == "parquet":
        whole = len(body) == len(parquet())
        assert ({"rows": "2", "compression": "zstd"}.items() <= told["told"].items()) is whole
        assert ("broken" in told["told"]) is not whole


def test_a_line_does_nothing_to_the_terminal(run: Command, registry: Path, put: Callable[..., str]) -> None:
    answer = run("head", put("x.txt", b"a\x1b[31mb\tc\n" + b"x" * 5_000))

    assert "a\\x1b[31mb\tc\n" in answer.out
    assert "x" * 2_000 + "... (5,000 characters)\n" in answer.out


def test_folders_tables_and_what_is_not_there(
    run: Command, registry: Path, bucket: str, put: Callable[..., str], land: Callable[..., None]
) -> None:
    put("landing/orders/_SUCCESS", b"x")
    land("2026-01-05", 1)
    first = f"s3://{bucket}/landing/orders/date=2026-01-05/a.parquet"

    of_folder = run("head", f"s3://{bucket}/landing/", "--output", "json")
    of_table = run("head", "landing/orders", "--output", "json")
    of_log = run("head", "landing/feed")
    of_nothing = run("head", f"s3://{bucket}/nothing/")
    of_no_object = run("head", f"s3://{bucket}/nothing")

    assert json.loads(of_folder.out)["url"] == json.loads(of_table.out)["url"] == first
    assert (of_log.code, of_nothing.code, of_no_object.code) == (1, 1, 1)
    assert "is a delta table, which has no first file" in of_log.err
    assert "there is no object with a byte in it" in of_nothing.err
    assert "there is no such object" in of_no_object.err
