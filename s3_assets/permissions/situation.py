"""What is in force before the first probe: credentials, endpoint, region and the clock's skew."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from s3_assets.connection.adapters import boto
from s3_assets.connection.auth import AnonymousAuth
from s3_assets.connection.credentials import credential_source
from s3_assets.connection.environment import address
from s3_assets.errors import S3AssetsError
from s3_assets.permissions.identities import base_of

if TYPE_CHECKING:
    from s3_assets.connection.settings import S3Connection

# Amazon S3 API Reference, "RequestTimeTooSkewed".
LARGEST_SKEW = 900.0


@dataclass(frozen=True)
class Situation:
    """What requests are sent with, and where to; nothing of it is secret."""

    way: str
    key_id: str | None
    expires_at: datetime | None
    endpoint: str
    region: str
    clock: float | None
    """Seconds that this machine is ahead of the server; None if the server did not tell its time."""


def situation(connection: S3Connection) -> Situation:
    """Look, with one request for the server's time."""
    where = address(connection)
    found = None
    # Why there are none is told by the probe of the credentials.
    with suppress(S3AssetsError):
        found = credential_source(connection).current()
    way = f"{connection.auth.type}: {base_of(connection)}"
    return Situation(
        way,
        found.access_key_id if found else None,
        found.expires_at if found else None,
        where.url,
        where.region,
        _clock(connection),
    )


def _clock(connection: S3Connection) -> float | None:
    """Compare the time with the `Date` of any answer, also of a refusal; it counts whole seconds.

    The request is not signed: a wrong clock may be why there are no credentials.
    """
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    unsigned = connection.model_copy(update={"auth": AnonymousAuth(), "assume_role": ()})
    client = boto.client(unsigned)
    before = datetime.now(UTC)
    try:
        answer = client.head_bucket(Bucket=connection.location.bucket)
    except ClientError as error:
        answer = error.response
    except (BotoCoreError, ResponseParserError):
        return None
    middle = before + (datetime.now(UTC) - before) / 2
    told = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    try:
        there = parsedate_to_datetime(told or "")
    except ValueError:
        return None
    # HTTP knows no other zone, whatever a server writes there (RFC 9110, "Date/Time Formats").
    return (middle - there.replace(tzinfo=there.tzinfo or UTC)).total_seconds()
