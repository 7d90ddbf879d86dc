"""Who asks a REST catalog: a bearer token, one that client credentials are changed for, or a signature."""

from __future__ import annotations

import base64
import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, urlsplit

from s3_assets.connection.catalogs import OAuth2, RestCatalogSettings, UnityCatalogSettings
from s3_assets.connection.credentials import credential_source
from s3_assets.connection.environment import address
from s3_assets.connection.secrets import read_secret
from s3_assets.errors import AccessError, CredentialsMissingError, ServerFailureError
from s3_assets.made_once import made_once

if TYPE_CHECKING:
    from requests import PreparedRequest

    from s3_assets.connection.adapters.requests import Authorization
    from s3_assets.connection.secrets import Secret
    from s3_assets.connection.settings import S3Connection

# A token is changed this long before it ends, or in the last third of a shorter life.
_MARGIN = 60.0
_LONGEST = 200


def authorization(connection: S3Connection) -> Authorization | None:
    """Return what the connection's REST catalog is asked with; None if requests carry no authorization."""
    catalog = connection.catalog
    if isinstance(catalog, UnityCatalogSettings):
        return Bearer(catalog.token)
    if not isinstance(catalog, RestCatalogSettings):
        return None
    if catalog.token is not None:
        return Bearer(catalog.token)
    if catalog.oauth2 is not None:
        return token_source(connection)
    return Signature(connection, catalog.signing_name) if catalog.sigv4 else None


class Bearer:
    """A token that is read anew for each request, so that a changed one is taken up."""

    def __init__(self, token: Secret) -> None:
        self._token = token

    def apply(self, request: PreparedRequest) -> None:
        """Put the token on the request."""
        request.headers["Authorization"] = f"Bearer {read_secret(self._token)}"

    def refused(self) -> None:
        """Nothing is kept."""


class TokenSource:
    """Changes client credentials for tokens (RFC 6749, section 4.4), again before each ends."""

    def __init__(self, connection: S3Connection, settings: OAuth2, catalog_uri: str) -> None:
        self._connection = connection
        self._settings = settings
        self._own = settings.server_uri is None
        self._uri = settings.server_uri or f"{catalog_uri}/v1/oauth/tokens"
        self._lock = threading.Lock()
        self._good_until = 0.0
        self.held: str | None = None
        """The last token, whether it is still good or not."""

    def apply(self, request: PreparedRequest) -> None:
        """Put a token on the request; raises `AccessError` if none is given."""
        with self._lock:
            if self.held is None or time.monotonic() >= self._good_until:
                self._ask()
            request.headers["Authorization"] = f"Bearer {self.held}"

    def refused(self) -> None:
        """Ask for another token before the next request."""
        with self._lock:
            self._good_until = 0.0

    def _ask(self) -> None:
        from requests import Session

        from s3_assets.connection.adapters.requests import ConnectionAdapter

        client, secret = read_secret(self._settings.client_id), read_secret(self._settings.client_secret)
        form = {"grant_type": "client_credentials", "scope": self._settings.scope}
        headers = {}
        if self._own:
            # Apache Iceberg's REST catalog API, /v1/oauth/tokens: both are fields of the form.
            form |= {"client_id": client, "client_secret": secret}
        else:
            # RFC 6749, section 2.3.1: what every server of tokens has to accept.
            pair = f"{quote_plus(client)}:{quote_plus(secret)}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        with Session() as session:
            # No .netrc, whose password would replace the client's.
            session.trust_env = False
            session.mount(self._uri, ConnectionAdapter(self._connection))
            answer = session.post(self._uri, data=form, headers=headers, allow_redirects=False)
            status, body = answer.status_code, _json(answer)
        token = body.get("access_token")
        if status != 200 or not isinstance(token, str):
            raise self._refusal(status, body)
        lasts = body.get("expires_in")
        # Without a time, it is good until the catalog refuses it.
        seconds = float(lasts) if isinstance(lasts, int | float) else float("inf")
        self.held = token
        self._good_until = time.monotonic() + seconds - min(_MARGIN, seconds / 3)

    def _refusal(self, status: int, body: dict[str, Any]) -> Exception:
        reason = " ".join(str(body[name]) for name in ("error", "error_description") if name in body)[
            :_LONGEST
        ]
        told = (
            f"the token server {self._uri} gave no token (status: {status}{f', {reason}' if reason else ''})"
        )
        if status in {400, 401, 403}:
            return AccessError(told, remedy="Check client_id, client_secret and scope of catalog.oauth2.")
        return ServerFailureError(told, remedy="Check catalog.oauth2.server_uri, and that the server runs.")


class Signature:
    """AWS Signature Version 4 with the connection's own credentials, which refresh themselves."""

    def __init__(self, connection: S3Connection, service: str) -> None:
        self._connection = connection
        self._service = service

    def apply(self, request: PreparedRequest) -> None:
        """Sign the request; raises `CredentialsMissingError` if the connection has no credentials."""
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import ReadOnlyCredentials

        found = credential_source(self._connection).current()
        if found is None:
            raise CredentialsMissingError(
                "the catalog wants signed requests, and the connection is anonymous",
                remedy="Set the connection's auth, or catalog.sigv4 to false.",
                connection=self._connection.name,
            )
        keys = ReadOnlyCredentials(found.access_key_id, found.secret_access_key, found.session_token)
        # A proxy on the way may change other headers.
        signed = {name: value for name, value in request.headers.items() if name.lower() == "content-type"}
        plain = AWSRequest(
            method=request.method,
            url=request.url,
            data=request.body,
            headers={"Host": urlsplit(str(request.url)).netloc, **signed},
        )
        SigV4Auth(keys, self._service, address(self._connection).region).add_auth(plain)
        request.headers.update(dict(plain.headers.items()))

    def refused(self) -> None:
        """The source of the credentials knows itself when they end."""


@made_once(64)
def token_source(connection: S3Connection) -> TokenSource | None:
    """Return the process's one source of tokens for the connection's catalog; None if it needs none."""
    catalog = connection.catalog
    if not isinstance(catalog, RestCatalogSettings) or catalog.oauth2 is None:
        return None
    return TokenSource(connection, catalog.oauth2, catalog.uri)


def _json(answer: Any) -> dict[str, Any]:  # noqa: ANN401 - a response of requests
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
