"""One class for each way to authenticate."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_serializer

from s3_assets.connection.secrets import Secret


class _Auth(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class DefaultAuth(_Auth):
    """The AWS chain: environment, shared files, container, instance, web identity."""

    type: Literal["default"] = "default"


class AccessKeyAuth(_Auth):
    """An access key, with a session token if it is a temporary one."""

    type: Literal["access_key"] = "access_key"
    access_key_id: Secret = Field(repr=False)
    secret_access_key: Secret = Field(repr=False)
    session_token: Secret | None = Field(default=None, repr=False)

    @field_serializer("access_key_id", "secret_access_key", "session_token")
    def _named_or_blank(self, secret: Secret | None) -> object:
        """Show where a secret is kept, never the secret: dumps end up in logs and snapshots."""
        return "***" if isinstance(secret, str) else secret


class ProfileAuth(_Auth):
    """A named profile of the shared files, also with single sign-on or `credential_process`."""

    type: Literal["profile"] = "profile"
    profile: str = Field(min_length=1)


class AnonymousAuth(_Auth):
    """Unsigned requests, for public buckets."""

    type: Literal["anonymous"] = "anonymous"


Auth = Annotated[DefaultAuth | AccessKeyAuth | ProfileAuth | AnonymousAuth, Field(discriminator="type")]
