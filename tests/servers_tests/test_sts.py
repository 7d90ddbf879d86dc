"""Our STS: botocore understands it, it refuses what AWS refuses, and it remembers who asked for what."""

from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.servers.identity.server import IdentityServer
from tests.servers.identity.settings import Role
from tests.servers.session_keys import expiry_of

KEY_ID = "AKIABASE"
SECRET = "base-secret"


@pytest.fixture
def sts(identity: IdentityServer) -> Any:
    identity.add_user(KEY_ID, SECRET)
    return client(identity)


def client(
    identity: IdentityServer, key_id: str = KEY_ID, secret: str = SECRET, token: str | None = None
) -> Any:
    return boto3.session.Session().client(
        "sts",
        endpoint_url=identity.endpoint,
        region_name="us-east-1",
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=Config(parameter_validation=False, retries={"total_max_attempts": 1}),
    )


def code(refused: pytest.ExceptionInfo[ClientError]) -> str:
    return str(refused.value.response["Error"]["Code"])


def test_a_role_is_assumed(identity: IdentityServer, sts: Any) -> None:
    arn = identity.add_role("loader", Role(external_id="outside"))
    identity.change(lifetime=20)

    answer = sts.assume_role(
        RoleArn=arn,
        RoleSessionName="nightly",
        ExternalId="outside",
        SourceIdentity="ada",
        DurationSeconds=900,
    )

    found = answer["Credentials"]
    assert answer["AssumedRoleUser"]["Arn"].endswith(":assumed-role/loader/nightly")
    assert answer["SourceIdentity"] == "ada"
    left = found["Expiration"] - datetime.now(UTC)
    assert timedelta(seconds=17) < left <= timedelta(seconds=20)
    [call] = identity.calls("sts", "AssumeRole")
    assert (call.base_key_id, call.issued, call.status) == (KEY_ID, found["AccessKeyId"], 200)
    assert {name: call.parameters[name] for name in call.parameters if name not in {"Action", "Version"}} == {
        "RoleArn": arn,
        "RoleSessionName": "nightly",
        "ExternalId": "outside",
        "SourceIdentity": "ada",
        "DurationSeconds": "900",
    }


@pytest.mark.parametrize("given", [{}, {"ExternalId": "inside"}])
def test_a_wrong_external_id_is_refused(identity: IdentityServer, sts: Any, given: dict[str, str]) -> None:
    arn = identity.add_role("loader", Role(external_id="outside"))

    with pytest.raises(ClientError, match="not authorized to perform: sts:AssumeRole") as refused:
        sts.assume_role(RoleArn=arn, RoleSessionName="nightly", **given)

    assert code(refused) == "AccessDenied"
    assert [call.issued for call in identity.calls("sts")] == [None]


def test_unknown_roles_and_strangers_are_refused(identity: IdentityServer, sts: Any) -> None:
    arn = identity.add_role("loader", Role(trusted_key_ids=("AKIAOTHER",)))

    for each in (arn, arn + "-2"):
        with pytest.raises(ClientError) as refused:
            sts.assume_role(RoleArn=each, RoleSessionName="nightly")
        assert code(refused) == "AccessDenied"


@pytest.mark.parametrize(
    ("key_id", "secret", "token", "expected"),
    [
        (KEY_ID, "wrong", None, "SignatureDoesNotMatch"),
        ("AKIANOBODY", SECRET, None, "InvalidClientTokenId"),
        (KEY_ID, SECRET, "token", "InvalidClientTokenId"),
    ],
)
def test_wrong_keys_are_refused(
    identity: IdentityServer, sts: Any, key_id: str, secret: str, token: str | None, expected: str
) -> None:
    arn = identity.add_role("loader")

    with pytest.raises(ClientError) as refused:
        client(identity, key_id, secret, token).assume_role(RoleArn=arn, RoleSessionName="nightly")

    assert code(refused) == expected
    assert sts.assume_role(RoleArn=arn, RoleSessionName="nightly")["Credentials"]


def test_one_role_leads_to_another_until_the_session_ends(identity: IdentityServer, sts: Any) -> None:
    first, second = identity.add_role("first"), identity.add_role("second")
    keys = sts.assume_role(RoleArn=first, RoleSessionName="nightly")["Credentials"]
    session = client(identity, keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])

    session.assume_role(RoleArn=second, RoleSessionName="nightly")
    with pytest.raises(ClientError) as too_long:
        session.assume_role(RoleArn=second, RoleSessionName="nightly", DurationSeconds=7200)
    identity.change(lifetime=0)
    over = sts.assume_role(RoleArn=first, RoleSessionName="nightly")["Credentials"]
    with pytest.raises(ClientError) as too_late:
        client(identity, over["AccessKeyId"], over["SecretAccessKey"], over["SessionToken"]).assume_role(
            RoleArn=second, RoleSessionName="nightly"
        )

    assert identity.calls("sts")[1].base_key_id == keys["AccessKeyId"]
    assert [code(too_long), code(too_late)] == ["ValidationError", "ExpiredToken"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"RoleSessionName": "a b"},
        {"DurationSeconds": 20},
        {"ExternalId": "x"},
        {"SourceIdentity": "x y"},
        {"RoleArn": "loader"},
    ],
)
def test_wrong_parameters_are_refused(identity: IdentityServer, sts: Any, wrong: dict[str, Any]) -> None:
    arn = identity.add_role("loader")

    with pytest.raises(ClientError) as refused:
        sts.assume_role(**{"RoleArn": arn, "RoleSessionName": "nightly", **wrong})

    assert code(refused) == "ValidationError"


def test_a_web_identity_becomes_a_role(identity: IdentityServer, monkeypatch: pytest.MonkeyPatch) -> None:
    arn = identity.add_role("pod", Role(web_identity_token="a.web.token"))
    for name, value in identity.web_identity_environment(arn, "a.web.token").items():
        monkeypatch.setenv(name, value)

    credentials: Any = botocore.session.Session().get_credentials()
    frozen = credentials.get_frozen_credentials()

    assert credentials.method == "assume-role-with-web-identity"
    [call] = identity.calls("sts", "AssumeRoleWithWebIdentity")
    assert (call.issued, call.base_key_id) == (frozen.access_key, None)
    assert call.parameters["WebIdentityToken"] == "a.web.token"
    assert expiry_of(frozen.access_key) is not None


def test_a_wrong_web_identity_is_refused(identity: IdentityServer, sts: Any) -> None:
    pod = identity.add_role("pod", Role(web_identity_token="a.web.token"))
    loader = identity.add_role("loader")

    with pytest.raises(ClientError) as wrong:
        sts.assume_role_with_web_identity(RoleArn=pod, RoleSessionName="x1", WebIdentityToken="b.web.token")
    with pytest.raises(ClientError) as untrusted:
        sts.assume_role_with_web_identity(
            RoleArn=loader, RoleSessionName="x1", WebIdentityToken="a.web.token"
        )

    assert [code(wrong), code(untrusted)] == ["InvalidIdentityToken", "AccessDenied"]


def test_it_says_who_calls(sts: Any) -> None:
    assert sts.get_caller_identity()["Arn"].endswith(f":user/{KEY_ID}")
