"""Listings by boto3: they tell an object's storage class, and begin at any prefix, not at a folder alone.

botocore's own reading of a page takes longer than most servers need to answer; the objects are taken out of
the answer before it (the event `before-parse`), and the rest is left to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from s3_assets.connection.adapters import boto
from s3_assets.connection.adapters.listed_objects import take_objects

if TYPE_CHECKING:
    from collections.abc import Iterator

    from s3_assets.connection.adapters.listed_objects import ListedObjects
    from s3_assets.connection.settings import S3Connection

# Under a name of its own: botocore would decode the keys of what it knows once more.
_OBJECTS = "ObjectsAsColumns"
_FIRST_REFUSAL = 300


class FolderColumns(NamedTuple):
    """One page of a folder: the folders in it with their slash, objects, and whether there is more."""

    folders: list[str]
    objects: ListedObjects
    more: bool


def pages(connection: S3Connection, prefix: str, start_after: str | None) -> Iterator[ListedObjects]:
    """Yield the objects whose keys begin with `prefix` and sort after `start_after`, a thousand to a page.

    Raises botocore's errors.
    """
    client = _client_of(connection)
    asked: dict[str, Any] = {"Bucket": connection.location.bucket, "Prefix": prefix}
    if start_after:
        asked["StartAfter"] = start_after
    while True:
        found = client.list_objects_v2(**asked)
        yield found[_OBJECTS]
        if not found.get("IsTruncated"):
            return
        asked["ContinuationToken"] = found["NextContinuationToken"]


def folder_page(
    connection: S3Connection, prefix: str, start_after: str | None, *, deep: bool
) -> FolderColumns:
    """Return one page of what lies below the folder `prefix` and sorts after `start_after`.

    `deep` lists all objects below it, else what lies directly in it. Raises botocore's errors.
    """
    asked: dict[str, Any] = {"Bucket": connection.location.bucket, "Prefix": prefix}
    if not deep:
        asked["Delimiter"] = "/"
    if start_after:
        asked["StartAfter"] = start_after
    client = _client_of(connection)
    found = client.list_objects_v2(**asked)
    while found.get("IsTruncated") and not (len(found[_OBJECTS]) or found.get("CommonPrefixes")):
        # Amazon's page is empty where many deleted objects lie, and names no key to go on behind.
        found = client.list_objects_v2(**asked, ContinuationToken=found["NextContinuationToken"])
    folders = [each["Prefix"] for each in found.get("CommonPrefixes", ())]
    return FolderColumns(folders, found[_OBJECTS], bool(found.get("IsTruncated")))


def restored(connection: S3Connection, key: str) -> bool:
    """Tell whether there is a restored copy of an archived object; raises botocore's errors."""
    head = _client_of(connection).head_object(Bucket=connection.location.bucket, Key=key)
    # Amazon S3 API Reference, "HeadObject", x-amz-restore.
    return 'ongoing-request="false"' in head.get("Restore", "")


def _client_of(connection: S3Connection) -> Any:  # noqa: ANN401 - boto3 makes clients at run time
    return boto.shared_client(connection, _client)


def _client(connection: S3Connection) -> Any:  # noqa: ANN401 - boto3 makes clients at run time
    made = boto.client(connection)
    # The asterisk brings it before botocore's handler of before-parse.s3.*, which parses the whole answer to
    # look whether it is an error.
    made.meta.events.register("before-parse.*.ListObjectsV2", _take_objects)
    return made


def _take_objects(
    response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object
) -> None:
    if response_dict["status_code"] >= _FIRST_REFUSAL:
        return
    taken = take_objects(response_dict["body"])
    if taken is None:
        # botocore has words for an answer that is none, and asks again.
        return
    response_dict["body"] = taken.rest
    customized_response_dict[_OBJECTS] = taken.objects
