"""The connection as botocore spells it, for S3 and for every other AWS service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from s3_assets.connection.ambient import blank, variable
from s3_assets.connection.environment import Address, address
from s3_assets.connection.proxies import proxy_url

if TYPE_CHECKING:
    from s3_assets.connection.gateway import GatewayAddress
    from s3_assets.connection.settings import S3Connection


# In the order in which botocore looks at them.
_BUNDLES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE")


def client_arguments(connection: S3Connection, service: str, *, unsigned: bool = False) -> dict[str, Any]:
    """Return the arguments of `create_client` but the credentials: region, endpoint, TLS and `Config`."""
    from botocore import UNSIGNED

    where = address(connection)
    tls = connection.tls
    endpoint = where.endpoint if service == "s3" else getattr(connection.service_endpoints, service, None)
    proxy = proxy_url(connection, where.url if service == "s3" else endpoint or _service_url(service, where))
    settings: dict[str, Any] = {
        # Empty for the direct way: botocore would ask the environment once more.
        "proxies": {"http": proxy, "https": proxy} if proxy else {},
    }
    if proxy and tls.ca_bundle is not None:
        settings["proxies_config"] = {"proxy_ca_bundle": str(tls.ca_bundle)}
    if tls.client_certificate is not None:
        certificate, key = str(tls.client_certificate), tls.client_key
        settings["client_cert"] = (certificate, str(key)) if key is not None else certificate
    if unsigned:
        settings["signature_version"] = UNSIGNED
    return {
        "region_name": where.region,
        "endpoint_url": endpoint,
        "config": _config(
            connection,
            virtual_hosted=where.virtual_hosted,
            read_timeout=connection.transport.read_timeout,
            **settings,
        ),
        **_verification(connection),
    }


def _verification(connection: S3Connection) -> dict[str, str | bool]:
    """Return whose certificates count, where that is not what botocore takes by itself.

    Releases of botocore have taken a bundle without a name for the wish not to verify; others raise.
    """
    bundle = connection.tls.ca_bundle
    if bundle is not None:
        return {"verify": str(bundle)}
    return {"verify": True} if not variable(_BUNDLES[0]) and any(map(blank, _BUNDLES)) else {}


def gateway_arguments(connection: S3Connection, gateway: GatewayAddress) -> dict[str, Any]:
    """Return the arguments of `create_client` for requests that the loopback gateway signs anew."""
    return {
        "region_name": address(connection).region,
        "endpoint_url": gateway.endpoint,
        "aws_access_key_id": gateway.access_key_id,
        "aws_secret_access_key": gateway.secret_access_key,
        "config": _config(
            connection,
            virtual_hosted=False,
            read_timeout=connection.transport.gateway_timeout,
            proxies={},
        ),
    }


def _config(
    connection: S3Connection,
    *,
    virtual_hosted: bool,
    read_timeout: float,
    **settings: Any,  # noqa: ANN401 - botocore ships no types
) -> Any:  # noqa: ANN401
    from botocore.config import Config

    transport = connection.transport
    return Config(
        connect_timeout=transport.connect_timeout,
        read_timeout=read_timeout,
        max_pool_connections=transport.max_connections,
        # The standard mode waits with jitter, and counts the first try.
        retries={"mode": "standard", "total_max_attempts": transport.max_retries + 1},
        s3={"addressing_style": "virtual" if virtual_hosted else "path"},
        request_checksum_calculation=connection.checksums,
        response_checksum_validation=connection.checksums,
        **settings,
    )


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
