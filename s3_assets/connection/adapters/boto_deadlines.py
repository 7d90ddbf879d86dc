"""A time limit for whole requests of botocore, which by itself limits the silence between two bytes alone.

`before-send` may answer in place of botocore (botocore, "Extensibility: event system"). It does so by a
session like botocore's own, made of the same settings, and reads the body piece by piece. Bodies that are
asked for as a stream are left to whoever reads them.
"""

from __future__ import annotations

import os
import time
from functools import cached_property
from typing import Any

from s3_assets.connection.whole_answers import TimedAnswer


def limit_requests(client: Any, config: Any, verify: str | None, seconds: float) -> None:  # noqa: ANN401 - of botocore
    """Have no request of a client take longer than so many seconds with its answer.

    `config` and `verify` are those that the client was made with.
    """
    # What others have to say of a request is said before it is sent.
    client.meta.events.register_last("before-send", _Sender(config, verify, seconds))


class _Sender:
    """Sends requests that ask for no stream."""

    def __init__(self, config: Any, verify: str | None, seconds: float) -> None:  # noqa: ANN401 - of botocore
        self._config = config
        # As botocore itself: the bundle of requests counts where none is named.
        self._verify = verify if verify is not None else os.environ.get("REQUESTS_CA_BUNDLE") or True
        self._seconds = seconds

    @cached_property
    def _session(self) -> Any:  # noqa: ANN401 - botocore ships no types
        from botocore.httpsession import URLLib3Session

        return URLLib3Session(
            verify=self._verify,
            proxies=self._config.proxies,
            timeout=(self._config.connect_timeout, self._config.read_timeout),
            max_pool_connections=self._config.max_pool_connections,
            client_cert=self._config.client_cert,
            proxies_config=self._config.proxies_config,
        )

    def __call__(self, request: Any, **_: object) -> Any:  # noqa: ANN401 - of botocore
        """Return the answer; raises botocore's errors, which it tries again after."""
        if request.stream_output:
            return None
        from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
        from urllib3.exceptions import ProtocolError
        from urllib3.exceptions import ReadTimeoutError as TooLateError

        until = time.monotonic() + self._seconds
        # The session would read the body to its end.
        request.stream_output = True
        try:
            answer = self._session.send(request)
        finally:
            request.stream_output = False
        answer.raw = TimedAnswer(answer.raw, until)
        try:
            # It is kept by the answer.
            len(answer.content)
        except TooLateError as error:
            raise ReadTimeoutError(endpoint_url=request.url, error=error) from error
        except ProtocolError as error:
            raise ConnectionClosedError(error=error, request=request, endpoint_url=request.url) from error
        return answer
