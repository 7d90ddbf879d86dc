"""Objects that are encrypted before they are sent, and decrypted here, by AWS's own S3 Encryption Client.

Whole objects alone: what is encrypted has no ranges that could be read, so no engine of tables can follow.
"""

from __future__ import annotations

from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from s3_assets.connection.adapters import boto
from s3_assets.connection.diagnosis import diagnose
from s3_assets.errors import (
    AccessDeniedError,
    EncryptionError,
    S3AssetsError,
    SettingError,
    ThrottledError,
    UnreachableError,
)
from s3_assets.made_once import made_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from botocore.exceptions import ClientError

    from s3_assets.connection.settings import S3Connection

# Longer bodies go up in parts, of which one is in memory; S3 allows 10,000 of them.
_PART = 16 * 1024 * 1024
# AWS KMS API Reference, the errors of "GenerateDataKey" and "Decrypt".
_KEYS = {
    "NotFoundException": ("does not exist there", "Check kms_key_id and kms_region."),
    "DisabledException": ("is disabled", "Enable it, or name another."),
    "KMSInvalidStateException": ("is not ready for use", "Look at its state; it may be about to be deleted."),
    "IncorrectKeyException": ("is another than the object was encrypted with", "Set kms_key_id to that key."),
    "InvalidCiphertextException": ("did not encrypt the object", "Set kms_key_id to the key that did."),
}


def put(
    connection: S3Connection, key: str, body: bytes | BinaryIO, parameters: Mapping[str, Any] | None = None
) -> str:
    """Encrypt the body, write it over what is there, and return its ETag.

    A file is read and sent in parts; `parameters` are more of PutObject's and CreateMultipartUpload's.
    """
    with _told(connection, key) as client:
        file = BytesIO(body) if isinstance(body, bytes) else body
        # A file may hand out less than it was asked for, before its end.
        start = _Resumed(b"", file).read(_PART)
        bucket, more = connection.location.bucket, parameters or {}
        if len(start) < _PART:
            answer = client.objects.put_object(Bucket=bucket, Key=key, Body=start, **more)
        else:
            answer = client.objects.upload_fileobj(
                _Resumed(start, file), bucket, key, multipart_chunksize=_PART, **more
            )
    etag: str = answer["ETag"]
    return etag


def put_if_absent(connection: S3Connection, key: str, body: bytes) -> bool:
    """Encrypt the body and write it unless there is an object; tell whether it was written."""
    with _told(connection, key) as client:
        try:
            client.objects.put_object(Bucket=connection.location.bucket, Key=key, Body=body, IfNoneMatch="*")
        except client.failures as error:
            answer = _answer(error)
            if answer is not None and answer.response["Error"].get("Code") == "PreconditionFailed":
                return False
            raise
    return True


def get(connection: S3Connection, key: str) -> bytes:
    """Return the whole object, decrypted; nothing of it before all of it is proved to be genuine."""
    with _told(connection, key) as client:
        body: bytes = client.objects.get_object(Bucket=connection.location.bucket, Key=key)["Body"].read()
        return body


class Cipher(NamedTuple):
    """The encryption of one object that is sent in parts; its user metadata say how it is decrypted."""

    metadata: dict[str, str]
    seal: Callable[[int, bytes | bytearray, bool], bytes]
    """Takes a part's number from 1, the part, and whether it is the last; parts come in their order."""


def cipher(connection: S3Connection, key: str) -> Cipher:
    """Return the encryption of a new object, with a data key of its own."""
    with _told(connection, key) as client:
        from s3_encryption.pipelines import MultipartUploadPipeline

        # Its client's own uploads end in the process that began them, and travel one part at a time.
        config = client.objects.config
        pipeline = MultipartUploadPipeline(config.cmm, config.encryption_algorithm)
    return Cipher(pipeline.metadata, pipeline.encrypt_part)


class _Client(NamedTuple):
    """AWS's encryption client, what it and botocore raise, and where KMS is."""

    objects: Any
    failures: tuple[type[Exception], ...]
    kms_url: str


