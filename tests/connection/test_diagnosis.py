"""What goes wrong becomes one typed error that says where, what and what to do: in every engine alike."""

from typing import Any, NamedTuple

import pytest

from s3_assets.connection import AccessKeyAuth, S3Connection, Transport
from s3_assets.connection.diagnosis import diagnose, find_symptom
from s3_assets.connection.symptoms import NO_OBJECT, REFUSED
from s3_assets.embedded.server import EmbeddedServer
from s3_assets.errors import (
    AccessDeniedError,
    BucketMissingError,
    CredentialsExpiredError,
    KeyUnknownError,
    ObjectMissingError,
    S3AssetsError,
    ServerFailureError,
    SignatureMismatchError,
    ThrottledError,
    UnsupportedError,
)
from s3_assets.objects import Objects
from tests.conftest import boto_client
from tests.connection.engines import OBJECT_ENGINES, Engine


class User(NamedTuple):
    key: str
    secret: str


@pytest.fixture(scope="session")
def user(strict_s3_server: EmbeddedServer) -> User:
    """A user whom no policy allows anything."""
    iam = boto_client(strict_s3_server, "iam")
    iam.create_user(UserName="nobody")
    made = iam.create_access_key(UserName="nobody")["AccessKey"]
    boto_client(strict_s3_server).create_bucket(Bucket="strict-bucket")
    return User(made["AccessKeyId"], made["SecretAccessKey"])


def strict(server: EmbeddedServer, key: str = "test", secret: str = "test", **fields: Any) -> S3Connection:
    return S3Connection(
        **{
            "name": "lake",
            "url": "s3://strict-bucket/",
            "endpoint": server.endpoint_url,
            "region": "us-east-1",
            "auth": AccessKeyAuth(access_key_id=key, secret_access_key=secret),
            "transport": Transport(max_retries=0),
            **fields,
        }
    )


def assert_says(error: S3AssetsError, *words: str) -> None:
    text = str(error)
    assert text.startswith("connection 'lake', s3://strict-bucket/") or "strict-bucket" not in text
    assert error.connection == "lake"
    assert error.location
    assert error.remedy
    for word in words:
        assert word in text


def test_unknown_key(strict_s3_server: EmbeddedServer, user: User, engine: Engine) -> None:
    connection = strict(strict_s3_server, "AKIAUNKNOWN", "hunter2hunter2")

    with pytest.raises(KeyUnknownError) as caught:
        engine.diagnosed_write(connection)

    assert_says(caught.value, "does not know the access key id", "access_key_id")
    assert "hunter2hunter2" not in str(caught.value)


def test_wrong_secret(strict_s3_server: EmbeddedServer, user: User, engine: Engine) -> None:
    with pytest.raises(SignatureMismatchError) as caught:
        engine.diagnosed_write(strict(strict_s3_server, user.key, "hunter2hunter2"))

    assert_says(caught.value, "signature does not match", "secret_access_key", "clock")
    assert "hunter2hunter2" not in str(caught.value)


def test_no_policy(strict_s3_server: EmbeddedServer, user: User, engine: Engine) -> None:
    with pytest.raises(AccessDeniedError) as caught:
        engine.diagnosed_write(strict(strict_s3_server, *user))

    assert_says(caught.value, "access is denied", "policy")
    assert user.secret not in str(caught.value)


def test_missing_bucket(strict_s3_server: EmbeddedServer, engine: Engine) -> None:
    with pytest.raises(BucketMissingError, match="the bucket does not exist") as caught:
        engine.diagnosed_write(strict(strict_s3_server, url="s3://no-such-bucket/"))

    location = str(caught.value.location)
    # Our FileIO, under PyIceberg, names the file as well.
    whole = location if engine.name != "pyiceberg" else location[: len("s3://no-such-bucket/folder")]
    assert whole == "s3://no-such-bucket/folder"


@pytest.mark.parametrize("engine", OBJECT_ENGINES, ids=[engine.name for engine in OBJECT_ENGINES])
def test_missing_object(strict_s3_server: EmbeddedServer, user: User, engine: Engine) -> None:
    with pytest.raises(ObjectMissingError, match="there is no such object"):
        engine.diagnosed_read(strict(strict_s3_server), "nothing")


KEYS = ["timed out 403", "status code: 404", "<Code>NoSuchBucket<", "SlowDown/503/Connection refused"]


