"""Secrets: named where they are kept, read when they are needed, never shown."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, model_validator

from s3_assets.connection.ambient import variable
from s3_assets.connection.secret_stores import ParameterSecret, SecretsManagerSecret
from s3_assets.errors import SecretMissingError


class SecretReference(BaseModel):
    """Where a secret is kept: exactly one of a variable, a file, Secrets Manager and Parameter Store."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    env: str | None = Field(default=None, min_length=1, description="Name of an environment variable.")
    file: Path | None = Field(default=None, description="Path of a file; the last line break is left out.")
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


def read_secret(secret: str | SecretReference) -> str:
    """Return the secret's text; raises `SecretMissingError` that names the place, never the value."""
    if isinstance(secret, str):
        return secret
    if secret.secrets_manager is not None:
        return secret.secrets_manager.read()
    if secret.ssm is not None:
        return secret.ssm.read()
    if secret.env is not None:
        value = variable(secret.env)
        if value is None:
            raise SecretMissingError(
                f"the environment variable {secret.env} is not set or empty",
                remedy=f"Set {secret.env} and start again.",
            )
        return value
    path = secret.file or Path()
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise SecretMissingError(
            f"the secret file {path} cannot be read ({error.strerror})",
            remedy="Check its path and its permissions.",
        ) from error


def shown(secret: str | SecretReference | None) -> object:
    """Return what a dump may hold: where the secret is kept, never the secret."""
    return "***" if isinstance(secret, str) else secret
