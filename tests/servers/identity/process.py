"""``python -m tests.servers.identity.process folder``: the identity server, on loopback."""

import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from tests.servers.identity import sts
from tests.servers.identity.answers import Answer, Request
from tests.servers.identity.metadata import CONTAINER, ContainerMetadata, InstanceMetadata
from tests.servers.identity.settings import Call, Settings, read_settings, write_call

SETTINGS = "settings.json"
CALLS = "calls.jsonl"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body in one packet: otherwise each answer waits 40 ms for a delayed ACK.
    wbufsize = -1
    folder: ClassVar[Path]
    instance: ClassVar[InstanceMetadata]
    container: ClassVar[ContainerMetadata]

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, url.path, url.query, headers, body)
        service = _service(url.path)
        settings = read_settings(self.folder / SETTINGS)
        answer = self._answer(service, request, settings)
        call = Call(
            time.time(),
            service,
            answer.action,
            answer.status,
            answer.base_key_id,
            answer.issued,
            answer.parameters,
        )
        write_call(self.folder / CALLS, call)
        content = answer.content.encode()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _answer(self, service: str, request: Request, settings: Settings) -> Answer:
        if service in settings.failing:
            return Answer(settings.failing[service], "The server was told to fail.", "failing")
        match service:
            case "imds":
                return self.instance.answer(request, settings)
            case "container":
                return self.container.answer(request, settings)
            case _:
                return sts.answer(request, settings)

    do_GET = do_PUT = do_POST = _serve  # noqa: N815 - names that the base class looks for

    def log_message(self, *arguments: Any) -> None:
        """Stay silent."""


def _service(path: str) -> str:
    if path.startswith("/latest/"):
        return "imds"
    return "container" if path == CONTAINER else "sts"


def main(folder: str) -> None:
    """Serve until the standard input ends."""
    _Handler.folder = Path(folder)
    _Handler.instance = InstanceMetadata()
    _Handler.container = ContainerMetadata()
    listening = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    listening.daemon_threads = True
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    sys.stdout.write(f"{listening.server_address[1]}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1])
