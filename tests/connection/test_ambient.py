"""What the environment says of another identity or endpoint never joins an explicit connection."""

import os
import sys
import threading
from pathlib import Path

import pytest

from s3_assets.connection import AccessKeyAuth, AnonymousAuth, ProfileAuth, S3Connection, SecretReference
from s3_assets.connection.ambient import variable, with_ambient_settings, without_ambient_settings
from s3_assets.connection.proxies import proxy_url
from s3_assets.connection.secrets import read_secret
from tests.connection.conftest import Connect
from tests.connection.engines import Engine
from tests.connection.recorder import Recorder

FOREIGN = {
    "AWS_ACCESS_KEY_ID": "AKIAFOREIGN",
    "AWS_SECRET_ACCESS_KEY": "foreign-secret",
    "AWS_SESSION_TOKEN": "foreign-token",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
    "AWS_ENDPOINT": "http://127.0.0.1:9",
    "AWS_REGION": "us-gov-west-1",
    "AWS_DEFAULT_REGION": "us-gov-west-1",
    "AWS_PROFILE": "a-profile-that-is-not-there",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9/credentials",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN": "foreign-token",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "/nowhere/token",
    "AWS_ROLE_ARN": "arn:aws:iam::1:role/foreign",
    "AWS_SKIP_SIGNATURE": "true",
    "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "true",
}


@pytest.fixture
def foreign(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in FOREIGN.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("foreign")
def test_key_without_token(connect: Connect, recorder: Recorder, engine: Engine) -> None:
    assert engine.round_trip(connect()) == [1, 2, 3]

    assert {(seen.key_id, seen.token, seen.region) for seen in recorder.seen} == {
        ("AKIAOWN", None, "eu-west-3")
    }


@pytest.mark.usefixtures("foreign")
def test_anonymous(connect: Connect, recorder: Recorder, engine: Engine) -> None:
    assert engine.round_trip(connect(auth=AnonymousAuth())) == [1, 2, 3]

    assert {(seen.headers.get("authorization"), seen.token) for seen in recorder.seen} == {(None, None)}


@pytest.mark.usefixtures("foreign")
def test_refreshed_credentials(
    connect: Connect, recorder: Recorder, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """delta-rs asks for them at a loopback endpoint, which ambient keys would beat."""
    (tmp_path / "answer.json").write_text(
        '{"Version": 1, "AccessKeyId": "ASIAPROCESS", "SecretAccessKey": "s", "SessionToken": '
        '"process-token", "Expiration": "2099-01-01T00:00:00Z"}'
    )
    (tmp_path / "config").write_text(f"[profile made]\ncredential_process = cat {tmp_path / 'answer.json'}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))

    assert engine.round_trip(connect(auth=ProfileAuth(profile="made"))) == [1, 2, 3]
    assert {(seen.key_id, seen.token) for seen in recorder.seen} == {("ASIAPROCESS", "process-token")}


@pytest.mark.usefixtures("foreign")
def test_a_secret_in_a_variable_that_is_hidden() -> None:
    with without_ambient_settings():
        assert "AWS_SECRET_ACCESS_KEY" not in os.environ
        assert read_secret(SecretReference(env="AWS_SECRET_ACCESS_KEY")) == "foreign-secret"


@pytest.mark.usefixtures("foreign")
def test_variables_come_back() -> None:
    with without_ambient_settings(), without_ambient_settings():
        assert variable("AWS_REGION") == "us-gov-west-1"

    assert {name: os.environ[name] for name in FOREIGN} == FOREIGN


@pytest.mark.usefixtures("foreign")
def test_readers_wait_for_those_who_hide() -> None:
    hidden, done = threading.Event(), threading.Event()
    found: list[str | None] = []

    def hide() -> None:
        with without_ambient_settings():
            hidden.set()
            done.wait(0.3)

    def read() -> None:
        with with_ambient_settings():
            found.append(os.environ.get("AWS_REGION"))

    hider = threading.Thread(target=hide)
    hider.start()
    assert hidden.wait(5)
    reader = threading.Thread(target=read)
    reader.start()
    hider.join()
    reader.join()

    assert found == ["us-gov-west-1"]


@pytest.mark.usefixtures("foreign")
def test_hidden_and_read_by_many_at_once() -> None:
    wrong: list[str] = []

    def work(number: int) -> None:
        for _ in range(50):
            if number % 2:
                with without_ambient_settings():
                    if "AWS_REGION" in os.environ:
                        wrong.append("seen")
            else:
                with with_ambient_settings():
                    if "AWS_REGION" not in os.environ:
                        wrong.append("missing")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []


@pytest.mark.usefixtures("foreign")
def test_proxies_are_found_while_others_hide_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading them walks through all variables, which is an error if one goes away meanwhile."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:3128")
    ended = threading.Event()

    def hide() -> None:
        while not ended.is_set():
            with without_ambient_settings():
                pass

    hider = threading.Thread(target=hide)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    hider.start()
    try:
        found = {proxy_url(S3Connection(url="s3://bucket/"), "https://s3.example") for _ in range(200)}
    finally:
        ended.set()
        hider.join()
        sys.setswitchinterval(interval)

    assert found == {"http://127.0.0.1:3128"}


def test_options_that_are_not_set_are_not_passed(connect: Connect) -> None:
    from s3_assets.connection.adapters import deltalake, polars

    plain = connect(endpoint=None)

    for options in (deltalake.options(plain), polars.options(plain)["storage_options"]):
        assert {"", None, "None"}.isdisjoint(options.values())
        assert not [name for name in options if "endpoint" in name or "token" in name]
    with_key = deltalake.options(
        connect(auth=AccessKeyAuth(access_key_id="AKIA", secret_access_key="secret", session_token=None))
    )
    assert "aws_session_token" not in with_key
