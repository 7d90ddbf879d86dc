"""The connection as requests takes it: what PyIceberg speaks to a catalog with.

Time limits, retries, proxy and TLS are those of the connection. An authorization is put on requests to the
server that it is meant for, and on no other, be the client sent there or not.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol

from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from s3_assets.connection.proxies import proxy_url
from s3_assets.connection.whole_answers import TimedAnswer

if TYPE_CHECKING:
    from requests import PreparedRequest, Response

    from s3_assets.connection.settings import S3Connection

_BUSY = (429, 502, 503, 504)
_REFUSED = (401, 419)


class Authorization(Protocol):
    """What is put on a request so that the server knows who asks."""

    def apply(self, request: PreparedRequest) -> None:
        """Put it on the request."""

    def refused(self) -> None:
        """Take note that the server did not accept it."""


class ConnectionAdapter(HTTPAdapter):
    """Carries requests as the connection says; mount it at the URL that the authorization is meant for."""

    def __init__(self, connection: S3Connection, authorization: Authorization | None = None) -> None:
        self._connection = connection
        self._authorization = authorization
        transport = connection.transport
        retries = Retry(
            total=transport.max_retries,
            backoff_factor=0.1,
            backoff_jitter=0.1,
            status_forcelist=_BUSY,
            # A commit is never sent twice: whether the first took place cannot be seen from its answer.
            allowed_methods=("GET", "HEAD"),
            raise_on_status=False,
        )
        super().__init__(pool_maxsize=transport.max_connections, max_retries=retries)

    def add_headers(self, request: PreparedRequest, **kwargs: Any) -> None:  # noqa: ANN401, ARG002 - its words
        """Put the authorization on the request, as the last thing that is done to it."""
        if self._authorization is not None:
            self._authorization.apply(request)

    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: Any = None,  # noqa: ANN401 - of requests
        verify: bool | str = True,
        cert: Any = None,  # noqa: ANN401 - of requests
        proxies: Any = None,  # noqa: ANN401 - of requests
    ) -> Response:
        """Send the request; what requests read from the environment gives way to the connection."""
        del timeout, cert, proxies
        connection, tls = self._connection, self._connection.tls
        until = time.monotonic() + connection.transport.whole_request
        proxy = proxy_url(connection, str(request.url))
        certificate = str(tls.client_certificate) if tls.client_certificate is not None else None
        answer = super().send(
            request,
            stream=stream,
            timeout=(connection.transport.connect_timeout, connection.transport.read_timeout),
            verify=str(tls.ca_bundle) if tls.ca_bundle is not None else verify,
            cert=(certificate, str(tls.client_key)) if certificate and tls.client_key else certificate,
            proxies={"http": proxy, "https": proxy} if proxy else {},
        )
        if not stream:
            answer.raw = TimedAnswer(answer.raw, until)
        if answer.status_code in _REFUSED and self._authorization is not None:
            self._authorization.refused()
        return answer
