"""Secrets that AWS keeps: read from a server's Secrets Manager and Parameter Store, by reference alone."""

import json
import pickle
import socket
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from s3_assets.connection import ParameterSecret, SecretReference, SecretsManagerSecret
from s3_assets.connection.secrets import read_secret
from s3_assets.embedded.server import REGION, EmbeddedServer
from s3_assets.errors import SecretMissingError
from tests.conftest import boto_client
from tests.support.http_answers import Answering

VALUE = "kept-by-aws-9f3"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    folder = tmp_path_factory.mktemp("stores")
    with EmbeddedServer(folder, services=("s3", "sts", "iam", "kms", "secretsmanager", "ssm")) as server:
        manager, store = boto_client(server, "secretsmanager"), boto_client(server, "ssm")
        manager.create_secret(Name="lake/key", SecretString="old-one")
        manager.put_secret_value(SecretId="lake/key", SecretString=VALUE)
        fields = json.dumps({"secret": VALUE, "number": 7, "list": [VALUE]})
        manager.create_secret(Name="lake/both", SecretString=fields)
        manager.create_secret(Name="lake/binary", SecretBinary=VALUE.encode())
        manager.create_secret(Name="lake/blank", SecretString='{"secret": ""}')
        store.put_parameter(Name="/lake/plain", Value=VALUE, Type="String")
        store.put_parameter(Name="/lake/secure", Value=VALUE, Type="SecureString")
        store.put_parameter(Name="/lake/fields", Value=fields, Type="SecureString")
        yield server


@pytest.fixture(autouse=True)
def _identity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-the-chain")


def manager(server: EmbeddedServer, name: str = "lake/key", **fields: Any) -> SecretReference:
    place = {"name": name, "region": REGION, "endpoint": server.endpoint_url, **fields}
    return SecretReference(secrets_manager=SecretsManagerSecret(**place))


def parameter(server: EmbeddedServer, name: str, **fields: Any) -> SecretReference:
    place = {"name": name, "region": REGION, "endpoint": server.endpoint_url, **fields}
    return SecretReference(ssm=ParameterSecret(**place))


def copied(reference: SecretReference) -> SecretReference:
    found: SecretReference = pickle.loads(pickle.dumps(reference))  # noqa: S301 - our own
    return found


def failure(secret: SecretReference) -> str:
    with pytest.raises(SecretMissingError) as caught:
        read_secret(secret)
    shown = "".join(traceback.format_exception(caught.value))
    assert VALUE not in shown
    assert caught.value.remedy
    return str(caught.value)


def test_secrets_manager(server: EmbeddedServer) -> None:
    assert read_secret(manager(server)) == VALUE
    assert read_secret(manager(server, version_stage="AWSPREVIOUS")) == "old-one"
    assert read_secret(manager(server, "lake/both", key="secret")) == VALUE
    assert read_secret(manager(server, "lake/both", key="number")) == "7"


def test_a_secret_named_by_its_arn(server: EmbeddedServer) -> None:
    arn = boto_client(server, "secretsmanager").describe_secret(SecretId="lake/key")["ARN"]

    assert read_secret(manager(server, arn)) == VALUE


def test_parameter_store(server: EmbeddedServer) -> None:
    assert read_secret(parameter(server, "/lake/plain")) == VALUE
    assert read_secret(parameter(server, "/lake/secure")) == VALUE
    assert read_secret(parameter(server, "/lake/fields", key="secret")) == VALUE


def test_another_process_reads_it_from_the_reference_alone(server: EmbeddedServer) -> None:
    """The process behind the loopback endpoint gets the reference through a pipe."""
    for reference in (manager(server, "lake/both", key="secret"), parameter(server, "/lake/secure")):
        assert VALUE.encode() not in pickle.dumps(reference)
        assert read_secret(copied(reference)) == VALUE


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        (lambda server: manager(server, "lake/none"), "'lake/none' of Secrets Manager does not exist"),
        (lambda server: manager(server, version_stage="NEVER"), "'lake/key' of Secrets Manager does not"),
        (lambda server: manager(server, "lake/binary"), "is binary. Store it as text"),
        (lambda server: manager(server, key="secret"), "no JSON object with text in the field 'secret'"),
        (lambda server: manager(server, "lake/both", key="other"), "text in the field 'other'"),
        (lambda server: manager(server, "lake/both", key="list"), "text in the field 'list'"),
        (
            lambda server: manager(server, "lake/blank", key="secret"),
            "'lake/blank' of Secrets Manager is empty",
        ),
        (lambda server: parameter(server, "/lake/none"), "'/lake/none' of Systems Manager does not exist"),
        (
            lambda server: manager(server, profile="nobody"),
            "(The config profile (nobody) could not be found)",
        ),
        (lambda server: manager(server, region="no region"), "cannot be read"),
    ],
)
def test_what_is_not_there(
    server: EmbeddedServer, reference: Callable[[EmbeddedServer], SecretReference], told: str
) -> None:
    assert told in failure(reference(server))


def test_no_region(server: EmbeddedServer) -> None:
    assert "must specify a region" in failure(manager(server, region=None))


def test_no_credentials(server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    assert "Unable to locate credentials" in failure(manager(server))


def test_an_endpoint_with_a_user_is_refused_unseen() -> None:
    with pytest.raises(ValidationError) as caught:
        SecretsManagerSecret(name="a", endpoint=f"https://user:{VALUE}@host")

    assert VALUE not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "action"), [("secrets_manager", "secretsmanager:GetSecretValue"), ("ssm", "ssm:GetParameter")]
)
def test_a_refusal_names_the_action(answering: Callable[..., Answering], kind: str, action: str) -> None:
    server = answering(400, {"__type": "AccessDeniedException", "Message": "not authorized"})
    place = {"name": "lake/key", "region": REGION, "endpoint": server.url}

    told = failure(SecretReference.model_validate({kind: place}))

    assert "may not be read" in told
    assert action in told
    assert len(server.asked) == 1


def test_a_server_that_fails_is_asked_again_a_bounded_number_of_times(
    answering: Callable[..., Answering],
) -> None:
    server = answering(500, {"__type": "InternalServiceError", "Message": "later"})
    place = SecretsManagerSecret(name="lake/key", region=REGION, endpoint=server.url, max_retries=1)

    told = failure(SecretReference(secrets_manager=place))

    assert "InternalServiceError: later" in told
    assert len(server.asked) == 2


def test_nobody_answers() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{taken.getsockname()[1]}"
        place = ParameterSecret(name="/lake/key", region=REGION, endpoint=endpoint, max_retries=0)
        start = time.monotonic()

        told = failure(SecretReference(ssm=place))

    assert "Could not connect to the endpoint" in told
    assert time.monotonic() - start < 10


def test_a_profile_of_its_own(
    answering: Callable[..., Answering], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shared = tmp_path / "credentials"
    shared.write_text("[keeper]\naws_access_key_id = AKIAKEEPER\naws_secret_access_key = x\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(shared))
    server = answering(200, {"SecretString": VALUE})
    place = SecretsManagerSecret(name="a", region="eu-west-3", endpoint=server.url, profile="keeper")

    assert read_secret(SecretReference(secrets_manager=place)) == VALUE

    ((target, authorization),) = server.asked
    assert target == "secretsmanager.GetSecretValue"
    assert "Credential=AKIAKEEPER/" in authorization
    assert "/eu-west-3/secretsmanager/" in authorization
