"""What the gateway answers in place of the server, in S3's form, so that the diagnosis understands it."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from s3_assets.connection.symptoms import CREDENTIALS_FAILED, UPSTREAM_UNREACHABLE

if TYPE_CHECKING:
    from s3_assets.errors import S3AssetsError


class ClientGoneError(Exception):
    """The engine broke off in the middle of its request; there is nobody left to answer."""


class GatewayFailureError(Exception):
    """A request that gets the gateway's own answer."""

    def __init__(self, status: HTTPStatus, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.document = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
        ).encode()


def refused() -> GatewayFailureError:
    """Return the answer to a request that does not carry a key of this gateway."""
    return GatewayFailureError(
        HTTPStatus.FORBIDDEN, "InvalidAccessKeyId", "this gateway serves the process that started it alone"
    )


def unusable(message: str) -> GatewayFailureError:
    """Return the answer to a request that cannot be forwarded."""
    return GatewayFailureError(HTTPStatus.BAD_REQUEST, "InvalidRequest", message)


def without_credentials(error: S3AssetsError) -> GatewayFailureError:
    """Return the answer if there is nothing to sign with: not a server's error, which is tried again."""
    return GatewayFailureError(HTTPStatus.BAD_REQUEST, CREDENTIALS_FAILED, str(error))


def crowded(connections: int) -> GatewayFailureError:
    """Return the answer if no connection became free in time."""
    return GatewayFailureError(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "SlowDown",
        f"all connections (transport.max_connections: {connections}) were in use for too long",
    )


def failed(error: Exception, server: str) -> GatewayFailureError:
    """Return the answer if the server gave none; urllib3's own words may quote the proxy's password."""
    from urllib3.exceptions import NewConnectionError, ProxyError, SSLError
    from urllib3.exceptions import TimeoutError as TimedOutError

    # urllib3 counts a refused connection as one that timed out, but not silence while sending.
    silent = isinstance(error, TimedOutError) and not isinstance(error, NewConnectionError)
    if silent or isinstance(error.args[-1] if error.args else None, TimeoutError):
        return GatewayFailureError(
            HTTPStatus.GATEWAY_TIMEOUT, "RequestTimeout", f"{server} did not answer in time"
        )
    if isinstance(error, ProxyError):
        found = f"the proxy gave no way to {server}"
    elif isinstance(error, SSLError):
        found = f"TLS with {server} failed{_reason(error)}"
    else:
        found = f"the connection to {server} failed or broke off"
    return GatewayFailureError(HTTPStatus.BAD_GATEWAY, UPSTREAM_UNREACHABLE, found)


def proxy_refused(server: str) -> GatewayFailureError:
    """Return the answer if the proxy wants another user or password; its own would not be S3's form."""
    return GatewayFailureError(
        HTTPStatus.BAD_GATEWAY, UPSTREAM_UNREACHABLE, f"the proxy on the way to {server} refuses its user"
    )


def _reason(error: Exception) -> str:
    """Return what TLS itself calls the failure, such as CERTIFICATE_VERIFY_FAILED."""
    import ssl

    cause = error.args[0] if error.args else None
    return f": {cause.reason}" if isinstance(cause, ssl.SSLError) and cause.reason else ""
