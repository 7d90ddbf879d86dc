"""Credentials: resolved and refreshed by botocore, handed to the engines as one frozen value."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from s3_assets.connection.ambient import hiding, with_ambient_settings
from s3_assets.connection.auth import AccessKeyAuth, AnonymousAuth, DefaultAuth, ProfileAuth
from s3_assets.connection.secrets import read_secret
from s3_assets.errors import CredentialsMissingError, S3AssetsError

if TYPE_CHECKING:
    from botocore.credentials import RefreshableCredentials

    from s3_assets.connection.settings import S3Connection

# What botocore refreshes lives this long at most, as far as an engine is told: it asks again in time.
_LONGEST_LEASE = 540


@dataclass(frozen=True)
class Credentials:
    """Key, secret and token, good until `expires_at` (UTC; none for ever)."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None


class CredentialSource:
    """Answers with credentials that are good now; keep the source, never its answer."""

    def __init__(self, connection: S3Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._held: Any = None
        self._last: Credentials | None = None
        self.failure: S3AssetsError | None = None
        """Why the last answer failed; engines that asked for it pass on their own words only."""

    def current(self) -> Credentials | None:
        """Return credentials, or None for unsigned requests.

        Raises `CredentialsMissingError` if the way that was chosen leads to none, `SecretMissingError`
        if a referenced secret is not there.
        """
        auth = self._connection.auth
        if isinstance(auth, AnonymousAuth):
            return None
        try:
            if isinstance(auth, AccessKeyAuth):
                found = _from_access_key(auth, self._connection.name)
            else:
                found = self._from_botocore()
        except S3AssetsError as error:
            self.failure = error
            raise
        self.failure = None
        return found

    @property
    def anonymous(self) -> bool:
        """Whether requests go unsigned."""
        return isinstance(self._connection.auth, AnonymousAuth)

    def _from_botocore(self) -> Credentials:
        last = self._last
        if hiding() and last is not None and (last.expires_at is None or last.expires_at > datetime.now(UTC)):
            # An engine that is being built asks for them, and botocore would not find the variables.
            return last
        with with_ambient_settings(), self._lock:
            self._last = self._ask_botocore()
            return self._last

    def _ask_botocore(self) -> Credentials:
        from botocore.credentials import RefreshableCredentials
        from botocore.exceptions import BotoCoreError

        try:
            if self._held is None:
                self._held = botocore_session(self._connection).get_credentials()
            if self._held is None:
                raise _missing(self._connection, "the AWS credential chain found no credentials")
            frozen = self._held.get_frozen_credentials()
        except BotoCoreError as error:
            raise _missing(self._connection, f"the AWS credential chain failed: {error}") from error
        expires = None
        if isinstance(self._held, RefreshableCredentials):
            expires = datetime.now(UTC) + timedelta(seconds=_seconds_left(self._held))
        return Credentials(frozen.access_key, frozen.secret_key, frozen.token, expires)


def _seconds_left(held: RefreshableCredentials) -> int:
    """Find by halving how long they are good: botocore tells no more than whether they end soon."""
    good, bad = 0, _LONGEST_LEASE
    if not held.refresh_needed(refresh_in=bad):
        return bad
    while bad - good > 1:
        middle = (good + bad) // 2
        if held.refresh_needed(refresh_in=middle):
            bad = middle
        else:
            good = middle
    return good


@lru_cache(maxsize=256)
def credential_source(connection: S3Connection) -> CredentialSource:
    """Return the process's one source for this connection, so that its cache of credentials is shared."""
    return CredentialSource(connection)


def botocore_session(connection: S3Connection) -> Any:  # noqa: ANN401 - botocore ships no types
    """Return a botocore session for the connection's profile, or for the default chain."""
    import botocore.session
    from botocore.exceptions import ProfileNotFound

    profile = connection.auth.profile if isinstance(connection.auth, ProfileAuth) else None
    # A profile that the environment names is another identity's, unless the chain was chosen.
    unnamed = {"profile": (None, None, None, None)}
    chain = isinstance(connection.auth, DefaultAuth | ProfileAuth)
    session = botocore.session.Session(profile=profile, session_vars=None if chain else unnamed)
    try:
        session.get_scoped_config()
    except ProfileNotFound as error:
        raise _missing(
            connection, f"the profile '{profile or session.profile}' is not in the shared files"
        ) from error
    return session


def _from_access_key(auth: AccessKeyAuth, connection: str) -> Credentials:
    try:
        return Credentials(
            read_secret(auth.access_key_id),
            read_secret(auth.secret_access_key),
            read_secret(auth.session_token) if auth.session_token else None,
        )
    except S3AssetsError as error:
        raise error.at(connection=connection) from error.__cause__


def _missing(connection: S3Connection, found: str) -> CredentialsMissingError:
    return CredentialsMissingError(
        found,
        remedy="Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the connection an auth of type "
        "profile, access_key or anonymous.",
        connection=connection.name,
    )
