"""What reading and writing tables needs: the requests of our engines, as actions.

    listing, also by the engines          s3:ListBucket      GET ?list-type=2; without it, 403 in place of 404
    data, logs, cursors, footers          s3:GetObject       GET and HEAD
    parts, logs, cursors, copies          s3:PutObject       PUT, also by copy and in several parts
    leftovers, replaced files, marks      s3:DeleteObject    DELETE and POST ?delete
    uploads that were broken off          s3:AbortMultipartUpload   DELETE ?uploadId, by delta-rs and obstore
    uploads that a run left               s3:ListBucketMultipartUploads  GET ?uploads, by exports and copies
    ACLs of files, where one is asked for s3:PutObjectAcl    with the upload, or PUT ?acl
    tags of files, where some are         s3:PutObjectTagging    with the upload, or PUT ?tagging

Nothing asks for the bucket's region. Sizes of whole buckets, which `s3-assets du` tells, are no part of this:

    all buckets                           s3:ListAllMyBuckets
    what CloudWatch knows of them         cloudwatch:ListMetrics, cloudwatch:GetMetricData
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from s3_assets.permissions.documents import Statement
from s3_assets.permissions.service import literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from s3_assets.connection.transport import Encryption
    from s3_assets.permissions.folders import Folder
    from s3_assets.permissions.service import Service

LIST, READ = "s3:ListBucket", "s3:GetObject"
PUT, DELETE, ABORT = "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"
WRITE = (PUT, DELETE, ABORT)
UPLOADS = "s3:ListBucketMultipartUploads"
MAKE_KEY, DECRYPT = "kms:GenerateDataKey", "kms:Decrypt"
BUCKETS = "s3:ListAllMyBuckets"
METRICS = ("cloudwatch:ListMetrics", "cloudwatch:GetMetricData")
_KEY_ID = re.compile(r"^(?:mrk-)?[0-9a-f-]{32,36}$")


def statements(folders: Sequence[Folder], service: Service) -> Iterator[Statement]:
    """Yield what the folders of one bucket need."""
    bucket = service.bucket(folders[0].location.bucket)
    read = _outermost(folders)
    yield Statement("ListTables", (LIST,), (bucket,), _only(read, service))
    objects = _unique(service.objects(each.location, exactly=each.exactly) for each in read)
    yield Statement("ReadTables", (READ,), objects)
    # What is written is the folder itself, whatever is read with it.
    written = _outermost(replace(each, exactly=True) for each in folders if each.written)
    if not written:
        return
    yield Statement("WriteTables", WRITE, _unique(service.objects(each.location) for each in written))
    if any(each.uploads for each in folders):
        # It knows no condition on prefixes.
        yield Statement("ListUploads", (UPLOADS,), (bucket,))
    for action in dict.fromkeys(action for each in folders for action in each.described):
        described = (each.location for each in folders if action in each.described)
        yield Statement("DescribeFiles", (action,), _unique(map(service.objects, described)))
    if not service.amazon:
        # Ceph asks for it on the bucket before it looks at the objects of a POST ?delete. No object has the
        # bucket's ARN: nothing more is allowed by it.
        yield Statement("DeleteSeveralAtOnce", (DELETE,), (bucket,))


def size_statements(service: Service, *, metrics: bool) -> Iterator[Statement]:
    """Yield what the sizes of whole buckets need: neither service knows an ARN for what is asked of it."""
    yield Statement("ListBuckets", (BUCKETS,), ("*",))
    if metrics or service.amazon:
        yield Statement("ReadSizes", METRICS, ("*",))


def _only(folders: Sequence[Folder], service: Service) -> dict[str, dict[str, tuple[str, ...]]]:
    """Limit listings to the folders, unless one of them is the whole bucket."""
    if any(not folder.listed for folder in folders):
        return {}
    prefixes = _unique(
        literal(prefix.removesuffix("*")) + ("*" if prefix.endswith("*") else "")
        for folder in folders
        for prefix in folder.listed
    )
    # Amazon's S3 answers 404 for a key that is not there if its own name, as a prefix, may be listed; without
    # that 404 delta-rs opens no table. Ceph knows no prefix then, and a condition that must find one refuses:
    # there, a listing that names no prefix has to be let through as well.
    return {"StringLike" if service.amazon else "StringLikeIfExists": {"s3:prefix": prefixes}}


def _outermost(folders: Iterable[Folder]) -> list[Folder]:
    """Return the folders without those that lie in another one."""
    found = list(folders)
    around = {each.location.key for each in found if each.exactly}
    return [each for each in found if not any(above in around for above in _above(each.location.key))]


def _above(key: str) -> Iterator[str]:
    """Yield the keys of the folders around this one, the bucket's root first."""
    parts = key.split("/")[:-1]
    return ("".join(f"{part}/" for part in parts[:depth]) for depth in range(len(parts)))


def _unique(items: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(items))


def encryption_statements(encryption: Encryption, service: Service, *, written: bool) -> Iterator[Statement]:
    """Yield what the KMS key needs that S3 uses on our behalf; the account's own key for S3 needs nothing."""
    if encryption.server_side != "sse-kms" or encryption.kms_key_id is None:
        return
    resource, condition = _key(encryption.kms_key_id, service)
    through_s3 = {"kms:ViaService": f"s3.{service.region}.{service.domain}"}
    yield Statement(
        "EncryptTables" if written else "DecryptTables",
        # An object in several parts is decrypted while it is put together.
        (MAKE_KEY, DECRYPT) if written else (DECRYPT,),
        (resource,),
        {"StringEquals": through_s3, **condition},
    )


def client_side_statements(encryption: Encryption, service: Service) -> Iterator[Statement]:
    """Yield what the S3 Encryption Client asks of KMS itself, for raw objects."""
    if encryption.client_side is None:
        return
    resource, condition = _key(encryption.client_side.kms_key_id, service, encryption.client_side.kms_region)
    yield Statement("EncryptRawObjects", (MAKE_KEY, DECRYPT), (resource,), condition)


def _key(key: str, service: Service, region: str | None = None) -> tuple[str, dict[str, dict[str, str]]]:
    """Return the ARN of a key, and the condition that tells one that is named by its alias alone."""
    if key.startswith("arn:"):
        before, found, alias = key.partition(":alias/")
        if not found:
            return key, {}
        return f"{before}:key/*", _aliased(f"alias/{alias}")
    if _KEY_ID.match(key):
        return service.of("kms", f"key/{key}", region), {}
    return service.of("kms", "key/*", region), _aliased(key)


def _aliased(alias: str) -> dict[str, dict[str, str]]:
    # AWS KMS Developer Guide, "Use aliases to control access to KMS keys".
    return {"ForAnyValue:StringEquals": {"kms:ResourceAliases": alias}}
