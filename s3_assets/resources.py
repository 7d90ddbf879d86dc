"""A connection as a Dagster resource, for users who write Python instead of a registry."""

# No postponed annotations here: Dagster reads them when it makes the configuration's schema.
from typing import Literal

import dagster as dg
from pydantic import Field

from s3_assets.connection.settings import S3Connection
from s3_assets.connection.transport import Transport

_LIMITS = Transport()


class DefaultAuthConfig(dg.Config):
    """The AWS chain: environment, shared files, container, instance, web identity."""

    type: Literal["default"] = "default"


class AccessKeyAuthConfig(dg.Config):
    """An access key, with a session token if it is a temporary one; give each as `dg.EnvVar`."""

    type: Literal["access_key"] = "access_key"
    access_key_id: str = Field(repr=False)
    secret_access_key: str = Field(repr=False)
    session_token: str | None = Field(default=None, repr=False)


class ProfileAuthConfig(dg.Config):
    """A named profile of the shared files, also with single sign-on or `credential_process`."""

    type: Literal["profile"] = "profile"
    profile: str


class AnonymousAuthConfig(dg.Config):
    """Unsigned requests, for public buckets."""

    type: Literal["anonymous"] = "anonymous"


class TransportConfig(dg.Config):
    """Time limits in seconds, connections and retries of one request."""

    connect_timeout: float = _LIMITS.connect_timeout
    read_timeout: float = _LIMITS.read_timeout
    max_connections: int = _LIMITS.max_connections
    max_retries: int = _LIMITS.max_retries


class S3ConnectionResource(dg.ConfigurableResource[S3Connection]):
    """How one bucket, or one base path in it, is reached; the fields are those of `S3Connection`.

    Secrets are given as `dg.EnvVar`: Dagster shows other values of a resource to whoever may see its UI.
    """

    name: str = Field(default="s3", description="How messages call this connection.")
    url: str = Field(description="s3://bucket/ or s3://bucket/base/path/")
    endpoint: str | None = Field(default=None, description="URL or host of an S3-compatible server.")
    region: str | None = Field(default=None, description="Left out: the endpoint's, or the AWS chain's.")
    addressing_style: Literal["auto", "path", "virtual"] = "auto"
    auth: DefaultAuthConfig | AccessKeyAuthConfig | ProfileAuthConfig | AnonymousAuthConfig = Field(
        default_factory=DefaultAuthConfig, discriminator="type"
    )
    transport: TransportConfig = Field(default_factory=TransportConfig)
    match_subfolder_exactly: bool = Field(
        default=True, description="True: foo/bar never matches foo/bar_baz/."
    )
    checksums: Literal["when_supported", "when_required"] = "when_supported"

    def connection(self) -> S3Connection:
        """Return the connection, checked; raises pydantic's `ValidationError` that names a wrong field."""
        values = {name: getattr(self, name) for name in S3Connection.model_fields}
        return S3Connection.model_validate(
            {**values, "auth": _plain(self.auth), "transport": _plain(self.transport)}
        )


def _plain(config: dg.Config) -> dict[str, object]:
    return {name: getattr(config, name) for name in type(config).model_fields}
