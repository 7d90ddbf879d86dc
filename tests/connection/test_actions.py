"""A refused request names its action and resource, in each engine, on a server that enforces policies."""

import os
import secrets
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import obstore
import polars as pl
import pytest

from s3_assets.connection import AccessKeyAuth, AssumeRole, S3Connection, Transport
from s3_assets.connection.actions import find_denial
from s3_assets.connection.adapters import boto
from s3_assets.connection.adapters import deltalake as delta_adapter
from s3_assets.connection.adapters import obstore as obstore_adapter
from s3_assets.connection.adapters import polars as polars_adapter
from s3_assets.connection.ambient import without_ambient_settings
from s3_assets.connection.answers import read_answer
from s3_assets.connection.diagnosis import diagnose, diagnosed
from s3_assets.errors import AccessDeniedError
from s3_assets.objects import Objects
from tests.connection.engines import delta_table
from tests.servers.gateway import Gateway, Keys

FRAME = pl.DataFrame({"number": [1, 2, 3]})
ALL = (
    "s3:ListBucket",
    "s3:GetObject",
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:AbortMultipartUpload",
    "s3:ListBucketMultipartUploads",
    "s3:GetBucketLocation",
)


class Ground(NamedTuple):
    """A bucket with some objects and a table, and a user who may do what each test says."""

    gateway: Gateway
    bucket: str
    user: str
    keys: Keys

    def connection(self, keys: Keys | None = None) -> S3Connection:
        key, secret, _ = keys or self.keys
        return S3Connection(
            name="lake",
            url=f"s3://{self.bucket}/base/",
            endpoint=self.gateway.endpoint,
            region="us-east-1",
            auth=AccessKeyAuth(access_key_id=key, secret_access_key=secret),
            transport=Transport(max_retries=0),
            checksums="when_required",
        )

    def allow(self, *actions: str) -> None:
        resources = [f"arn:aws:s3:::{self.bucket}", f"arn:aws:s3:::{self.bucket}/*"]
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": resources}
        self.gateway.put_user_policy(self.user, {"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture(scope="module")
def ground(rgw: Gateway) -> Iterator[Ground]:
    bucket, user = f"actions-{secrets.token_hex(6)}", f"user-{secrets.token_hex(6)}"
    client = rgw.client()
    client.create_bucket(Bucket=bucket)
    ground = Ground(rgw, bucket, user, rgw.create_user(user))
    owner = ground.connection(rgw.admin)
    client.put_object(Bucket=bucket, Key="base/object", Body=b"123")
    FRAME.lazy().sink_parquet(f"s3://{bucket}/base/parquet/0.parquet", **polars_adapter.options(owner))
    _delta_write(owner)
    # What a vacuum deletes.
    _delta_write(owner, mode="overwrite")
    yield ground
    rgw.delete_user(user)


def _boto(operation: str, **parameters: Any) -> Callable[[S3Connection], object]:
    def run(connection: S3Connection) -> object:
        bucket = connection.location.bucket
        return getattr(boto.client(connection), operation)(
            Bucket=bucket, **{key: each.format(bucket=bucket) for key, each in parameters.items()}
        )

    return run


def _boto_delete_many(connection: S3Connection) -> object:
    return boto.client(connection).delete_objects(
        Bucket=connection.location.bucket, Delete={"Objects": [{"Key": "base/none"}]}
    )


def _boto_abort(connection: S3Connection) -> object:
    client, place = boto.client(connection), {"Bucket": connection.location.bucket, "Key": "base/parts"}
    upload = client.create_multipart_upload(**place)["UploadId"]
    return client.abort_multipart_upload(**place, UploadId=upload)


def _obstore(operation: Callable[..., object], *arguments: Any, **named: Any) -> Callable[..., object]:
    def run(connection: S3Connection) -> object:
        found = operation(obstore_adapter.store(connection), *arguments, **named)
        return list(found) if operation is obstore.list else found  # type: ignore[call-overload]

    return run


def _polars_scan(path: str) -> Callable[[S3Connection], object]:
    def run(connection: S3Connection) -> object:
        options = polars_adapter.options(connection)
        return pl.scan_parquet(f"{connection.url}{path}", **options).collect()

    return run


def _polars_sink(connection: S3Connection) -> object:
    return FRAME.lazy().sink_parquet(f"{connection.url}sunk.parquet", **polars_adapter.options(connection))


def _delta_write(connection: S3Connection, mode: Any = "append") -> None:
    from deltalake import write_deltalake

    options = delta_adapter.options(connection)
    with without_ambient_settings():
        write_deltalake(f"{connection.url}table/delta", FRAME, mode=mode, storage_options=options)


def _delta_read(connection: S3Connection) -> object:
    return list(delta_table(connection, "table").scan())


def _delta_vacuum(connection: S3Connection) -> object:
    table = delta_table(connection, "table")
    return table.vacuum(0, dry_run=False, enforce_retention_duration=False)


LARGE = os.urandom(6 * 1024 * 1024)
PARTS = {"chunk_size": 5 * 1024 * 1024, "use_multipart": True}
CASES = [
    ("boto3", "s3:ListBucket", _boto("list_objects_v2"), ""),
    ("boto3", "s3:ListBucket", _boto("head_bucket"), ""),
    ("boto3", "s3:GetObject", _boto("get_object", Key="base/object"), "/*"),
    ("boto3", "s3:GetObject", _boto("head_object", Key="base/object"), "/*"),
    ("boto3", "s3:PutObject", _boto("put_object", Key="base/new", Body="1"), "/*"),
    ("boto3", "s3:PutObject", _boto("create_multipart_upload", Key="base/new"), "/*"),
    (
        "boto3",
        "s3:PutObject",
        _boto("copy_object", Key="base/new", CopySource="{bucket}/base/object"),
        "/*",
    ),
    ("boto3", "s3:DeleteObject", _boto("delete_object", Key="base/none"), "/*"),
    ("boto3", "s3:DeleteObject", _boto_delete_many, "/*"),
    ("boto3", "s3:AbortMultipartUpload", _boto_abort, "/*"),
    ("boto3", "s3:ListBucketMultipartUploads", _boto("list_multipart_uploads"), ""),
    ("boto3", "s3:GetBucketLocation", _boto("get_bucket_location"), ""),
    ("obstore", "s3:ListBucket", _obstore(obstore.list, "base"), ""),
    ("obstore", "s3:ListBucket", _obstore(obstore.list_with_delimiter, "base"), ""),
    ("obstore", "s3:GetObject", _obstore(obstore.get, "base/object"), "/base/object"),
    ("obstore", "s3:GetObject", _obstore(obstore.head, "base/object"), "/base/object"),
    ("obstore", "s3:PutObject", _obstore(obstore.put, "base/new", b"1"), "/base/new"),
    ("obstore", "s3:PutObject", _obstore(obstore.put, "base/n ö", LARGE, **PARTS), "/base/n ö"),
    ("obstore", "s3:DeleteObject", _obstore(obstore.delete, ["base/none", "base/no"]), "/*"),
    ("polars", "s3:ListBucket", _polars_scan("parquet/*.parquet"), ""),
    ("polars", "s3:GetObject", _polars_scan("parquet/0.parquet"), "/base/parquet/0.parquet"),
    ("polars", "s3:PutObject", _polars_sink, "/base/sunk.parquet"),
    ("delta-rs", "s3:GetObject", _delta_read, "/base/table/delta/_delta_log/"),
    ("delta-rs", "s3:PutObject", _delta_write, "/base/table/delta/"),
    ("delta-rs", "s3:DeleteObject", _delta_vacuum, "/*"),
]


@pytest.mark.parametrize(
    ("action", "work", "resource"),
    [case[1:] for case in CASES],
    ids=[f"{number}-{name}-{action}" for number, (name, action, *_) in enumerate(CASES)],
)
def test_the_action_that_is_missing(
    ground: Ground, action: str, work: Callable[[S3Connection], object], resource: str
) -> None:
    connection = ground.connection()
    bucket = f"arn:aws:s3:::{ground.bucket}"
    ground.allow(*(each for each in ALL if each != action))

    with (
        pytest.raises(AccessDeniedError, match="access is denied") as caught,
        diagnosed(connection, f"s3://{ground.bucket}", Exception),
    ):
        work(connection)

    assert caught.value.action == action
    assert (caught.value.resource or "").startswith(f"{bucket}{resource}")
    granted = bucket if resource == "" else f"{bucket}/*" if resource == "/*" else f"{bucket}/base/*"
    assert f"Allow {action} on {granted}" in str(caught.value)
    assert ground.keys.secret not in str(caught.value)

    # It was this action alone: with it, the same works.
    ground.allow(*ALL)
    work(connection)


@pytest.mark.parametrize(
    "work",
    [
        _boto("head_object", Key="base/none"),
        _boto("get_object", Key="base/none"),
        _obstore(obstore.head, "base/none"),
        _obstore(obstore.get, "base/none"),
        _polars_scan("none.parquet"),
        # It asks for a checkpoint that is not there.
        _delta_read,
    ],
    ids=["boto3-head", "boto3-get", "obstore-head", "obstore-get", "polars", "delta-rs"],
)
def test_a_missing_key_without_the_right_to_list(
    ground: Ground, work: Callable[[S3Connection], object]
) -> None:
    connection = ground.connection()
    ground.allow(*(each for each in ALL if each != "s3:ListBucket"))

    with pytest.raises(AccessDeniedError) as caught, diagnosed(connection, connection.url, Exception):
        work(connection)

    assert caught.value.action == "s3:GetObject"
    assert f"or s3:ListBucket on arn:aws:s3:::{ground.bucket} if there is no such object" in str(caught.value)
    assert f"and s3:ListBucket on arn:aws:s3:::{ground.bucket}," in caught.value.remedy


@pytest.mark.parametrize(
    ("action", "work"),
    [
        ("s3:ListBucket", lambda objects: list(objects.list_objects("base/"))),
        ("s3:GetObject", lambda objects: objects.get("base/object")),
        ("s3:GetObject", lambda objects: objects.exists("base/object")),
        ("s3:PutObject", lambda objects: objects.put("base/new", b"1")),
        ("s3:DeleteObject", lambda objects: objects.delete(["base/new"])),
    ],
)
def test_raw_objects(ground: Ground, action: str, work: Callable[[Objects], object]) -> None:
    ground.allow(*(each for each in ALL if each != action))

    with pytest.raises(AccessDeniedError) as caught:
        work(Objects(ground.connection()))

    assert caught.value.action == action


@pytest.mark.parametrize("action", ["s3:GetObject", "s3:PutObject"])
def test_a_copy_names_both_actions_that_it_needs(ground: Ground, action: str) -> None:
    ground.allow(*(each for each in ALL if each != action))

    with pytest.raises(AccessDeniedError) as caught:
        Objects(ground.connection()).copy([("base/object", "base/copy")])

    assert f"s3:PutObject on arn:aws:s3:::{ground.bucket}/base/copy" in str(caught.value)
    assert f"s3:GetObject on arn:aws:s3:::{ground.bucket}/base/object since it is a copy" in str(caught.value)


@pytest.fixture
def lake() -> S3Connection:
    return S3Connection(
        name="lake",
        url="s3://bucket/base/",
        region="eu-west-1",
        auth=AccessKeyAuth(access_key_id="AKIA", secret_access_key="hunter2hunter2"),
        assume_role=(AssumeRole(role_arn="arn:aws:iam::123456789012:role/reader"),),
    )


USER = "User: arn:aws:sts::123456789012:assumed-role/job/s3-assets is"
KEY = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd"


IDENTITY = (
    f'{USER} not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::bucket/base/x" '
    "because no identity-based policy allows the s3:PutObject action"
)
EXPLICIT = (
    f'{USER} not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::bucket/base/x" '
    "with an explicit deny in a service control policy"
)
ENCRYPTION = (
    f"{USER} not authorized to perform: kms:GenerateDataKey on resource: {KEY} because no "
    "resource-based policy allows the kms:GenerateDataKey action"
)
DECRYPTION = (
    f"{USER} not authorized to perform: kms:Decrypt on the resource associated with this ciphertext "
    "because the resource does not exist in this Region"
)
BY_OBJECT_STORE = (
    "The operation lacked the necessary privileges to complete for path base/x: Error performing PUT "
    "https://s3.eu-west-1.amazonaws.com/bucket/base/x in 1ms - Server returned non-2xx status code: "
    "403 Forbidden: <Error><Code>AccessDenied</Code><Message>{}</Message></Error>"
)


@pytest.mark.parametrize(
    ("message", "action", "resource", "words"),
    [
        (
            IDENTITY,
            "s3:PutObject",
            "arn:aws:s3:::bucket/base/x",
            ["(no identity-based policy allows it)", "Allow s3:PutObject on arn:aws:s3:::bucket/base/* in"],
        ),
        (
            EXPLICIT,
            "s3:GetObject",
            "arn:aws:s3:::bucket/base/x",
            ["(an explicit deny in a service control policy)", "Take the statement out of that policy"],
        ),
        (
            ENCRYPTION,
            "kms:GenerateDataKey",
            KEY,
            [f"Allow kms:GenerateDataKey on {KEY}", "no resource-based policy"],
        ),
        (DECRYPTION, "kms:Decrypt", None, ["Allow kms:Decrypt in"]),
    ],
    ids=["identity", "explicit", "encryption", "decryption"],
)
@pytest.mark.parametrize(
    "template",
    [
        "An error occurred (AccessDenied) when calling the PutObject operation: {}",
        BY_OBJECT_STORE,
        "DeleteObjects request failed for key base/x: {} (code: AccessDenied)",
    ],
    ids=["boto3", "object_store", "bulk-deletion"],
)
def test_what_aws_says_counts(
    lake: S3Connection,
    message: str,
    action: str,
    resource: str | None,
    words: list[str],
    template: str,
) -> None:
    error = diagnose(OSError(template.format(message)), lake, "s3://bucket/base/x")

    assert type(error) is AccessDeniedError
    assert (error.action, error.resource) == (action, resource)
    assert [word for word in words if word not in str(error)] == []


@pytest.mark.parametrize(
    ("operation", "action", "resource"),
    [
        ("ListBuckets", "s3:ListAllMyBuckets", "*"),
        ("AssumeRole", "sts:AssumeRole", "arn:aws:iam::123456789012:role/reader"),
        (
            "AssumeRoleWithWebIdentity",
            "sts:AssumeRoleWithWebIdentity",
            "arn:aws:iam::123456789012:role/reader",
        ),
        ("GenerateDataKey", "kms:GenerateDataKey", None),
        ("Decrypt", "kms:Decrypt", None),
        ("GetSecretValue", "secretsmanager:GetSecretValue", None),
        ("GetParameter", "ssm:GetParameter", None),
        ("GetTable", "glue:GetTable", None),
        ("UpdateTable", "glue:UpdateTable", None),
        ("GetMetricStatistics", "cloudwatch:GetMetricStatistics", None),
    ],
)
def test_operations_of_other_services(
    lake: S3Connection, operation: str, action: str, resource: str | None
) -> None:
    text = f"An error occurred (AccessDeniedException) when calling the {operation} operation: no"
    error = diagnose(OSError(text), lake, "s3://bucket/")

    assert type(error) is AccessDeniedError
    assert (error.action, error.resource) == (action, resource)


@pytest.mark.parametrize(
    ("request_line", "action", "resource"),
    [
        ("GET https://bucket.s3.eu-west-1.amazonaws.com/?list-type=2&prefix=a", "s3:ListBucket", "bucket"),
        ("GET https://bucket.s3.eu-west-1.amazonaws.com/a/b", "s3:GetObject", "bucket/a/b"),
        ("GET http://host:1/bucket/a%20b%2Fc", "s3:GetObject", "bucket/a b/c"),
        ("HEAD http://host:1/bucket", "s3:ListBucket", "bucket"),
        ("GET http://host:1/bucket?uploads", "s3:ListBucketMultipartUploads", "bucket"),
        ("GET http://host:1/bucket?location", "s3:GetBucketLocation", "bucket"),
        ("PUT http://host:1/bucket/a?partNumber=1&uploadId=x", "s3:PutObject", "bucket/a"),
        ("POST http://host:1/bucket/a?uploadId=x", "s3:PutObject", "bucket/a"),
        ("DELETE http://host:1/bucket/a?uploadId=x", "s3:AbortMultipartUpload", "bucket/a"),
        ("DELETE http://host:1/bucket/a", "s3:DeleteObject", "bucket/a"),
        ("PUT http://host:1/bucket/a?tagging", "s3:PutObjectTagging", "bucket/a"),
    ],
)
def test_requests_of_object_store(lake: S3Connection, request_line: str, action: str, resource: str) -> None:
    text = f"Error performing {request_line} in 1.2ms - Server returned non-2xx status code: 403 Forbidden: "

    denial = find_denial(read_answer(text), lake, "s3://bucket/")

    assert denial is not None
    assert denial.missing == (action, f"arn:aws:s3:::{resource}")


def test_partitions_of_aws(lake: S3Connection) -> None:
    china = lake.model_copy(update={"region": "cn-north-1"})
    text = "An error occurred (AccessDenied) when calling the PutObject operation: None"

    assert diagnose(OSError(text), china, "s3://bucket/a").resource == "arn:aws-cn:s3:::bucket/a"
