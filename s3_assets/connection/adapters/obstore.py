"""The connection as obstore spells it."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from s3_assets.connection.adapters.object_store_dialect import settings
from s3_assets.connection.credentials import CredentialSource, credential_source
from s3_assets.connection.environment import without_ambient_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from obstore.store import S3Store

    from s3_assets.connection.settings import S3Connection


@lru_cache(maxsize=256)
def store(connection: S3Connection) -> S3Store:
    """Return the obstore store of the connection's bucket; keys count from the bucket's root."""
    from obstore.store import S3Store

    common = settings(connection)
    transport = connection.transport
    options: dict[str, Any] = {
        "config": dict(common.store),
        "client_options": {
            **common.client,
            "read_timeout": timedelta(seconds=transport.read_timeout),
            # The whole-request limit would cut long bodies; silence is limited by read_timeout.
            "timeout": timedelta(days=1),
        },
        "retry_config": {
            "max_retries": transport.max_retries,
            "backoff": {
                "init_backoff": timedelta(milliseconds=100),
                "max_backoff": timedelta(seconds=15),
                "base": 2,
            },
            "retry_timeout": timedelta(seconds=(transport.max_retries + 1) * transport.read_timeout),
        },
    }
    if common.gateway is not None:
        options["access_key_id"] = common.gateway.access_key_id
        options["secret_access_key"] = common.gateway.secret_access_key
    elif not common.anonymous:
        options["credential_provider"] = _provider(credential_source(connection))
    with without_ambient_settings():
        return S3Store(connection.location.bucket, **options)


def _provider(source: CredentialSource) -> Callable[[], dict[str, Any]]:
    def provide() -> dict[str, Any]:
        credentials = source.current()
        if credentials is None:
            return {}
        return {
            "access_key_id": credentials.access_key_id,
            "secret_access_key": credentials.secret_access_key,
            "token": credentials.session_token,
            "expires_at": credentials.expires_at,
        }

    return provide
