"""What a person sees when S3 is not as the registry says; and nothing is written."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from s3_assets.embedded.server import EmbeddedServer
from tests.cli.conftest import write_registry
from tests.conftest import boto_client

Run = Callable[..., Any]


def expect(answer: Any, *parts: str) -> None:
    assert answer.code == 1
    assert answer.out == ""
    assert answer.err.startswith("error: ")
    for part in parts:
        assert part in answer.err
    assert "Traceback" not in answer.err


def test_missing_bucket(run: Run, tmp_path: Path, s3_server: EmbeddedServer) -> None:
    file = write_registry(tmp_path, "not-there", s3_server.endpoint_url)

    for command in (
        ["import", "orders"],
        ["import", "days"],
        ["import", "feed"],
        ["preview", "landing/orders"],
    ):
        expect(
            run("--registry", file, *command),
            "the bucket does not exist",
            "connection 'lake'",
            "s3://not-there/",
            "Check the connection's url, endpoint and region, or create the bucket.",
        )
    names = [each["Name"] for each in boto_client(s3_server).list_buckets()["Buckets"]]
    assert "not-there" not in names


@pytest.fixture
def strict(strict_s3_server: EmbeddedServer) -> tuple[str, str, str]:
    """A bucket with a delivery, and keys that may use it."""
    import polars as pl

    name, user = f"bucket-{uuid4().hex[:12]}", f"user-{uuid4().hex[:8]}"
    client = boto_client(strict_s3_server)
    client.create_bucket(Bucket=name)
    path = "landing/orders/date=2026-01-05/a.parquet"
    import io

    buffer = io.BytesIO()
    pl.DataFrame({"id": [1]}).write_parquet(buffer)
    client.put_object(Bucket=name, Key=path, Body=buffer.getvalue())
    iam = boto_client(strict_s3_server, "iam")
    iam.create_user(UserName=user)
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    iam.put_user_policy(UserName=user, PolicyName="all", PolicyDocument=json.dumps(policy))
    made = iam.create_access_key(UserName=user)["AccessKey"]
    return name, made["AccessKeyId"], made["SecretAccessKey"]


def test_wrong_keys(
    run: Run, tmp_path: Path, strict_s3_server: EmbeddedServer, strict: tuple[str, str, str]
) -> None:
    name, key, secret = strict
    endpoint = strict_s3_server.endpoint_url
    unknown, wrong = "AKIAUNKNOWNUNKNOWN12", "wrongwrongwrongwrong"
    commands = (["import", "orders"], ["import", "days"], ["preview", "landing/orders"])
    for command in commands:
        file = write_registry(tmp_path, name, endpoint, key=unknown, secret=secret)
        expect(
            answer := run("--registry", file, *command),
            "the server does not know the access key id",
            "connection 'lake'",
            "Check access_key_id, and that the endpoint is the server that issued it.",
        )
        assert unknown not in answer.err
        file = write_registry(tmp_path, name, endpoint, key=key, secret=wrong)
        expect(
            answer := run("--registry", file, *command),
            "the signature does not match",
            "connection 'lake'",
            "Check secret_access_key",
        )
        assert wrong not in answer.err

    listed = boto_client(strict_s3_server).list_objects_v2(Bucket=name)["Contents"]
    assert [each["Key"] for each in listed] == ["landing/orders/date=2026-01-05/a.parquet"]
    file = write_registry(tmp_path, name, endpoint, key=key, secret=secret)
    assert run("--registry", file, "import", "orders").code == 0


def test_nobody_at_the_endpoint(run: Run, tmp_path: Path) -> None:
    file = write_registry(tmp_path, "bucket", "http://127.0.0.1:9")

    for command in (["import", "orders"], ["import", "feed"], ["preview", "landing/feed"]):
        expect(
            run("--registry", file, *command),
            "nobody answers at the endpoint http://127.0.0.1:9",
            "connection 'lake'",
            "Check the endpoint's host and port, and that the server runs.",
        )


def test_missing_table(run: Run, registry: Path, keys: Callable[[], list[str]]) -> None:
    for command in (["import", "feed"], ["preview", "landing/feed"]):
        expect(
            run(*command),
            "there is no Delta table",
            "table 'landing/feed', connection 'lake', s3://",
            "Check the table's path; a Delta table has a folder _delta_log.",
        )
    assert keys() == []


def test_folder_without_parquet_files(
    run: Run, registry: Path, keys: Callable[[], list[str]], s3_client: Any, bucket: str
) -> None:
    s3_client.put_object(Bucket=bucket, Key="landing/orders/_SUCCESS", Body=b"")
    s3_client.put_object(Bucket=bucket, Key="landing/orders/notes.txt", Body=b"hello")

    for command in (["import", "orders"], ["import", "days"], ["preview", "landing/orders"]):
        expect(
            run(*command),
            "there is no file that ends with .parquet or .parq or .pq",
            "table 'landing/orders', connection 'lake', s3://",
            "Check the table's path, or wait for the first file.",
        )
    assert sorted(keys()) == ["landing/orders/_SUCCESS", "landing/orders/notes.txt"]


def test_missing_partition_column(
    run: Run, registry: Path, land: Callable[..., None], keys: Callable[[], list[str]]
) -> None:
    land("2026-01-05", 1)
    registry.write_text(registry.read_text().replace("column: date", "column: day"))
    before = keys()

    # What is appended goes by its load time then, and says so; a window tells nothing of that.
    days = run("import", "days", "--window", "2026-01-05")
    expect(days, "the partition column 'day' is not among the columns")
    assert keys() == before
    assert "placed by their load time" in run("import", "orders").out


def test_not_a_parquet_file(
    run: Run, registry: Path, keys: Callable[[], list[str]], s3_client: Any, bucket: str
) -> None:
    s3_client.put_object(Bucket=bucket, Key="landing/orders/date=2026-01-05/a.parquet", Body=b"x" * 100)

    expect(run("import", "orders"), "a.parquet is not a Parquet file")
    assert len(keys()) == 1


def test_secret_that_is_not_there(run: Run, registry: Path) -> None:
    registry.write_text(
        registry.read_text().replace("secret_access_key: test", "secret_access_key: { env: NOPE }")
    )

    expect(run("import", "orders"), "the environment variable NOPE is not set", "Set NOPE and start again.")
