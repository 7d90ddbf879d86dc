"""Options of written objects: refused with reasons, or read back from the server with boto3."""

import base64
import hashlib
import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import Any, get_args
from uuid import uuid4

import pytest
from pydantic import ValidationError

from s3_assets.connection import ClientSideEncryption, Encryption, S3Connection
from s3_assets.copier import Copier
from s3_assets.embedded.server import EmbeddedServer
from s3_assets.errors import AccessDeniedError, AclsDisabledError, SettingError, SourceRewrittenError
from s3_assets.object_heads import Heads
from s3_assets.object_options import CannedAcl, ObjectOptions, check_options
from tests.servers.gateway import Gateway
from tests.support.proxy import RequestProxy
from tests.test_uploads import PART, Place

ACLS = get_args(CannedAcl)
AMAZON = S3Connection(name="lake", url="s3://lake/", region="eu-central-1")
BODY = b"rows\n"

Write = Callable[[Place, str, ObjectOptions, bytes], object]


def upload(place: Place, key: str, options: ObjectOptions, body: bytes = BODY) -> None:
    with place.uploads().open(key, options, commit="first") as file:
        file.write(body)
        place.uploads().complete(file.finish())


def put(place: Place, key: str, options: ObjectOptions, body: bytes = BODY) -> None:
    place.uploads().put(key, body, options)


def copy(place: Place, key: str, options: ObjectOptions, body: bytes = BODY, **limits: int) -> None:
    place.put("original", body)
    copier = Copier(place.connection(), place.connection(), **limits)
    copier.copy(Heads(place.connection()).head("original"), key, options, {})
    assert copier.on_server


def copy_parts(place: Place, key: str, options: ObjectOptions, body: bytes = BODY) -> None:
    copy(place, key, options, body, largest_whole=1, part=5 * 1024 * 1024)


def copy_through(place: Place, key: str, options: ObjectOptions, body: bytes = BODY) -> None:
    place.put("original", body)
    copier = Copier(place.connection(), place.connection())
    copier.on_server = False
    copier.copy(Heads(place.connection()).head("original"), key, options, {})


WRITES: list[Write] = [upload, put, copy, copy_parts, copy_through]


@pytest.fixture
def embedded(s3_server: EmbeddedServer, s3_client: Any) -> Place:
    """A bucket with ACLs: since 2023, new ones have none."""
    bucket = f"options-{uuid4().hex[:12]}"
    s3_client.create_bucket(Bucket=bucket, ObjectOwnership="BucketOwnerPreferred")
    return Place(s3_server.endpoint_url, bucket, s3_client)


@pytest.fixture
def ceph(rgw: Gateway) -> Place:
    bucket, client = f"options-{uuid4().hex[:12]}", rgw.client()
    client.create_bucket(Bucket=bucket)
    return Place(rgw.endpoint, bucket, client, *rgw.admin[:2], checksums="when_required")


@pytest.fixture(params=["embedded", "ceph"])
def place(request: pytest.FixtureRequest) -> Place:
    found: Place = request.getfixturevalue(request.param)
    return found


def grants(place: Place, key: str) -> set[tuple[str, str]]:
    found = place.client.get_object_acl(Bucket=place.bucket, Key=key)["Grants"]
    return {(each["Grantee"].get("URI", "owner"), each["Permission"]) for each in found}


@pytest.mark.parametrize("write", WRITES)
def test_canned_acls(embedded: Place, write: Write) -> None:
    check_canned_acls(embedded, write, ACLS)


@pytest.mark.parametrize("write", [upload, copy])
def test_canned_acls_of_ceph(ceph: Place, write: Write) -> None:
    """It does not know what is for Amazon's own services."""
    check_canned_acls(ceph, write, [acl for acl in ACLS if acl != "aws-exec-read"])


def check_canned_acls(place: Place, write: Write, acls: Sequence[Any]) -> None:
    """Look whether each gives the grants that a plain client's object has with it."""
    for acl in acls:
        place.client.put_object(Bucket=place.bucket, Key=f"plain-{acl}", Body=BODY, ACL=acl)
        write(place, acl, ObjectOptions(canned_acl=acl), BODY)

    told = {acl: grants(place, acl) for acl in acls}

    assert told == {acl: grants(place, f"plain-{acl}") for acl in acls}
    assert len(set(map(frozenset, told.values()))) >= 4


