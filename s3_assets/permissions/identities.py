"""Who asks: the identity that a connection begins with, the roles that it takes on, and who reads secrets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel

from s3_assets.connection.auth import (
    AnonymousAuth,
    DefaultAuth,
    IamRoleAuth,
    ProfileAuth,
    RoleSource,
    WebIdentityAuth,
)
from s3_assets.connection.secrets import SecretReference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from s3_assets.connection.auth import AssumeRole
    from s3_assets.connection.secret_stores import ParameterSecret, SecretsManagerSecret
    from s3_assets.connection.settings import S3Connection

_BASES = {
    "default": "the identity that the AWS chain finds",
    "access_key": "the user of the access key",
    "anonymous": "everybody",
}
_ROLES = {
    RoleSource.AUTO: _BASES["default"],
    RoleSource.METADATA: "the role of the pod, container or instance",
    RoleSource.ENV: "the user of the environment's keys",
}


@dataclass(frozen=True)
class Step:
    """One identity on the way to S3; `role` is how it was taken on, unless it is the first."""

    holder: str
    role: AssumeRole | None = None
    source_identity: str | None = None
    """Set here or before: it stays with the session along the chain."""


def base_of(connection: S3Connection) -> str:
    """Return the first identity: an ARN if it is known, else words."""
    auth = connection.auth
    if isinstance(auth, WebIdentityAuth):
        return auth.role_arn
    if isinstance(auth, ProfileAuth):
        return profile(auth.profile)
    if isinstance(auth, IamRoleAuth):
        return _ROLES[auth.source]
    return _BASES[auth.type]


def steps_of(connection: S3Connection) -> tuple[Step, ...]:
    """Return the identities from the first to the one that asks S3."""
    steps, named = [Step(base_of(connection))], None
    for role in connection.assume_role:
        named = role.source_identity or named
        steps.append(Step(role.role_arn, role, named))
    return tuple(steps)


def is_public(connection: S3Connection) -> bool:
    """Tell whether requests go unsigned, so that no identity can hold a policy."""
    return isinstance(connection.auth, AnonymousAuth)


def reader_of(secret: SecretsManagerSecret | ParameterSecret) -> str:
    """Return who reads a kept secret: the AWS chain of the process, or a profile."""
    return profile(secret.profile) if secret.profile else _BASES[DefaultAuth().type]


def profile(name: str) -> str:
    """Name the identity of a profile."""
    return f"the identity of the profile '{name}'"


def secrets_of(setting: object) -> Iterator[SecretReference]:
    """Yield every reference to a secret below a setting."""
    if isinstance(setting, SecretReference):
        yield setting
    elif isinstance(setting, BaseModel):
        for name in type(setting).model_fields:
            yield from secrets_of(getattr(setting, name))
    elif isinstance(setting, tuple | dict):
        for each in setting.values() if isinstance(setting, dict) else setting:
            yield from secrets_of(each)


def kept_secrets(*settings: BaseModel) -> list[SecretsManagerSecret | ParameterSecret]:
    """Return the secrets of a connection, and of imports by it, that AWS keeps, each once."""
    kept = (each.secrets_manager or each.ssm for each in secrets_of(settings))
    return list(dict.fromkeys(each for each in kept if each is not None))
