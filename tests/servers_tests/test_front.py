"""HAProxy before a recorder: who is refused, and what the server behind sees."""

import ssl
import urllib.request
from collections.abc import Iterator
from http.client import RemoteDisconnected
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest

from s3_assets.embedded.server import EmbeddedServer
from tests.connection.recorder import Recorder, recording
from tests.servers.certificates import Authority, Certificate
from tests.servers.front import CLIENT_HEADER, TLS_HEADER, Front
from tests.servers.gateway import Gateway
from tests.servers.plugin import FrontMaker


@pytest.fixture
def recorder(s3_server: EmbeddedServer, tmp_path: Path) -> Iterator[Recorder]:
    with recording(s3_server.endpoint_url, tmp_path) as recorder:
        yield recorder


def ask(front: Front, trusted: Path | None, certificate: Certificate | None = None, **headers: str) -> int:
    context = ssl.create_default_context(cafile=trusted)
    if certificate is not None:
        context.load_cert_chain(certificate.certificate, certificate.key)
    request = urllib.request.Request(front.endpoint, headers=headers)
    with urllib.request.urlopen(request, context=context) as answer:
        return int(answer.status)


def test_a_private_authority_has_to_be_trusted(tls_front: FrontMaker, recorder: Recorder) -> None:
    with tls_front(recorder.endpoint) as front:
        with pytest.raises(URLError, match="CERTIFICATE_VERIFY_FAILED"):
            ask(front, None)
        status = ask(front, front.ca_file)

    assert status == 200
    assert [seen.headers.get(TLS_HEADER) for seen in recorder.seen] == ["TLSv1.3"]
    assert CLIENT_HEADER not in recorder.seen[0].headers


def test_a_client_certificate_is_demanded(mutual_tls: FrontMaker, recorder: Recorder) -> None:
    with mutual_tls(recorder.endpoint) as front:
        # In TLS 1.3 a client hears of it with its first read.
        with pytest.raises((URLError, ssl.SSLError, RemoteDisconnected, ConnectionError)):
            ask(front, front.ca_file)
        refused = front.refused_handshakes(at_least=1)

    assert recorder.seen == []
    assert "peer did not return a certificate" in refused[-1]


def test_a_client_certificate_of_another_authority_is_refused(
    mutual_tls: FrontMaker, recorder: Recorder, tmp_path: Path
) -> None:
    stranger = Authority.create(tmp_path / "other").client("stranger")

    with (
        mutual_tls(recorder.endpoint) as front,
        pytest.raises((URLError, ssl.SSLError, RemoteDisconnected, ConnectionError)),
    ):
        ask(front, front.ca_file, stranger)

    assert recorder.seen == []


def test_the_server_behind_sees_the_name_in_the_certificate(
    mutual_tls: FrontMaker, recorder: Recorder, authority: Authority
) -> None:
    with mutual_tls(recorder.endpoint) as front:
        status = ask(front, front.ca_file, authority.client("loader"), **{CLIENT_HEADER: "admin"})
        requests = front.requests(at_least=1)

    assert status == 200
    assert [seen.headers[CLIENT_HEADER] for seen in recorder.seen] == ["loader"]
    assert [(each.client, each.status) for each in requests] == [("loader", 200)]


def test_signatures_pass_through(mutual_tls: FrontMaker, rgw: Gateway, authority: Authority) -> None:
    import boto3
    from botocore.config import Config

    with mutual_tls(rgw.endpoint) as front:
        client: Any = boto3.client(
            "s3",
            endpoint_url=front.endpoint,
            verify=str(front.ca_file),
            region_name="us-east-1",
            aws_access_key_id=rgw.admin.key_id,
            aws_secret_access_key=rgw.admin.secret,
            config=Config(
                client_cert=str(authority.client("loader").both),
                request_checksum_calculation="when_required",
            ),
        )
        client.create_bucket(Bucket="behind-a-front")
        client.put_object(Bucket="behind-a-front", Key="key", Body=b"1" * 100_000)
        body = client.get_object(Bucket="behind-a-front", Key="key")["Body"].read()

    assert len(body) == 100_000
