"""The connection as boto3 spells it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from s3_assets.connection.ambient import with_ambient_settings
from s3_assets.connection.credentials import botocore_session, credential_source
from s3_assets.connection.environment import address

if TYPE_CHECKING:
    from s3_assets.connection.settings import S3Connection


def client(connection: S3Connection, service: str = "s3") -> Any:  # noqa: ANN401 - boto3 makes clients at run time
    """Return a boto3 client of that AWS service."""
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    where = address(connection)
    transport = connection.transport
    source = credential_source(connection)
    config = Config(
        connect_timeout=transport.connect_timeout,
        read_timeout=transport.read_timeout,
        max_pool_connections=transport.max_connections,
        # The standard mode waits with jitter, and counts the first try.
        retries={"mode": "standard", "total_max_attempts": transport.max_retries + 1},
        s3={"addressing_style": "virtual" if where.virtual_hosted else "path"},
        request_checksum_calculation=connection.checksums,
        response_checksum_validation=connection.checksums,
        **({"signature_version": UNSIGNED} if source.anonymous else {}),
    )
    keys: dict[str, str | None] = {}
    if connection.auth.type == "access_key" and (credentials := source.current()):
        keys = {
            "aws_access_key_id": credentials.access_key_id,
            "aws_secret_access_key": credentials.secret_access_key,
            "aws_session_token": credentials.session_token,
        }
    with with_ambient_settings():
        return boto3.Session(botocore_session=botocore_session(connection)).client(
            service,
            endpoint_url=where.endpoint if service == "s3" else None,
            region_name=where.region,
            config=config,
            **keys,
        )
