"""The connection as Polars spells it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from s3_assets.connection.credentials import credential_source
from s3_assets.connection.environment import address

if TYPE_CHECKING:
    from collections.abc import Callable

    from s3_assets.connection.settings import S3Connection


def options(connection: S3Connection) -> dict[str, Any]:
    """Return the keyword arguments of `scan_*` and `sink_*`: `storage_options`, `credential_provider`.

    Credentials always go through the provider: any option that Polars does not know would otherwise make
    it read the shared credentials file by itself and mix two identities.
    """
    where = address(connection)
    transport = connection.transport
    settings: dict[str, Any] = {
        "aws_region": where.region,
        "aws_virtual_hosted_style_request": "true" if where.virtual_hosted else "false",
        "connect_timeout": f"{transport.connect_timeout}s",
        "read_timeout": f"{transport.read_timeout}s",
        # The default limit of a whole request, 30 s, would cut long bodies.
        "timeout": "1 day",
        # Polars takes numbers here, delta-rs text.
        "max_retries": transport.max_retries,
        "retry_init_backoff_ms": 100,
        "retry_max_backoff_ms": 15_000,
    }
    if where.bucket_endpoint:
        # Both keys: an ambient AWS_ENDPOINT_URL_S3 beats the general one.
        settings["aws_endpoint_url"] = where.bucket_endpoint
        settings["aws_endpoint_url_s3"] = where.bucket_endpoint
        # Polars' own choice, CRC-64/NVME, is Amazon's: others do not know it, or compute it slowly.
        settings["aws_checksum_algorithm"] = "sha256"
    anonymous = credential_source(connection).anonymous
    # Said in either case: an ambient AWS_SKIP_SIGNATURE would leave signed requests unsigned.
    settings["aws_skip_signature"] = "true" if anonymous else "false"
    if anonymous:
        return {"storage_options": settings, "credential_provider": None}
    return {"storage_options": settings, "credential_provider": _provider(connection)}


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
        expiry = credentials.expires_at
        return keys, int(expiry.timestamp()) if expiry else None

    return provide
