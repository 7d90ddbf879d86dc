"""Buckets: which there are, and how much each holds, from CloudWatch where it answers, else by listing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.connection.adapters import boto_buckets
from s3_assets.connection.diagnosis import diagnosed
from s3_assets.connection.environment import address
from s3_assets.errors import S3AssetsError
from s3_assets.explore.usage import answers, usages

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from s3_assets.connection.adapters.boto_buckets import Bucket
    from s3_assets.connection.settings import S3Connection
    from s3_assets.explore.usage import Usage


def list_buckets(connection: S3Connection) -> list[Bucket]:
    """Return the buckets that the connection's credentials see, by name; its own bucket is of no account.

    Raises `AccessDeniedError` where that is not allowed.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    with diagnosed(connection, "s3://", BotoCoreError, ClientError):
        return sorted(boto_buckets.buckets(connection))


def reaching(connection: S3Connection, bucket: str, region: str | None = None) -> S3Connection:
    """Return the connection for another bucket of the same server, in its own region where that is known."""
    there = region if address(connection).endpoint is None else None
    return connection.model_copy(
        update={"url": f"s3://{bucket}/", "region": there or address(connection).region}
    )


def known_usages(
    connection: S3Connection, found: Sequence[Bucket], note: Callable[[str], None]
) -> dict[str, Usage]:
    """Return what CloudWatch tells of some buckets, by their names; `note` is told why it does not."""
    if not answers(connection):
        return {}
    told: dict[str, Usage] = {}
    alone = found[0].name if len(found) == 1 else None
    for region in sorted({each.region or "" for each in found}):
        there = reaching(connection, found[0].name, region or None)
        try:
            told |= usages(there, alone)
        except S3AssetsError as error:
            note(f"CloudWatch does not tell sizes{f' in {region}' if region else ''}: {error.found}")
    return {each.name: told[each.name] for each in found if each.name in told}
