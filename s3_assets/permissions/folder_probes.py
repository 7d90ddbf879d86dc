"""Probes of one folder: each action that reading or writing its table needs, without touching its data.

What is written is one small object below `_s3_assets/permission_check/`, which no reader takes for data, and
only where it may be deleted again: that is tried first, on a key that is not there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from s3_assets.permissions.findings import Finding, Verdict, untested
from s3_assets.permissions.folders import GIVE_ACL
from s3_assets.permissions.storage import ABORT, DECRYPT, DELETE, LIST, MAKE_KEY, PUT, READ, UPLOADS

if TYPE_CHECKING:
    from s3_assets.connection.settings import S3Connection
    from s3_assets.permissions.folders import Folder
    from s3_assets.permissions.requests import Answer, Requests
    from s3_assets.permissions.service import Service

PROBES = "_s3_assets/permission_check/"
_BODY = b"A probe of s3-assets check. It may be deleted.\n"
_LOOKED_AT = 100
# An id that no server gives: who may abort an upload is told that there is none.
_NO_UPLOAD = "s3-assets-permission-check"
_NO_SUCH_UPLOAD = ("NoSuchUpload", "404")
_NO_SUCH_KEY = ("NoSuchKey", "404")
# What is told only to those who may read: there is no first byte, or the object is archived.
_NOTHING_TO_SEND = ("InvalidRange", "InvalidObjectState")
_NO_KEY_KNOWN = "no object is known to read, since the folder cannot be listed"
_NO_404 = (
    "a key that is not there is answered as if it were forbidden, which delta-rs takes for a refusal",
    "Allow s3:ListBucket for requests that name no prefix, too: StringLikeIfExists in place of StringLike.",
)


class FolderProbes:
    """The probes of one folder; each builds on those before."""

    def __init__(
        self, connection: S3Connection, folder: Folder, service: Service, requests: Requests
    ) -> None:
        self._folder = folder
        self._requests = requests
        self._bucket = service.bucket(folder.location.bucket)
        self._read = service.objects(folder.location, exactly=folder.exactly)
        self._written = service.objects(folder.location)
        self._probe = f"{folder.location.key}{PROBES}{uuid4().hex}"
        self._gone = f"{self._probe}-that-is-not-there"
        self._probe_read: Finding | None = None
        # Only Amazon's S3 asks its key service on behalf of the one who asks.
        encryption = connection.encryption
        self._key = encryption.kms_key_id if service.amazon and encryption.server_side == "sse-kms" else None

    def run(self) -> list[Finding]:
        """Return a finding for each action."""
        found, readable = self._listing()
        listed = all(each.verdict is Verdict.OK for each in found)
        if self._folder.written:
            found += self._writing(readable)
        if self._folder.uploads:
            prefix = self._folder.location.key
            found.append(
                self._send(UPLOADS, self._bucket, "list_multipart_uploads", Prefix=prefix, MaxUploads=1)[0]
            )
        found += self._reading(readable, listed=listed)
        told = {each.action for each in found}
        further = [*self._key_used(), *self._undescribed()]
        return [*found, *(each for each in further if each.action not in told)]

    def _listing(self) -> tuple[list[Finding], str | None]:
        """List each prefix, and return the key of an object, one with bytes if there is."""
        key = self._folder.location.key
        named = [prefix for prefix in self._folder.listed if not prefix.endswith("*")]
        found, readable = [], None
        for prefix in dict.fromkeys([*named, key]):
            what = f"{self._bucket} (prefix {prefix})" if prefix else self._bucket
            finding, answer = self._send(LIST, what, "list_objects_v2", Prefix=prefix, MaxKeys=_LOOKED_AT)
            found.append(finding)
            there = (answer or {}).get("Contents", ()) if prefix == key else ()
            largest = max(there, key=lambda each: int(each["Size"]), default=None)
            readable = str(largest["Key"]) if largest else readable
        return found, readable

    def _reading(self, readable: str | None, *, listed: bool) -> list[Finding]:
        """Read an object that is there, and ask for one that is not."""
        first = self._probe_read if readable is None else self._first_byte(readable)
        absent, _ = self._send(READ, self._read, "get_object", fine=_NO_SUCH_KEY, Key=self._gone)
        if first is None:
            unknown = not listed and absent.verdict is Verdict.MISSING
            return [untested(READ, self._read, _NO_KEY_KNOWN) if unknown else absent]
        if listed and first.verdict is Verdict.OK and absent.verdict is Verdict.MISSING:
            return [first, Finding(Verdict.MISSING, LIST, f"{self._bucket} (no prefix)", *_NO_404)]
        return [first]

    def _first_byte(self, key: str) -> Finding:
        finding, answer = self._send(
            READ, self._read, "get_object", fine=_NOTHING_TO_SEND, Key=key, Range="bytes=0-0"
        )
        if answer is not None:
            answer["Body"].close()
        return finding

    def _writing(self, readable: str | None) -> list[Finding]:
        delete, _ = self._send(DELETE, self._written, "delete_object", Key=self._gone)
        abort, _ = self._send(
            ABORT,
            self._written,
            "abort_multipart_upload",
            fine=_NO_SUCH_UPLOAD,
            Key=self._probe,
            UploadId=_NO_UPLOAD,
        )
        if delete.verdict is Verdict.OK:
            return [*self._put(readable), delete, abort]
        if abort.verdict is Verdict.OK:
            return [self._begin_upload(), delete, abort]
        why = delete.told if delete.verdict is Verdict.UNTESTED else "nothing could be taken away again"
        return [untested(PUT, self._written, why), delete, abort]

    def _put(self, readable: str | None) -> list[Finding]:
        """Put the probe, read it if nothing else can tell whether reading works, and delete it."""
        put, answer = self._send(PUT, self._written, "put_object", Key=self._probe, Body=_BODY)
        found = [put]
        if put.action != PUT:
            found.append(untested(PUT, self._written, f"{put.action} was refused first"))
        try:
            if answer is not None and (readable is None or self._key is not None):
                self._probe_read = self._first_byte(self._probe)
            if answer is not None:
                found += map(self._describe, self._folder.described)
        finally:
            if answer is not None:
                removed, _ = self._send(DELETE, self._written, "delete_object", Key=self._probe)
                if removed.verdict is not Verdict.OK:
                    found.append(removed)
        return found

    def _describe(self, action: str) -> Finding:
        """Give the probe an ACL or a tag."""
        if action == GIVE_ACL:
            return self._send(action, self._written, "put_object_acl", Key=self._probe, ACL="private")[0]
        tags = {"TagSet": [{"Key": "s3-assets", "Value": "check"}]}
        return self._send(action, self._written, "put_object_tagging", Key=self._probe, Tagging=tags)[0]

    def _undescribed(self) -> list[Finding]:
        why = "nothing could be written"
        return [untested(action, self._written, why) for action in self._folder.described]

    def _key_used(self) -> list[Finding]:
        """Tell what the probe proves of a key of the user's own; S3 asks for it on our behalf."""
        if self._key is None:
            return []
        if self._probe_read is not None:
            read = self._probe_read
            decrypt = Finding(read.verdict, DECRYPT, self._key, read.told, read.remedy)
            return [Finding(Verdict.OK, MAKE_KEY, self._key), decrypt]
        if not self._folder.written:
            return [untested(DECRYPT, self._key, "no object is known that this key encrypts")]
        return [untested(action, self._key, "nothing could be written") for action in (MAKE_KEY, DECRYPT)]

    def _begin_upload(self) -> Finding:
        """Begin an upload in parts, which asks for the same action, and abort it: no object comes of it."""
        put, answer = self._send(PUT, self._written, "create_multipart_upload", Key=self._probe)
        if answer is not None:
            self._send(
                ABORT, self._written, "abort_multipart_upload", Key=self._probe, UploadId=answer["UploadId"]
            )
        return put

    def _send(
        self, action: str, resource: str, operation: str, *, fine: tuple[str, ...] = (), **parameters: object
    ) -> tuple[Finding, Answer | None]:
        bucket = self._folder.location.bucket
        return self._requests.send(
            action, resource, operation, fine=fine, parameters={"Bucket": bucket, **parameters}
        )
