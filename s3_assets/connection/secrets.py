"""Secrets: named where they are kept, read when they are needed, never shown."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, model_validator

from s3_assets.connection.ambient import variable
from s3_assets.errors import SecretMissingError


class SecretReference(BaseModel):
    """Where a secret is kept: exactly one of an environment variable and a file."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    env: str | None = Field(default=None, min_length=1, description="Name of an environment variable.")
    file: Path | None = Field(default=None, description="Path of a file; the last line break is left out.")

    @model_validator(mode="after")
    def _one_place(self) -> SecretReference:
        if (self.env is None) == (self.file is None):
            raise ValueError("name exactly one of 'env' and 'file'")
        return self


Secret = str | SecretReference


def read_secret(secret: str | SecretReference) -> str:
    """Return the secret's text; raises `SecretMissingError` that names the place, never the value."""
    if isinstance(secret, str):
        return secret
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
