"""One class for each way to authenticate."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_serializer, field_validator, model_validator

from s3_assets.connection.secrets import Secret, shown

# IAM User Guide, "IAM identifiers" and "sts:SourceIdentity"; AWS STS API Reference, "AssumeRole".
_ROLE_ARN = r"^arn:[^:]+:(?:iam|sts)::[^:]*:(?:role|assumed-role)/.+$"
# ASCII alone, as AWS has it: of all letters of Unicode the pattern would take long to make.
_SESSION_NAME = r"^[A-Za-z0-9_+=,.@-]{2,64}$"
_SHORTEST_SESSION, _LONGEST_SESSION = 900, 43_200


class _Auth(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True, hide_input_in_errors=True)


class DefaultAuth(_Auth):
    """The AWS chain: environment, shared files, container, instance, web identity."""

    type: Literal["default"] = "default"


class RoleSource(StrEnum):
    """Where the credentials of `iam_role` may come from."""

    AUTO = "auto"
    METADATA = "metadata"
    ENV = "env"


class IamRoleAuth(_Auth):
    """The role of the workload.

    `auto` is the AWS chain; `metadata` asks the pod, the container and the instance alone, and never reads
    keys of the environment or shared files; `env` reads the environment alone.
    """

    type: Literal["iam_role"] = "iam_role"
    source: RoleSource = Field(default=RoleSource.AUTO, description="auto, metadata or env.")


class AccessKeyAuth(_Auth):
    """An access key, with a session token if it is a temporary one."""

    type: Literal["access_key"] = "access_key"
    access_key_id: Secret = Field(repr=False, description="The key's public half.")
    secret_access_key: Secret = Field(repr=False, description="The key's other half.")
    session_token: Secret | None = Field(default=None, repr=False, description="Of a temporary key.")

    @field_serializer("access_key_id", "secret_access_key", "session_token")
    def _named_or_blank(self, secret: Secret | None) -> object:
        return shown(secret)


class ProfileAuth(_Auth):
    """A named profile of the shared files, also with single sign-on or `credential_process`."""

    type: Literal["profile"] = "profile"
    profile: str = Field(min_length=1, description="Its name in the shared files.")


class WebIdentityAuth(_Auth):
    """A role that is assumed with an OpenID Connect token, kept in a file or as a secret."""

    type: Literal["web_identity"] = "web_identity"
    role_arn: str = Field(pattern=_ROLE_ARN, description="The role to assume.")
    token_file: Path | None = Field(
        default=None, description="Read again at each refresh; in a registry relative to its folder."
    )
    token: Secret | None = Field(default=None, repr=False, description="The token itself, as a secret.")
    session_name: str = Field(
        default="s3-assets", pattern=_SESSION_NAME, description="How the session is called in logs."
    )
    duration_seconds: int = Field(
        default=3600, ge=_SHORTEST_SESSION, le=_LONGEST_SESSION, description="How long its keys live."
    )

    @model_validator(mode="after")
    def _one_token(self) -> WebIdentityAuth:
        if (self.token is None) == (self.token_file is None):
            raise ValueError("give exactly one of 'token_file' and 'token'")
        return self

    @field_serializer("token")
    def _named_or_blank(self, secret: Secret | None) -> object:
        return shown(secret)


class AnonymousAuth(_Auth):
    """Unsigned requests, for public buckets."""

    type: Literal["anonymous"] = "anonymous"


Auth = Annotated[
    DefaultAuth | IamRoleAuth | AccessKeyAuth | ProfileAuth | WebIdentityAuth | AnonymousAuth,
    Field(discriminator="type"),
]


class AssumeRole(_Auth):
    """A role that is assumed with the credentials before it (AWS STS API Reference, "AssumeRole")."""

    role_arn: str = Field(pattern=_ROLE_ARN, description="The role to assume.")
    session_name: str = Field(
        default="s3-assets", pattern=_SESSION_NAME, description="How the session is called in logs."
    )
    duration_seconds: int = Field(
        default=3600, ge=_SHORTEST_SESSION, le=_LONGEST_SESSION, description="How long its keys live."
    )
    external_id: Secret | None = Field(
        default=None, repr=False, description="What the role's owner gave you."
    )
    source_identity: str | None = Field(
        default=None, pattern=_SESSION_NAME, description="Who is behind it, for the log of AWS."
    )

    @field_serializer("external_id")
    def _named_or_blank(self, secret: Secret | None) -> object:
        return shown(secret)

    @field_validator("external_id")
    @classmethod
    def _long_enough(cls, external_id: Secret | None) -> Secret | None:
        if isinstance(external_id, str) and not 2 <= len(external_id) <= 1224:
            raise ValueError("an external id has 2 to 1,224 characters")
        return external_id
