"""How requests travel: time limits, retries, the proxy between, and whose certificates are trusted."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_serializer, field_validator, model_validator

from s3_assets.connection.secrets import Secret, shown

_HOST = re.compile(r"^(?:[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])$")
DEFAULT_CONNECTIONS = 50
# Silence alone would let a server that sends a byte now and then hold a request for days.
_WHOLE_REQUEST = 72


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True, hide_input_in_errors=True)


class Transport(_Part):
    """Time limits in seconds, connections and retries of one request."""

    connect_timeout: float = Field(default=50.0, gt=0, description="Seconds to open a connection.")
    read_timeout: float = Field(default=50.0, gt=0, description="Seconds of silence in an answer.")
    max_connections: int = Field(
        default=DEFAULT_CONNECTIONS, ge=1, le=1000, description="Connections to the server at once."
    )
    max_retries: int = Field(default=3, ge=0, le=20, description="Tries after the first, with backoff.")

    @property
    def whole_request(self) -> float:
        """Seconds of a request with its whole answer, however its bytes trickle in: an hour by default."""
        # Engines refuse more digits than nanoseconds have.
        return round(_WHOLE_REQUEST * self.read_timeout, 3)

    @property
    def gateway_timeout(self) -> float:
        """Seconds of silence for engines behind the gateway, which keeps read_timeout itself and says so."""
        return round(2 * self.read_timeout + self.connect_timeout, 3)


class Proxy(_Part):
    """A forward proxy; without one, HTTP_PROXY, HTTPS_PROXY and NO_PROXY of the environment count."""

    host: str = Field(min_length=1, description="Host name or address.")
    port: int = Field(ge=1, le=65_535, description="Where it listens.")
    protocol: Literal["http", "https"] = Field(
        default="https", description="How the proxy itself is spoken to."
    )
    non_proxy_hosts: tuple[str, ...] = Field(
        default=(), description="Hosts that are reached without it; * stands for any characters."
    )
    username: Secret | None = Field(default=None, repr=False, description="Whom it asks for.")
    password: Secret | None = Field(default=None, repr=False, description="What it asks for.")

    @field_validator("host")
    @classmethod
    def _host_alone(cls, host: str) -> str:
        if not _HOST.match(host):
            # Not quoted: a password may stand in it.
            raise ValueError("this is not a host name; give protocol, port, username and password as fields")
        return host

    @model_validator(mode="after")
    def _user_of_password(self) -> Proxy:
        if self.password is not None and self.username is None:
            raise ValueError("a password without a username; add 'username'")
        return self

    @field_serializer("username", "password")
    def _named_or_blank(self, secret: Secret | None) -> object:
        return shown(secret)


class Tls(_Part):
    """Whose certificates are trusted, and the certificate that is shown to the server; PEM files.

    In a registry, relative paths count from its folder.
    """

    ca_bundle: Path | None = Field(default=None, description="Certificates to trust instead of the usual.")
    client_certificate: Path | None = Field(default=None, description="Shown to the server (mutual TLS).")
    client_key: Path | None = Field(
        default=None, description="The key of client_certificate; left out if it is in the same file."
    )

    @model_validator(mode="after")
    def _key_of_certificate(self) -> Tls:
        if self.client_key is not None and self.client_certificate is None:
            raise ValueError("a client_key without its client_certificate; add it")
        return self


class ClientSideEncryption(_Part):
    """Objects are encrypted before they are sent, by AWS's S3 Encryption Client with a KMS key."""

    kms_key_id: str = Field(min_length=1, description="Id, alias or ARN of the KMS key.")
    kms_region: str | None = Field(default=None, description="Left out: the connection's region.")


class Encryption(_Part):
    """Server-side encryption of what is written, and client-side encryption of raw objects."""

    server_side: Literal["sse-s3", "sse-kms"] | None = Field(
        default=None, description="Left out: the bucket's own default."
    )
    kms_key_id: str | None = Field(
        default=None, min_length=1, description="For sse-kms; left out: the account's own key for S3."
    )
    bucket_key: bool | None = Field(default=None, description="For sse-kms: fewer calls of KMS.")
    client_side: ClientSideEncryption | None = Field(
        default=None, description="For raw files, exports and media; tables cannot be read through it."
    )

    @model_validator(mode="after")
    def _kms_for_keys(self) -> Encryption:
        if self.server_side != "sse-kms" and (self.kms_key_id is not None or self.bucket_key is not None):
            raise ValueError("kms_key_id and bucket_key belong to 'server_side: sse-kms'; say so")
        return self
