"""dagster-aws's resources and ours, each used in place of the other."""

import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster_aws.s3 import S3FileManager, S3PickleIOManager, S3Resource
from dagster_aws.secretsmanager import SecretsManagerResource
from dagster_aws.ssm import SSMResource

from s3_assets.aws_resources import S3ClientResource, connection_of, secret_of
from s3_assets.connection import (
    AccessKeyAuth,
    AnonymousAuth,
    DefaultAuth,
    ProfileAuth,
    S3Connection,
    SecretReference,
    Transport,
)
from s3_assets.connection.secrets import read_secret
from s3_assets.embedded.server import EmbeddedServer
from s3_assets.errors import SettingError
from s3_assets.objects import Objects
from s3_assets.resources import AccessKeyAuthConfig, S3ConnectionResource
from tests.conftest import boto_client
from tests.connection.recorder import Recorder, recording

# Dagster's own word, while it sets up resources inside of resources.
pytestmark = pytest.mark.filterwarnings(
    "ignore:InitResourceContext.dagster_run is deprecated:DeprecationWarning"
)

SECRET = "kept-secret-7c1"
KEY = "AKIAKEPTKEY"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    services = ("s3", "sts", "iam", "kms", "secretsmanager", "ssm")
    with EmbeddedServer(tmp_path_factory.mktemp("aws"), services=services) as server:
        boto_client(server, "secretsmanager").create_secret(
            Name="lake", SecretString=f'{{"id": "{KEY}", "secret": "{SECRET}"}}'
        )
        boto_client(server, "ssm").put_parameter(Name="/lake", Value=SECRET, Type="SecureString")
        boto_client(server).create_bucket(Bucket="lake-of-aws")
        yield server


@pytest.fixture
def recorder(aws: EmbeddedServer, tmp_path: Path) -> Iterator[Recorder]:
    with recording(aws.endpoint_url, tmp_path) as found:
        yield found


@pytest.fixture(autouse=True)
def _identity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOFTHECHAIN")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-the-chain")


def quiet(make: Callable[..., Any], **fields: Any) -> Any:
    """dagster-aws calls these resources beta."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        return make(**fields)


def test_a_secret_through_either_resource(aws: EmbeddedServer) -> None:
    where = {"region_name": "us-east-1", "endpoint_url": aws.endpoint_url, "max_attempts": 2}
    manager, store = quiet(SecretsManagerResource, **where), quiet(SSMResource, **where)

    secret, parameter = secret_of(manager, "lake", key="secret"), secret_of(store, "/lake")

    read = manager.get_client().get_secret_value(SecretId="lake")["SecretString"]
    assert read_secret(secret_of(manager, "lake")) == read
    assert read_secret(secret) == SECRET
    assert (
        read_secret(parameter)
        == store.get_client().get_parameter(Name="/lake", WithDecryption=True)["Parameter"]["Value"]
    )
    assert SECRET not in f"{secret!r} {parameter!r}"
    assert secret.secrets_manager is not None
    assert secret.secrets_manager.max_retries == 1


def test_a_connection_signs_with_what_the_manager_keeps(aws: EmbeddedServer, recorder: Recorder) -> None:
    manager = quiet(SecretsManagerResource, region_name="us-east-1", endpoint_url=aws.endpoint_url)
    connection = S3Connection(
        url="s3://lake-of-aws/",
        endpoint=recorder.endpoint,
        region="us-east-1",
        auth=AccessKeyAuth(
            access_key_id=secret_of(manager, "lake", key="id"),
            secret_access_key=secret_of(manager, "lake", key="secret"),
        ),
    )

    Objects(connection).put("a", b"1")

    assert recorder.key_ids() == {KEY}


def test_variables_of_the_resource_are_read(aws: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORE", aws.endpoint_url)
    store = quiet(SSMResource, region_name="us-east-1", endpoint_url=dg.EnvVar("STORE"))

    assert read_secret(secret_of(store, "/lake")) == SECRET


def test_what_a_reference_cannot_hold_is_refused() -> None:
    keys = {"aws_access_key_id": KEY, "aws_secret_access_key": SECRET}
    with pytest.raises(SettingError, match="aws_access_key_id, aws_secret_access_key") as caught:
        secret_of(quiet(SecretsManagerResource, region_name="us-east-1", **keys), "lake")
    assert SECRET not in str(caught.value)

    with pytest.raises(SettingError, match="does not verify certificates"):
        secret_of(quiet(SSMResource, region_name="us-east-1", verify=False), "lake")


def test_a_resource_without_tls_or_endpoint() -> None:
    manager = quiet(SecretsManagerResource, region_name="eu-west-3", use_ssl=False)
    found = secret_of(manager, "lake").secrets_manager

    assert found is not None
    assert found.endpoint == manager.get_client().meta.endpoint_url
    resource = S3Resource(region_name="eu-west-3", use_ssl=False)
    assert connection_of(resource, "s3://bucket/").endpoint == resource.get_client().meta.endpoint_url


@pytest.mark.parametrize(
    ("fields", "auth"),
    [
        ({}, DefaultAuth()),
        ({"use_unsigned_session": True}, AnonymousAuth()),
        ({"profile_name": "work"}, ProfileAuth(profile="work")),
        (
            {"aws_access_key_id": "a", "aws_secret_access_key": "b", "aws_session_token": "c"},
            AccessKeyAuth(access_key_id="a", secret_access_key="b", session_token="c"),
        ),
        (
            {"aws_access_key_id": dg.EnvVar("A"), "aws_secret_access_key": dg.EnvVar("B")},
            AccessKeyAuth(access_key_id=SecretReference(env="A"), secret_access_key=SecretReference(env="B")),
        ),
    ],
)
def test_a_connection_of_a_resource(fields: dict[str, Any], auth: Any) -> None:
    resource = S3Resource(
        region_name="eu-west-3", endpoint_url="https://minio.example.com", max_attempts=8, **fields
    )

    assert connection_of(resource, "s3://bucket/base/", name="lake") == S3Connection(
        name="lake",
        url="s3://bucket/base/",
        endpoint="https://minio.example.com",
        region="eu-west-3",
        auth=auth,
        transport=Transport(max_retries=7),
    )


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"verify": False}, "does not verify certificates"),
        ({"aws_access_key_id": "a"}, "half a key"),
        ({"aws_session_token": "a"}, "half a key"),
    ],
)
def test_a_resource_that_no_connection_can_be(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingError, match=told):
        connection_of(S3Resource(**fields), "s3://bucket/")


def test_it_reaches_the_same_objects(aws: EmbeddedServer) -> None:
    resource = S3Resource(
        endpoint_url=aws.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    resource.get_client().put_object(Bucket="lake-of-aws", Key="theirs", Body=b"1")

    assert Objects(connection_of(resource, "s3://lake-of-aws/")).get("theirs") == b"1"


@pytest.fixture
def _lake_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKE_KEY", KEY)
    monkeypatch.setenv("LAKE_SECRET", SECRET)


@pytest.fixture(params=["a connection", "a resource of ours"])
def theirs(request: pytest.FixtureRequest, recorder: Recorder, _lake_key: None) -> S3ClientResource:
    """dagster-aws's resource with our connection behind it."""
    fields: dict[str, Any] = {
        "url": "s3://lake-of-aws/",
        "endpoint": recorder.endpoint,
        "region": "us-east-1",
    }
    if request.param == "a connection":
        key = AccessKeyAuth(access_key_id=KEY, secret_access_key=SecretReference(env="LAKE_SECRET"))
        return S3ClientResource(connection=S3Connection(**fields, auth=key))
    config = AccessKeyAuthConfig(
        access_key_id=dg.EnvVar("LAKE_KEY"), secret_access_key=dg.EnvVar("LAKE_SECRET")
    )
    return S3ClientResource(connection=S3ConnectionResource(**fields, auth=config))


