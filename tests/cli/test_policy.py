"""`policy`: documents on standard output, whom they are for beside it, and no request."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command, write_registry

ROLE = "arn:aws:iam::444455556666:role/lake"
USER = "arn:aws:iam::111122223333:user/etl"
REGISTRY = f"""\
connections:
  lake:
    url: s3://lake/
    region: eu-central-1
    assume_role: {{ role_arn: "{ROLE}", external_id: {{ env: EXTERNAL_ID }} }}
  public: {{ url: "s3://public/", region: eu-central-1, auth: {{ type: anonymous }} }}
tables:
  a: {{ connection: lake, path: a, format: delta }}
  b: {{ connection: public, path: b, format: parquet }}
"""
CODE = """\
import dagster as dg

@dg.asset(key=["a"])
def a() -> None: ...

@dg.asset(key=["no_table"])
def no_table() -> None: ...
"""


@pytest.fixture(autouse=True)
def _nobody_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s3_assets.yaml").write_text(REGISTRY)
    monkeypatch.setattr("socket.socket.connect", pytest.fail)
    monkeypatch.setattr("socket.getaddrinfo", pytest.fail)


def written(policy: dict[str, list[dict[str, list[str]]]]) -> list[str]:
    return [
        resource
        for each in policy["Statement"]
        if "s3:PutObject" in each["Action"]
        for resource in each["Resource"]
    ]


def test_one_policy_is_a_file_by_itself(run: Command, tmp_path: Path) -> None:
    write_registry(tmp_path, "bucket", "http://127.0.0.1:9")

    answer = run("policy", "lake")

    assert answer.code == 0
    policy = json.loads(answer.out)
    assert policy["Version"] == "2012-10-17"
    assert written(policy) == [f"arn:aws:s3:::bucket/lake/{name}/*" for name in ("orders", "days", "feed")]
    assert answer.err.startswith("lake  identity policy for the user of the access key\n  note  This server")


def test_without_a_name_all_connections_are_printed(run: Command) -> None:
    answer = run("policy")

    assert [line for line in answer.err.splitlines() if not line.startswith("  ")] == [
        "lake  identity policy for the identity that the AWS chain finds",
        f"lake  identity policy for {ROLE}",
        "public  bucket policy for everybody",
    ]


def test_as_json_each_says_whom_it_is_for(run: Command) -> None:
    answer = run("policy", "lake", "--output", "json")

    assert answer.err == ""
    base, role = json.loads(answer.out)
    assert (base["connection"], base["kind"]) == ("lake", "identity policy")
    assert base["policy"]["Statement"] == [
        {"Sid": "AssumeRole", "Effect": "Allow", "Action": ["sts:AssumeRole"], "Resource": [ROLE]}
    ]
    assert role["holder"] == ROLE
    assert written(role["policy"]) == []


def test_tables_that_assets_write_are_found_in_code(run: Command, tmp_path: Path) -> None:
    (tmp_path / "assets.py").write_text(CODE)
    (tmp_path / "s3_assets.yaml").write_text(f"code: [assets.py]\n{REGISTRY}")

    answer = run("policy", "lake", "--output", "json")

    assert written(json.loads(answer.out)[1]["policy"]) == ["arn:aws:s3:::lake/a/*"]


def test_tables_that_other_assets_write_can_be_named(run: Command) -> None:
    answer = run("policy", "lake", "--write", "a", "-o", "json")

    assert written(json.loads(answer.out)[1]["policy"]) == ["arn:aws:s3:::lake/a/*"]


def test_trust_is_printed_without_the_secret(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXTERNAL_ID", "planted-secret")

    answer = run("policy", "lake", "--trust", "--principal", USER)

    (statement,) = json.loads(answer.out)["Statement"]
    assert statement["Principal"] == {"AWS": USER}
    assert statement["Condition"]["StringEquals"]["sts:ExternalId"] == (
        "<external id: the value of EXTERNAL_ID>"
    )
    assert f"lake  trust policy for {ROLE}" in answer.err
    assert "planted-secret" not in answer.out + answer.err


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["lak"], "there is no connection 'lak'; did you mean 'lake'?"),
        (["lake", "--write", "aa"], "there is no table 'aa'; did you mean 'a'?"),
        (["lake", "--trust"], f"who assumes the role {ROLE} is not known here"),
        (["public", "--trust"], "the connection 'public' takes on no role, so there is no trust policy"),
    ],
)
def test_what_cannot_be_printed_is_told(run: Command, arguments: list[str], found: str) -> None:
    answer = run("policy", *arguments)

    assert (answer.code, answer.out) == (1, "")
    assert found in answer.err
    assert "remedy" in answer.err