EVERYTHING_SAID = ObjectOptions(
    tags={"team name": "sales + öl", "a/b": "", "cost:centre": "1=2@3"},
    metadata={"Source": "orders, 100%", "x-y": ""},
    content_type="text/csv; charset=utf-8",
    content_encoding="gzip",
    content_language="de",
    content_disposition='attachment; filename="orders.csv"',
    cache_control="max-age=3600, private",
)


HEADERS = {
    "ContentType": "text/csv; charset=utf-8",
    "ContentEncoding": "gzip",
    "ContentLanguage": "de",
    "ContentDisposition": 'attachment; filename="orders.csv"',
    "CacheControl": "max-age=3600, private",
}


@pytest.mark.parametrize("write", WRITES)
def test_headers_metadata_and_tags(place: Place, write: Write) -> None:
    write(place, "file", EVERYTHING_SAID, BODY)

    head = place.client.head_object(Bucket=place.bucket, Key="file")
    assert {name: head[name] for name in HEADERS} == HEADERS
    assert own(head) == {"source": "orders, 100%", "x-y": ""}
    assert tags(place, "file") == EVERYTHING_SAID.tags
    assert place.body("file") == BODY


def own(head: dict[str, Any]) -> dict[str, str]:
    return {name: value for name, value in head["Metadata"].items() if name != "s3-assets-commit"}


def tags(place: Place, key: str) -> dict[str, str]:
    found = place.client.get_object_tagging(Bucket=place.bucket, Key=key)
    return {each["Key"]: each["Value"] for each in found.get("TagSet", ())}


@pytest.mark.parametrize("write", WRITES)
def test_storage_class_and_encryption(embedded: Place, write: Write) -> None:
    kms = Encryption(server_side="sse-kms", kms_key_id="alias/exports")

    write(embedded, "plain", ObjectOptions(storage_class="standard_ia"), BODY)
    for key, encryption in {"kms": kms, "s3": Encryption(server_side="sse-s3")}.items():
        write(replace(embedded, more={"encryption": encryption}), key, ObjectOptions(), BODY)

    client, bucket = embedded.client, embedded.bucket
    heads = {key: client.head_object(Bucket=bucket, Key=key) for key in ("plain", "kms", "s3")}
    assert heads["plain"]["StorageClass"] == "STANDARD_IA"
    assert heads["s3"]["ServerSideEncryption"] == "AES256"
    assert heads["kms"]["ServerSideEncryption"] == "aws:kms"
    assert heads["kms"]["SSEKMSKeyId"].endswith("alias/exports")


def crc32(body: bytes) -> bytes:
    return zlib.crc32(body).to_bytes(4)


DIGESTS: dict[str, Callable[[bytes], bytes]] = {
    "crc32": crc32,
    "sha1": lambda body: hashlib.sha1(body, usedforsecurity=False).digest(),
    "sha256": lambda body: hashlib.sha256(body).digest(),
}


@pytest.mark.parametrize("checksum", [*DIGESTS, None])
def test_checksums(embedded: Place, checksum: Any) -> None:
    """What the server keeps of several parts is the checksum of their checksums; crc32 is the usual one."""
    body = bytes(PART) + b"end"
    upload(embedded, "file", ObjectOptions(checksum=checksum), body)
    put(embedded, "small", ObjectOptions(checksum=checksum), BODY)

    digest, name = DIGESTS[checksum or "crc32"], f"Checksum{(checksum or 'crc32').upper()}"
    both = digest(digest(bytes(PART)) + digest(b"end"))
    assert told_checksum(embedded, "file", name) == f"{base64.b64encode(both).decode()}-2"
    assert told_checksum(embedded, "small", name) == base64.b64encode(digest(BODY)).decode()


def told_checksum(place: Place, key: str, name: str) -> object:
    return place.client.head_object(Bucket=place.bucket, Key=key, ChecksumMode="ENABLED")[name]


def test_a_bucket_without_acls(s3_server: EmbeddedServer, s3_client: Any, bucket: str) -> None:
    """It is told before any row was read or sent."""
    place = Place(s3_server.endpoint_url, bucket, s3_client)

    with pytest.raises(AclsDisabledError, match=r"'public-read' is refused.*Leave canned_acl out"):
        place.uploads().open("file", ObjectOptions(canned_acl="public-read"), commit="first")
    with pytest.raises(AclsDisabledError):
        put(place, "file", ObjectOptions(canned_acl="public-read"))
    upload(place, "ours", ObjectOptions(canned_acl="bucket-owner-full-control"))

    assert place.left() == []
    assert place.listed() == ["ours"]


