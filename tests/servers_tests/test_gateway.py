"""The Ceph gateway refuses what it should, and lets in what it is told to."""

from collections.abc import Iterator
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from tests.servers.gateway import Gateway, Keys, Policy, arn_of_user


def fresh(what: str) -> str:
    return f"{what}-{uuid4().hex[:12]}"


def allow(bucket: str, *actions: str) -> Policy:
    resources = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": resources}],
    }


def code(answer: pytest.ExceptionInfo[ClientError]) -> int:
    return int(answer.value.response["ResponseMetadata"]["HTTPStatusCode"])


@pytest.fixture
def lake(rgw: Gateway) -> str:
    """A bucket of the admin's, with one object."""
    name = fresh("lake")
    client = rgw.client()
    client.create_bucket(Bucket=name)
    client.put_object(Bucket=name, Key="data/one", Body=b"1")
    return name


@pytest.fixture
def user(rgw: Gateway) -> Iterator[tuple[str, Keys]]:
    name = fresh("user")
    yield name, rgw.create_user(name)
    rgw.delete_user(name)


def read(client: Any, bucket: str) -> bytes:
    body: bytes = client.get_object(Bucket=bucket, Key="data/one")["Body"].read()
    return body


def test_both_endpoints_answer(rgw: Gateway, lake: str) -> None:
    assert read(rgw.client(), lake) == b"1"
    assert read(rgw.client(tls=True), lake) == b"1"


def test_its_authority_is_private(rgw: Gateway) -> None:
    with pytest.raises(URLError, match="CERTIFICATE_VERIFY_FAILED"):
        urlopen(rgw.tls_endpoint)


def test_a_wrong_secret_is_refused(rgw: Gateway, lake: str) -> None:
    with pytest.raises(ClientError) as refused:
        read(rgw.client(keys=Keys(rgw.admin.key_id, "wrong")), lake)

    assert code(refused) == 403
    assert refused.value.response["Error"]["Code"] == "SignatureDoesNotMatch"


def test_an_unknown_key_is_refused(rgw: Gateway, lake: str) -> None:
    with pytest.raises(ClientError) as refused:
        read(rgw.client(keys=Keys("NOBODY", "secret")), lake)

    assert code(refused) == 403
    assert refused.value.response["Error"]["Code"] == "InvalidAccessKeyId"


def test_a_user_may_do_what_its_policy_says_and_no_more(
    rgw: Gateway, lake: str, user: tuple[str, Keys]
) -> None:
    name, keys = user
    client = rgw.client(keys=keys)

    with pytest.raises(ClientError) as before:
        read(client, lake)
    rgw.put_user_policy(name, allow(lake, "s3:GetObject"))
    allowed = read(client, lake)
    with pytest.raises(ClientError) as writing:
        client.put_object(Bucket=lake, Key="data/two", Body=b"2")
    with pytest.raises(ClientError) as listing:
        client.list_objects_v2(Bucket=lake)
    rgw.delete_user_policy(name)
    with pytest.raises(ClientError) as after:
        read(client, lake)

    assert allowed == b"1"
    assert [code(each) for each in (before, writing, listing, after)] == [403] * 4
    seen = [(request.method, request.status) for request in rgw.requests(name, at_least=5)]
    assert seen == [("GET", 403), ("GET", 200), ("PUT", 403), ("GET", 403), ("GET", 403)]


def test_listing_is_bound_to_a_prefix(rgw: Gateway, lake: str, user: tuple[str, Keys]) -> None:
    name, keys = user
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["s3:ListBucket"],
                "Resource": [f"arn:aws:s3:::{lake}"],
                "Condition": {"StringLike": {"s3:prefix": ["data/*"]}},
            }
        ],
    }
    rgw.put_user_policy(name, policy)
    client = rgw.client(keys=keys)

    listed = client.list_objects_v2(Bucket=lake, Prefix="data/")["Contents"]
    with pytest.raises(ClientError) as outside:
        client.list_objects_v2(Bucket=lake, Prefix="other/")

    assert [each["Key"] for each in listed] == ["data/one"]
    assert code(outside) == 403


def test_a_bucket_policy_lets_a_user_in(rgw: Gateway, lake: str, user: tuple[str, Keys]) -> None:
    name, keys = user
    statement = {**allow(lake, "s3:GetObject")["Statement"][0], "Principal": {"AWS": [arn_of_user(name)]}}
    rgw.put_bucket_policy(lake, {"Version": "2012-10-17", "Statement": [statement]})

    allowed = read(rgw.client(keys=keys), lake)
    rgw.delete_bucket_policy(lake)
    with pytest.raises(ClientError) as after:
        read(rgw.client(keys=keys), lake)

    assert allowed == b"1"
    assert code(after) == 403


def test_a_role_may_do_what_its_policy_says(rgw: Gateway, lake: str, user: tuple[str, Keys]) -> None:
    name, keys = user
    arn = rgw.create_role(fresh("role"), trusted_user=name, policy=allow(lake, "s3:GetObject"))
    session = rgw.assume_role(keys, arn)

    assert read(rgw.client(keys=session), lake) == b"1"
    with pytest.raises(ClientError) as writing:
        rgw.client(keys=session).put_object(Bucket=lake, Key="data/two", Body=b"2")
    with pytest.raises(ClientError) as without_token:
        read(rgw.client(keys=session._replace(token=None)), lake)
    with pytest.raises(ClientError) as another_token:
        read(rgw.client(keys=session._replace(token="another")), lake)
    assert [code(writing), code(without_token), code(another_token)] == [403, 403, 403]


def test_a_role_is_for_those_it_trusts(rgw: Gateway, lake: str, user: tuple[str, Keys]) -> None:
    _, keys = user
    arn = rgw.create_role(fresh("role"), trusted_user="admin", policy=allow(lake, "s3:GetObject"))

    with pytest.raises(ClientError) as refused:
        rgw.assume_role(keys, arn)

    assert code(refused) == 403


def test_a_missing_key_is_told_to_those_who_may_list(rgw: Gateway, lake: str, user: tuple[str, Keys]) -> None:
    name, keys = user

    rgw.put_user_policy(name, allow(lake, "s3:GetObject"))
    with pytest.raises(ClientError) as hidden:
        rgw.client(keys=keys).get_object(Bucket=lake, Key="data/none")
    rgw.put_user_policy(name, allow(lake, "s3:GetObject", "s3:ListBucket"))
    with pytest.raises(ClientError) as told:
        rgw.client(keys=keys).get_object(Bucket=lake, Key="data/none")

    assert [code(hidden), code(told)] == [403, 404]
