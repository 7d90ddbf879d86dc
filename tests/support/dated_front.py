"""A door to an S3 server whose listings tell the times that a test chooses, and objects only once they show.

Servers date objects by their own clocks. How late files are told cannot wait for these: the requests and all
else of the answers are the server's own.
"""

import http.client
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import unquote_plus, urlsplit
from xml.etree import ElementTree as ET

_SPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_OF_A_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


class DatedFront:
    """The door, from `with` to its end; it reads from the server and writes nothing."""

    def __init__(self, server: str) -> None:
        self.server = urlsplit(server)
        self.times: dict[str, datetime] = {}
        """When an object was written, by its key; of the others the server's own time is told."""
        self.hidden: set[str] = set()
        """Keys that no listing shows yet."""
        self.shuffled = False
        """Whether objects are listed in the wrong order."""
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    @property
    def endpoint(self) -> str:
        """The URL that clients are given instead of the server's."""
        return f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def dated(self, listing: bytes) -> bytes:
        """The server's listing with the times of this door."""
        ET.register_namespace("", _SPACE)
        root = ET.fromstring(listing)  # noqa: S314 - of the test's own server
        space = root.tag.partition("}")[0] + "}"
        objects = root.findall(f"{space}Contents")
        for each in objects:
            key = unquote_plus(each.findtext(f"{space}Key") or "")
            if key in self.hidden or self.shuffled:
                root.remove(each)
            told = each.find(f"{space}LastModified")
            if key in self.times and told is not None:
                told.text = f"{self.times[key].astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z"
        if self.shuffled:
            root.extend(reversed(objects))
        return ET.tostring(root)


def _handler(front: DatedFront) -> Callable[..., BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._forward()

        def do_HEAD(self) -> None:
            self._forward()

        def _forward(self) -> None:
            behind = http.client.HTTPConnection(
                str(front.server.hostname), front.server.port or 80, timeout=30
            )
            try:
                behind.request(self.command, self.path, headers=dict(self.headers.items()))
                answer = behind.getresponse()
                body = answer.read()
            finally:
                behind.close()
            if "list-type=2" in self.path and answer.status == http.HTTPStatus.OK:
                body = front.dated(body)
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in _OF_A_HOP:
                    self.send_header(name, value)
            length = answer.getheader("content-length") if self.command == "HEAD" else None
            self.send_header("Content-Length", length or str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
