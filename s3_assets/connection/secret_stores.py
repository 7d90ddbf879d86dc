"""Secrets that AWS keeps: Secrets Manager and the Parameter Store of Systems Manager.

Each reference says by itself how its store is reached, so that another process can read it again. Whoever
asks keeps the answer for a while; nothing is remembered here.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from s3_assets.connection.ambient import with_ambient_settings
from s3_assets.connection.discreet_logs import keep_logs_discreet
from s3_assets.connection.endpoints import whole_endpoint
from s3_assets.errors import SecretMissingError

if TYPE_CHECKING:
    from collections.abc import Iterator

# Seconds: whoever waits for a secret waits before its first request.
_CONNECT_TIMEOUT, _READ_TIMEOUT = 5, 10


class _Stored(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True, hide_input_in_errors=True)

    name: str = Field(min_length=1, description="Name or ARN.")
    key: str | None = Field(
        default=None, min_length=1, description="Field of a secret that is a JSON object."
    )
    region: str | None = Field(default=None, min_length=1, description="Left out: the AWS chain's.")
    profile: str | None = Field(default=None, min_length=1, description="Left out: the AWS chain.")
    endpoint: str | None = Field(default=None, description="Left out: AWS's own.")
    max_retries: int = Field(default=2, ge=0, le=20, description="Tries after the first, with backoff.")

    @field_validator("endpoint")
    @classmethod
    def _whole(cls, endpoint: str | None) -> str | None:
        return None if endpoint is None else whole_endpoint(endpoint)

    def _client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes clients at run time
        import boto3
        from botocore.config import Config

        keep_logs_discreet()
        config = Config(
            connect_timeout=_CONNECT_TIMEOUT,
            read_timeout=_READ_TIMEOUT,
            retries={"mode": "standard", "total_max_attempts": self.max_retries + 1},
        )
        # Only while the client is made does botocore look for variables.
        with with_ambient_settings():
            return boto3.Session(profile_name=self.profile, region_name=self.region).client(
                service, endpoint_url=self.endpoint, config=config
            )

    def _text(self, text: str, where: str) -> str:
        """Return the text, or the field of it that was named."""
        if self.key is None:
            return text
        try:
            found = json.loads(text)[self.key]
        except (ValueError, LookupError, TypeError):
            found = None
        if not isinstance(found, str | int | float) or isinstance(found, bool):
            # Outside of the handler, so that nothing is chained: the error quotes the secret.
            raise SecretMissingError(
                f"{where} is no JSON object with text in the field '{self.key}'",
                remedy="Name one of its fields as key, or leave key out for the whole text.",
            )
        return str(found)


class SecretsManagerSecret(_Stored):
    """A secret of AWS Secrets Manager (API Reference, "GetSecretValue")."""

    version_stage: str = Field(
        default="AWSCURRENT", min_length=1, description="AWSPREVIOUS: the one before the last rotation."
    )

    def read(self) -> str:
        """Return its text; raises `SecretMissingError`."""
        where = f"the secret '{self.name}' of Secrets Manager"
        with _told(where, "secretsmanager:GetSecretValue"):
            answer = self._client("secretsmanager").get_secret_value(
                SecretId=self.name, VersionStage=self.version_stage
            )
        if "SecretString" not in answer:
            raise SecretMissingError(f"{where} is binary", remedy="Store it as text.")
        return self._text(answer["SecretString"], where)


class ParameterSecret(_Stored):
    """A parameter of AWS Systems Manager (API Reference, "GetParameter"); secure ones are decrypted."""

    def read(self) -> str:
        """Return its text; raises `SecretMissingError`."""
        where = f"the parameter '{self.name}' of Systems Manager"
        with _told(where, "ssm:GetParameter"):
            answer = self._client("ssm").get_parameter(Name=self.name, WithDecryption=True)
        return self._text(answer["Parameter"]["Value"], where)


@contextmanager
def _told(where: str, action: str) -> Iterator[None]:
    """Turn botocore's errors into ours, with the place of the secret."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        # Not chained: Dagster shows whole chains, and the answer is in the sentence.
        raise _refused(where, action, error.response.get("Error", {})) from None
    except BotoCoreError as error:
        raise SecretMissingError(
            f"{where} cannot be read ({error})",
            remedy="Check its region, profile and endpoint, and the network.",
        ) from None
    except ValueError as error:
        # An endpoint or a region that botocore cannot make a host name of.
        raise SecretMissingError(
            f"{where} cannot be read ({error})", remedy="Check its region and endpoint."
        ) from None


def _refused(where: str, action: str, answer: dict[str, str]) -> SecretMissingError:
    code = answer.get("Code", "")
    if code in {"ResourceNotFoundException", "ParameterNotFound", "ParameterVersionNotFound"}:
        return SecretMissingError(
            f"{where} does not exist there",
            remedy="Check its name, version, region and profile.",
        )
    if code in {"AccessDeniedException", "AccessDenied"}:
        return SecretMissingError(
            f"{where} may not be read",
            remedy=f"Attach a policy that allows {action} on it, and kms:Decrypt for a key of your own.",
        )
    return SecretMissingError(
        f"{where} cannot be read ({code}: {answer.get('Message', '')})",
        remedy=f"Check its name, region and credentials, and that the policy allows {action}.",
    )
