"""The connection as obstore spells it."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from s3_assets.connection.adapters.object_store_dialect import gateway_of, read_timeout, settings
from s3_assets.connection.adapters.obstore_verbs import ENGINE
from s3_assets.connection.credentials import CredentialSource, credential_source
from s3_assets.connection.environment import without_ambient_settings
from s3_assets.errors import UnsupportedError
from s3_assets.made_once import made_once
from s3_assets.metrics import current

if TYPE_CHECKING:
    from collections.abc import Callable

    from obstore.store import S3Store

    from s3_assets.connection.gateway import GatewayAddress
    from s3_assets.connection.settings import S3Connection


# Its threads do not survive a fork: a request in the child would wait for ever.
_used_by: set[int] = set()


def store(connection: S3Connection) -> S3Store:
    """Return the obstore store of the connection's bucket; keys count from the bucket's root.

    Raises `UnsupportedError` in a process that was forked from one that has used S3.
    """
    if _used_by - {os.getpid()}:
        raise UnsupportedError(
            "this process was forked from one that has used S3, whose connections do not survive that",
            remedy="Start processes with 'spawn' or 'forkserver', or use S3 in the children alone.",
            connection=connection.name,
        )
    _used_by.add(os.getpid())
    meter = current()
    kept = _kept_for_a_step if meter is not None and meter.asks_once else _kept
    # A gateway that has ended is opened anew, at another address; who asks is told by each store's header.
    return kept(connection, gateway_of(connection, ENGINE), meter.user_agent if meter else None)


def _store(connection: S3Connection, gateway: GatewayAddress | None, user_agent: str | None) -> S3Store:
    from obstore.store import S3Store

    del user_agent
    common = settings(connection, ENGINE, seen=True)
    transport = connection.transport
    options: dict[str, Any] = {
        "config": dict(common.store),
        "client_options": {
            **common.client,
            "read_timeout": timedelta(seconds=read_timeout(connection)),
            # Of the whole request: its default, 30 s, would cut long bodies.
            "timeout": timedelta(seconds=transport.whole_request),
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
    if gateway is not None:
        options["access_key_id"] = gateway.access_key_id
        options["secret_access_key"] = gateway.secret_access_key
    elif not common.anonymous:
        options["credential_provider"] = _provider(credential_source(connection))
    with without_ambient_settings():
        return S3Store(connection.location.bucket, **options)


_kept = made_once(256)(_store)
# Each has the certificates that this machine trusts, some 0.1 MB, and nobody asks for a step that has ended:
# those of a hundred runs would be kept for nothing, amid memory that could be given back.
_kept_for_a_step = made_once(16)(_store)


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
