"""The program of the loopback process: orders come in through one pipe, answers leave through another."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Protocol

from s3_assets.connection.credential_server import CredentialServer
from s3_assets.connection.gateway.server import GatewayServer
from s3_assets.errors import S3AssetsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from s3_assets.connection.loopback import Counting, Room
    from s3_assets.connection.settings import S3Connection


class _Serving(Protocol):
    def admit(self, connection: S3Connection, counting: Counting | None) -> object: ...

    def counted(self, answer: Any) -> object: ...  # noqa: ANN401 - each room has answers of its own

    def let_go(self, answer: Any) -> None: ...  # noqa: ANN401 - each room has answers of its own

    def serve_forever(self) -> None: ...

    def server_close(self) -> None: ...


_ROOMS: dict[Room, Callable[[], _Serving]] = {"credentials": CredentialServer, "gateway": GatewayServer}


def main() -> None:
    """Serve until the orders end, which they do with the process that gives them."""
    # Ctrl-C in a terminal is meant for the parent, whose last requests still have to pass.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    orders, answers = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # Nothing that a library prints may come between the answers.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    opened: dict[Room, _Serving] = {}
    with ExitStack() as closing:
        while True:
            try:
                # From the pipe of the process that started this one, and from nobody else.
                room, *told = pickle.load(orders)  # noqa: S301
            except EOFError:
                return
            answer: object
            if room == "counted":
                answer = opened["gateway"].counted(*told)
            elif room == "let go":
                opened["gateway"].let_go(*told)
                answer = None
            else:
                connection, variables, counting = told
                os.environ.update(variables)
                if room not in opened:
                    opened[room] = _ROOMS[room]()
                    closing.callback(opened[room].server_close)
                    threading.Thread(target=opened[room].serve_forever, daemon=True).start()
                try:
                    answer = opened[room].admit(connection, counting)
                except S3AssetsError as error:
                    answer = error
            pickle.dump(answer, answers)
            answers.flush()


if __name__ == "__main__":
    main()
