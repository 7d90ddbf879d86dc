"""One request with its answer, on its way; and the answer that the proxy gives by itself."""

import asyncio
import socket
import struct
from typing import Final

from tests.support.http_messages import Body, Head
from tests.support.proxy_state import Action, RecordedRequest

SLOW_DOWN_BODY: Final = (
    b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>SlowDown</Code>'
    b"<Message>Please reduce your request rate.</Message></Error>"
)
SLOW_DOWN_HEAD: Final = (
    b"HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nContent-Length: %d\r\n" % len(SLOW_DOWN_BODY)
)


TIME_TO_ARRIVE: Final = 0.02
"""Seconds between the last byte of a cut body and the reset, which would overtake bytes still on the way."""


class Exchange:
    """One request and its answer."""

    def __init__(self, head: Head, record: RecordedRequest, action: Action | None) -> None:
        self.head = head
        self.record = record
        self.action = action
        self.kind = None if action is None else action.kind
        self.request_body = head.request_body()
        self.answer_body: Body | None = None
        self.partial_answer_head = b""
        self.forwarded = False
        self.continued = False
        self.answered = False
        self.bytes_until_cut = 0


def slow_down_answer(method: str, *, keep_alive: bool) -> bytes:
    """S3's answer to a client that asks too much, which every client library tries again."""
    closing = b"\r\n" if keep_alive else b"Connection: close\r\n\r\n"
    return SLOW_DOWN_HEAD + closing + (b"" if method == "HEAD" else SLOW_DOWN_BODY)


def reset_soon(transport: asyncio.Transport) -> None:
    """Break a connection as a failing network does, when what was written to it has arrived."""
    connection: socket.socket | None = transport.get_extra_info("socket")
    if connection is not None and not transport.is_closing():
        # With a linger time of zero closing sends a reset instead of an orderly end.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    asyncio.get_running_loop().call_later(TIME_TO_ARRIVE, transport.abort)
