"""`check`: each permission tried on a server, one line each, and nothing left behind."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from s3_assets.embedded.server import EmbeddedServer
from tests.cli.conftest import Answer, Command, write_registry
from tests.connection.recorder import recording
from tests.servers.gateway import Gateway, Keys

WRITES = ("PUT", "POST", "DELETE")


def lines(answer: Answer) -> list[tuple[str, str, str]]:
    """Verdict, action and resource of each line."""
    found = []
    for line in answer.out.splitlines():
        for verdict in ("ok", "missing", "failed", "not tested"):
            if line.startswith(f"  {verdict} "):
                action, _, resource = line[14:].partition(" ")
                found.append((verdict, action, resource.strip()))
    return found


def test_each_action_has_a_line_for_each_table(
    run: Command, registry: Path, bucket: str, land: Callable[..., None], keys: Callable[[], list[str]]
) -> None:
    land("2026-01-05", 1)
    before = keys()

    answer = run("check", "lake")

    assert answer.code == 0, answer.out
    arn = f"arn:aws:s3:::{bucket}"
    found = lines(answer)
    assert found[:2] == [
        ("ok", "credentials", "the user of the access key"),
        ("not tested", "sts:GetCallerIdentity", "*"),
    ]
    assert found[2:4] == [
        ("ok", "s3:ListBucket", f"{arn} (prefix landing/orders/)"),
        ("ok", "s3:GetObject", f"{arn}/landing/orders/*"),
    ]
    assert [each for each in found if "lake/orders/" in each[2]] == [
        ("ok", "s3:ListBucket", f"{arn} (prefix lake/orders/)"),
        ("ok", "s3:PutObject", f"{arn}/lake/orders/*"),
        ("ok", "s3:DeleteObject", f"{arn}/lake/orders/*"),
        ("ok", "s3:AbortMultipartUpload", f"{arn}/lake/orders/*"),
        ("ok", "s3:GetObject", f"{arn}/lake/orders/*"),
    ]
    assert answer.out.rstrip().endswith("20 ok, 1 not tested")
    assert keys() == before


def test_what_is_in_force_stands_before(run: Command, registry: Path, s3_server: EmbeddedServer) -> None:
    facts = dict(line.split(maxsplit=1) for line in run("check", "lake").out.splitlines()[1:6])

    assert {name: value.strip() for name, value in facts.items()} == {
        "way": "access_key: the user of the access key",
        "key": "id    test, does not expire",
        "endpoint": s3_server.endpoint_url,
        "region": "us-east-1",
        "clock": "as the server's",
    }


def test_nothing_is_written_where_tables_are_only_read(
    run: Command, tmp_path: Path, s3_server: EmbeddedServer, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with recording(s3_server.endpoint_url, tmp_path) as recorder:
        write_registry(tmp_path, bucket, recorder.endpoint)
        answer = run("check")
        seen = recorder.seen

    assert answer.code == 0, answer.out
    written = {
        each.path.partition("_s3_assets/permission_check/")[0] for each in seen if each.method in WRITES
    }
    assert written == {f"/{bucket}/lake/{name}/" for name in ("orders", "days", "feed")}


def test_an_anonymous_connection_is_checked_too(
    run: Command, tmp_path: Path, registry: Path, land: Callable[..., None]
) -> None:
    land("2026-01-05", 1)
    text = registry.read_text()
    registry.write_text(
        text.replace("type: access_key, access_key_id: test, secret_access_key: test", "type: anonymous")
    )

    answer = run("check", "--all")

    assert answer.code == 0, answer.out
    assert "way       anonymous: everybody" in answer.out
    assert "key id" not in answer.out
    assert ("not tested", "s3:ListAllMyBuckets", "*") in lines(answer)
    assert not any(action.startswith("sts:") for _, action, _ in lines(answer))


def test_after_a_failure_it_goes_on(
    run: Command, tmp_path: Path, strict_s3_server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_registry(
        tmp_path, "bucket", strict_s3_server.endpoint_url, key="AKIDUNKNOWN", secret="planted-secret"
    )

    answer = run("check", "lake")

    found = lines(answer)
    assert answer.code == 1
    assert found[2][:2] == ("failed", "s3:ListBucket")
    assert "the server does not know the access key id" in answer.out
    assert {verdict for verdict, _, _ in found[3:]} == {"not tested"}
    assert len(found) == 21
    assert "planted-secret" not in answer.out + answer.err


def test_nobody_is_there(run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_registry(tmp_path, "bucket", "http://127.0.0.1:9")

    answer = run("check", "lake")

    assert answer.code == 1
    assert "clock     not compared: the server did not tell its time" in answer.out
    assert [verdict for verdict, _, _ in lines(answer)].count("failed") == 1


def test_for_programs(run: Command, registry: Path, bucket: str) -> None:
    answer = run("check", "--output", "json")

    (told,) = json.loads(answer.out)
    assert (told["connection"], told["key_id"], told["expires_at"]) == ("lake", "test", None)
    assert abs(told["clock_seconds"]) < 5
    assert told["findings"][2] == {
        "verdict": "ok",
        "action": "s3:ListBucket",
        "resource": f"arn:aws:s3:::{bucket} (prefix landing/orders/)",
        "told": "",
        "remedy": "",
    }


def test_a_connection_that_is_not_there(run: Command, registry: Path) -> None:
    answer = run("check", "laek")

    assert answer.code == 1
    assert "there is no connection 'laek'; did you mean 'lake'?" in answer.err


def test_a_clock_that_is_wrong(run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with server_of_the_past() as endpoint:
        write_registry(tmp_path, "bucket", endpoint)
        answer = run("check", "lake")

    assert answer.code == 1
    assert "ahead of the server's; set it: 15 minutes are allowed" in answer.out


@contextmanager
def server_of_the_past() -> Iterator[str]:
    """A server that answers everything, an hour ago."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_HEAD = do_PUT = do_DELETE = _answer  # noqa: N815 - names that the base class looks for

        def date_time_string(self, timestamp: float | None = None) -> str:
            import time

            return super().date_time_string((timestamp or time.time()) - 3600)

        def log_message(self, *arguments: Any) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def user(rgw: Gateway) -> Iterator[tuple[str, Keys]]:
    name = f"check-{uuid4().hex[:8]}"
    keys = rgw.create_user(name)
    rgw.client().create_bucket(Bucket=name)
    yield name, keys
    rgw.client().delete_bucket(Bucket=name)
    rgw.delete_user(name)


