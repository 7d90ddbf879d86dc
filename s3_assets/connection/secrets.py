"""Secrets: named where they are kept, read when they are needed, never shown."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from s3_assets.connection.ambient import variable
from s3_assets.connection.secret_stores import ParameterSecret, SecretsManagerSecret
from s3_assets.errors import SecretMissingError


class SecretReference(BaseModel):
    """Where a secret is kept: exactly one of a variable, a file, Secrets Manager and Parameter Store."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True, hide_input_in_errors=True)

    env: str | None = Field(default=None, min_length=1, description="Name of an environment variable.")
    file: Path | None = Field(
        default=None,
        description="Path of a file, in a registry relative to its folder; the last line break is left out.",
    )
    secrets_manager: SecretsManagerSecret | None = Field(
        default=None, description="A secret of AWS Secrets Manager."
    )
    ssm: ParameterSecret | None = Field(default=None, description="A parameter of AWS Systems Manager.")

    @model_validator(mode="after")
    def _one_place(self) -> SecretReference:
        if sum(place is not None for place in (self.env, self.file, self.secrets_manager, self.ssm)) != 1:
            raise ValueError("name exactly one of 'env', 'file', 'secrets_manager' and 'ssm'")
        return self


Secret = str | SecretReference

# What was read stays known, so that it can be blanked out of errors: also what was replaced in the meantime.
_KEPT = 4
_read_before: dict[SecretReference, tuple[str, ...]] = {}


def is_secret(annotation: object) -> bool:
    """Tell whether a field of this type holds a secret."""
    return {*get_args(Secret)} <= {*get_args(annotation)}


def read_secret(secret: str | SecretReference) -> str:
    """Return the secret's text; raises `SecretMissingError` that names the place, never the value."""
    text, place = _read(secret)
    if not text:
        # An empty key would be sent, or hide the identity of the workload.
        raise SecretMissingError(
            f"{place} is empty", remedy="Write the secret there, or leave the field out."
        )
    if isinstance(secret, SecretReference):
        _read_before[secret] = (text, *(old for old in _read_before.get(secret, ()) if old != text))[:_KEPT]
    return text


def last_read(reference: SecretReference) -> tuple[str, ...]:
    """Return what this process last read there, the newest first; nothing is read now."""
    return _read_before.get(reference, ())


def _read(secret: str | SecretReference) -> tuple[str, str]:
    """Return the text, and how its place is called."""
    if isinstance(secret, str):
        return secret, "a secret"
    if secret.secrets_manager is not None:
        return secret.secrets_manager.read(), f"the secret '{secret.secrets_manager.name}' of Secrets Manager"
    if secret.ssm is not None:
        return secret.ssm.read(), f"the parameter '{secret.ssm.name}' of Systems Manager"
    if secret.env is not None:
        return _from_environment(secret.env), f"the environment variable {secret.env}"
    path = secret.file or Path()
    return _from_file(path), f"the secret file {path}"


def _from_environment(name: str) -> str:
    value = variable(name)
    if value is None:
        raise SecretMissingError(
            f"the environment variable {name} is not set or empty",
            remedy=f"Set {name} and start again.",
        )
    return value


def _from_file(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise SecretMissingError(
            f"the secret file {path} cannot be read ({error.strerror})",
            remedy="Check its path and its permissions.",
        ) from error
    except UnicodeDecodeError:
        # Raised outside of the handler: the error holds the file's bytes.
        found = f"the secret file {path} is not UTF-8"
    raise SecretMissingError(found, remedy="Store the secret as text.")


def shown(secret: str | SecretReference | None) -> object:
    """Return what a dump may hold: where the secret is kept, never the secret."""
    return "***" if isinstance(secret, str) else secret
