"""What stands between a connection and its server, provoked on real servers, in each engine's own words."""

import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from s3_assets.connection import AccessKeyAuth, AddressingStyle, AnonymousAuth, S3Connection, Transport
from s3_assets.connection.auth import IamRoleAuth, RoleSource
from s3_assets.connection.transport import Proxy, Tls
from s3_assets.embedded.server import EmbeddedServer
from s3_assets.errors import (
    AccessDeniedError,
    CredentialsMissingError,
    S3AssetsError,
    ServerFailureError,
    SettingError,
    SignatureMismatchError,
    ThrottledError,
    UnreachableError,
)
from s3_assets.objects import Objects
from tests.connection.engines import Engine
from tests.servers.certificates import Authority
from tests.servers.forward_proxy import PASSWORD, USER, ForwardProxy
from tests.servers.front import Front, front
from tests.servers.gateway import Gateway
from tests.servers.identity.server import IdentityServer
from tests.servers.programs import free_port, need

SECRET = "hunter2hunter2"
FrontMaker = Callable[[str], AbstractContextManager[Front]]


def connection(endpoint: str | None, **fields: Any) -> S3Connection:
    return S3Connection(
        **{
            "name": "lake",
            "url": "s3://some-bucket/",
            "endpoint": endpoint,
            "region": "us-east-1",
            "auth": AccessKeyAuth(access_key_id="AKIASOME", secret_access_key=SECRET),
            "transport": Transport(max_retries=0, connect_timeout=5, read_timeout=5),
            **fields,
        }
    )


def error_of(engine: Engine, lake: S3Connection) -> S3AssetsError:
    with pytest.raises(S3AssetsError) as caught:
        engine.diagnosed_read(lake)
    assert caught.value.connection == "lake"
    assert (caught.value.location or "").startswith("s3://some-bucket/folder")
    assert SECRET not in str(caught.value)
    return caught.value


def assert_is(error: S3AssetsError, kind: type[S3AssetsError], *words: str) -> None:
    assert type(error) is kind, error
    assert [word for word in words if word not in str(error)] == [], error


def test_an_authority_that_is_not_trusted(
    tls_front: FrontMaker, s3_server: EmbeddedServer, engine: Engine
) -> None:
    with tls_front(s3_server.endpoint_url) as door:
        error = error_of(engine, connection(door.endpoint))

    assert_is(error, UnreachableError, "authority that is not trusted here", "Set tls.ca_bundle")


def test_a_certificate_of_another_host(
    s3_server: EmbeddedServer, engine: Engine, authority: Authority
) -> None:
    need("haproxy", "openssl")
    if sys.platform != "linux":
        pytest.skip("Only Linux has all of 127.0.0.0/8 on loopback.")
    with front(s3_server.endpoint_url, authority=authority, host="127.0.0.4") as door:
        error = error_of(engine, connection(door.endpoint, tls=Tls(ca_bundle=authority.ca_file)))

    assert_is(error, UnreachableError, "certificate is for another host", "host name that the certificate")


def test_a_client_certificate_is_demanded(
    mutual_tls: FrontMaker, s3_server: EmbeddedServer, engine: Engine, authority: Authority
) -> None:
    wanted = ("demands a client certificate", "et tls.client_certificate")
    errors: list[S3AssetsError] = []
    with mutual_tls(s3_server.endpoint_url) as door:
        # In TLS 1.3 the server says so after the handshake: now and then the connection is gone before the
        # reason has been read.
        while len(errors) < 5 and not any(wanted[0] in str(each) for each in errors):
            errors.append(error_of(engine, connection(door.endpoint, tls=Tls(ca_bundle=authority.ca_file))))

    assert {type(each) for each in errors} == {UnreachableError}
    assert_is(errors[-1], UnreachableError, *wanted)


def test_a_client_certificate_of_another_authority(
    mutual_tls: FrontMaker, s3_server: EmbeddedServer, engine: Engine, authority: Authority, tmp_path: Path
) -> None:
    stranger = Authority.create(tmp_path / "stranger", "somebody else").client("stranger")
    tls = Tls(ca_bundle=authority.ca_file, client_certificate=stranger.certificate, client_key=stranger.key)

    with mutual_tls(s3_server.endpoint_url) as door:
        error = error_of(engine, connection(door.endpoint, tls=tls))

    assert_is(error, UnreachableError, "does not accept the client certificate")


def test_plain_http_to_a_port_of_tls(
    tls_front: FrontMaker, s3_server: EmbeddedServer, engine: Engine
) -> None:
    with tls_front(s3_server.endpoint_url) as door:
        error = error_of(engine, connection(f"http://localhost:{door.port}"))

    assert_is(error, UnreachableError, "closed before an answer", "If the server speaks TLS there")


