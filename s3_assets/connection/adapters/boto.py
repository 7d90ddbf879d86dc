"""The connection as boto3 takes it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from s3_assets.connection.adapters.botocore_dialect import (
    client_arguments,
    encryption_parameters,
    gateway_arguments,
)
from s3_assets.connection.ambient import with_ambient_settings
from s3_assets.connection.credentials import credential_source
from s3_assets.connection.transport import DEFAULT_CONNECTIONS

if TYPE_CHECKING:
    from s3_assets.connection.settings import S3Connection

_WRITES = ("PutObject", "CreateMultipartUpload", "CopyObject")


def client(connection: S3Connection, service: str = "s3", *, sign_bodies: bool | None = None) -> Any:  # noqa: ANN401 - boto3 makes clients at run time
    """Return a boto3 client of that AWS service, whose credentials are those of all other engines.

    A cap on connections is kept by the gateway, since boto3's pool opens more when it is empty; presigned
    URLs of such a client are good on this machine alone. Left alone, boto3 signs bodies over plain HTTP.
    """
    import boto3

    source = credential_source(connection)
    if not source.anonymous:
        # A way that leads nowhere is told now, in our words; botocore would look elsewhere.
        source.current()
    if service == "s3" and connection.transport.max_connections < DEFAULT_CONNECTIONS:
        from s3_assets.connection.gateway import open_gateway

        arguments = gateway_arguments(connection, open_gateway(connection))
    else:
        arguments = client_arguments(connection, service, unsigned=source.anonymous)
    if sign_bodies is not None:
        arguments["config"] = _signing_bodies(arguments["config"], sign_bodies)
    with with_ambient_settings():
        session = boto3.Session(botocore_session=source.botocore_session())
        made = session.client(service, **arguments)
    if service == "s3" and arguments["config"].proxies:
        # Forward proxies swallow the interim answer that it asks for; no other engine asks.
        from botocore.handlers import add_expect_header

        made.meta.events.unregister("before-call.s3", add_expect_header)
    parameters = encryption_parameters(connection)
    if service == "s3" and parameters:
        for operation in _WRITES:
            made.meta.events.register(
                f"provide-client-params.s3.{operation}", partial(_with_encryption, parameters)
            )
    return made


def _signing_bodies(config: Any, sign_bodies: bool) -> Any:  # noqa: ANN401 - botocore ships no types
    from botocore.config import Config

    return config.merge(Config(s3={**config.s3, "payload_signing_enabled": sign_bodies}))


def _with_encryption(parameters: dict[str, Any], params: dict[str, Any], **_: object) -> dict[str, Any]:
    return {**parameters, **params}
