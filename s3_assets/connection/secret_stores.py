"""Secrets that AWS keeps: Secrets Manager and the Parameter Store of Systems Manager.

Each reference says by itself how its store is reached, so that another process can read it again.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from s3_assets.connection.ambient import with_ambient_settings
from s3_assets.errors import SecretMissingError

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Stored(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str = Field(min_length=1, description="Name or ARN.")
    key: str | None = Field(
        default=None, min_length=1, description="Field of a secret that is a JSON object."
    )
    region: str | None = Field(default=None, description="Left out: the AWS chain's.")
    profile: str | None = Field(default=None, description="Left out: the AWS chain.")
    endpoint: str | None = Field(default=None, description="Left out: AWS's own.")

    def _client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes clients at run time
        import boto3

        with with_ambient_settings():
            return boto3.Session(profile_name=self.profile, region_name=self.region).client(
                service, endpoint_url=self.endpoint
            )

    def _field(self, text: str, where: str) -> str:
        if self.key is None:
            return text
        try:
            return str(json.loads(text)[self.key])
        except (ValueError, LookupError, TypeError):
            # Not chained: the error quotes the secret.
            raise SecretMissingError(
                f"{where} is no JSON object with the field '{self.key}'",
                remedy="Name one of its fields as key, or leave key out for the whole text.",
            ) from None


class SecretsManagerSecret(_Stored):
    """A secret of AWS Secrets Manager (API Reference, "GetSecretValue")."""

    version_stage: str = Field(default="AWSCURRENT", min_length=1)

    def read(self) -> str:
        """Return its text; raises `SecretMissingError`."""
        where = f"the secret '{self.name}' of Secrets Manager"
        with _told(where, "secretsmanager:GetSecretValue"):
            answer = self._client("secretsmanager").get_secret_value(
                SecretId=self.name, VersionStage=self.version_stage
            )
        if "SecretString" not in answer:
            raise SecretMissingError(f"{where} is binary", remedy="Store it as text.")
        return self._field(answer["SecretString"], where)


class ParameterSecret(_Stored):
    """A parameter of AWS Systems Manager (API Reference, "GetParameter"); secure ones are decrypted."""

    def read(self) -> str:
        """Return its text; raises `SecretMissingError`."""
        where = f"the parameter '{self.name}' of Systems Manager"
        with _told(where, "ssm:GetParameter"):
            answer = self._client("ssm").get_parameter(Name=self.name, WithDecryption=True)
        return self._field(answer["Parameter"]["Value"], where)


@contextmanager
def _told(where: str, action: str) -> Iterator[None]:
    """Turn botocore's errors into ours, with the place of the secret."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise SecretMissingError(
            f"{where} cannot be read ({error})",
            remedy=f"Check its name, region and profile, and that the policy allows {action}.",
        ) from None
