"""A service of AWS that speaks JSON, gives one answer, and notes who asked for what."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Answering(ThreadingHTTPServer):
    """It listens on loopback; `asked` holds target and authorization of each request."""

    daemon_threads = True

    def __init__(self, status: int, answer: dict[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.status = status
        self.answer = answer
        self.asked: list[tuple[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Answer(BaseHTTPRequestHandler):
    server: Answering

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.headers["X-Amz-Target"], self.headers["Authorization"]))
        body = json.dumps(self.server.answer).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        pass