def on_gateway(folder: Path, rgw: Gateway, bucket: str, keys: Keys, more: str = "") -> None:
    file = write_registry(folder, bucket, rgw.endpoint, key=keys.key_id, secret=keys.secret)
    extra = f"    checksums: when_required\n{more}tables:"
    file.write_text(file.read_text().replace("tables:", extra, 1))


def allowing(bucket: str, *actions: str) -> dict[str, Any]:
    resources = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    statement = {"Effect": "Allow", "Action": [*actions], "Resource": resources}
    return {"Version": "2012-10-17", "Statement": [statement]}


def test_what_could_not_be_taken_away_again_is_not_written(
    run: Command, tmp_path: Path, rgw: Gateway, user: tuple[str, Keys], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bucket, keys = user
    on_gateway(tmp_path, rgw, bucket, keys)
    found = {}
    for action in ("s3:AbortMultipartUpload", None):
        allowed = ("s3:ListBucket", "s3:GetObject", "s3:PutObject", *([action] if action else []))
        rgw.put_user_policy(bucket, allowing(bucket, *allowed))
        answer = run("check", "lake")
        assert answer.code == 1
        found[action] = {(verdict, name) for verdict, name, where in lines(answer) if "lake/feed/" in where}

    assert ("missing", "s3:DeleteObject") in found[None] & found["s3:AbortMultipartUpload"]
    # An upload that is begun and aborted asks for the same action.
    assert ("ok", "s3:PutObject") in found["s3:AbortMultipartUpload"]
    assert ("not tested", "s3:PutObject") in found[None]
    assert "Contents" not in rgw.client().list_objects_v2(Bucket=bucket)
    assert "Uploads" not in rgw.client().list_multipart_uploads(Bucket=bucket)


def test_each_role_is_tried(
    run: Command, tmp_path: Path, rgw: Gateway, user: tuple[str, Keys], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bucket, keys = user
    policy = allowing(bucket, "s3:ListBucket")
    arn = rgw.create_role(bucket, trusted_user=bucket, policy=policy)
    other = rgw.create_role(f"{bucket}-other", trusted_user="somebody-else", policy=policy)
    try:
        roles = f"    service_endpoints: {{ sts: '{rgw.sts_endpoint}' }}\n    assume_role:\n"
        two = "".join(f"      - {{ role_arn: '{role}', duration_seconds: 900 }}\n" for role in (arn, other))
        on_gateway(tmp_path, rgw, bucket, keys, roles + two)
        answer = run("check", "lake")
    finally:
        rgw.delete_role(bucket)
        rgw.delete_role(f"{bucket}-other")

    assert answer.code == 1
    assert [each[1:] for each in lines(answer)[:3]] == [
        ("credentials", "the user of the access key"),
        ("sts:AssumeRole", arn),
        ("sts:AssumeRole", other),
    ]
    assert [each[0] for each in lines(answer)[:2]] == ["ok", "ok"]
    assert lines(answer)[2][0] == "missing", answer.out
    assert {verdict for verdict, _, _ in lines(answer)[3:]} == {"not tested"}
