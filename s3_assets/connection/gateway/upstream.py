"""The way from the gateway to the connection's server: boto3's transport, with a bound on its connections."""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

from s3_assets.connection.credentials import CredentialSource
from s3_assets.connection.environment import address
from s3_assets.connection.gateway.failures import (
    crowded,
    failed,
    proxy_refused,
    unusable,
    without_credentials,
)
from s3_assets.connection.gateway.signing import PAYLOAD_HASH, UNSIGNED_TRAILER, signed_headers
from s3_assets.connection.gateway.tls import tls_context
from s3_assets.connection.proxies import proxy_url
from s3_assets.errors import S3AssetsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from urllib3 import BaseHTTPResponse, PoolManager

    from s3_assets.connection.gateway.request_body import RequestBody
    from s3_assets.connection.settings import S3Connection

_PROXY_WANTS_USER = 407
_DEFAULT_PORTS = {"http": 80, "https": 443}
# What tells the server who asks is the gateway's to say; the rest ends at each connection (RFC 9110, 7.6.1).
_NOT_PASSED = frozenset(
    {
        "authorization",
        "x-amz-date",
        "x-amz-security-token",
        "date",
        "host",
        "expect",
        "connection",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_DOTS = re.compile(r"(?<=/)(\.{1,2})(?=/|\?|$)")


class Request(NamedTuple):
    """An engine's request, path style; header names in lower case, the target percent-encoded."""

    method: str
    target: str
    headers: dict[str, str]
    body: RequestBody


class Upstream:
    """Where one connection's requests go, and who they come from; many threads may send at once."""

    def __init__(self, connection: S3Connection) -> None:
        self._where = where = address(connection)
        self._source = CredentialSource(connection)
        self._transport = connection.transport
        self._free = threading.BoundedSemaphore(connection.transport.max_connections)
        self._base = replace(where, virtual_hosted=False).url
        self._bucket_base = where.url
        proxy = proxy_url(connection, where.url)
        manager = _manager(connection, proxy)
        self._pools = {base: manager.connection_from_url(base) for base in (self._base, self._bucket_base)}
        # A proxy takes whole URLs for plain HTTP, and makes a tunnel for HTTPS.
        self._whole_urls = proxy is not None and where.url.startswith("http:")

    @property
    def server(self) -> str:
        """The server's host, and its port unless it is the usual one."""
        return _host(self._bucket_base)

    @property
    def patience(self) -> float:
        """Seconds that a request may take with its whole answer."""
        return self._transport.whole_request

    def close(self) -> None:
        """Close the connections that wait; those in use are closed by whoever uses them."""
        for pool in self._pools.values():
            pool.close()

    @contextmanager
    def send(self, request: Request) -> Iterator[BaseHTTPResponse]:
        """Send a request; its answer's body is read inside the block.

        Raises `GatewayFailureError` if there is no answer, `ClientGoneError` if the request breaks off.
        """
        if not request.target.startswith("/"):
            raise unusable("the target of the request is not a path")
        base, target = self._server_of(request.target)
        headers = self._headers(request, base, target)
        if not self._free.acquire(timeout=self._transport.read_timeout):
            raise crowded(self._transport.max_connections)
        try:
            answer = self._ask(request, base, target, headers)
            try:
                yield answer
            except BaseException:
                # Half an answer is still on the line: nobody can use it again.
                answer.close()
                raise
            finally:
                answer.release_conn()
        finally:
            self._free.release()

    def _ask(self, request: Request, base: str, target: str, headers: dict[str, str]) -> BaseHTTPResponse:
        from urllib3.exceptions import HTTPError

        server = urlsplit(base).netloc
        try:
            answer = self._pools[base].urlopen(
                request.method,
                self._on_the_line(base, target),
                body=None if request.body.finished else request.body,  # type: ignore[arg-type] # any buffer does
                headers=headers,
                chunked=request.body.chunked,
                retries=False,
                redirect=False,
                assert_same_host=False,
                preload_content=False,
                decode_content=False,
            )
        except HTTPError as error:
            raise failed(error, server) from error
        if answer.status == _PROXY_WANTS_USER:
            answer.close()
            answer.release_conn()
            raise proxy_refused(server)
        return answer

    def _server_of(self, target: str) -> tuple[str, str]:
        """Return the server's URL and what follows it; the bucket moves into the host if it belongs there."""
        bucket, rest = re.match(r"/([^/?]*)(.*)", target, re.DOTALL).groups()  # type: ignore[union-attr]
        if self._where.virtual_hosted and unquote(bucket) == self._where.bucket:
            return self._bucket_base, rest if rest.startswith("/") else f"/{rest}"
        return self._base, target

    def _headers(self, request: Request, base: str, target: str) -> dict[str, str]:
        sent = request.headers
        dropped = {name.strip().lower() for name in sent.get("connection", "").split(",")}
        headers = {name: value for name, value in sent.items() if name not in _NOT_PASSED | dropped}
        headers["host"] = _host(base)
        payload = headers.get(PAYLOAD_HASH, "")
        if payload.startswith("STREAMING-") and payload != UNSIGNED_TRAILER:
            raise unusable(f"a body that is signed piece by piece ({payload}) cannot be signed anew")
        try:
            credentials = self._source.current()
        except S3AssetsError as error:
            raise without_credentials(error) from error
        if credentials is None:
            return headers
        return signed_headers(request.method, base, target, headers, credentials, self._where.region)

    def _on_the_line(self, base: str, target: str) -> str:
        if not self._whole_urls:
            return target
        # urllib3 resolves dots in whole URLs, where they are a key's own.
        path, mark, query = target.partition("?")
        return f"{base}{_DOTS.sub(lambda dots: dots[0].replace('.', '%2E'), path)}{mark}{query}"


def _manager(connection: S3Connection, proxy: str | None) -> PoolManager:
    from urllib3 import PoolManager, ProxyManager, Timeout, make_headers

    transport = connection.transport
    context = tls_context(connection)
    timeout = Timeout(connect=transport.connect_timeout, read=transport.read_timeout)
    if proxy is None:
        return PoolManager(maxsize=transport.max_connections, timeout=timeout, ssl_context=context)
    parts = urlsplit(proxy)
    user = None
    if parts.username is not None:
        user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return ProxyManager(
        f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}",
        proxy_headers=make_headers(proxy_basic_auth=user),
        proxy_ssl_context=tls_context(connection, to_proxy=True),
        maxsize=transport.max_connections,
        timeout=timeout,
        ssl_context=context,
    )


def _host(base: str) -> str:
    parts = urlsplit(base)
    port = parts.port if parts.port != _DEFAULT_PORTS[parts.scheme] else None
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{host}:{port}" if port else f"{host}"
