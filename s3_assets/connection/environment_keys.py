"""Keys in variables, which the AWS chain looks for first: whoever has them there need not load botocore.

AWS SDKs and Tools Reference Guide, "AWS access keys" and "Credential provider chain".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from s3_assets.connection.ambient import variable
from s3_assets.connection.auth import DefaultAuth

if TYPE_CHECKING:
    from s3_assets.connection.settings import S3Connection

# With one of them there is more to know than the key: botocore is asked.
_MORE = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SECURITY_TOKEN", "AWS_CREDENTIAL_EXPIRATION")


class EnvironmentKeys(NamedTuple):
    """An access key, its secret, and the token of a temporary one."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None


def environment_keys(connection: S3Connection) -> EnvironmentKeys | None:
    """Return the keys that the connection's chain finds in variables; None if botocore has to be asked."""
    if not isinstance(connection.auth, DefaultAuth) or connection.assume_role or any(map(variable, _MORE)):
        return None
    key_id, secret = variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY")
    if key_id is None or secret is None:
        return None
    return EnvironmentKeys(key_id, secret, variable("AWS_SESSION_TOKEN"))
