"""Who a request says it is from: seen at the server, for every engine and every way to authenticate."""

from pathlib import Path

import pytest

from s3_assets.connection import AccessKeyAuth, AnonymousAuth, DefaultAuth, ProfileAuth, SecretReference
from s3_assets.errors import CredentialsMissingError, SecretMissingError
from tests.connection.conftest import Connect
from tests.connection.engines import Engine
from tests.connection.recorder import Recorder


def test_access_key(connect: Connect, recorder: Recorder, engine: Engine) -> None:
    assert engine.round_trip(connect()) == [1, 2, 3]

    assert recorder.key_ids() == {"AKIAOWN"}
    assert {seen.token for seen in recorder.seen} == {None}
    assert {seen.region for seen in recorder.seen} == {"eu-west-3"}


def test_session_token(connect: Connect, recorder: Recorder, engine: Engine) -> None:
    auth = AccessKeyAuth(access_key_id="ASIAOWN", secret_access_key="own-secret", session_token="own-token")

    assert engine.round_trip(connect(auth=auth)) == [1, 2, 3]

    assert recorder.key_ids() == {"ASIAOWN"}
    assert {seen.token for seen in recorder.seen} == {"own-token"}


def test_anonymous(connect: Connect, recorder: Recorder, engine: Engine) -> None:
    assert engine.round_trip(connect(auth=AnonymousAuth())) == [1, 2, 3]

    assert {seen.headers.get("authorization") for seen in recorder.seen} == {None}


def test_default_is_the_environment(
    connect: Connect, recorder: Recorder, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ASIAENVIRONMENT")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "environment-secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "environment-token")

    assert engine.round_trip(connect(auth=DefaultAuth(), name="environment")) == [1, 2, 3]

    assert recorder.key_ids() == {"ASIAENVIRONMENT"}
    assert {seen.token for seen in recorder.seen} == {"environment-token"}


def test_default_takes_the_endpoint_and_region_of_the_environment(
    connect: Connect, recorder: Recorder, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "environment-secret")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", recorder.endpoint)
    monkeypatch.setenv("AWS_REGION", "sa-east-1")

    connection = connect(auth=DefaultAuth(), endpoint=None, region=None)

    assert engine.round_trip(connection) == [1, 2, 3]
    assert {(seen.key_id, seen.region) for seen in recorder.seen} == {("AKIAENVIRONMENT", "sa-east-1")}


@pytest.fixture
def shared_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    (tmp_path / "credentials").write_text(
        "[default]\naws_access_key_id = AKIADEFAULT\naws_secret_access_key = default-secret\n"
        "[team]\naws_access_key_id = ASIATEAM\naws_secret_access_key = team-secret\n"
        "aws_session_token = team-token\n"
    )
    (tmp_path / "config").write_text("[profile team]\nregion = ap-south-1\n")
    return tmp_path


def test_profile(connect: Connect, recorder: Recorder, engine: Engine, shared_files: Path) -> None:
    connection = connect(auth=ProfileAuth(profile="team"), region=None)

    assert engine.round_trip(connection) == [1, 2, 3]
    assert {(seen.key_id, seen.token, seen.region) for seen in recorder.seen} == {
        ("ASIATEAM", "team-token", "ap-south-1")
    }


def test_endpoint_of_a_profile(
    connect: Connect, recorder: Recorder, engine: Engine, shared_files: Path
) -> None:
    (shared_files / "config").write_text(
        f"[profile team]\nregion = ap-south-1\nendpoint_url = {recorder.endpoint}\n"
    )

    assert engine.round_trip(connect(auth=ProfileAuth(profile="team"), endpoint=None)) == [1, 2, 3]


def test_profile_with_a_credential_process(
    connect: Connect, recorder: Recorder, engine: Engine, shared_files: Path
) -> None:
    document = (
        '{"Version": 1, "AccessKeyId": "ASIAPROCESS", "SecretAccessKey": "s", '
        '"SessionToken": "process-token"}'
    )
    (shared_files / "answer.json").write_text(document)
    (shared_files / "config").write_text(
        f"[profile made]\nregion = eu-west-1\ncredential_process = cat {shared_files / 'answer.json'}\n"
    )

    assert engine.round_trip(connect(auth=ProfileAuth(profile="made"))) == [1, 2, 3]
    assert {(seen.key_id, seen.token) for seen in recorder.seen} == {("ASIAPROCESS", "process-token")}


def test_unknown_profile(connect: Connect, engine: Engine, shared_files: Path) -> None:
    with pytest.raises(CredentialsMissingError, match="'nobody' is not in the shared files") as caught:
        engine.diagnosed_write(connect(auth=ProfileAuth(profile="nobody")))

    assert caught.value.connection == "lake"


def test_no_credentials_anywhere(connect: Connect, engine: Engine) -> None:
    with pytest.raises(CredentialsMissingError, match=r"connection 'nobody's'.*found no credentials"):
        engine.diagnosed_write(connect(auth=DefaultAuth(), name="nobody's"))


def test_secrets_from_environment_and_file(
    connect: Connect, recorder: Recorder, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKE_KEY", "AKIAREFERRED")
    (tmp_path / "secret").write_text("file-secret\n")
    auth = AccessKeyAuth(
        access_key_id=SecretReference(env="LAKE_KEY"),
        secret_access_key=SecretReference(file=tmp_path / "secret"),
    )

    assert engine.round_trip(connect(auth=auth)) == [1, 2, 3]
    assert recorder.key_ids() == {"AKIAREFERRED"}


def test_missing_secret_is_named(connect: Connect, engine: Engine, tmp_path: Path) -> None:
    auth = AccessKeyAuth(
        access_key_id="AKIAOWN", secret_access_key=SecretReference(file=tmp_path / "nothing")
    )

    with pytest.raises(SecretMissingError, match=r"connection 'lake'.*nothing cannot be read"):
        engine.diagnosed_write(connect(auth=auth))
