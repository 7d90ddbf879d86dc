"""The server's end of one forwarded connection."""

import asyncio
from typing import Protocol


class Client(Protocol):
    """The client's end, as far as its server's end has to do with it."""

    def answer_received(self, data: bytes) -> None:
        """Bytes of the server's answer."""

    def server_lost(self) -> None:
        """The server's connection is closed."""

    def hold(self, reason: str) -> None:
        """Read no more from the client until every reason is released."""

    def release(self, reason: str) -> None:
        """Take one reason back."""


class ServerConnection(asyncio.Protocol):
    """The server's connection that belongs to one client's."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def data_received(self, data: bytes) -> None:
        """Bytes of an answer."""
        self._client.answer_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """The server, or this proxy, ended the connection."""
        del exc
        self._client.server_lost()

    def pause_writing(self) -> None:
        """The server reads slower than the client writes."""
        self._client.hold("server is slow")

    def resume_writing(self) -> None:
        """The server has caught up."""
        self._client.release("server is slow")
