"""What AWS says of a refusal, in its own words: the check repeats the action that is really missing."""

import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from s3_assets import Registry, S3Connection
from s3_assets.permissions import Finding, Service, Verdict, check_connection

KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
USER = "arn:aws:iam::111122223333:user/etl"
NO_KEY = (
    f"User: {USER} is not authorized to perform: kms:GenerateDataKey on resource: {KEY} "
    "because no identity-based policy allows the kms:GenerateDataKey action"
)
DENIED = (
    f'User: {USER} is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::lake/clean/x" '
    "with an explicit deny in a resource-based policy"
)


class Server(ThreadingHTTPServer):
    """It allows everything but what it has a message for, by the method; it is no STS."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.messages: Mapping[str, str] = {}
        self.keys: set[str] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        key = self.path.partition("?")[0]
        message = self.server.messages.get(self.command)
        if message is not None:
            self._send(403, f"<Error><Code>AccessDenied</Code><Message>{message}</Message></Error>")
        elif "uploadId" in self.path:
            self._send(404, "<Error><Code>NoSuchUpload</Code><Message>none</Message></Error>")
        elif "list-type" in self.path:
            self._send(200, "<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>")
        elif self.command == "GET" and key not in self.server.keys:
            self._send(404, "<Error><Code>NoSuchKey</Code><Message>none</Message></Error>")
        else:
            if self.command == "PUT":
                self.server.keys.add(key)
            self._send(200, "")

    do_GET = do_HEAD = do_PUT = do_DELETE = _answer  # noqa: N815 - names that the base class looks for

    def _send(self, status: int, body: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *arguments: Any) -> None:
        """Stay silent."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def checked(server: Server) -> dict[str, Finding]:
    """The findings of one table that is written, by action."""
    here = S3Connection(
        url="s3://lake/",
        endpoint=server.url,
        region="us-east-1",
        auth={"type": "access_key", "access_key_id": "test", "secret_access_key": "test"},  # type: ignore[arg-type]
        transport={"max_retries": 0},  # type: ignore[arg-type]
        encryption={"server_side": "sse-kms", "kms_key_id": KEY},  # type: ignore[arg-type]
        service_endpoints={"sts": server.url},  # type: ignore[arg-type]
    )
    tables: dict[str, Any] = {"clean": {"connection": "lake", "path": "clean", "format": "delta"}}
    registry = Registry(connections={"lake": here}, tables=tables)
    found = check_connection(registry, "lake", Service("us-east-1"), written={"clean"})
    return {each.action: each for each in found}


def test_a_key_that_may_be_used(server: Server) -> None:
    found = checked(server)

    assert (found["kms:GenerateDataKey"].verdict, found["kms:Decrypt"].verdict) == (Verdict.OK, Verdict.OK)
    assert found["kms:Decrypt"].resource == KEY
    assert found["sts:GetCallerIdentity"].verdict is Verdict.UNTESTED


def test_a_key_that_s3_may_not_use_for_us(server: Server) -> None:
    server.messages = {"PUT": NO_KEY}

    found = checked(server)

    missing = [each for each in found.values() if each.verdict is Verdict.MISSING]
    assert [(each.action, each.resource) for each in missing] == [("kms:GenerateDataKey", KEY)]
    assert {found[each].verdict for each in ("kms:Decrypt", "s3:PutObject")} == {Verdict.UNTESTED}


def test_a_deny_of_the_bucket_is_told(server: Server) -> None:
    server.messages = {"PUT": DENIED}

    finding = checked(server)["s3:PutObject"]

    assert finding.verdict is Verdict.MISSING
    assert "an explicit deny in a resource-based policy" in finding.told
    assert "denies s3:PutObject" in finding.remedy
