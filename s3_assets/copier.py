"""Copies of objects from one connection to another: on the server where it can, else through this machine."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

from s3_assets.connection.adapters import boto_writes
from s3_assets.connection.environment import address
from s3_assets.dropped_options import give_dropped_options, is_amazon
from s3_assets.errors import AccessDeniedError, EncryptionError
from s3_assets.object_options import check_options
from s3_assets.object_requests import changed_source, told
from s3_assets.objects import Objects
from s3_assets.threads import ThreadPoolExecutor
from s3_assets.uploads import Uploads

if TYPE_CHECKING:
    from collections.abc import Mapping

    from s3_assets.connection.adapters.boto_writes import Source
    from s3_assets.connection.settings import S3Connection
    from s3_assets.object_heads import Head
    from s3_assets.object_options import ObjectOptions
    from s3_assets.pending import Pending, SentPart

_MIB = 1024 * 1024
# CopyObject takes 5 GiB at most, and answers when it is done: parts are copied several at a time.
_LARGEST_WHOLE = 1024 * _MIB
_PART = 256 * _MIB
# Amazon S3 User Guide, "Multipart upload limits".
_MOST_PARTS = 10_000
_AT_ONCE = 8
_SMALL = 8 * _MIB


class Copier:
    """Copies objects from `source` to `target`; may be used by several threads."""

    def __init__(
        self,
        source: S3Connection,
        target: S3Connection,
        *,
        largest_whole: int = _LARGEST_WHOLE,
        part: int = _PART,
    ) -> None:
        self._source = source
        self._target = target
        self._largest_whole = largest_whole
        self._part = part
        self._uploads = Uploads(target)
        self.on_server = _one_server(source, target)
        """Whether the bytes stay on the server; not any more, once the target's keys may not read there."""
        self._amazon = is_amazon(target)

    def copy(self, head: Head, key: str, options: ObjectOptions, marks: Mapping[str, str]) -> str:
        """Copy one object of the source to a key of the target, over what is there; return the ETag.

        Headers and user metadata are those of `head` where `options` say nothing else; `marks` join the
        metadata. Tags are kept on the server, and lost on the way through this machine, unless `options` have
        some. Raises `SourceRewrittenError` if the object is not the one that had `head.etag`.
        """
        options = options.over(head, marks)
        check_options(options, self._target)
        if self.on_server:
            try:
                return self._copy_on_server(head, key, options)
            except AccessDeniedError:
                # The target's keys may not read the source, or not write; the other way tells which.
                etag = self._copy_through(head, key, options)
                self.on_server = False
                return etag
        return self._copy_through(head, key, options)

    def _copy_on_server(self, head: Head, key: str, options: ObjectOptions) -> str:
        source = (self._source.location.bucket, head.key, head.etag)
        if head.size > self._largest_whole:
            if not self._amazon and "%" in head.key:
                # Ceph 16.2 takes 'a%2Fb' for 'a/b' there.
                return self._copy_through(head, key, options)
            return self._copy_parts(head, source, key, options)
        parameters = options.parameters()
        parameters["Metadata"] = {**parameters.get("Metadata", {}), **head.encryption}
        if options.tags:
            parameters["TaggingDirective"] = "REPLACE"
        with told(self._target, key, options, copied=self._url(head)):
            etag = boto_writes.copy(self._target, source, key, parameters)
        if not self._amazon:
            if etag != head.etag:
                self._check_unchanged(head)
            give_dropped_options(self._target, key, options.tags, None)
        return etag

    def _copy_parts(self, head: Head, source: Source, key: str, options: ObjectOptions) -> str:
        if not options.tags:
            with told(self._source, head.key):
                options = options.model_copy(update={"tags": boto_writes.tags_of(self._source, head.key)})
        begun = self._uploads.begin(key, options, commit=_commit(), more=head.encryption)
        try:
            parts = self._copied_parts(head, source, begun)
            if not self._amazon:
                self._check_unchanged(head)
        except BaseException:
            self._uploads.abort(key, begun.upload_id)
            raise
        return self._uploads.complete(replace(begun, parts=parts, bytes=head.size))

    def _copied_parts(self, head: Head, source: Source, begun: Pending) -> tuple[SentPart, ...]:
        size = max(self._part, -(-head.size // _MOST_PARTS))

        def one(start: int) -> SentPart:
            span = (start, min(start + size, head.size))
            with told(self._target, begun.key, copied=self._url(head)):
                return boto_writes.copy_part(
                    self._target, source, begun.key, begun.upload_id, start // size + 1, span
                )

        with ThreadPoolExecutor(min(_AT_ONCE, self._target.transport.max_connections)) as pool:
            return tuple(pool.map(one, range(0, head.size, size)))

    def _check_unchanged(self, head: Head) -> None:
        """Look at the source again: Ceph 16.2 ignores the condition of a copy."""
        if head.etag and Objects(self._source).head(head.key).etag != head.etag:
            raise changed_source(self._url(head)).at(connection=self._source.name)

    def _copy_through(self, head: Head, key: str, options: ObjectOptions) -> str:
        source = Objects(self._source)
        options = self._with_encryption(head, options, decrypted=source.encrypts)
        chunks = source.stream(head.key, _SMALL, etag=head.etag)
        if head.size <= _SMALL:
            return self._uploads.put(key, b"".join(chunks), options)
        with self._uploads.open(key, options, commit=_commit()) as file:
            for chunk in chunks:
                file.write(chunk)
            return self._uploads.complete(file.finish())

    def _with_encryption(self, head: Head, options: ObjectOptions, *, decrypted: bool) -> ObjectOptions:
        """Keep with what is encrypted what it is decrypted with."""
        if decrypted or not head.encryption:
            return options
        if self._target.encryption.client_side is not None:
            raise EncryptionError(
                "the object is encrypted on the client, and would be encrypted once more",
                remedy="Give the source's connection encryption.client_side, or take it from the target's.",
                connection=self._source.name,
                location=self._url(head),
            )
        return options.model_copy(update={"metadata": {**options.metadata, **head.encryption}})

    def _url(self, head: Head) -> str:
        return f"s3://{self._source.location.bucket}/{head.key}"


def _one_server(source: S3Connection, target: S3Connection) -> bool:
    """Tell whether a server can copy from one bucket to the other, and leave what is encrypted readable."""
    here, there = address(source), address(target)
    return (here.endpoint, here.domain) == (
        there.endpoint,
        there.domain,
    ) and source.encryption.client_side == target.encryption.client_side


def _commit() -> str:
    # Begins like no export's: a copy is nobody's file.
    return f"/{uuid4().hex}"
