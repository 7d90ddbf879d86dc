"""Where requests go: what the connection says, and what the environment says where it is silent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from s3_assets.connection.ambient import variable, with_ambient_settings, without_ambient_settings
from s3_assets.connection.regions import region_of_endpoint

if TYPE_CHECKING:
    from s3_assets.connection.settings import S3Connection

__all__ = ["Address", "address", "without_ambient_settings"]

_FALLBACK_REGION = "us-east-1"
_AMAZON = (".amazonaws.com", ".amazonaws.com.cn")


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
    def url(self) -> str:
        """Where the requests of this bucket really go, AWS's own endpoint included."""
        if self.bucket_endpoint is not None:
            return self.bucket_endpoint
        bucket = f"{self.bucket}." if self.virtual_hosted else ""
        return f"https://{bucket}s3.{self.region}.{self.domain}"

    @property
    def domain(self) -> str:
        """The domain of AWS's own endpoints in that region."""
        return "amazonaws.com.cn" if self.region.startswith("cn-") else "amazonaws.com"

    @property
    def amazon(self) -> bool:
        """Whether it is Amazon's own S3."""
        host = urlsplit(self.endpoint).hostname if self.endpoint else None
        return not self.endpoint or (host or "").endswith(_AMAZON)

    @property
    def plain_http(self) -> bool:
        """Whether the endpoint says http."""
        return self.endpoint is not None and self.endpoint.startswith("http://")


def address(connection: S3Connection) -> Address:
    """Resolve endpoint and region once, so that every engine is told the same.

    The endpoint is the connection's or the one that AWS's variables and shared files name; the region is the
    connection's, the endpoint's, the AWS chain's, or us-east-1, in this order.
    """
    endpoint = connection.endpoint or _chain_endpoint(connection)
    host = urlsplit(endpoint).hostname if endpoint else None
    region = connection.region or (region_of_endpoint(host) if host else None) or _chain_region(connection)
    virtual = connection.virtual_hosted
    if connection.endpoint is None and endpoint and connection.addressing_style == "auto":
        virtual = False
    return Address(connection.location.bucket, endpoint, region or _FALLBACK_REGION, virtual)


def _chain_endpoint(connection: S3Connection) -> str | None:
    from botocore.configprovider import ConfiguredEndpointProvider

    from s3_assets.connection.sessions import chain_session

    with with_ambient_settings():
        session = chain_session(connection)
        if session.get_config_variable("ignore_configured_endpoint_urls"):
            return None
        found = ConfiguredEndpointProvider(
            full_config=session.full_config, scoped_config=session.get_scoped_config(), client_name="s3"
        ).provide()
    return str(found).rstrip("/") if found else None


def _chain_region(connection: S3Connection) -> str | None:
    from s3_assets.connection.sessions import chain_session

    if region := variable("AWS_REGION"):
        return region
    with with_ambient_settings():
        region = chain_session(connection).get_config_variable("region")
    return str(region) if region else None
