"""tinyproxy lets in whoever knows the password, and a guarded server sees who went round it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ProxyConnectionError
from botocore.httpsession import URLLib3Session

from s3_assets.embedded.server import EmbeddedServer
from tests.connection.recorder import Recorder, recording
from tests.servers.certificates import Authority
from tests.servers.forward_proxy import PASSWORD, SPECIAL_PASSWORD, USER, ForwardProxy


@pytest.fixture
def recorder(s3_server: EmbeddedServer, tmp_path: Path) -> Iterator[Recorder]:
    with recording(s3_server.endpoint_url, tmp_path) as recorder:
        yield recorder


def ask(url: str, proxy: str | None = None, **settings: Any) -> int:
    proxies = {} if proxy is None else {"http": proxy, "https": proxy}
    with_proxy = URLLib3Session(proxies=proxies, timeout=10, **settings)
    return int(with_proxy.send(AWSRequest("GET", url).prepare()).status_code)


def test_without_a_password_nothing_goes_through(forward_proxy: ForwardProxy, recorder: Recorder) -> None:
    status = ask(recorder.endpoint, f"http://{forward_proxy.host}")

    assert status == 407
    assert recorder.seen == []


@pytest.mark.parametrize("way", ["url", "special_url"])
def test_with_a_wrong_password_nothing_goes_through(
    forward_proxy: ForwardProxy, recorder: Recorder, way: str
) -> None:
    url = getattr(forward_proxy, way)
    proxy = url.replace(f":{urlsplit(url).password}@", ":wrong@")

    assert proxy != url
    assert ask(recorder.endpoint, proxy) == 401
    assert recorder.seen == []


@pytest.mark.parametrize("way", ["url", "special_url"])
def test_with_the_password_it_goes_through(forward_proxy: ForwardProxy, recorder: Recorder, way: str) -> None:
    status = ask(recorder.endpoint, getattr(forward_proxy, way))

    assert status == 200
    assert [seen.method for seen in recorder.seen] == ["GET"]
    assert forward_proxy.requests() == [f"GET {recorder.endpoint}"]


def test_the_proxy_itself_speaks_tls(
    forward_proxy: ForwardProxy, recorder: Recorder, authority: Authority
) -> None:
    trusted = {"verify": str(authority.ca_file)}

    # With an http:// target botocore would not look at the proxy's certificate.
    with forward_proxy.guarding(recorder.endpoint, authority=authority) as door:
        both = {**trusted, "proxies_config": {"proxy_ca_bundle": str(authority.ca_file)}}
        status = ask(door.endpoint, forward_proxy.secure_url, **both)
        with pytest.raises(ProxyConnectionError):
            ask(door.endpoint, forward_proxy.secure_url)

    assert status == 200
    assert len(recorder.seen) == 1
    assert [each.method for each in forward_proxy.secure.requests(at_least=1)] == ["CONNECT"]


def test_a_guarded_server_sees_who_went_round(forward_proxy: ForwardProxy, recorder: Recorder) -> None:
    with forward_proxy.guarding(recorder.endpoint) as door:
        through = ask(door.endpoint, forward_proxy.url)
        round_it = ask(door.endpoint)
        requests = door.requests(at_least=2)

    assert (through, round_it) == (200, 403)
    assert [each.peer for each in requests] == ["127.0.0.3", "127.0.0.1"]
    assert len(recorder.seen) == 1


def test_tls_goes_through_as_a_tunnel(
    forward_proxy: ForwardProxy, recorder: Recorder, authority: Authority
) -> None:
    with forward_proxy.guarding(recorder.endpoint, authority=authority) as door:
        status = ask(door.endpoint, forward_proxy.url, verify=str(authority.ca_file))

    assert status == 200
    assert forward_proxy.requests() == [f"CONNECT 127.0.0.2:{door.port}"]


def test_its_log_holds_no_password(forward_proxy: ForwardProxy, recorder: Recorder) -> None:
    ask(recorder.endpoint, forward_proxy.url)
    log = forward_proxy.log.read_text()

    assert USER not in log.replace("tinyproxy", "")
    assert PASSWORD not in log
    assert SPECIAL_PASSWORD not in log
