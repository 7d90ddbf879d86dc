"""One request with its answer, on its way; and the answer that the proxy gives by itself."""

import asyncio
import socket
import struct
from typing import Final

from tests.support.http_messages import Body, Head, LengthBody
from tests.support.proxy_state import ANSWERS, Action, RecordedRequest

ERROR = '<?xml version="1.0" encoding="UTF-8"?><Error><Code>{}</Code><Message>{}</Message></Error>'
REFUSED = "Please reduce your request rate, set your clock, or sign in again: whichever the code says."


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
        """Or until the byte that is flipped."""
        self.held = b""
        """What a drip has not given yet."""

    @property
    def silent(self) -> bool:
        """Whether the client sees nothing of the server's answer, or only when it is complete."""
        return self.kind in {"kill_after", "lost_reply", "cut_reply", "drip"}

    @property
    def cuts(self) -> bool:
        """Whether the answer's body ends before its end."""
        return self.kind in {"reset_body", "truncate"}

    def place(self, body: Body) -> None:
        """Find the place in the answer's body where something happens to it."""
        half = body.length // 2 if isinstance(body, LengthBody) else 1
        told = self.action.cut_after if self.action is not None else None
        self.bytes_until_cut = half if told is None else told

    def altered(self, piece: bytes) -> bytes:
        """Return a piece of the body as the client sees it."""
        before = self.bytes_until_cut
        if self.cuts:
            piece = piece[:before]
        elif self.kind == "flip" and 0 <= before < len(piece):
            piece = piece[:before] + bytes([piece[before] ^ 0x01]) + piece[before + 1 :]
        self.bytes_until_cut -= len(piece)
        return piece

    def pieces(self) -> list[bytes]:
        """Return what a drip gives, one after the other."""
        number = self.action.pieces if self.action is not None else 1
        size = -(-len(self.held) // number)
        return [self.held[start : start + size] for start in range(0, len(self.held), size)]


def error_answer(method: str, code: str, *, keep_alive: bool) -> bytes:
    """S3's answer of that code."""
    body = ERROR.format(code, REFUSED).encode()
    closing = "" if keep_alive else "Connection: close\r\n"
    head = (
        f"HTTP/1.1 {ANSWERS[code]} {code}\r\nContent-Type: application/xml\r\n"
        f"Content-Length: {len(body)}\r\n{closing}\r\n"
    )
    return head.encode() + (b"" if method == "HEAD" else body)


def reset_soon(transport: asyncio.Transport) -> None:
    """Break a connection as a failing network does, when what was written to it has arrived."""
    connection: socket.socket | None = transport.get_extra_info("socket")
    if connection is not None and not transport.is_closing():
        # With a linger time of zero closing sends a reset instead of an orderly end.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    asyncio.get_running_loop().call_later(TIME_TO_ARRIVE, transport.abort)
