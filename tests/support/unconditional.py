"""A server that ignores `If-None-Match`: one that keeps to it, behind a front that takes the header away."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_NOT_PASSED_ON = frozenset({"if-none-match", "connection", "transfer-encoding", "content-length"})


@contextmanager
def unconditional(endpoint: str) -> Iterator[str]:
    """Yield the front's endpoint; `endpoint` must not check signatures, which cover the header."""

    class Front(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            kept = {name: text for name, text in self.headers.items() if name.lower() not in _NOT_PASSED_ON}
            server = http.client.HTTPConnection(urlsplit(endpoint).netloc)
            server.request(self.command, self.path, body, kept)
            answer = server.getresponse()
            content = answer.read()
            self.send_response(answer.status)
            for name, text in answer.getheaders():
                if name.lower() not in _NOT_PASSED_ON:
                    self.send_header(name, text)
            length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(content))
            self.send_header("Content-Length", length or "0")
            self.end_headers()
            self.wfile.write(content)
            server.close()

        def log_message(self, format: str, *values: object) -> None:  # noqa: A002 - the name of the base
            """Say nothing."""

    for verb in ("GET", "PUT", "POST", "DELETE", "HEAD"):
        setattr(Front, f"do_{verb}", Front.pass_on)
    with ThreadingHTTPServer(("127.0.0.1", 0), Front) as front:
        front.daemon_threads = True
        thread = threading.Thread(target=front.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{front.server_port}"
        finally:
            front.shutdown()
            thread.join()
