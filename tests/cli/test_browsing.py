"""`ls`, `tree` and `du`: what lies at a place, against what boto3 lists."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from s3_assets.explore.usage import usages
from s3_assets.registry.loading import parse_registry
from tests.cli.conftest import Command
from tests.conftest import boto_client
from tests.support.many_keys import ManyKeys

BODIES = {
    "a/one.csv": 3,
    "a/b/two.csv": 4,
    "a/b/c/three.csv": 5,
    "a/é/four.csv": 6,
    "a/": 0,
    "z.txt": 7,
}


@pytest.fixture
def filled(s3_client: Any, bucket: str) -> str:
    for key, size in BODIES.items():
        s3_client.put_object(Bucket=bucket, Key=key, Body=bytes(size))
    return bucket


@pytest.mark.usefixtures("registry")
def test_ls(run: Command, filled: str) -> None:
    root = json.loads(run("ls", f"s3://{filled}/", "--output", "json").out)
    inside = json.loads(run("ls", f"s3://{filled}/a", "--output", "json").out)
    deep = json.loads(run("ls", f"s3://{filled}/", "-R", "--output", "json").out)
    shown = run("ls", f"s3://{filled}/", "--most", "1")

    assert [(each["name"], each["kind"]) for each in root["entries"]] == [
        ("a/", "folder"),
        ("z.txt", "object"),
    ]
    assert [each["name"] for each in inside["entries"]] == ["b/", "one.csv", "é/"]
    assert {each["name"]: each["size"] for each in deep["entries"]} == BODIES
    assert [line.split()[-1] for line in shown.out.splitlines()] == ["name", "a/"]
    assert "there are more than 1" in shown.err


@pytest.mark.usefixtures("registry")
def test_ls_says_that_there_is_nothing(run: Command, bucket: str) -> None:
    shown = run("ls", f"s3://{bucket}/none")

    assert (shown.code, shown.out) == (0, "")
    assert shown.err == f"note: there is nothing below s3://{bucket}/none/\n"


@pytest.mark.usefixtures("registry")
def test_tree(run: Command, filled: str) -> None:
    told = json.loads(run("tree", f"s3://{filled}/", "--output", "json").out)
    shown = run("tree", f"s3://{filled}/", "--levels", "1").out.splitlines()

    assert (told["objects"], told["bytes"]) == (1, 7)
    a = told["folders"][0]
    assert (a["name"], a["objects"], [each["name"] for each in a["folders"]]) == ("a/", 1, ["b/", "é/"])
    assert a["folders"][0]["folders"][0]["bytes"] == 5
    assert shown[0].endswith("1 object, 7 B")
    assert shown[1].endswith("a/  2 folders, 1 object, 3 B")


@pytest.mark.usefixtures("registry")
def test_du(run: Command, filled: str) -> None:
    told = json.loads(run("du", f"s3://{filled}/", "--output", "json").out)
    shown = run("du", f"s3://{filled}/a/")

    assert (told["objects"], told["bytes"]) == (len(BODIES), sum(BODIES.values()))
    assert told["folders"] == [{"name": "a", "objects": 5, "bytes": 18}]
    assert [line.split()[-1] for line in shown.out.splitlines()] == ["folder", "b/", "é/", "all"]
    assert shown.err.startswith("1 request, ")


@pytest.mark.usefixtures("registry")
def test_ls_prints_what_is_more_than_a_page_as_it_comes(run: Command, filled: str, s3_client: Any) -> None:
    s3_client.put_object(Bucket=filled, Key="a/b/line\nend", Body=b"1")
    lines = run("ls", f"s3://{filled}/", "-R", "--all").out.splitlines()
    some = run("ls", f"s3://{filled}/", "--most", "2000", "--output", "json")
    deep = json.loads(run("ls", f"s3://{filled}/a/", "-R", "--all", "--output", "json").out)

    names = [line[32:] for line in lines]
    assert names == [
        "a/",
        "a/b/c/three.csv",
        "a/b/line\\nend",
        "a/b/two.csv",
        "a/one.csv",
        "a/é/four.csv",
        "z.txt",
    ]
    assert lines[1].split()[:2] == ["5", "B"]
    assert [each["name"] for each in json.loads(some.out)["entries"]] == ["a/", "z.txt"]
    assert [each["size"] for each in deep["entries"]] == [5, 1, 4, 3, 6]
    assert deep["more"] is False


@pytest.mark.usefixtures("registry")
def test_buckets(run: Command, filled: str) -> None:
    listed = json.loads(run("ls", "--output", "json").out)["buckets"]
    shown = run("ls").out

    assert filled in [each["name"] for each in listed]
    assert f"s3://{filled}/" in shown


def put_metrics(server: Any, bucket: str, *, days_ago: int, objects: int, **storage: int) -> None:
    """Tell CloudWatch what Amazon tells it once a day."""
    day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days_ago)

    def datum(name: str, kind: str, value: int) -> dict[str, Any]:
        dimensions = [{"Name": "StorageType", "Value": kind}, {"Name": "BucketName", "Value": bucket}]
        return {"MetricName": name, "Dimensions": dimensions, "Timestamp": day, "Value": value}

    data = [datum("BucketSizeBytes", kind, size) for kind, size in storage.items()]
    boto_client(server, "cloudwatch").put_metric_data(
        Namespace="AWS/S3", MetricData=[*data, datum("NumberOfObjects", "AllStorageTypes", objects)]
    )


def test_du_of_a_bucket_that_cloudwatch_knows(
    run: Command, filled: str, registry: Path, s3_server: Any
) -> None:
    settings = yaml.safe_load(registry.read_text())
    settings["connections"]["lake"]["service_endpoints"] = {"cloudwatch": s3_server.endpoint_url}
    registry.write_text(yaml.safe_dump(settings))
    # What was archived and deleted since is told of the day before alone.
    put_metrics(s3_server, filled, days_ago=2, objects=9, StandardStorage=700, GlacierStorage=5000)
    put_metrics(s3_server, filled, days_ago=1, objects=8, StandardStorage=900, StandardIAStorage=100)

    told = json.loads(run("du", f"s3://{filled}/", "--output", "json").out)
    shown = run("du", f"s3://{filled}/")
    listed = json.loads(run("du", f"s3://{filled}/", "--list", "--output", "json").out)
    every = usages(parse_registry(registry.read_text(), registry, {}).connections["lake"])

    assert (told["source"], told["objects"], told["bytes"]) == ("CloudWatch", 8, 1000)
    assert {each["name"]: each["bytes"] for each in told["storage"]} == {
        "StandardStorage": 900,
        "StandardIAStorage": 100,
    }
    assert "older versions" in shown.err
    assert (listed["source"], listed["bytes"]) == ("listing", sum(BODIES.values()))
    assert (every[filled].objects, every[filled].bytes) == (8, 1000)


def test_du_lists_where_cloudwatch_does_not_answer(run: Command, filled: str, registry: Path) -> None:
    settings = yaml.safe_load(registry.read_text())
    settings["connections"]["lake"]["service_endpoints"] = {"cloudwatch": "http://127.0.0.1:9"}
    registry.write_text(yaml.safe_dump(settings))

    answer = run("du", f"s3://{filled}/", "--output", "json")

    assert json.loads(answer.out)["source"] == "listing"
    assert "CloudWatch does not tell sizes" in answer.err


def test_du_tells_what_it_will_cost_and_asks(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    from s3_assets.cli import du

    monkeypatch.setattr(du, "_MOST_UNASKED", 5)
    with ManyKeys() as many:
        keys = many.lay_out("hive", "hive", 60_000)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "key")
        place = ("du", "s3://hive/", "--endpoint", many.endpoint_url)
        estimated = json.loads(run(*place, "--estimate", "--output", "json").out)
        after_estimate = many.requests()["ListObjectsV2"]
        refused = run(*place)
        many.fill("small", [("a", 5), ("b/c", 6)])
        every = run("du", "--endpoint", many.endpoint_url, "--estimate", "--output", "json")

    assert estimated["source"] == "estimate"
    assert 0.4 < estimated["objects"] / keys < 2.5
    assert after_estimate <= 48
    assert refused.code == 2
    assert "there is nobody to ask; give --yes" in refused.err
    assert "objects" in refused.err
    told = {each["bucket"]: (each["source"], each["bytes"]) for each in json.loads(every.out)["buckets"]}
    assert told["small"] == ("listing", 11)
    assert told["hive"][0] == "estimate"
