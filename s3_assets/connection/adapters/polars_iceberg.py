"""The connection as `pl.scan_iceberg` and `LazyFrame.sink_iceberg` take it.

Both read and write metadata with the table's `FileIO` (adapters/pyiceberg.py), but data with Polars' own
reader and writer, which know neither that `FileIO` nor a `credential_provider`: they are told by
`storage_options` alone, and look at the environment when the frame is collected, whoever does that. So the
options themselves have to lead to credentials that are good then, past every variable:

- keys that do not end stand in the options;
- keys that end are fetched by Polars from our endpoint on loopback, again and again;
- where a variable of the environment would come before either, the gateway on loopback signs.

`reader_override="pyiceberg"` needs none of this, and reads whole files into memory through PyArrow.
`pl.Config.set_default_credential_provider` is no way: it is one for the whole process, asked for when the
frame is collected, and not asked at all beside options such as `aws_skip_signature`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.connection.adapters.object_store_dialect import (
    credentials_as_text,
    read_timeout,
    refuse_client_side,
    settings,
)
from s3_assets.connection.ambient import variable
from s3_assets.connection.credentials import credential_source
from s3_assets.connection.gateway import open_gateway

if TYPE_CHECKING:
    from s3_assets.connection.credentials import Credentials
    from s3_assets.connection.settings import S3Connection

# In the order in which object_store looks for credentials, these come before a URL of credentials.
_BEFORE_A_URL = (
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
)
# And this joins a key that has no token.
_BESIDE_A_KEY = ("AWS_SESSION_TOKEN",)


def scan_options(connection: S3Connection) -> dict[str, str | int]:
    """Return the `storage_options` of `pl.scan_iceberg`."""
    # Polars takes these as numbers alone.
    retries = {
        "max_retries": connection.transport.max_retries,
        "retry_init_backoff_ms": 100,
        "retry_max_backoff_ms": 15_000,
    }
    return {**sink_options(connection), **retries}


def sink_options(connection: S3Connection) -> dict[str, str]:
    """Return the `storage_options` of `LazyFrame.sink_iceberg`, which takes text alone.

    `transport.max_retries` cannot be said there: Polars retries as often as it does by itself. A write that
    has to honour it sinks Parquet files, and commits them with PyIceberg.
    """
    refuse_client_side(connection, "Polars")
    common = settings(connection, "polars")
    told = {
        **common.store,
        **common.client,
        "read_timeout": f"{read_timeout(connection)}s",
        # The default limit of a whole request, 30 s, would cut long bodies.
        "timeout": f"{connection.transport.whole_request}s",
    }
    if "aws_endpoint_url" in told:
        # Polars' own choice, CRC-64/NVME, is Amazon's: others do not know it, or compute it slowly.
        told["aws_checksum_algorithm"] = "sha256"
    credentials = None if common.anonymous else credential_source(connection).current()
    if credentials is None:
        return told
    if common.gateway is None and not _beaten(credentials):
        return {**told, **credentials_as_text(connection, credentials)}
    gateway = common.gateway or open_gateway(connection)
    return {
        **told,
        "aws_endpoint_url": gateway.endpoint,
        "aws_endpoint_url_s3": gateway.endpoint,
        "aws_virtual_hosted_style_request": "false",
        "aws_checksum_algorithm": "sha256",
        "allow_http": "true",
        # A proxy is the gateway's business.
        "proxy_excludes": "127.0.0.1",
        "aws_access_key_id": gateway.access_key_id,
        "aws_secret_access_key": gateway.secret_access_key,
    }


def _beaten(credentials: Credentials) -> bool:
    """Tell whether the environment has variables that would change what the options say."""
    if credentials.expires_at is not None:
        return any(variable(name) for name in _BEFORE_A_URL)
    return credentials.session_token is None and any(variable(name) for name in _BESIDE_A_KEY)
