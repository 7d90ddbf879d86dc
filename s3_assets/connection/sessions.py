"""Sessions of botocore: of the connection's profile or chain, and of no profile at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from s3_assets.connection.auth import DefaultAuth, IamRoleAuth, ProfileAuth, RoleSource
from s3_assets.connection.discreet_logs import keep_logs_discreet
from s3_assets.errors import CredentialsMissingError

if TYPE_CHECKING:
    from s3_assets.connection.settings import S3Connection

_REMEDY = (
    "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the connection an auth of type iam_role, "
    "access_key, profile, web_identity or anonymous."
)


def chain_session(connection: S3Connection) -> Any:  # noqa: ANN401 - botocore ships no types
    """Return a botocore session for the connection's profile, or for the default chain.

    Raises `CredentialsMissingError` if the profile is not in the shared files.
    """
    import botocore.session
    from botocore.exceptions import ProfileNotFound

    keep_logs_discreet()
    auth = connection.auth
    if isinstance(auth, IamRoleAuth) and auth.source is not RoleSource.AUTO:
        return plain_session()
    profile = auth.profile if isinstance(auth, ProfileAuth) else None
    if not isinstance(auth, DefaultAuth | ProfileAuth | IamRoleAuth):
        # A profile that the environment names is another identity's.
        return _session_without_profile()
    session = botocore.session.Session(profile=profile)
    try:
        session.get_scoped_config()
    except ProfileNotFound as error:
        raise missing(
            connection, f"the profile '{profile or session.profile}' is not in the shared files"
        ) from error
    return session


def plain_session() -> Any:  # noqa: ANN401
    """Return a botocore session that reads no shared file: neither profile, keys, region nor endpoint."""
    import os

    import botocore.session

    keep_logs_discreet()
    nowhere = {
        "config_file": (None, None, os.devnull, None),
        "credentials_file": (None, None, os.devnull, None),
    }
    return botocore.session.Session(session_vars={"profile": (None, None, None, None), **nowhere})


def missing(connection: S3Connection, found: str, *, remedy: str = _REMEDY) -> CredentialsMissingError:
    """Return the error that says which way led to no credentials, and what to do."""
    return CredentialsMissingError(found, remedy=remedy, connection=connection.name)


def _session_without_profile() -> Any:  # noqa: ANN401
    import botocore.session

    return botocore.session.Session(session_vars={"profile": (None, None, None, None)})
