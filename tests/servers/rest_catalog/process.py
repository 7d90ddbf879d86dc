"""``python -m tests.servers.rest_catalog.process folder``: Iceberg REST catalogs, on loopback.

Each folder below the given one is a catalog; its URL is the server's with the folder's name.
"""

import json
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from pyiceberg.catalog.sql import SqlCatalog

from tests.servers.identity.answers import Answer, Request, json_answer
from tests.servers.rest_catalog import authorization
from tests.servers.rest_catalog.lending import Lender
from tests.servers.rest_catalog.operations import CREDENTIALS, ENDPOINTS, Operations, open_catalog, problem
from tests.servers.rest_catalog.settings import Call, Settings, read_settings, write_call

SETTINGS = "settings.json"
CALLS = "calls.jsonl"
UNITY = "/api/2.1/unity-catalog/iceberg-rest"

_N, _T = r"/namespaces/([^/]+)", r"/tables/([^/]+)"
_ROUTES = [
    ("GET", r"/namespaces", "list_namespaces"),
    ("POST", r"/namespaces", "create_namespace"),
    ("GET", _N, "load_namespace"),
    ("HEAD", _N, "namespace_exists"),
    ("DELETE", _N, "drop_namespace"),
    ("GET", rf"{_N}/tables", "list_tables"),
    ("POST", rf"{_N}/tables", "create_table"),
    ("GET", rf"{_N}{_T}", "load_table"),
    ("HEAD", rf"{_N}{_T}", "table_exists"),
    ("POST", rf"{_N}{_T}", "update_table"),
    ("DELETE", rf"{_N}{_T}", "drop_table"),
    ("GET", rf"{_N}{_T}/credentials", "load_credentials"),
    ("POST", r"/tables/rename", "rename_table"),
]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body in one packet: otherwise each answer waits 40 ms for a delayed ACK.
    wbufsize = -1
    folder: ClassVar[Path]
    catalogs: ClassVar[dict[tuple[str, str], SqlCatalog]] = {}
    lock: ClassVar[threading.Lock] = threading.Lock()

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, url.path, url.query, headers, body)
        name, _, path = url.path.lstrip("/").partition("/")
        folder = self.folder / name
        answer = self._answer(folder, f"/{path}".removeprefix(UNITY), request)
        told = (answer.action, request.method, request.path, request.query, headers, body.decode())
        write_call(folder / CALLS, Call(*told, answer.status, answer.content, answer.issued))
        content = answer.content.encode()
        self.send_response(answer.status)
        if answer.status != 204:
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _answer(self, folder: Path, path: str, request: Request) -> Answer:
        settings = read_settings(folder / SETTINGS)
        if path in {"/v1/oauth/tokens", "/idp/token"} and settings.clients:
            return authorization.issue(request, settings, by_header=path.startswith("/idp"))
        refused = authorization.refusal(request, settings)
        if refused is not None:
            return json_answer(refused[0], problem(*refused), "refused")
        if path == "/v1/config":
            return self._config(settings, request)
        for method, pattern, operation in _ROUTES:
            match = re.fullmatch(rf"/v1{self._prefix(settings)}{pattern}", path)
            if match and method == request.method:
                warehouse, *names = match.groups() if settings.warehouses else ("", *match.groups())
                return self._operate(folder, operation, warehouse, names, settings, request)
        return json_answer(404, problem(404, "NotFoundException", f"No such endpoint: {path}"), "unknown")

    def _operate(
        self,
        folder: Path,
        operation: str,
        warehouse: str,
        names: list[str],
        settings: Settings,
        request: Request,
    ) -> Answer:
        if operation in settings.failing:
            status = settings.failing[operation]
            return json_answer(
                status, problem(status, "ToldToFail", "The server was told to fail."), operation
            )
        lender = Lender(settings)
        # One at a time: SQLite has one writer.
        with self.lock:
            key = (folder.name, warehouse)
            if key not in self.catalogs:
                self.catalogs[key] = open_catalog(folder, warehouse, settings)
            operations = Operations(self.catalogs[key], settings, request, lender)
            status, content = operations.run(getattr(Operations, operation), *names)
        text = "" if content is None or request.method == "HEAD" else json.dumps(content)
        return Answer(status, text, operation, "application/json", issued=lender.issued)

    def _config(self, settings: Settings, request: Request) -> Answer:
        endpoints = [*ENDPOINTS, *([CREDENTIALS] if settings.lends_by_endpoint else [])]
        told: dict[str, Any] = {"defaults": {}, "overrides": {}, "endpoints": endpoints}
        if settings.prefix:
            told["overrides"]["prefix"] = settings.prefix
        if settings.warehouses:
            warehouse = parse_qs(request.query).get("warehouse", [""])[0]
            if warehouse not in settings.warehouses:
                refused = problem(404, "NoSuchWarehouseException", f"No such catalog: {warehouse}")
                return json_answer(404, refused, "config")
            told["overrides"]["prefix"] = f"catalogs/{warehouse}"
        return json_answer(200, told, "config")

    @staticmethod
    def _prefix(settings: Settings) -> str:
        if settings.warehouses:
            return f"/catalogs/({'|'.join(map(re.escape, settings.warehouses))})"
        return f"/{re.escape(settings.prefix)}" if settings.prefix else ""

    do_GET = do_HEAD = do_POST = do_DELETE = _serve  # noqa: N815 - names that the base class looks for

    def log_message(self, *arguments: Any) -> None:
        """Stay silent."""


def main(folder: str) -> None:
    """Serve until the standard input ends."""
    _Handler.folder = Path(folder)
    listening = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    listening.daemon_threads = True
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    sys.stdout.write(f"{listening.server_address[1]}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1])
