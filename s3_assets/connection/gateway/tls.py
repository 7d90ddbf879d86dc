"""Whose certificates the gateway trusts, and the one that it shows."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from s3_assets.connection.ambient import variable
from s3_assets.errors import SettingError

if TYPE_CHECKING:
    from s3_assets.connection.settings import S3Connection


def tls_context(connection: S3Connection, *, to_proxy: bool = False) -> ssl.SSLContext:
    """Return what TLS is spoken with: to the server, or to a proxy, which is shown no client certificate.

    Raises `SettingError` if a file cannot be read or is not what it should be.
    """
    from botocore.httpsession import get_cert_path

    tls = connection.tls
    # Without a bundle, the one that boto3 would take.
    bundle = tls.ca_bundle or variable("AWS_CA_BUNDLE") or get_cert_path(True)  # noqa: FBT003 - botocore's own
    try:
        context = ssl.create_default_context(cafile=str(bundle))
    except OSError as error:
        raise _unusable("tls.ca_bundle", bundle, error, connection) from error
    if tls.client_certificate is not None and not to_proxy:
        try:
            # Without a password, OpenSSL would ask the terminal for the one of an encrypted key.
            context.load_cert_chain(tls.client_certificate, tls.client_key, password="")
        except OSError as error:
            raise _unusable("tls.client_certificate", tls.client_certificate, error, connection) from error
    return context


def _unusable(setting: str, path: object, error: OSError, connection: S3Connection) -> SettingError:
    reason = error.reason if isinstance(error, ssl.SSLError) else error.strerror
    return SettingError(
        f"the file that {setting} names, {path}, cannot be used ({reason})",
        remedy="It has to be PEM; client_key has to be the key of client_certificate, without a password.",
        connection=connection.name,
    )
