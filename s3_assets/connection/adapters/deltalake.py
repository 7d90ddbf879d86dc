"""The connection as delta-rs spells it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.connection.adapters.object_store_dialect import (
    credentials_as_text,
    read_timeout,
    refuse_client_side,
    settings,
)
from s3_assets.connection.credentials import credential_source

if TYPE_CHECKING:
    from s3_assets.connection.adapters.object_store_dialect import ObjectStoreSettings
    from s3_assets.connection.settings import S3Connection

_WHOLE_REQUEST = 4
# What delta-rs calls otherwise.
_SPELLINGS = {
    "allow_http": "aws_allow_http",
    "allow_invalid_certificates": "aws_allow_invalid_certificates",
}


def options(connection: S3Connection) -> dict[str, str]:
    """Return the `storage_options` of delta-rs, all of them text.

    Credentials that expire are fetched by delta-rs from a loopback endpoint of ours, again and again, so
    that a long write never runs on old ones. Build the table inside `ambient.without_ambient_settings()`:
    ambient keys would beat that endpoint.
    """
    refuse_client_side(connection, "delta-rs")
    common = settings(connection, "delta-rs")
    transport = connection.transport
    return {
        **common.store,
        **{_SPELLINGS.get(key, key): value for key, value in common.client.items()},
        # delta-rs limits the whole request, not the silence in it, and its 30 s would cut long bodies.
        "timeout": f"{read_timeout(connection) * _WHOLE_REQUEST}s",
        "max_retries": str(transport.max_retries),
        "backoff_config.init_backoff": "100ms",
        "backoff_config.max_backoff": "15s",
        **_credentials(connection, common),
    }


def _credentials(connection: S3Connection, common: ObjectStoreSettings) -> dict[str, str]:
    if common.anonymous:
        return {}
    if common.gateway is not None:
        return {
            "aws_access_key_id": common.gateway.access_key_id,
            "aws_secret_access_key": common.gateway.secret_access_key,
        }
    credentials = credential_source(connection).current()
    if credentials is None:
        return {}
    told = credentials_as_text(connection, credentials)
    if credentials.expires_at is None:
        return told
    return {**told, "proxy_excludes": common.client.get("proxy_excludes", "127.0.0.1")}
