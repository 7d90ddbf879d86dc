"""Certificates are verified whatever the environment says, by every engine; keys do not follow a redirect."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from s3_assets.connection import AccessKeyAuth, S3Connection, Tls, Transport
from s3_assets.embedded.server import EmbeddedServer
from s3_assets.errors import S3AssetsError, UnreachableError
from tests.connection.engines import ENGINES, Engine
from tests.servers.certificates import Authority
from tests.servers.plugin import FrontMaker
from tests.support.extent import EVERYTHING

# What has switched verification off somewhere: by hand, by an empty value, by a library's own option.
SWITCHES = {
    "AWS_CA_BUNDLE": ("", " "),
    "REQUESTS_CA_BUNDLE": ("",),
    "CURL_CA_BUNDLE": ("",),
    "SSL_CERT_FILE": ("",),
    "SSL_CERT_DIR": ("",),
    "PYTHONHTTPSVERIFY": ("0",),
    "AWS_ALLOW_HTTP": ("true",),
    "AWS_ALLOW_INVALID_CERTIFICATES": ("true",),
    "ALLOW_INVALID_CERTIFICATES": ("true",),
    "AWS_VERIFY_SSL": ("false",),
    "NODE_TLS_REJECT_UNAUTHORIZED": ("0",),
}
ONE_BY_ONE = [{name: value} for name, values in SWITCHES.items() for value in values]
# Without any authority of the machine, engines fail before they have seen a certificate.
TOGETHER = {name: values[0] for name, values in SWITCHES.items() if not name.startswith("SSL_CERT")}
TRIED = ONE_BY_ONE if EVERYTHING else [TOGETHER]


def switches_named(switches: dict[str, str]) -> str:
    return (
        "together" if len(switches) > 1 else " ".join(f"{name}={value!r}" for name, value in switches.items())
    )


def lake(endpoint: str, bucket: str, tls: Tls | None = None, token: str | None = None) -> S3Connection:
    return S3Connection(
        name="lake",
        url=f"s3://{bucket}/",
        endpoint=endpoint,
        region="us-east-1",
        auth=AccessKeyAuth(access_key_id="AKIATEST", secret_access_key="test", session_token=token),
        checksums="when_required",
        tls=tls or Tls(),
        transport=Transport(max_retries=0, connect_timeout=5.0, read_timeout=5.0),
    )


@pytest.fixture(params=ENGINES, ids=[engine.name for engine in ENGINES])
def engine(request: pytest.FixtureRequest) -> Engine:
    found: Engine = request.param
    return found


@pytest.mark.parametrize("switches", TRIED, ids=switches_named)
def test_no_variable_switches_verification_off(
    switches: dict[str, str],
    tls_front: FrontMaker,
    s3_server: EmbeddedServer,
    engine: Engine,
    bucket: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with tls_front(s3_server.endpoint_url) as door:
        for name, value in switches.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(UnreachableError, match="not trusted here"):
            engine.diagnosed_write(lake(door.endpoint, bucket))


def test_the_door_opens_for_who_trusts_it(
    tls_front: FrontMaker, s3_server: EmbeddedServer, engine: Engine, bucket: str, authority: Authority
) -> None:
    """Otherwise the tests above would hold of a server that answers nobody."""
    with tls_front(s3_server.endpoint_url) as door:
        assert engine.round_trip(lake(door.endpoint, bucket, Tls(ca_bundle=authority.ca_file))) == [1, 2, 3]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, elsewhere: str | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.elsewhere = elsewhere
        self.seen: list[dict[str, str]] = []

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def _answer(self) -> None:
        self.server.seen.append({name.lower(): value for name, value in self.headers.items()})
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(404 if self.server.elsewhere is None else 307)
        if self.server.elsewhere is not None:
            self.send_header("Location", f"{self.server.elsewhere}{self.path}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _answer  # noqa: N815 - the base's names

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base's name
        """Stay silent."""


@contextmanager
def serving(elsewhere: str | None = None) -> Iterator[_Server]:
    with _Server(elsewhere) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_keys_do_not_follow_a_redirect(engine: Engine) -> None:
    with serving() as other, serving(other.endpoint.replace("127.0.0.1", "localhost")) as asked:
        with pytest.raises(S3AssetsError):
            engine.diagnosed_read(lake(asked.endpoint, "some-bucket", token="the-token"))

        assert asked.seen
        # object_store follows, and lets the session token follow, which signs nothing without its key.
        assert [headers for headers in other.seen if "authorization" in headers] == []
        assert other.seen == [] or engine.name != "boto3"