def test_their_io_manager_with_our_connection(theirs: S3ClientResource, recorder: Recorder) -> None:
    @dg.asset
    def numbers() -> list[int]:
        return [1, 2, 3]

    @dg.asset
    def total(numbers: list[int]) -> int:
        return sum(numbers)

    manager = S3PickleIOManager(s3_resource=theirs, s3_bucket="lake-of-aws", s3_prefix="pickles")
    result = dg.materialize([numbers, total], resources={"io_manager": manager})

    assert result.output_for_node("total") == 6
    assert len(recorder.seen) >= 4
    assert recorder.key_ids() == {KEY}


def test_their_file_manager_with_our_connection(recorder: Recorder) -> None:
    connection = S3Connection(
        url="s3://lake-of-aws/",
        endpoint=recorder.endpoint,
        region="us-east-1",
        auth=AccessKeyAuth(access_key_id=KEY, secret_access_key=SECRET),
    )
    client = S3ClientResource(connection=connection).get_client()
    manager: Any = quiet(S3FileManager, s3_session=client, s3_bucket="lake-of-aws", s3_base_key="files")

    handle = manager.write_data(b"some bytes")

    assert manager.read_data(handle) == b"some bytes"
    manager.delete_local_temp()
    assert recorder.key_ids() == {KEY}


def test_an_asset_that_asks_for_their_resource(theirs: S3ClientResource, recorder: Recorder) -> None:
    @dg.asset
    def listing(s3: S3Resource) -> int:
        found = s3.get_client().list_objects_v2(Bucket="lake-of-aws")["KeyCount"]
        return int(found)

    assert dg.materialize([listing], resources={"s3": theirs}).success
    assert len(recorder.seen) == 1


def test_credentials_that_change_reach_a_client_that_is_there(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A profile whose process hands out short-lived keys, each time another one."""
    script = tmp_path / "keys.sh"
    script.write_text(
        f"""#!/bin/sh
n=$(($(cat {tmp_path}/n 2>/dev/null || echo 0) + 1)); echo $n > {tmp_path}/n
echo '{{"Version": 1, "AccessKeyId": "AKIATURN'$n'", "SecretAccessKey": "s", "SessionToken": "t",'
echo ' "Expiration": "'$(date -u -d '+2 seconds' +%Y-%m-%dT%H:%M:%SZ)'"}}'
"""
    )
    script.chmod(0o700)
    (tmp_path / "config").write_text(f"[profile turning]\ncredential_process = {script}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    resource = S3ClientResource(
        connection=S3Connection(
            url="s3://lake-of-aws/",
            endpoint=recorder.endpoint,
            region="us-east-1",
            auth=ProfileAuth(profile="turning"),
        )
    )
    client = resource.get_client()

    for _ in range(3):
        client.list_objects_v2(Bucket="lake-of-aws")
        time.sleep(2)

    assert len(recorder.key_ids()) > 1


def test_settings_beside_the_connection_are_refused() -> None:
    connection = S3Connection(url="s3://bucket/")

    with pytest.raises(ValueError, match="region_name must be said by the connection"):
        S3ClientResource(connection=connection, region_name="eu-west-3")
    with pytest.raises(SettingError, match="Take its own connection"):
        connection_of(S3ClientResource(connection=connection), "s3://bucket/")


def test_a_session_of_theirs_is_not_ours() -> None:
    """What the tests above compare with is boto3's own, not a client of ours."""
    assert type(S3Resource(region_name="eu-west-3").get_client()).__module__ == "botocore.client"
