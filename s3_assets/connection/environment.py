"""The one place where the connection reads what the environment says of S3."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from s3_assets.connection.regions import region_of_endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from s3_assets.connection.settings import S3Connection

_FALLBACK_REGION = "us-east-1"
# Read by the engines on their own, past what they are told explicitly.
_LEAKS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_PROFILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_SKIP_SIGNATURE",
)
_quiet = threading.RLock()


@dataclass(frozen=True)
class Address:
    """Where requests go: endpoint (none for AWS itself), region, and whether the bucket is in the host."""

    bucket: str
    endpoint: str | None
    region: str
    virtual_hosted: bool

    @property
    def bucket_endpoint(self) -> str | None:
        """The endpoint as object_store wants it: with the bucket in the host if it is virtual-hosted."""
        if self.endpoint is None or not self.virtual_hosted:
            return self.endpoint
        parts = urlsplit(self.endpoint)
        return f"{parts.scheme}://{self.bucket}.{parts.netloc}"

    @property
    def plain_http(self) -> bool:
        """Whether the endpoint says http."""
        return self.endpoint is not None and self.endpoint.startswith("http://")


def address(connection: S3Connection) -> Address:
    """Resolve endpoint and region once, so that every engine is told the same.

    The region is the connection's, the endpoint's, the AWS chain's, or us-east-1, in this order.
    """
    endpoint = (
        connection.endpoint or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    )
    host = urlsplit(endpoint).hostname if endpoint else None
    region = connection.region or (region_of_endpoint(host) if host else None) or _chain_region(connection)
    virtual = connection.virtual_hosted if connection.endpoint or not endpoint else False
    return Address(connection.location.bucket, endpoint, region or _FALLBACK_REGION, virtual)


def _chain_region(connection: S3Connection) -> str | None:
    from s3_assets.connection.credentials import botocore_session

    region = botocore_session(connection).get_config_variable("region")
    return str(region) if region else None


@contextmanager
def without_ambient_settings() -> Iterator[None]:
    """Hide the AWS variables from an engine while it builds its client.

    delta-rs and object_store read them past explicit options: a session token of another identity joins
    our key, another endpoint replaces ours. They read them once, when the client is built.
    """
    with _quiet:
        hidden = {name: os.environ.pop(name) for name in _LEAKS if name in os.environ}
        try:
            yield
        finally:
            os.environ.update(hidden)