def test_tls_to_a_port_of_plain_http(s3_server: EmbeddedServer, engine: Engine) -> None:
    error = error_of(engine, connection(f"https://127.0.0.1:{s3_server.port}"))

    assert_is(error, UnreachableError, "speaks plain http at that port", "Write http:// in the endpoint")


def _proxy(proxy: ForwardProxy, **fields: Any) -> Proxy:
    host, _, port = proxy.host.partition(":")
    return Proxy(host=host, port=int(port), protocol="http", **fields)


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("password", [None, "wrong-password"], ids=["none", "wrong"])
def test_the_proxy_wants_another_password(
    forward_proxy: ForwardProxy,
    tls_front: FrontMaker,
    s3_server: EmbeddedServer,
    engine: Engine,
    authority: Authority,
    secure: bool,
    password: str | None,
) -> None:
    user = {"username": USER, "password": password} if password else {}
    proxy = _proxy(forward_proxy, **user)

    with tls_front(s3_server.endpoint_url) as door:
        endpoint = door.endpoint if secure else s3_server.endpoint_url
        lake = connection(endpoint, proxy=proxy, tls=Tls(ca_bundle=authority.ca_file if secure else None))
        error = error_of(engine, lake)

    assert_is(error, UnreachableError, f"the proxy http://{forward_proxy.host}", "proxy.username and")
    assert "wrong-password" not in str(error)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_proxy_cannot_be_reached(engine: Engine, scheme: str) -> None:
    port = free_port()
    proxy = Proxy(host="127.0.0.1", port=port, protocol="http", username=USER, password="planted-pass")
    error = error_of(engine, connection(f"{scheme}://s3.example.com", proxy=proxy))

    assert_is(error, UnreachableError, f"the proxy http://127.0.0.1:{port} cannot be reached", "proxy.host")
    assert "planted-pass" not in str(error)


def test_the_proxy_has_no_name(engine: Engine) -> None:
    proxy = Proxy(host="no-such-proxy.invalid", port=3128, protocol="http")
    error = error_of(engine, connection("http://s3.example.com", proxy=proxy))

    assert_is(error, UnreachableError, "the proxy http://no-such-proxy.invalid:3128 cannot be reached")