def test_a_bucket_that_blocks_public_acls(embedded: Place) -> None:
    blocked = {"BlockPublicAcls": True, "IgnorePublicAcls": True}
    embedded.client.put_public_access_block(Bucket=embedded.bucket, PublicAccessBlockConfiguration=blocked)

    with pytest.raises(AccessDeniedError, match="a bucket that does not block public ACLs"):
        embedded.uploads().open("file", ObjectOptions(canned_acl="public-read"), commit="first")


@pytest.mark.parametrize("options", [{"storage_class": "COLD"}, {"canned_acl": "aws-exec-read"}])
def test_what_a_server_refuses(ceph: Place, options: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match=next(iter(options.values()))):
        ceph.uploads().open("file", ObjectOptions(**options), commit="first")


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"canned_acl": "public"}, "'public-read'"),
    ({"canned_acl": "log-delivery-write"}, "for buckets"),
    ({"storage_class": "ice cold"}, "GLACIER_IR"),
    ({"tags": {f"tag{number}": "" for number in range(11)}}, "11 tags"),
    ({"tags": {"": "x"}}, "0 characters"),
    ({"tags": {"k" * 129: "x"}}, "129 characters"),
    ({"tags": {"k": "v" * 257}}, "257 characters"),
    ({"tags": {"AWS:k": "v"}}, "for AWS alone"),
    ({"tags": {"k": "a,b"}}, "S3 refuses"),
    ({"metadata": {"a b": "x"}}, "name of a header"),
    ({"metadata": {"größe": "x"}}, "name of a header"),
    ({"metadata": {"size": "groß"}}, "percent-encode"),
    ({"metadata": {"size": "a\nb"}}, "percent-encode"),
    ({"metadata": {"size": " a"}}, "blank"),
    ({"metadata": {"A": "1", "a": "2"}}, "twice"),
    ({"metadata": {"x-amz-meta-a": "1"}}, "leave 'x-amz-meta-' out"),
    ({"metadata": {"s3-assets-commit": "1"}}, "s3-assets notes itself"),
    ({"metadata": {"a": "x" * 1920}}, "1921 bytes"),
    ({"content_type": "csv"}, "media type"),
    ({"content_type": "text/csv; a=ü"}, "media type"),
    ({"content_encoding": "gzip; q=1"}, "content encoding"),
    ({"content_encoding": "gzip, aws-chunked"}, "aws-chunked"),
    ({"cache_control": "a\r\nX-Evil: 1"}, "one line"),
    ({"checksum": "md5"}, "'crc64nvme'"),
    ({"acl": "private"}, "Extra inputs"),
]


@pytest.mark.parametrize(("settings", "told"), REFUSED, ids=[told for _, told in REFUSED])
def test_refused_when_loaded(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(told)):
        ObjectOptions(**settings)


def test_the_limits_themselves_are_taken(embedded: Place) -> None:
    """By us, and by a plain client of the server."""
    most = ObjectOptions(
        tags={f"{number}" + "k" * 127: "v" * 256 for number in range(10)}, metadata={"a": "x" * 1919}
    )
    upload(embedded, "file", most)
    put(embedded, "small", most)

    assert tags(embedded, "file") == tags(embedded, "small") == most.tags
    assert own(embedded.client.head_object(Bucket=embedded.bucket, Key="file")) == most.metadata


def test_what_a_connection_cannot_do() -> None:
    encrypting = AMAZON.model_copy(
        update={"encryption": Encryption(client_side=ClientSideEncryption(kms_key_id="alias/a"))}
    )
    with pytest.raises(SettingError, match="S3 has no storage class 'COLD'"):
        check_options(ObjectOptions(storage_class="COLD"), AMAZON)
    with pytest.raises(SettingError, match="client-side encryption leaves"):
        check_options(ObjectOptions(metadata={"a": "x" * 1500}), encrypting)
    check_options(ObjectOptions(storage_class="COLD"), AMAZON.model_copy(update={"endpoint": "https://ceph"}))
    check_options(ObjectOptions(metadata={"a": "x" * 1500}, checksum="sha256"), AMAZON)


@pytest.mark.skipif(find_spec("awscrt") is not None, reason="awscrt is there")
@pytest.mark.parametrize("checksum", ["crc32c", "crc64nvme"])
def test_checksums_that_need_a_library(checksum: Any) -> None:
    with pytest.raises(SettingError, match=r"boto3\[crt\]"):
        check_options(ObjectOptions(checksum=checksum), AMAZON)


