"""Encryption on the client, against a server's KMS: ours reads the text, everybody else sees none of it."""

import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import obstore
import pytest
from obstore.store import S3Store

from s3_assets.connection import (
    AccessKeyAuth,
    ClientSideEncryption,
    Encryption,
    S3Connection,
    ServiceEndpoints,
    Transport,
    client_side,
)
from s3_assets.copier import Copier
from s3_assets.embedded.server import EmbeddedServer
from s3_assets.errors import (
    AccessDeniedError,
    EncryptionError,
    ObjectMissingError,
    RegistryError,
    S3AssetsError,
    SettingError,
    UnreachableError,
    UnsupportedError,
)
from s3_assets.object_heads import Heads
from s3_assets.object_options import ObjectOptions
from s3_assets.objects import Objects
from s3_assets.registry.loading import parse_registry
from s3_assets.uploads import Pending, Uploads
from tests.conftest import boto_client
from tests.support.http_answers import Answering

TEXT = b"nobody else may read this line\n"


@dataclass(frozen=True)
class Vault:
    """A server with KMS, a bucket on it, and what a client without our settings sees."""

    server: EmbeddedServer
    bucket: str
    key_id: str
    other_key_id: str
    plain: Any

    def connection(self, key_id: str | None = None, kms: str | None = None, **more: Any) -> S3Connection:
        return S3Connection(
            name="vault",
            url=f"s3://{self.bucket}/",
            endpoint=self.server.endpoint_url,
            region="us-east-1",
            auth=AccessKeyAuth(access_key_id="test", secret_access_key="not-to-be-seen"),
            transport=Transport(max_retries=0),
            service_endpoints=ServiceEndpoints(kms=kms or self.server.endpoint_url),
            encryption=Encryption(
                client_side=ClientSideEncryption(kms_key_id=key_id or self.key_id, **more),
            ),
        )

    def stored(self, key: str) -> bytes:
        body: bytes = self.plain.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return body


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(tmp_path_factory.mktemp("vault"), services=("s3", "sts", "iam", "kms")) as server:
        yield server


@pytest.fixture
def vault(server: EmbeddedServer) -> Vault:
    keys, plain = boto_client(server, "kms"), boto_client(server)
    bucket = f"vault-{uuid4().hex[:12]}"
    plain.create_bucket(Bucket=bucket)
    made = [keys.create_key()["KeyMetadata"]["KeyId"] for _ in range(2)]
    return Vault(server, bucket, made[0], made[1], plain)


@pytest.fixture
def objects(vault: Vault) -> Objects:
    return Objects(vault.connection())


def test_a_plain_client_sees_ciphertext_and_ours_the_text(vault: Vault, objects: Objects) -> None:
    objects.put("secret.txt", TEXT)

    stored = vault.stored("secret.txt")
    assert not any(TEXT[start : start + 8] in stored for start in range(len(TEXT) - 8))
    assert len(stored) > len(TEXT)
    assert objects.get("secret.txt") == TEXT
    store = S3Store(
        vault.bucket,
        endpoint=vault.server.endpoint_url,
        region="us-east-1",
        access_key_id="test",
        secret_access_key="test",
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
    )
    assert bytes(obstore.get(store, "secret.txt").bytes()) == stored


