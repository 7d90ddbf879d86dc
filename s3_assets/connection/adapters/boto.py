"""The connection as boto3 takes it."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

from s3_assets.connection.adapters.boto_counting import count_requests
from s3_assets.connection.adapters.boto_deadlines import limit_requests
from s3_assets.connection.adapters.botocore_dialect import (
    client_arguments,
    encryption_parameters,
    gateway_arguments,
)
from s3_assets.connection.ambient import with_ambient_settings
from s3_assets.connection.credentials import credential_source
from s3_assets.connection.gateway import open_gateway
from s3_assets.connection.transport import DEFAULT_CONNECTIONS
from s3_assets.made_once import made_once

if TYPE_CHECKING:
    from collections.abc import Callable

    from s3_assets.connection.gateway import GatewayAddress
    from s3_assets.connection.settings import S3Connection

_WRITES = ("PutObject", "CreateMultipartUpload", "CopyObject")


def client(
    connection: S3Connection,
    service: str = "s3",
    *,
    sign_bodies: bool | None = None,
    transfers: bool = False,
) -> Any:  # noqa: ANN401 - boto3 makes clients at run time
    """Return a client of that AWS service, whose credentials are those of all other engines.

    With `transfers` it is boto3's own, which has `upload_file` and the like on top, and takes longer to load.
    A cap on connections is kept by the gateway, since boto3's pool opens more when it is empty; presigned
    URLs of such a client are good on this machine alone. Left alone, boto3 signs bodies over plain HTTP.
    """
    source = credential_source(connection)
    if not source.anonymous:
        # A way that leads nowhere is told now, in our words; botocore would look elsewhere.
        source.current()
    if service == "s3" and _capped(connection):
        arguments = gateway_arguments(connection, open_gateway(connection))
    else:
        arguments = client_arguments(connection, service, unsigned=source.anonymous)
    if sign_bodies is not None:
        arguments["config"] = _signing_bodies(arguments["config"], sign_bodies)
    with with_ambient_settings():
        session = source.botocore_session()
        verify = arguments.get("verify", session.get_config_variable("ca_bundle"))
        made = _maker(session, transfers=transfers)(service, **arguments)
    limit_requests(made, arguments["config"], verify, connection.transport.whole_request)
    if service == "s3" and arguments["config"].proxies:
        # Forward proxies swallow the interim answer that it asks for; no other engine asks.
        from botocore.handlers import add_expect_header

        made.meta.events.unregister("before-call.s3", add_expect_header)
    if service == "s3":
        count_requests(made, connection)
    parameters = encryption_parameters(connection)
    if service == "s3" and parameters:
        for operation in _WRITES:
            made.meta.events.register(
                f"provide-client-params.s3.{operation}", partial(_with_encryption, parameters)
            )
    return made


def shared_client(connection: S3Connection, make: Callable[[S3Connection], Any]) -> Any:  # noqa: ANN401 - boto3 makes clients at run time
    """Return this process's client of that making, a function of a module; it is made once."""
    # A cap on connections is kept by the gateway, which is opened anew, elsewhere, once it has ended.
    return _shared(connection, make, open_gateway(connection) if _capped(connection) else None, os.getpid())


@made_once(512)
def _shared(
    connection: S3Connection,
    make: Callable[[S3Connection], Any],
    gateway: GatewayAddress | None,
    process: int,
) -> Any:  # noqa: ANN401 - boto3 makes clients at run time
    # Sockets do not survive a fork: each process has a client of its own.
    del gateway, process
    return make(connection)


def _maker(session: Any, *, transfers: bool) -> Callable[..., Any]:  # noqa: ANN401 - botocore ships no types
    """Return what makes a client of botocore, or of boto3."""
    make: Callable[..., Any] = session.create_client
    if transfers:
        import boto3

        make = boto3.Session(botocore_session=session).client
    return make


def _capped(connection: S3Connection) -> bool:
    return connection.transport.max_connections < DEFAULT_CONNECTIONS


def _signing_bodies(config: Any, sign_bodies: bool) -> Any:  # noqa: ANN401 - botocore ships no types
    from botocore.config import Config

    return config.merge(Config(s3={**config.s3, "payload_signing_enabled": sign_bodies}))


def _with_encryption(parameters: dict[str, Any], params: dict[str, Any], **_: object) -> dict[str, Any]:
    return {**parameters, **params}
