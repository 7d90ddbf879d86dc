"""What is checked is what the policies hold, whatever a connection needs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from s3_assets import Registry, S3Connection
from s3_assets.embedded.server import EmbeddedServer
from s3_assets.permissions import Service, Verdict, check_connection, policies
from tests.conftest import boto_client

KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ROLE = "arn:aws:iam::111122223333:role/lake"
TABLES: dict[str, Any] = {
    "raw": {"connection": "lake", "path": "raw", "format": "parquet"},
    "clean": {"connection": "lake", "path": "clean", "format": "delta"},
}
IMPORTS: dict[str, Any] = {"clean": {"source": "raw", "target": "clean"}}
# AWS's own form of the policy, whoever answers.
AMAZON = Service("us-east-1")
# What is asked to tell of the credentials, and needs no permission.
FREE = {"credentials", "sts:GetCallerIdentity"}


EXPORTS: dict[str, Any] = {
    "files": {
        "source": "raw",
        "connection": "lake",
        "path_prefix": "out",
        "format": "csv",
        "object": {"canned_acl": "private", "tags": {"team": "data"}},
    }
}


def made(tables: dict[str, Any], imports: dict[str, Any], exports: Any = (), **settings: Any) -> Registry:
    keys = {"type": "access_key", "access_key_id": "test", "secret_access_key": "test"}
    transport = {"connect_timeout": 5, "read_timeout": 5, "max_retries": 0}
    here = {"url": "s3://lake/", "region": "us-east-1", "auth": keys, "transport": transport, **settings}
    connections = {"lake": S3Connection(**here)}
    return Registry(connections=connections, tables=tables, imports=imports, exports=dict(exports))


@pytest.mark.parametrize(
    ("imports", "settings"),
    [
        ({}, {}),
        (IMPORTS, {}),
        (IMPORTS, {"encryption": {"server_side": "sse-kms", "kms_key_id": KEY}}),
        ({}, {"encryption": {"server_side": "sse-kms", "kms_key_id": KEY}}),
        (IMPORTS, {"assume_role": [{"role_arn": ROLE, "source_identity": "etl"}]}),
        (IMPORTS, {"match_subfolder_exactly": False}),
        ({}, {"exports": EXPORTS}),
    ],
)
@pytest.mark.parametrize("somebody", [True, False])
def test_every_action_of_the_policies_has_a_line(
    imports: dict[str, Any],
    settings: dict[str, Any],
    s3_server: EmbeddedServer,
    bucket: str,
    somebody: bool,
) -> None:
    endpoint = s3_server.endpoint_url if somebody else "http://127.0.0.1:9"
    registry = made(
        TABLES,
        imports,
        url=f"s3://{bucket}/",
        endpoint=endpoint,
        service_endpoints={"sts": endpoint},
        **settings,
    )

    checked = {each.action for each in check_connection(registry, "lake", AMAZON)}

    needed = {action for each in policies(registry, "lake", AMAZON) for action in each.actions}
    assert checked - FREE == needed


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(tmp_path, services=("s3", "secretsmanager", "ssm")) as server:
        yield server


def test_secrets_that_aws_keeps_are_read(server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    boto_client(server, "secretsmanager").create_secret(Name="lake/key", SecretString="test")
    kept = {"region": "us-east-1", "endpoint": server.endpoint_url}
    auth = {
        "type": "access_key",
        "access_key_id": {"secrets_manager": {"name": "lake/key", **kept}},
        "secret_access_key": {"ssm": {"name": "/lake/not-there", **kept}},
    }
    registry = made({}, {}, endpoint=server.endpoint_url, auth=auth)

    found = list(check_connection(registry, "lake", Service(amazon=False)))

    assert [(each.verdict, each.action) for each in found[:3]] == [
        (Verdict.OK, "secretsmanager:GetSecretValue"),
        (Verdict.FAILED, "ssm:GetParameter"),
        (Verdict.FAILED, "credentials"),
    ]
    assert {each.verdict for each in found[3:]} == {Verdict.UNTESTED}
