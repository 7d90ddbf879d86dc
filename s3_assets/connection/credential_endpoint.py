"""A loopback endpoint that hands out credentials, for engines that can only ask for them over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from s3_assets.connection.loopback import ask

if TYPE_CHECKING:
    from s3_assets.connection.settings import S3Connection


@dataclass(frozen=True)
class CredentialUrl:
    """Where one connection's credentials are handed out, and the file that holds the token to show."""

    url: str
    token_file: str


def publish(connection: S3Connection) -> CredentialUrl:
    """Hand out this connection's credentials on loopback for as long as the process lives."""
    published: CredentialUrl = ask("credentials", connection)
    return published
