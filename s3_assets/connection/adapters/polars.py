"""The connection as Polars spells it."""

from __future__ import annotations

import os
from math import ceil
from typing import TYPE_CHECKING, Any

from s3_assets.connection.adapters.object_store_dialect import read_timeout, refuse_client_side, settings
from s3_assets.connection.credentials import credential_source

if TYPE_CHECKING:
    from collections.abc import Callable

    from s3_assets.connection.gateway import GatewayAddress
    from s3_assets.connection.settings import S3Connection


# How many bytes of a Parquet file's end Polars fetches to find its footer. Its own choice, 256 KiB, would be
# most of what a read of a few columns fetches; most footers are smaller than this one.
_FOOTER_READ = ("POLARS_CLOUD_FOOTER_READ_SIZE", "65536")


def options(connection: S3Connection) -> dict[str, Any]:
    """Return the keyword arguments of `scan_*` and `sink_*`: `storage_options`, `credential_provider`.

    Credentials always go through the provider: any option that Polars does not know would otherwise make
    it read the shared credentials file by itself and mix two identities.
    """
    refuse_client_side(connection, "Polars")
    os.environ.setdefault(*_FOOTER_READ)
    common = settings(connection, "polars")
    transport = connection.transport
    storage_options: dict[str, Any] = {
        **common.store,
        **common.client,
        "read_timeout": f"{read_timeout(connection)}s",
        # The default limit of a whole request, 30 s, would cut long bodies.
        "timeout": f"{connection.transport.whole_request}s",
        # Polars takes numbers here, delta-rs text.
        "max_retries": transport.max_retries,
        "retry_init_backoff_ms": 100,
        "retry_max_backoff_ms": 15_000,
    }
    if "aws_endpoint_url" in common.store:
        # Polars' own choice, CRC-64/NVME, is Amazon's: others do not know it, or compute it slowly.
        storage_options["aws_checksum_algorithm"] = "sha256"
    if common.anonymous:
        return {"storage_options": storage_options, "credential_provider": None}
    provider = _provider(connection) if common.gateway is None else _keys_of(common.gateway)
    return {"storage_options": storage_options, "credential_provider": provider}


def _provider(connection: S3Connection) -> Callable[[], tuple[dict[str, str | None], int | None]]:
    def provide() -> tuple[dict[str, str | None], int | None]:
        credentials = credential_source(connection).current()
        if credentials is None:
            return {}, None
        keys: dict[str, str | None] = {
            "aws_access_key_id": credentials.access_key_id,
            "aws_secret_access_key": credentials.secret_access_key,
        }
        if credentials.session_token:
            keys["aws_session_token"] = credentials.session_token
        expires_at, renew_at = credentials.expires_at, credentials.renew_at
        if expires_at is None or renew_at is None:
            return keys, None
        # Polars uses a key to the very second that it is told: not that of its end.
        return keys, min(ceil(renew_at.timestamp()), int(expires_at.timestamp()))

    return provide


def _keys_of(gateway: GatewayAddress) -> Callable[[], tuple[dict[str, str | None], int | None]]:
    keys: dict[str, str | None] = {
        "aws_access_key_id": gateway.access_key_id,
        "aws_secret_access_key": gateway.secret_access_key,
    }
    return lambda: (keys, None)
