"""The connection as object_store spells it: the library inside Polars, delta-rs and obstore.

What object_store cannot do, show a client certificate and bound its connections, is done by a gateway on
loopback, which these engines then talk to in place of the server.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies

from s3_assets.connection.ambient import with_variables_held_still
from s3_assets.connection.credential_endpoint import publish
from s3_assets.connection.credentials import credential_source
from s3_assets.connection.environment import address
from s3_assets.connection.proxies import environment_has_proxies, proxy_url
from s3_assets.connection.transport import DEFAULT_CONNECTIONS
from s3_assets.errors import SettingError, UnsupportedError
from s3_assets.metrics import current

if TYPE_CHECKING:
    from s3_assets.connection.credentials import Credentials
    from s3_assets.connection.gateway import GatewayAddress
    from s3_assets.connection.settings import S3Connection

# Where nobody listens: object_store trusts certificates of its own only beside a proxy, and a proxy is what
# keeps it from reading the environment's.
_NO_PROXY = "http://127.0.0.1:9"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class ObjectStoreSettings:
    """Where and how object_store sends requests; every value is text, as object_store parses it."""

    store: dict[str, str]
    """Keys of S3: address, encryption; with the prefix `aws_`."""
    client: dict[str, str] = field(repr=False)
    """Keys of the HTTP client: timeouts, proxy, certificates; a proxy's password is among them."""
    gateway: GatewayAddress | None
    """Whose keys to sign with in place of the connection's."""
    anonymous: bool


def needs_gateway(connection: S3Connection) -> bool:
    """Tell whether object_store cannot do what the connection asks, and the gateway has to."""
    return (
        connection.tls.client_certificate is not None
        or connection.transport.max_connections < DEFAULT_CONNECTIONS
    )


def gateway_of(connection: S3Connection, engine: str) -> GatewayAddress | None:
    """Return the gateway that an engine's requests have to pass: it counts them, or does what they cannot."""
    if not needs_gateway(connection) and current() is None:
        return None
    from s3_assets.connection.gateway import counting_gateway, open_gateway

    counting = counting_gateway(connection, engine)
    if counting is not None or not needs_gateway(connection):
        return counting
    return open_gateway(connection)


def refuse_client_side(connection: S3Connection, engine: str) -> None:
    """Raise `UnsupportedError` if the connection encrypts on the client, which this engine cannot follow."""
    if connection.encryption.client_side is not None:
        raise UnsupportedError(
            f"encryption.client_side is for whole objects, and {engine} reads and writes parts of them",
            remedy="Set encryption.server_side instead, or give the table a connection without client_side.",
            connection=connection.name,
        )


def read_timeout(connection: S3Connection) -> float:
    """Return the seconds of silence that the engine allows."""
    transport = connection.transport
    meter = current()
    passes = needs_gateway(connection) or (meter is not None and meter.everything)
    return transport.gateway_timeout if passes else transport.read_timeout


def settings(connection: S3Connection, engine: str, *, seen: bool = False) -> ObjectStoreSettings:
    """Return what the connection means to object_store, without credentials and retries.

    `engine` is how its requests are told of; `seen` ones are noted by whoever calls the engine.
    Raises `SettingError` if the CA bundle cannot be read, `SecretMissingError` for a proxy's password.
    """
    where = address(connection)
    anonymous = credential_source(connection).anonymous
    gateway = gateway_of(connection, engine)
    meter = current()
    asker = meter.user_agent if meter is not None else None
    if meter is not None and not meter.everything and not seen:
        meter.used(engine)
    endpoint = gateway.endpoint if gateway else where.bucket_endpoint
    virtual = where.virtual_hosted and gateway is None
    store = {
        "aws_region": where.region,
        "aws_virtual_hosted_style_request": "true" if virtual else "false",
        **_encryption(connection),
    }
    if endpoint is not None:
        # Both keys: an ambient AWS_ENDPOINT_URL_S3 beats the general one.
        store["aws_endpoint_url"] = endpoint
        store["aws_endpoint_url_s3"] = endpoint
    # Said in either case: an ambient AWS_SKIP_SIGNATURE would leave signed requests unsigned.
    unsigned = anonymous and gateway is None
    store["aws_skip_signature"] = "true" if unsigned else "false"
    client = {
        "connect_timeout": f"{connection.transport.connect_timeout}s",
        "pool_max_idle_per_host": str(connection.transport.max_connections),
        # Said, since a variable of the environment could say the opposite.
        "allow_invalid_certificates": "false",
        **({"user_agent": f"{asker} engine/{engine}"} if asker else {}),
        **({"allow_http": "true"} if endpoint is not None and endpoint.startswith("http://") else {}),
        **_way(
            urlsplit(where.url).hostname or "",
            _proxy(connection, where.url) if gateway is None else None,
            _certificates(connection) if gateway is None else None,
        ),
    }
    return ObjectStoreSettings(store, client, gateway, unsigned)


def credentials_as_text(connection: S3Connection, credentials: Credentials) -> dict[str, str]:
    """Return credentials for engines that take text alone: keys, or where to ask for those that expire."""
    if credentials.expires_at is None:
        keys = {
            "aws_access_key_id": credentials.access_key_id,
            "aws_secret_access_key": credentials.secret_access_key,
        }
        return {**keys, "aws_session_token": credentials.session_token} if credentials.session_token else keys
    published = publish(connection)
    return {
        "aws_container_credentials_full_uri": published.url,
        "aws_container_authorization_token_file": published.token_file,
    }


def _proxy(connection: S3Connection, url: str) -> str | None:
    if connection.proxy is None:
        with with_variables_held_still():
            if not getproxies():
                # botocore, which is asked for exceptions, takes longer to load than a small request.
                return None
    return proxy_url(connection, url)


def _way(host: str, proxy: str | None, certificates: str | None) -> dict[str, str]:
    """Return the proxy and the certificates for requests to that host."""
    if proxy is None and certificates is None and not environment_has_proxies():
        return {}
    # The endpoint of credentials is on loopback, and never behind a proxy.
    direct = [each for each in _LOOPBACK if proxy is None or each != host]
    way = {
        "proxy_url": proxy or _NO_PROXY,
        "proxy_excludes": ",".join(direct if proxy else [*direct, host]),
    }
    if certificates is not None:
        way["proxy_ca_certificate"] = certificates
    return way


def _certificates(connection: S3Connection) -> str | None:
    bundle = connection.tls.ca_bundle
    if bundle is None:
        return None
    try:
        return bundle.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise SettingError(
            f"the file tls.ca_bundle names, {bundle}, cannot be read ({error.strerror})",
            remedy="Check its path and its permissions.",
            connection=connection.name,
        ) from error


def _encryption(connection: S3Connection) -> dict[str, str]:
    encryption = connection.encryption
    if encryption.server_side is None:
        return {}
    if encryption.server_side == "sse-s3":
        return {"aws_server_side_encryption": "AES256"}
    keys = {"aws_server_side_encryption": "aws:kms"}
    if encryption.kms_key_id is not None:
        keys["aws_sse_kms_key_id"] = encryption.kms_key_id
    if encryption.bucket_key is not None:
        keys["aws_sse_bucket_key_enabled"] = "true" if encryption.bucket_key else "false"
    return keys
