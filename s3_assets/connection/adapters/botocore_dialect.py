"""The connection as botocore spells it, for S3 and for every other AWS service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from s3_assets.connection.environment import Address, address
from s3_assets.connection.proxies import proxy_url

if TYPE_CHECKING:
    from s3_assets.connection.settings import S3Connection


def client_arguments(connection: S3Connection, service: str, *, unsigned: bool = False) -> dict[str, Any]:
    """Return the arguments of `create_client` but the credentials: region, endpoint, TLS and `Config`."""
    where = address(connection)
    endpoint = where.endpoint if service == "s3" else getattr(connection.service_endpoints, service, None)
    arguments: dict[str, Any] = {
        "region_name": where.region,
        "endpoint_url": endpoint,
        "config": _config(connection, where, service, endpoint, unsigned=unsigned),
    }
    if connection.tls.ca_bundle is not None:
        arguments["verify"] = str(connection.tls.ca_bundle)
    return arguments


def _config(
    connection: S3Connection, where: Address, service: str, endpoint: str | None, *, unsigned: bool
) -> Any:  # noqa: ANN401 - botocore ships no types
    from botocore import UNSIGNED
    from botocore.config import Config

    transport, tls = connection.transport, connection.tls
    url = where.url if service == "s3" else endpoint or _service_url(service, where)
    proxy = proxy_url(connection, url)
    settings: dict[str, Any] = {
        "connect_timeout": transport.connect_timeout,
        "read_timeout": transport.read_timeout,
        "max_pool_connections": transport.max_connections,
        # The standard mode waits with jitter, and counts the first try.
        "retries": {"mode": "standard", "total_max_attempts": transport.max_retries + 1},
        # Empty for the direct way: botocore would ask the environment once more.
        "proxies": {"http": proxy, "https": proxy} if proxy else {},
        "s3": {"addressing_style": "virtual" if where.virtual_hosted else "path"},
        "request_checksum_calculation": connection.checksums,
        "response_checksum_validation": connection.checksums,
    }
    if proxy and tls.ca_bundle is not None:
        settings["proxies_config"] = {"proxy_ca_bundle": str(tls.ca_bundle)}
    if tls.client_certificate is not None:
        certificate, key = str(tls.client_certificate), tls.client_key
        settings["client_cert"] = (certificate, str(key)) if key is not None else certificate
    if unsigned:
        settings["signature_version"] = UNSIGNED
    return Config(**settings)


def _service_url(service: str, where: Address) -> str:
    host = {"cloudwatch": "monitoring"}.get(service, service)
    return f"https://{host}.{where.region}.{where.domain}"


def encryption_parameters(connection: S3Connection) -> dict[str, Any]:
    """Return the parameters of requests that write objects (Amazon S3 API Reference, "PutObject")."""
    encryption = connection.encryption
    if encryption.server_side is None:
        return {}
    if encryption.server_side == "sse-s3":
        return {"ServerSideEncryption": "AES256"}
    parameters: dict[str, Any] = {"ServerSideEncryption": "aws:kms"}
    if encryption.kms_key_id is not None:
        parameters["SSEKMSKeyId"] = encryption.kms_key_id
    if encryption.bucket_key is not None:
        parameters["BucketKeyEnabled"] = encryption.bucket_key
    return parameters
