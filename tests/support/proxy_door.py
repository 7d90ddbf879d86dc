"""Where a proxy's clients come in: it can be shut for a while, so that their connections are refused."""

import asyncio

from tests.support.proxy_connections import ClientConnection
from tests.support.proxy_state import ProxyState


class Door:
    """A listening port; once it is known, it stays the same."""

    def __init__(self, state: ProxyState, target: tuple[str, int], port: int) -> None:
        self.port = port
        self._state = state
        self._target = target
        self._listener: asyncio.Server | None = None
        self._opening: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Listen, if nobody does."""
        if self._listener is not None:
            return
        self._listener = await asyncio.get_running_loop().create_server(
            lambda: ClientConnection(self._state, self._target), "127.0.0.1", self.port, backlog=512
        )
        self.port = self._listener.sockets[0].getsockname()[1]

    def close(self, seconds: float) -> None:
        """Refuse whoever comes, for so long; zero: until it is opened."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        if seconds:
            asyncio.get_running_loop().call_later(seconds, self._open_again)

    def _open_again(self) -> None:
        self._opening = asyncio.get_running_loop().create_task(self.open())
