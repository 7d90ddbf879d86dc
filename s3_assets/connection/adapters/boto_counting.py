"""What boto3 sends, noted where botocore tells of it: each try, with its answer.

`before-send` is told of each try of a request, `needs-retry` of what became of it, with its number; both come
in the thread that sends (botocore, "Extensibility: event system").
"""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from s3_assets.metrics import Request, current

if TYPE_CHECKING:
    from s3_assets.connection.settings import S3Connection

ENGINE = "boto3"
_sent = threading.local()


def count_requests(client: Any, connection: S3Connection) -> None:  # noqa: ANN401 - boto3 makes clients at run time
    """Have an S3 client note its requests on the current meter, and name the asker in the User-Agent."""
    client.meta.events.register("before-send.s3", _begun)
    client.meta.events.register("needs-retry.s3", partial(_ended, connection.location.bucket))


def _begun(request: Any, **_: object) -> None:  # noqa: ANN401 - botocore ships no types
    meter = current()
    _sent.request, _sent.began, _sent.started = request, time.time(), time.monotonic()
    if meter is None or meter.user_agent is None:
        return
    # It is never signed (botocore.auth), so that it may yet be changed.
    before = request.headers.get("User-Agent", "")
    before = before.decode() if isinstance(before, bytes) else before
    request.headers["User-Agent"] = f"{before} {meter.user_agent}".strip()


def _ended(
    bucket: str,
    response: Any,  # noqa: ANN401 - botocore ships no types
    operation: Any,  # noqa: ANN401
    attempts: int,
    **_: object,
) -> None:
    meter, request = current(), getattr(_sent, "request", None)
    _sent.request = None
    if meter is None or request is None:
        return
    parts = urlsplit(request.url)
    path, in_path = unquote(parts.path).removeprefix("/"), not parts.netloc.startswith(f"{bucket}.")
    answer = response[0] if response is not None else None
    meter.note(
        Request(
            ENGINE,
            operation.name,
            request.method,
            _sent.began,
            time.monotonic() - _sent.started,
            answer.status_code if answer is not None else None,
            bytes_read=_length(answer, operation) if request.method != "HEAD" else 0,
            bytes_written=_body_length(request.headers) if answer is not None else 0,
            retry=attempts > 1,
            bucket=bucket,
            key=path.removeprefix(bucket).removeprefix("/") if in_path else path,
            server=parts.netloc,
        )
    )


def _length(answer: Any, operation: Any) -> int:  # noqa: ANN401 - botocore ships no types
    """Return the length of an answer's body, which is not read for it."""
    if answer is None:
        return 0
    told = answer.headers.get("content-length")
    if told is not None:
        return int(told)
    return 0 if operation.has_streaming_output else len(answer.content)


def _body_length(headers: Any) -> int:  # noqa: ANN401 - botocore ships no types
    # Of a body in chunks, the first tells what is in them.
    for name in ("X-Amz-Decoded-Content-Length", "Content-Length"):
        if headers.get(name):
            return int(headers[name])
    return 0
