"""Keys in variables: what the chain finds without botocore is what botocore finds."""

from pathlib import Path

import botocore.session
import pytest

from s3_assets.connection import AccessKeyAuth, AssumeRole, ProfileAuth, S3Connection
from s3_assets.connection.credentials import CredentialSource
from s3_assets.connection.environment_keys import environment_keys
from s3_assets.errors import CredentialsMissingError

KEYS = {"AWS_ACCESS_KEY_ID": "AKIAOFVARIABLES", "AWS_SECRET_ACCESS_KEY": "secret-of-variables"}
FILE = "[other]\naws_access_key_id = AKIAOFOTHER\naws_secret_access_key = secret-of-other\n"
CONNECTION = S3Connection(url="s3://bucket/")


@pytest.fixture(autouse=True)
def _nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables and shared files that say nothing but what a test sets."""
    for name in (
        *KEYS,
        "AWS_SESSION_TOKEN",
        "AWS_SECURITY_TOKEN",
        "AWS_PROFILE",
        "AWS_CREDENTIAL_EXPIRATION",
    ):
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / "credentials"
    file.write_text(FILE)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.mark.parametrize(
    ("variables", "quick"),
    [
        (KEYS, True),
        ({**KEYS, "AWS_SESSION_TOKEN": "token"}, True),
        ({**KEYS, "AWS_SESSION_TOKEN": ""}, True),
        ({**KEYS, "AWS_SESSION_TOKEN": "token", "AWS_SECURITY_TOKEN": "older"}, False),
        ({**KEYS, "AWS_CREDENTIAL_EXPIRATION": "2100-01-01T00:00:00Z"}, False),
        ({**KEYS, "AWS_PROFILE": "other"}, False),
        ({"AWS_PROFILE": "other"}, False),
        ({"AWS_SECRET_ACCESS_KEY": "alone", "AWS_PROFILE": "other"}, False),
    ],
    ids=["keys", "token", "empty token", "old token", "expiring", "profile beside", "profile", "half"],
)
def test_it_is_what_botocore_finds(
    variables: dict[str, str], quick: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    expected = botocore.session.Session().get_credentials().get_frozen_credentials()

    found = CredentialSource(CONNECTION).current()

    assert found is not None
    assert (found.access_key_id, found.secret_access_key, found.session_token) == tuple(expected)[:3]
    assert (environment_keys(CONNECTION) is not None) is quick


def test_a_key_without_its_secret_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAALONE")

    with pytest.raises(CredentialsMissingError):
        CredentialSource(CONNECTION).current()


@pytest.mark.parametrize(
    "fields",
    [
        {"auth": AccessKeyAuth(access_key_id="AKIAOFCONNECTION", secret_access_key="its-secret")},
        {"auth": ProfileAuth(profile="other")},
        {"assume_role": (AssumeRole(role_arn="arn:aws:iam::123456789012:role/reader"),)},
    ],
    ids=["own keys", "profile", "role"],
)
def test_another_identity_is_not_theirs(fields: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)

    assert environment_keys(CONNECTION.model_copy(update=fields)) is None
