"""Files that are sent now and appear later: multipart uploads that whoever commits them completes.

A connection that encrypts on the client has its files encrypted part by part, as they are sent.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from s3_assets.connection import client_side
from s3_assets.connection.adapters import boto_uploads, boto_writes
from s3_assets.connection.adapters.boto_uploads import Open as OpenUpload
from s3_assets.dropped_options import give_dropped_options, is_amazon
from s3_assets.errors import AccessError, KeyTakenError, ObjectMissingError, ServerFailureError
from s3_assets.object_options import COMMIT_NAME, check_options
from s3_assets.object_requests import told
from s3_assets.pending import Pending, SentPart
from s3_assets.pending_file import PendingFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

    from s3_assets.connection.client_side import Cipher
    from s3_assets.connection.settings import S3Connection
    from s3_assets.object_options import ObjectOptions

__all__ = ["OpenUpload", "Pending", "PendingFile", "SentPart", "Uploads"]

_TRIES = 3


class Uploads:
    """The multipart uploads of one connection's bucket; every key counts from the bucket's root."""

    def __init__(self, connection: S3Connection) -> None:
        self._connection = connection

    @cached_property
    def _amazon(self) -> bool:
        return is_amazon(self._connection)

    def open(self, key: str, options: ObjectOptions, *, commit: str) -> PendingFile:
        """Begin an upload, and return the file to write.

        `commit` goes into the object's user metadata as `s3-assets-commit`: by it, `complete` knows what it
        has done before. Raises `AclsDisabledError` for a canned ACL that the bucket does not take, and
        `SettingError` for what this connection cannot do; no data was sent then.
        """
        cipher = None
        if self._connection.encryption.client_side is not None:
            cipher = client_side.cipher(self._connection, key)
        begun = self.begin(key, options, commit=commit, more=cipher.metadata if cipher else {})
        sender = _Sender(self, self._connection, begun, cipher)
        return PendingFile(sender, self._connection.transport.max_connections)

    def begin(
        self, key: str, options: ObjectOptions, *, commit: str, more: Mapping[str, str] | None = None
    ) -> Pending:
        """Begin an upload whose parts the caller sends; `more` joins the user metadata. Raises as `open`."""
        parameters = self._parameters(options, commit)
        parameters["Metadata"] |= more or {}
        with self._told(key, options):
            upload_id = boto_uploads.create(self._connection, key, parameters)
        begun = Pending(key, upload_id, commit, checksum=parameters.get("ChecksumAlgorithm"))
        if not self._amazon:
            begun = replace(begun, canned_acl=options.canned_acl, tags=options.tags)
        return begun

    def put(self, key: str, body: bytes, options: ObjectOptions, *, commit: str | None = None) -> str:
        """Write a small object at once, over what is there, and return its ETag; raises as `open`."""
        parameters = self._parameters(options, commit)
        if self._connection.encryption.client_side is not None:
            return client_side.put(self._connection, key, body, parameters)
        with self._told(key, options):
            return boto_writes.put(self._connection, key, body, parameters)

    def complete(self, pending: Pending, *, if_absent: bool = False) -> str:
        """Make the object visible, and return its ETag; does nothing to one that this commit has made.

        With `if_absent`, raises `KeyTakenError` if there is an object that another commit put there. Servers
        that may ignore `If-None-Match` are asked just before, which leaves a moment to others. Raises
        `ObjectMissingError` if the upload is gone without having been completed.
        """
        etag = self._completed(pending, if_absent=if_absent)
        give_dropped_options(self._connection, pending.key, pending.tags, pending.canned_acl)
        return etag

    def _completed(self, pending: Pending, *, if_absent: bool) -> str:
        if if_absent and not self._amazon:
            # Who may not look is left with the condition.
            with suppress(AccessError):
                if found := self._head(pending.key):
                    return self._own(found, pending)
        for _ in range(_TRIES):
            with self._told(pending.key):
                etag = boto_uploads.complete(
                    self._connection,
                    pending.key,
                    pending.upload_id,
                    pending.parts,
                    pending.checksum,
                    if_absent=if_absent,
                )
            if etag:
                return etag
            if found := self._head(pending.key):
                return self._own(found, pending)
        raise ObjectMissingError(
            "the upload of a committed file is gone, and the file is not there",
            remedy="Somebody aborted the upload, or a lifecycle rule that aborts incomplete uploads did; let "
            "it wait for some days. Export these rows again.",
            connection=self._connection.name,
            location=self.url(pending.key),
        )

    def abort(self, key: str, upload_id: str) -> None:
        """Have the server forget an upload and its parts; one that is gone is no error."""
        for _ in range(_TRIES):
            with self._told(key):
                if boto_uploads.abort(self._connection, key, upload_id):
                    return
        raise ServerFailureError(
            f"the upload {upload_id} was aborted {_TRIES} times, and is still there",
            remedy="Run it again; if it stays, abort it with 'aws s3api abort-multipart-upload'.",
            connection=self._connection.name,
            location=self.url(key),
        )

    def open_uploads(self, prefix: str) -> Iterator[OpenUpload]:
        """Yield the uploads of keys beginning with `prefix` that are neither completed nor aborted."""
        with self._told(prefix):
            yield from boto_uploads.open_uploads(self._connection, prefix)

    def url(self, key: str) -> str:
        """Return the object's place, as messages name it."""
        return f"s3://{self._connection.location.bucket}/{key}"

    def _parameters(self, options: ObjectOptions, commit: str | None) -> dict[str, Any]:
        check_options(options, self._connection)
        usual = boto_uploads.usual_checksum(self._connection)
        return {
            **({"ChecksumAlgorithm": usual} if usual else {}),
            **options.parameters(commit=commit),
        }

    def _head(self, key: str) -> dict[str, Any] | None:
        with self._told(key):
            return boto_uploads.head(self._connection, key)

    def _own(self, found: dict[str, Any], pending: Pending) -> str:
        """Return the ETag of an object that was found, if this commit has made it."""
        if found["Metadata"].get(COMMIT_NAME) == pending.commit:
            etag: str = found["ETag"]
            return etag
        raise KeyTakenError(
            "there is an object that this commit did not put there",
            remedy="Give the stream keys of its own, or delete the object.",
            connection=self._connection.name,
            location=self.url(pending.key),
        )

    def _told(self, key: str, options: ObjectOptions | None = None) -> AbstractContextManager[None]:
        return told(self._connection, key, options)


class _Sender:
    """Sends the parts of one upload; see `s3_assets.pending_file.Sender`."""

    def __init__(
        self, uploads: Uploads, connection: S3Connection, pending: Pending, cipher: Cipher | None
    ) -> None:
        self._uploads = uploads
        self._connection = connection
        self.begun = pending
        self._cipher = cipher

    def sealed(self, number: int, body: bytearray, *, last: bool) -> bytes | bytearray:
        """Return the part, or its encryption."""
        return body if self._cipher is None else self._cipher.seal(number, body, last)

    def send(self, number: int, body: bytes | bytearray) -> SentPart:
        """Send a part."""
        begun = self.begun
        with told(self._connection, begun.key):
            return boto_uploads.send(
                self._connection, begun.key, begun.upload_id, number, body, begun.checksum
            )

    def abort(self) -> None:
        """Have the server forget the upload."""
        self._uploads.abort(self.begun.key, self.begun.upload_id)