@pytest.mark.parametrize("size", [0, 1, 16 * 1024 * 1024 - 1, 16 * 1024 * 1024, 40 * 1024 * 1024 + 7])
def test_bodies_of_every_size(vault: Vault, objects: Objects, size: int) -> None:
    body = bytes(range(256)) * (size // 256 + 1)
    body = body[:size]

    objects.put("bytes", body)
    objects.put("file", BytesIO(body))

    assert objects.get("bytes") == body
    assert objects.get("file") == body
    etag = vault.plain.head_object(Bucket=vault.bucket, Key="file")["ETag"]
    assert ("-" in etag) is (size >= 16 * 1024 * 1024), "long bodies go up in parts"


@pytest.mark.parametrize("size", [0, 31, 8 * 1024 * 1024, 16 * 1024 * 1024 + 5])
def test_files_that_appear_when_they_are_completed(vault: Vault, objects: Objects, size: int) -> None:
    """Encrypted part by part while they are written, and completed by whoever has no key."""
    body = (bytes(range(256)) * (size // 256 + 1))[:size]
    options = ObjectOptions(metadata={"owner": "sales"}, tags={"team": "sales"}, content_type="text/csv")
    with Uploads(vault.connection()).open("file", options, commit="first") as file:
        file.write(body)
        sent = file.finish()
    auth = AccessKeyAuth(access_key_id="test", secret_access_key="test")
    plain = S3Connection(
        url=f"s3://{vault.bucket}/", endpoint=vault.server.endpoint_url, region="us-east-1", auth=auth
    )
    assert not objects.exists("file")
    Uploads(plain).complete(Pending.from_json(json.loads(json.dumps(sent.as_json()))), if_absent=True)

    stored = vault.stored("file")
    assert objects.get("file") == body
    assert len(stored) == size + 16, "with the tag that proves it to be genuine"
    assert bytes(range(31)) not in stored, "what every text here has"
    head = vault.plain.head_object(Bucket=vault.bucket, Key="file")
    own = {name: value for name, value in head["Metadata"].items() if not name.startswith("x-amz-")}
    assert own == {"owner": "sales", "s3-assets-commit": "first"}
    assert head["ContentType"] == "text/csv"
    assert vault.plain.get_object_tagging(Bucket=vault.bucket, Key="file")["TagSet"] == [
        {"Key": "team", "Value": "sales"}
    ]
    assert (sent.bytes, sent.sha256) == (size, hashlib.sha256(body).hexdigest())


def test_small_files_with_options(vault: Vault, objects: Objects) -> None:
    Uploads(vault.connection()).put("small", TEXT, ObjectOptions(content_type="text/csv"))

    assert objects.get("small") == TEXT
    assert TEXT[:8] not in vault.stored("small")
    assert vault.plain.head_object(Bucket=vault.bucket, Key="small")["ContentType"] == "text/csv"


def test_copies_of_encrypted_objects(vault: Vault, objects: Objects) -> None:
    """What is copied stays readable: with the key that it has, another, or none."""
    objects.put("secret.txt", TEXT)
    head = Heads(vault.connection()).head("secret.txt")
    encrypting = vault.connection()
    plain = encrypting.model_copy(update={"encryption": Encryption()})
    other = vault.connection(key_id=vault.other_key_id)

    def copied(source: S3Connection, target: S3Connection, key: str) -> bool:
        copier = Copier(source, target)
        copier.copy(head, key, ObjectOptions(), {"s3-assets-media": "ours"})
        return copier.on_server

    assert copied(encrypting, encrypting, "same") is True
    assert copied(plain, plain, "as it is") is True
    assert copied(encrypting, other, "other") is False
    assert copied(encrypting, plain, "decrypted") is False
    assert objects.get("same") == objects.get("as it is") == Objects(other).get("other") == TEXT
    assert vault.stored("decrypted") == TEXT
    with pytest.raises(EncryptionError, match="encrypted once more"):
        copied(plain, encrypting, "twice")


def test_a_key_that_is_not_there_is_told_before_the_upload_begins(vault: Vault) -> None:
    with pytest.raises(EncryptionError, match="does not exist there"):
        Uploads(vault.connection(key_id=str(uuid4()))).open("file", ObjectOptions(), commit="first")

    assert "Uploads" not in vault.plain.list_multipart_uploads(Bucket=vault.bucket)


def test_a_file_that_hands_out_little_at_a_time(objects: Objects) -> None:
    class Slow(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or 0, 5 * 1024 * 1024))

    body = b"0123456789abcdef" * 1024 * 1024 * 2

    objects.put("slow", Slow(body))

    assert objects.get("slow") == body


def test_put_if_absent(vault: Vault, objects: Objects) -> None:
    assert objects.put_if_absent("once", TEXT) is True
    assert objects.put_if_absent("once", b"other") is False

    assert objects.get("once") == TEXT
    assert TEXT not in vault.stored("once")


def test_a_copy_on_the_server_stays_readable(vault: Vault, objects: Objects) -> None:
    objects.put("first", TEXT)

    objects.copy([("first", "second")])

    assert vault.stored("second") == vault.stored("first")
    assert objects.get("second") == TEXT


def test_list_head_and_delete_are_as_ever(vault: Vault, objects: Objects) -> None:
    objects.put("folder/a", TEXT)

    assert [each.key for each in objects.list_objects("folder/")] == ["folder/a"]
    assert objects.head("folder/a").size == len(vault.stored("folder/a"))
    assert objects.delete(["folder/a"]) == 1
    assert not objects.exists("folder/a")


def test_ranges_are_refused(objects: Objects) -> None:
    objects.put("a", TEXT)

    with pytest.raises(UnsupportedError, match=r"as a whole, never a range.*encryption\.server_side"):
        objects.get_tail("a", size=len(TEXT), length=4)


def failure(action: Callable[[], Any], kind: type[S3AssetsError]) -> str:
    with pytest.raises(kind) as caught:
        action()
    assert type(caught.value) is kind
    assert caught.value.connection == "vault"
    assert caught.value.remedy
    assert caught.value.__cause__ is None or kind is SettingError
    assert "not-to-be-seen" not in str(caught.value)
    return str(caught.value)


def test_a_wrong_key(vault: Vault, objects: Objects) -> None:
    objects.put("a", TEXT)
    other = Objects(vault.connection(vault.other_key_id))

    assert "cannot be encrypted or decrypted" in failure(lambda: other.get("a"), EncryptionError)


def test_a_key_that_does_not_exist(vault: Vault) -> None:
    nothing = Objects(vault.connection("11111111-2222-3333-4444-555555555555"))

    assert "KMS key '11111111-" in failure(lambda: nothing.put("a", TEXT), EncryptionError)
    assert "does not exist there" in failure(lambda: nothing.put_if_absent("a", TEXT), EncryptionError)


def test_an_object_that_was_changed(vault: Vault, objects: Objects) -> None:
    objects.put("a", TEXT)
    found = vault.plain.get_object(Bucket=vault.bucket, Key="a")
    body = bytearray(found["Body"].read())
    body[3] ^= 1
    vault.plain.put_object(Bucket=vault.bucket, Key="a", Body=bytes(body), Metadata=found["Metadata"])

    failure(lambda: objects.get("a"), EncryptionError)


def test_an_object_that_was_never_encrypted(vault: Vault, objects: Objects) -> None:
    vault.plain.put_object(Bucket=vault.bucket, Key="a", Body=TEXT)

    told = failure(lambda: objects.get("a"), EncryptionError)
    assert "written without encryption is read through a connection without it" in told


def test_an_object_that_is_not_there(objects: Objects) -> None:
    failure(lambda: objects.get("none"), ObjectMissingError)


def test_kms_refuses(vault: Vault, answering: Callable[..., Answering]) -> None:
    server = answering(400, {"__type": "AccessDeniedException", "Message": "not authorized"})
    denied = Objects(vault.connection(kms=server.url))

    told = failure(lambda: denied.put("a", TEXT), AccessDeniedError)

    assert "kms:GenerateDataKey is denied" in told
    assert vault.plain.list_objects_v2(Bucket=vault.bucket)["KeyCount"] == 0


def test_kms_does_not_answer(vault: Vault) -> None:
    away = Objects(vault.connection(kms="http://127.0.0.1:1"))

    told = failure(lambda: away.put("a", TEXT), UnreachableError)

    assert "KMS does not answer at http://127.0.0.1:1" in told


def test_kms_is_asked_in_its_own_region(vault: Vault, answering: Callable[..., Answering]) -> None:
    server = answering(400, {"__type": "DisabledException", "Message": "off"})
    elsewhere = Objects(vault.connection(kms=server.url, kms_region="eu-west-3"))

    assert "is disabled. Enable it" in failure(lambda: elsewhere.put("a", TEXT), EncryptionError)

    ((target, authorization),) = server.asked
    assert target == "TrentService.GenerateDataKey"
    assert "/eu-west-3/kms/" in authorization


def test_without_the_extra(vault: Vault, objects: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    client_side._client.cache_clear()
    monkeypatch.setitem(sys.modules, "s3_encryption", None)

    told = failure(lambda: objects.put("a", TEXT), SettingError)

    assert "Install s3-assets[client-side-encryption]" in told


@pytest.mark.parametrize(("format", "engines"), [("delta", "Polars and delta-rs"), ("parquet", "Polars")])
def test_a_table_is_refused_when_the_registry_is_loaded(format: str, engines: str) -> None:  # noqa: A002
    text = (
        "connections:\n  vault:\n    url: s3://bucket/\n"
        "    encryption: { client_side: { kms_key_id: alias/lake } }\n"
        f"tables:\n  t: {{ connection: vault, path: t, format: {format} }}\n"
    )

    with pytest.raises(RegistryError) as caught:
        parse_registry(text, Path("registry.yaml"), {})

    (problem,) = caught.value.problems
    assert problem == (
        f"registry.yaml:6:8: tables.t.connection: 'vault' has encryption.client_side, and {engines} cannot "
        f"read or write {format} tables through it; use encryption.server_side, or another connection"
    )
