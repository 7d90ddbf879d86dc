"""A collector of OpenTelemetry as a process: it decodes what arrives, and writes it down as lines of JSON.

`python -m tests.servers.collector LOG` serves OTLP over HTTP on a free port of loopback, prints the port, and
ends with its standard input.
"""

import gzip
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

REPOSITORY = Path(__file__).parents[2]


@dataclass
class Collector:
    url: str
    log: Path

    @property
    def text(self) -> str:
        """All that arrived, decoded."""
        return self.log.read_text()

    def _of(self, path: str) -> list[dict[str, Any]]:
        arrived = [json.loads(line) for line in self.text.splitlines()]
        return [each["body"] for each in arrived if each["path"] == path]

    def spans(self) -> list[dict[str, Any]]:
        """Spans with their attributes as a plain dict, and their ids as hexadecimal text."""
        return [
            {**span, "attributes": _plain(span.get("attributes", []))}
            for body in self._of("/v1/traces")
            for resource in body.get("resourceSpans", [])
            for scope in resource["scopeSpans"]
            for span in scope["spans"]
        ]

    def sums(self, name: str) -> list[tuple[dict[str, Any], float]]:
        """Points of a sum as it was last sent."""
        found: list[tuple[dict[str, Any], float]] = []
        for body in self._of("/v1/metrics"):
            for resource in body.get("resourceMetrics", []):
                for scope in resource["scopeMetrics"]:
                    for metric in scope["metrics"]:
                        if metric["name"] == name:
                            found = [
                                (_plain(point["attributes"]), _number(point))
                                for point in metric["sum"]["dataPoints"]
                            ]
        return found

    def resources(self) -> list[dict[str, Any]]:
        return [
            _plain(resource["resource"]["attributes"])
            for path, name in (("/v1/traces", "resourceSpans"), ("/v1/metrics", "resourceMetrics"))
            for body in self._of(path)
            for resource in body.get(name, [])
        ]


def _number(point: dict[str, Any]) -> float:
    return float(point["asInt"] if "asInt" in point else point.get("asDouble", 0))


def _plain(attributes: list[dict[str, Any]]) -> dict[str, Any]:
    return {each["key"]: next(iter(each["value"].values()), None) for each in attributes}


@contextmanager
def collector(log: Path) -> Iterator[Collector]:
    log.touch()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.servers.collector", str(log)],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield Collector(f"http://127.0.0.1:{int(process.stdout.readline())}", log)
    finally:
        process.communicate(timeout=10)


class _Handler(BaseHTTPRequestHandler):
    log: ClassVar[Path]
    lock = threading.Lock()

    def do_POST(self) -> None:
        from google.protobuf.json_format import MessageToDict
        from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

        kinds: dict[str, Any] = {
            "/v1/traces": ExportTraceServiceRequest,
            "/v1/metrics": ExportMetricsServiceRequest,
        }
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            content = gzip.decompress(content)
        message = kinds[self.path]()
        message.ParseFromString(content)
        told = {"path": self.path, "headers": dict(self.headers), "body": MessageToDict(message)}
        with self.lock, self.log.open("a") as log:
            log.write(json.dumps(told) + "\n")
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Stay silent."""


def main() -> None:
    _Handler.log = Path(sys.argv[1])
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)  # noqa: T201 - who started it reads the port
    sys.stdin.read()


if __name__ == "__main__":
    main()