def test_the_proxy_of_the_environment_is_named(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv("HTTP_PROXY", f"http://{USER}:planted-pass@127.0.0.1:{port}")
    error = error_of(engine, connection("http://s3.example.com"))

    assert_is(error, UnreachableError, f"the proxy http://127.0.0.1:{port} cannot be reached")
    assert "planted-pass" not in str(error)


def test_nobody_behind_the_proxy(forward_proxy: ForwardProxy, engine: Engine) -> None:
    proxy = _proxy(forward_proxy, username=USER, password=PASSWORD)
    error = error_of(engine, connection(f"https://127.0.0.1:{free_port()}", proxy=proxy))

    assert_is(error, UnreachableError, f"the proxy http://{forward_proxy.host}")


def test_a_virtual_host_without_a_name(engine: Engine) -> None:
    lake = connection("http://s3.invalid:9000", addressing_style=AddressingStyle.VIRTUAL)

    assert_is(
        error_of(engine, lake),
        UnreachableError,
        "host name some-bucket.s3.invalid is unknown",
        "Set addressing_style: path",
    )


def test_an_endpoint_without_a_name(engine: Engine) -> None:
    error = error_of(engine, connection("http://s3.invalid:9000"))

    assert_is(error, UnreachableError, "host name s3.invalid is unknown", "Check the endpoint's host name")


def test_the_environment_as_the_source_on_a_pod(
    s3_server: EmbeddedServer, engine: Engine, identity: IdentityServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in identity.container_environment().items():
        monkeypatch.setenv(name, value)
    auth = IamRoleAuth(source=RoleSource.ENV)

    error = error_of(engine, connection(s3_server.endpoint_url, auth=auth))

    assert_is(error, CredentialsMissingError, "AWS_ACCESS_KEY_ID", "auth.source to metadata")
    assert identity.calls() == []


XML = '<?xml version="1.0"?><Error><Code>{}</Code><Message>{}</Message>{}</Error>'
ANSWERS = [
    (503, "SlowDown", "Reduce your request rate", ThrottledError, ["transport.max_retries"]),
    (403, "InvalidObjectState", "no", AccessDeniedError, ["is archived", "Restore it"]),
    (403, "AccessDenied", "Bucket is requester pays bucket", AccessDeniedError, ["pay who read it"]),
    (
        400,
        "AuthorizationHeaderMalformed",
        "the region 'us-east-1' is wrong; expecting 'eu-west-3'",
        SignatureMismatchError,
        ["in another region, eu-west-3", "Set the connection's region: eu-west-3"],
    ),
    (400, "KMS.DisabledException", "the key is disabled", SettingError, ["encryption.kms_key_id"]),
    (403, "InvalidSignatureException", "no", SignatureMismatchError, ["secret_access_key"]),
    (500, "InternalError", "We encountered an internal error", ServerFailureError, ["500"]),
    (502, "UpstreamUnreachable", "no route", UnreachableError, ["nobody answers at the endpoint"]),
    (403, "SomethingNew", "no", AccessDeniedError, ["access is denied (SomethingNew)", "s3:GetObject"]),
]


def answering(status: int, body: str) -> list[str]:
    quoted = re.sub(r'(["\\ #\'])', r"\\\1", body)
    return [f"http-request return status {status} content-type application/xml string {quoted}"]


@pytest.mark.parametrize(
    ("status", "code", "message", "kind", "words"), ANSWERS, ids=[each[1] for each in ANSWERS]
)
def test_answers(
    s3_server: EmbeddedServer,
    engine: Engine,
    status: int,
    code: str,
    message: str,
    kind: type[S3AssetsError],
    words: list[str],
) -> None:
    need("haproxy")
    with front(s3_server.endpoint_url, rules=answering(status, XML.format(code, message, ""))) as door:
        error = error_of(engine, connection(door.endpoint))

    assert_is(error, kind, *words)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_what_no_repetition_changes_is_told_at_once(
    s3_server: EmbeddedServer, engine: Engine, status: int
) -> None:
    need("haproxy")
    code = {401: "Unauthorized", 403: "AccessDenied", 404: "NoSuchBucket"}[status]
    patient = Transport(max_retries=6, connect_timeout=5, read_timeout=5)
    with front(s3_server.endpoint_url, rules=answering(status, XML.format(code, "no", ""))) as door:
        started = time.monotonic()
        error_of(engine, connection(door.endpoint, transport=patient))

        assert time.monotonic() - started < 5
        asked = Counter((seen.method, seen.target) for seen in door.requests(at_least=1))
    # Polars runs the whole cycle twice.
    assert max(asked.values()) <= 2


def test_another_region_without_a_body(s3_server: EmbeddedServer, engine: Engine) -> None:
    need("haproxy")
    rules = ["http-request return status 400"]
    with front(s3_server.endpoint_url, rules=rules) as door:
        error = error_of(engine, connection(door.endpoint))

    assert_is(error, ServerFailureError, "without a reason", "region")


def test_tls_is_demanded_with_an_answer(s3_server: EmbeddedServer, engine: Engine) -> None:
    need("haproxy")
    page = "<html>400 The plain HTTP request was sent to HTTPS port</html>"
    with front(s3_server.endpoint_url, rules=answering(400, page)) as door:
        error = error_of(engine, connection(door.endpoint))

    # botocore does not pass a page on that is not S3's.
    assert "the server speaks TLS" in str(error)
    assert re.search(r"[Ww]rite https://", error.remedy)


def test_unsigned_requests_are_refused(rgw: Gateway, engine: Engine) -> None:
    bucket = "symptoms-private"
    rgw.client().create_bucket(Bucket=bucket)
    lake = connection(rgw.endpoint, url=f"s3://{bucket}/", auth=AnonymousAuth())

    with pytest.raises(AccessDeniedError, match=r"denied to unsigned requests.*Set the connection's auth"):
        engine.diagnosed_read(lake)


@pytest.fixture
def half_deleted(s3_server: EmbeddedServer) -> Iterator[Front]:
    """A server that answers 200 to a bulk deletion, and an error for a key in it."""
    need("haproxy")
    body = (
        "<?xml version='1.0'?><DeleteResult><Error><Key>folder/kept</Key><Code>AccessDenied</Code>"
        "<Message>Access Denied</Message></Error></DeleteResult>"
    )
    rules = [f"{rule} if {{ method POST }}" for rule in answering(200, body)]
    with front(s3_server.endpoint_url, rules=rules) as door:
        yield door


def test_a_deletion_that_is_refused_for_one_key(half_deleted: Front) -> None:
    with pytest.raises(AccessDeniedError) as caught:
        Objects(connection(half_deleted.endpoint)).delete(["folder/kept", "folder/other"])

    assert caught.value.action == "s3:DeleteObject"
    assert caught.value.resource == "arn:aws:s3:::some-bucket/folder/kept"
