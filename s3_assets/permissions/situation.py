"""What is in force before the first probe: credentials, endpoint, region and the clock's skew."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from s3_assets.connection.adapters import boto
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
    key_id, expires_at, clock = None, None, None
    try:
        found = credential_source(connection).current()
        if found is not None:
            key_id, expires_at = found.access_key_id, found.expires_at
        clock = _clock(connection)
    except S3AssetsError:
        # The probe of the credentials tells why.
        pass
    way = f"{connection.auth.type}: {base_of(connection)}"
    return Situation(way, key_id, expires_at, where.url, where.region, clock)


def _clock(connection: S3Connection) -> float | None:
    """Compare the time with the `Date` of any answer, also of a refusal; it counts whole seconds."""
    from botocore.exceptions import BotoCoreError, ClientError

    before = datetime.now(UTC)
    try:
        answer = boto.client(connection).head_bucket(Bucket=connection.location.bucket)
    except ClientError as error:
        answer = error.response
    except BotoCoreError:
        return None
    middle = before + (datetime.now(UTC) - before) / 2
    told = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    return None if told is None else (middle - parsedate_to_datetime(told)).total_seconds()
