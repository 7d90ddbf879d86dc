"""Credentials: resolved and refreshed by botocore, handed to the engines as one frozen value."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from s3_assets.connection.ambient import hiding, with_ambient_settings
from s3_assets.connection.auth import AccessKeyAuth, AnonymousAuth
from s3_assets.connection.environment_keys import environment_keys
from s3_assets.connection.lent_keys import LentKeysAuth
from s3_assets.connection.refusals import refusals_of_botocore
from s3_assets.connection.secrets import SecretReference, read_secret
from s3_assets.connection.service_models import service_models
from s3_assets.connection.sessions import chain_session
from s3_assets.connection.ways import LEASE, find_credentials, metadata, refreshed_by
from s3_assets.errors import S3AssetsError
from s3_assets.made_once import made_once

if TYPE_CHECKING:
    from botocore.credentials import RefreshableCredentials

    from s3_assets.connection.settings import S3Connection

# Credentials that end are asked for again this long before, or in the last third of a shorter life.
_MARGIN = timedelta(minutes=1)
# Secrets that AWS keeps are read again after this long.
_KEPT_LEASE = timedelta(minutes=5)


@dataclass(frozen=True)
class Credentials:
    """Key, secret and token, good until `expires_at` (UTC; none for ever), to be renewed at `renew_at`."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None
    renew_at: datetime | None = None


@dataclass(frozen=True)
class _Held:
    credentials: Credentials
    until: datetime

    @property
    def good(self) -> bool:
        return datetime.now(UTC) < self.until

    @property
    def ended(self) -> bool:
        ends = self.credentials.expires_at
        return ends is not None and ends <= datetime.now(UTC)


class CredentialSource:
    """Answers with credentials that are good now; keep the source, never its answer."""

    def __init__(self, connection: S3Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._way: Any = None
        self._held: _Held | None = None
        self.failure: S3AssetsError | None = None
        """Why the last answer failed; engines that asked for it pass on their own words only."""

    def current(self) -> Credentials | None:
        """Return credentials, or None for unsigned requests.

        Raises `CredentialsMissingError` if the way that was chosen leads to none, `SecretMissingError` if a
        referenced secret is not there, `AccessError` or `UnreachableError` if STS gives none.
        """
        if self.anonymous:
            return None
        held = self._held
        if held is not None and (held.good or (hiding() and not held.ended)):
            # An engine that is being built hides the variables, which botocore would not find then.
            return held.credentials
        try:
            with with_ambient_settings(), self._lock:
                if self._held is None or not self._held.good:
                    self._held = self._ask()
                found = self._held.credentials
        except S3AssetsError as error:
            self.failure = error.at(connection=self._connection.name)
            raise self.failure from error.__cause__
        self.failure = None
        return found

    @property
    def anonymous(self) -> bool:
        """Whether requests go unsigned."""
        return isinstance(self._connection.auth, AnonymousAuth)

    @property
    def held(self) -> Credentials | None:
        """The last answer, whether it is still good or not; nobody is asked for another."""
        return self._held.credentials if self._held is not None else None

    def botocore_session(self) -> Any:  # noqa: ANN401 - botocore ships no types
        """Return a botocore session whose clients sign with these credentials, asked for at each request."""
        session = chain_session(self._connection)
        session.register_component("credential_provider", _Resolver(self))
        session.register_component("data_loader", service_models(session.get_config_variable("data_path")))
        return session

    def _ask(self) -> _Held:
        now = datetime.now(UTC)
        auth = self._connection.auth
        if isinstance(auth, LentKeysAuth):
            credentials = auth.lender.lend()
        elif isinstance(auth, AccessKeyAuth) and not self._connection.assume_role:
            lease = _KEPT_LEASE if _kept_by_aws(auth) else timedelta()
            return _Held(_from_access_key(auth), now + lease)
        elif (keys := environment_keys(self._connection)) is not None:
            credentials = Credentials(*keys)
        else:
            credentials = self._ask_botocore()
        if credentials.expires_at is None:
            return _Held(credentials, datetime.max.replace(tzinfo=UTC))
        renew_at = credentials.expires_at - min(_MARGIN, (credentials.expires_at - now) / 3)
        return _Held(replace(credentials, renew_at=renew_at), renew_at)

    def _ask_botocore(self) -> Credentials:
        from botocore.credentials import RefreshableCredentials

        with refusals_of_botocore(self._connection):
            if self._way is None:
                self._way = find_credentials(self._connection)
            frozen = self._way.get_frozen_credentials()
        expires = None
        if isinstance(self._way, RefreshableCredentials):
            expires = datetime.now(UTC) + timedelta(seconds=_seconds_left(self._way))
        return Credentials(frozen.access_key, frozen.secret_key, frozen.token, expires)


class _Resolver:
    """What botocore asks for credentials instead of its chain."""

    def __init__(self, source: CredentialSource) -> None:
        self._source = source

    def load_credentials(self) -> Any:  # noqa: ANN401
        return refreshed_by(self._refresh, "s3-assets")

    def _refresh(self) -> dict[str, Any]:
        found = self._source.current()
        if found is None:
            return {}
        return metadata(found.access_key_id, found.secret_access_key, found.session_token, found.expires_at)


def _seconds_left(held: RefreshableCredentials) -> int:
    """Find by halving how long they are good: botocore tells no more than whether they end soon."""
    good, bad = 0, int(LEASE.total_seconds())
    if not held.refresh_needed(refresh_in=bad):
        return bad
    while bad - good > 1:
        middle = (good + bad) // 2
        if held.refresh_needed(refresh_in=middle):
            bad = middle
        else:
            good = middle
    return good


@made_once(256)
def credential_source(connection: S3Connection) -> CredentialSource:
    """Return the process's one source for this connection, so that its cache of credentials is shared."""
    return CredentialSource(connection)


def _from_access_key(auth: AccessKeyAuth) -> Credentials:
    return Credentials(
        read_secret(auth.access_key_id),
        read_secret(auth.secret_access_key),
        read_secret(auth.session_token) if auth.session_token is not None else None,
    )


def _kept_by_aws(auth: AccessKeyAuth) -> bool:
    return any(
        isinstance(secret, SecretReference) and (secret.secrets_manager or secret.ssm)
        for secret in (auth.access_key_id, auth.secret_access_key, auth.session_token)
    )