@made_once(256)
def _client(connection: S3Connection) -> _Client:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        from s3_encryption import S3EncryptionClient, S3EncryptionClientConfig
        from s3_encryption.materials.kms_keyring import KmsKeyring
    except ImportError as error:
        raise SettingError(
            "encryption.client_side needs AWS's S3 Encryption Client, which is not installed",
            remedy="Install s3-assets[client-side-encryption].",
        ) from error
    settings = connection.encryption.client_side
    if settings is None:
        raise SettingError("the connection has no encryption.client_side", remedy="Name its KMS key there.")
    elsewhere = {"region": settings.kms_region} if settings.kms_region else {}
    keys = boto.client(connection.model_copy(update=elsewhere), "kms")
    config = S3EncryptionClientConfig(KmsKeyring(keys, settings.kms_key_id))
    # It hooks the client that it is given, so it gets one of its own.
    objects = S3EncryptionClient(boto.client(connection, transfers=True), config)
    return _Client(objects, (BotoCoreError, ClientError), keys.meta.endpoint_url)


class _Resumed:
    """A file whose beginning has been read already."""

    def __init__(self, start: bytes, rest: BinaryIO) -> None:
        self._start = start
        self._rest = rest

    def read(self, size: int) -> bytes:
        """Return exactly that many bytes until the end: every part but the last has one size."""
        found = [self._start[:size]]
        self._start = self._start[size:]
        missing = size - len(found[0])
        while missing and (more := self._rest.read(missing)):
            found.append(more)
            missing -= len(more)
        return b"".join(found)


@contextmanager
def _told(connection: S3Connection, key: str) -> Iterator[_Client]:
    """Hand out the client, and turn what it raises into ours."""
    location = f"s3://{connection.location.bucket}/{key}"
    try:
        client = _client(connection)
    except S3AssetsError as error:
        raise error.at(connection=connection.name, location=location) from error.__cause__
    try:
        yield client
    except client.failures as error:
        # Not chained: the texts may quote what was sent.
        raise _typed(error, connection, client, location) from None


def _typed(error: BaseException, connection: S3Connection, client: _Client, location: str) -> S3AssetsError:
    place = {"connection": connection.name, "location": location}
    answer = _answer(error)
    if answer is not None and answer.operation_name in {"GenerateDataKey", "Decrypt"}:
        return _key_failure(answer, connection).at(**place)
    if answer is not None:
        return diagnose(answer, connection, location)
    cause = error.__cause__ or error
    if str(getattr(cause, "kwargs", {}).get("endpoint_url", "")).startswith(client.kms_url):
        return UnreachableError(
            f"KMS does not answer at {client.kms_url}",
            remedy="Check service_endpoints.kms, kms_region and the network.",
            **place,
        )
    if type(cause).__module__.startswith("botocore"):
        return diagnose(cause, connection, location)
    from s3_assets.connection.redaction import redact

    return EncryptionError(
        f"the object cannot be encrypted or decrypted: {redact(str(error), connection)}",
        remedy="Check encryption.client_side.kms_key_id; an object that was written without encryption is "
        "read through a connection without it.",
        **place,
    )


def _answer(error: BaseException | None) -> ClientError | None:
    """Return the answer of a server that the encryption client has wrapped."""
    from botocore.exceptions import ClientError

    while error is not None and not isinstance(error, ClientError):
        error = error.__cause__
    return error


def _key_failure(answer: ClientError, connection: S3Connection) -> S3AssetsError:
    settings = connection.encryption.client_side
    key = settings.kms_key_id if settings is not None else ""
    code = answer.response["Error"].get("Code", "")
    action = f"kms:{answer.operation_name}"
    if code in {"AccessDeniedException", "AccessDenied"}:
        return AccessDeniedError(
            f"{action} is denied on the KMS key '{key}'",
            remedy=f"Attach a policy that allows {action} on this key, and look at the key's own policy.",
        )
    if code in {"ThrottlingException", "LimitExceededException"}:
        return ThrottledError(
            "KMS asks to slow down", remedy="Run it again later, or raise transport.max_retries."
        )
    found, remedy = _KEYS.get(code, (f"cannot be used ({code})", f"Check it, and that {action} is allowed."))
    return EncryptionError(f"the KMS key '{key}' {found}", remedy=remedy)
