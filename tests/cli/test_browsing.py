"""`ls`, `tree` and `du`: what lies at a place, against what boto3 lists."""

import json
from typing import Any

import pytest

from tests.cli.conftest import Command

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
    assert "keys per second" in shown.err
