"""What both rooms of the loopback process are made of: an HTTP server that only this machine can reach."""

from __future__ import annotations

import sys
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer

HOST = "127.0.0.1"


class LoopbackServer(ThreadingHTTPServer):
    """Listens on a free port of loopback, and tells nothing of its requests to anybody."""

    daemon_threads = True
    # Engines open dozens of connections at once; the default backlog of 5 would make them wait a second.
    request_queue_size = 512

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__((HOST, 0), handler)

    @property
    def url(self) -> str:
        """Where it is reached, without a slash at the end."""
        return f"http://{HOST}:{self.server_address[1]}"

    def server_bind(self) -> None:
        """Bind without asking a name server for this machine's name, as the base class does."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002 - the base's names
        """Write where an unforeseen error came from; never its text, which may quote a request."""
        kind, error, _ = sys.exc_info()
        if kind is None or error is None or isinstance(error, ConnectionError):
            return
        place = "".join(traceback.format_tb(error.__traceback__))
        sys.stderr.write(f"loopback: {kind.__name__}\n{place}")