@pytest.mark.parametrize("key", KEYS)
def test_a_key_that_reads_like_an_error(
    strict_s3_server: EmbeddedServer, user: User, engine: Engine, key: str
) -> None:
    with pytest.raises(AccessDeniedError):
        engine.diagnosed_write(strict(strict_s3_server, *user), key)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("engine", OBJECT_ENGINES, ids=[engine.name for engine in OBJECT_ENGINES])
def test_a_missing_key_that_reads_like_an_error(
    strict_s3_server: EmbeddedServer, user: User, engine: Engine, key: str
) -> None:
    with pytest.raises(ObjectMissingError):
        engine.diagnosed_read(strict(strict_s3_server), key)


@pytest.mark.parametrize("key", ["a//b", "a/../b", "a/./b"])
def test_a_key_that_cannot_be_addressed(strict_s3_server: EmbeddedServer, user: User, key: str) -> None:
    client = boto_client(strict_s3_server)
    client.put_object(Bucket="strict-bucket", Key=f"odd/{key}", Body=b"1")
    objects = Objects(strict(strict_s3_server))

    with pytest.raises(UnsupportedError, match="segment that is empty"):
        objects.put(f"odd/{key}", b"1")
    with pytest.raises(UnsupportedError, match="segment that is empty"):
        list(objects.list_objects("odd/"))
    client.delete_object(Bucket="strict-bucket", Key=f"odd/{key}")


@pytest.fixture
def lake(monkeypatch: pytest.MonkeyPatch) -> S3Connection:
    # It has no endpoint: whoever asks for the server's time must not reach AWS.
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    return S3Connection(
        name="lake",
        url="s3://bucket/",
        auth=AccessKeyAuth(access_key_id="A", secret_access_key="hunter2hunter2"),
    )


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ExpiredToken", CredentialsExpiredError),
        ("InvalidToken", CredentialsExpiredError),
        ("PermanentRedirect", SignatureMismatchError),
        ("AuthorizationHeaderMalformed", SignatureMismatchError),
        ("RequestTimeTooSkewed", SignatureMismatchError),
        ("SlowDown", ThrottledError),
        ("InternalError", ServerFailureError),
    ],
)
@pytest.mark.parametrize(
    "template",
    [
        "Server returned non-2xx status code: 400 Bad Request: <Error><Code>{}</Code></Error>",
        "An error occurred ({}) when calling the GetObject operation: no",
    ],
)
def test_codes(lake: S3Connection, code: str, kind: type[S3AssetsError], template: str) -> None:
    assert type(diagnose(OSError(template.format(code)), lake, "s3://bucket/key")) is kind


@pytest.mark.parametrize("code", ["InvalidAccessKeyId", "InvalidSignatureException", "NoSuchBucket"])
def test_an_endpoint_that_was_left_out(lake: S3Connection, code: str) -> None:
    """Keys of another server, sent to AWS."""
    elsewhere = lake.model_copy(update={"endpoint": "http://127.0.0.1:1"})
    told = OSError(f"status code: 403 Forbidden: <Error><Code>{code}</Code></Error>")

    assert "Without an endpoint, requests go to AWS" in str(diagnose(told, lake, "s3://bucket/"))
    assert "Without an endpoint" not in str(diagnose(told, elsewhere, "s3://bucket/"))


def test_skewed_clock_is_measured(lake: S3Connection) -> None:
    text = (
        "status code: 403 Forbidden: <Error><Code>RequestTimeTooSkewed</Code>"
        "<RequestTime>20261121T120000Z</RequestTime><ServerTime>2026-11-21T12:40:00Z</ServerTime></Error>"
    )

    assert "40 minutes behind" in str(diagnose(OSError(text), lake, "s3://bucket/"))


def test_statuses_without_a_body() -> None:
    assert find_symptom("Server returned non-2xx status code: 403 Forbidden: ") is REFUSED
    assert find_symptom("An error occurred (404) when calling the HeadObject operation") is NO_OBJECT
    assert find_symptom("Object at location 403 timed out not found: no") is NO_OBJECT
    assert find_symptom("something else in row 403") is None


def test_what_has_no_name_is_quoted_without_secrets(lake: S3Connection) -> None:
    text = (
        "odd: X-Amz-Signature=abcdef0123&x Credential=AKIA/x secret_access_key: hunter2hunter2 hunter2hunter2"
    )

    error = diagnose(RuntimeError(text), lake, "s3://bucket/")

    assert type(error) is ServerFailureError
    assert "odd" in str(error)
    assert not [secret for secret in ("hunter2hunter2", "abcdef0123", "AKIA/x") if secret in str(error)]