@pytest.mark.parametrize("write", [copy, copy_parts, copy_through])
def test_a_copy_is_as_its_original(place: Place, write: Write) -> None:
    """But for what the options say, and for the marks of who wrote the original."""
    key, body = "a b/é+?.csv", bytes(6 * 1024 * 1024)
    metadata = {"kept": "1", "changed": "1", "s3-assets-media": "others"}
    place.client.put_object(Bucket=place.bucket, Key=key, Body=body, Metadata=metadata, **HEADERS)
    copier = Copier(
        place.connection(), place.connection(), largest_whole=1 if write is copy_parts else len(body)
    )
    copier.on_server = write is not copy_through
    options = ObjectOptions(metadata={"changed": "2"}, content_type="text/plain")
    etag = copier.copy(Heads(place.connection()).head(key), "copy", options, {"s3-assets-media": "ours"})

    head = place.client.head_object(Bucket=place.bucket, Key="copy")
    assert head["ETag"] == etag
    assert {name: head[name] for name in HEADERS} == {**HEADERS, "ContentType": "text/plain"}
    assert own(head) == {"kept": "1", "changed": "2", "s3-assets-media": "ours"}
    assert place.body("copy") == body
    assert place.left() == []


def test_a_copy_keeps_tags_on_the_server(embedded: Place) -> None:
    """Ceph 16.2 does not."""
    embedded.client.put_object(Bucket=embedded.bucket, Key="original", Body=BODY, Tagging="a=b%20c")
    head = Heads(embedded.connection()).head("original")
    for limit in (1, 100):
        copier = Copier(embedded.connection(), embedded.connection(), largest_whole=limit)
        copier.copy(head, f"copy-{limit}", ObjectOptions(), {})

    assert tags(embedded, "copy-1") == tags(embedded, "copy-100") == {"a": "b c"}


@pytest.mark.parametrize("write", [copy, copy_parts, copy_through])
def test_an_original_that_was_changed(place: Place, write: Write) -> None:
    place.put("original", b"old")
    head = Heads(place.connection()).head("original")
    place.put("original", b"new")
    copier = Copier(place.connection(), place.connection(), largest_whole=1 if write is copy_parts else 100)
    copier.on_server = write is not copy_through

    with pytest.raises(SourceRewrittenError, match="original"):
        copier.copy(head, "copy", ObjectOptions(), {})

    assert place.left() == []


def test_a_target_whose_keys_may_not_read_the_source(ceph: Place, rgw: Gateway) -> None:
    """Its objects come through this machine, once that was found out."""
    bucket = f"theirs-{uuid4().hex[:12]}"
    user = f"user-{uuid4().hex[:12]}"
    keys = rgw.create_user(user)
    theirs = rgw.client(keys=keys)
    theirs.create_bucket(Bucket=bucket)
    target = replace(ceph, bucket=bucket, client=theirs, key_id=keys.key_id, secret=keys.secret)
    for key in ("one", "two"):
        ceph.put(key, key.encode())
    copier, heads = Copier(ceph.connection(), target.connection()), Heads(ceph.connection())
    told = []
    for key in ("one", "two"):
        copier.copy(heads.head(key), key, ObjectOptions(), {})
        told.append(copier.on_server)

    assert told == [False, False]
    assert {key: target.body(key) for key in target.listed()} == {"one": b"one", "two": b"two"}


def test_between_two_servers(embedded: Place, ceph: Place) -> None:
    body = bytes(range(256)) * 65_537
    ceph.client.put_object(Bucket=ceph.bucket, Key="original", Body=body)
    copier = Copier(ceph.connection(), embedded.connection())
    copier.copy(Heads(ceph.connection()).head("original"), "copy", ObjectOptions(tags={"a": "b"}), {})

    assert not copier.on_server
    assert embedded.body("copy") == body
    assert tags(embedded, "copy") == {"a": "b"}


def test_requests_of_a_copy(embedded: Place) -> None:
    embedded.put("original", BODY)
    with RequestProxy(embedded.endpoint) as proxy:
        there = embedded.connection(endpoint=proxy.endpoint)
        head, copier = Heads(there).head("original"), Copier(there, there)
        proxy.reset()
        copier.copy(head, "copy", ObjectOptions(), {})

        assert [(request.method, request.path) for request in proxy.requests()] == [
            ("PUT", f"/{embedded.bucket}/copy")
        ]
