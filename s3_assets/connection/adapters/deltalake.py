"""The connection as delta-rs spells it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.connection.credential_endpoint import publish
from s3_assets.connection.credentials import credential_source
from s3_assets.connection.environment import address

if TYPE_CHECKING:
    from s3_assets.connection.settings import S3Connection

_WHOLE_REQUEST = 4


def options(connection: S3Connection) -> dict[str, str]:
    """Return the `storage_options` of delta-rs, all of them text.

    Credentials that expire are fetched by delta-rs from a loopback endpoint of ours, again and again, so
    that a long write never runs on old ones. Build the table inside `ambient.without_ambient_settings()`:
    ambient keys would beat that endpoint.
    """
    where = address(connection)
    transport = connection.transport
    settings = {
        "aws_region": where.region,
        "aws_virtual_hosted_style_request": "true" if where.virtual_hosted else "false",
        "connect_timeout": f"{transport.connect_timeout}s",
        # delta-rs limits the whole request, not the silence in it, and its 30 s would cut long bodies.
        "timeout": f"{transport.read_timeout * _WHOLE_REQUEST}s",
        "max_retries": str(transport.max_retries),
        "backoff_config.init_backoff": "100ms",
        "backoff_config.max_backoff": "15s",
    }
    if where.bucket_endpoint:
        settings["aws_endpoint_url"] = where.bucket_endpoint
        settings["aws_endpoint_url_s3"] = where.bucket_endpoint
    if where.plain_http:
        settings["aws_allow_http"] = "true"
    credentials = credential_source(connection).current()
    settings["aws_skip_signature"] = "true" if credentials is None else "false"
    if credentials is None:
        return settings
    if credentials.expires_at is None:
        settings["aws_access_key_id"] = credentials.access_key_id
        settings["aws_secret_access_key"] = credentials.secret_access_key
        if credentials.session_token:
            settings["aws_session_token"] = credentials.session_token
    else:
        published = publish(connection)
        settings["aws_container_credentials_full_uri"] = published.url
        settings["aws_container_authorization_token_file"] = published.token_file
        settings["proxy_excludes"] = "127.0.0.1"
    return settings
