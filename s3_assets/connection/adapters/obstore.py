"""The connection as obstore spells it."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from s3_assets.connection.credentials import CredentialSource, credential_source
from s3_assets.connection.environment import address, without_ambient_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from obstore.store import S3Store

    from s3_assets.connection.settings import S3Connection


@lru_cache(maxsize=256)
def store(connection: S3Connection) -> S3Store:
    """Return the obstore store of the connection's bucket; keys count from the bucket's root."""
    from obstore.store import S3Store

    where = address(connection)
    transport = connection.transport
    source = credential_source(connection)
    options: dict[str, Any] = {
        "region": where.region,
        "virtual_hosted_style_request": where.virtual_hosted,
        "client_options": {
            "connect_timeout": timedelta(seconds=transport.connect_timeout),
            "read_timeout": timedelta(seconds=transport.read_timeout),
            # The whole-request limit would cut long bodies; silence is limited by read_timeout.
            "timeout": timedelta(days=1),
            "pool_max_idle_per_host": str(transport.max_connections),
            **({"allow_http": True} if where.plain_http else {}),
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
    if where.bucket_endpoint:
        options["endpoint"] = where.bucket_endpoint
    if source.anonymous:
        options["skip_signature"] = True
    else:
        options["credential_provider"] = _provider(source)
    with without_ambient_settings():
        return S3Store(where.bucket, **options)


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
