"""Secrets are never shown: not by a model, not by an error, not by a log, not across a process border."""

import logging
import pickle
import traceback
from copy import copy
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pydantic import TypeAdapter, ValidationError

from s3_assets.connection import AccessKeyAuth, Auth, S3Connection, SecretReference
from s3_assets.connection.adapters import polars as polars_adapter
from s3_assets.connection.credentials import Credentials
from s3_assets.connection.secrets import read_secret
from s3_assets.errors import S3AssetsError, SecretMissingError
from tests.connection.conftest import Connect
from tests.connection.engines import Engine

KEY, SECRET, TOKEN = "AKIAHIDDEN", "hunter2-secret", "hunter2-token"
HIDDEN = (SECRET, TOKEN)


@pytest.fixture
def auth() -> AccessKeyAuth:
    return AccessKeyAuth(access_key_id=KEY, secret_access_key=SECRET, session_token=TOKEN)


def assert_hidden(*shown: object) -> None:
    for each in shown:
        assert not [secret for secret in HIDDEN if secret in str(each) or secret in repr(each)]


def test_models(auth: AccessKeyAuth) -> None:
    connection = S3Connection(name="lake", url="s3://bucket/", auth=auth)

    for model in (auth, connection):
        dumps = model.model_dump(), model.model_dump_json(), model.model_dump(mode="json")
        assert_hidden(model, *dumps)
        assert KEY not in f"{model!r} {dumps}"
    assert_hidden(Credentials(KEY, SECRET, TOKEN))


def test_references_are_shown() -> None:
    auth = AccessKeyAuth(
        access_key_id=SecretReference(env="LAKE_KEY"), secret_access_key=SecretReference(env="LAKE_SECRET")
    )

    dumped = auth.model_dump(mode="json", exclude_none=True)

    assert dumped["secret_access_key"] == {"env": "LAKE_SECRET"}


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "access_key", "access_key_id": KEY, "secret_acces_key": SECRET},
        {"type": "access_key", "access_key_id": KEY, "secret_access_key": [SECRET]},
        {"type": "acces_key", "access_key_id": KEY, "secret_access_key": SECRET},
        {"access_key_id": KEY, "secret_access_key": SECRET},
        {"type": "anonymous", "secret_access_key": SECRET},
    ],
)
def test_validation_errors(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        S3Connection.model_validate({"name": "lake", "url": "s3://bucket/", "auth": fields})
    assert_hidden(caught.value)

    with pytest.raises(ValidationError):
        TypeAdapter[Auth](Auth).validate_python(fields)


def test_urls_with_a_secret_in_them() -> None:
    for fields in ({"url": f"s3://{KEY}:{SECRET}@bucket/"}, {"endpoint": f"https://{KEY}:{SECRET}@host:x/"}):
        with pytest.raises(ValidationError) as caught:
            S3Connection.model_validate({"name": "lake", "url": "s3://bucket/", **fields})
        assert_hidden(caught.value)


def test_errors_of_every_engine(connect: Connect, engine: Engine, auth: AccessKeyAuth) -> None:
    cases = [
        connect(auth=auth, url="s3://no-such-bucket/"),
        connect(auth=auth, endpoint="http://127.0.0.1:1", transport={"max_retries": 0}),
    ]
    for connection in cases:
        with pytest.raises(S3AssetsError) as caught:
            engine.diagnosed_write(connection)

        # As Dagster does to carry an error out of a step's process.
        assert_hidden(pickle.dumps(caught.value), caught.value, copy(caught.value))
        assert caught.value.__cause__ is None


def test_logs(
    connect: Connect, engine: Engine, auth: AccessKeyAuth, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "s3_assets"):
        engine.round_trip(connect(auth=auth))

    assert_hidden(*[record.getMessage() for record in caplog.records if record.name.startswith("s3_assets")])


def test_a_plan_that_is_shown(connect: Connect, auth: AccessKeyAuth) -> None:
    options = polars_adapter.options(connect(auth=auth))
    frame = pl.scan_parquet("s3://bucket/x.parquet", schema={"a": pl.Int64}, **options)

    assert_hidden(frame.explain(), options)


def test_an_empty_secret_is_none(tmp_path: Path) -> None:
    """Sent as it is, it would hide the identity of the workload."""
    blank = tmp_path / "blank"
    blank.write_text("\n")

    for secret in ("", SecretReference(file=blank)):
        with pytest.raises(SecretMissingError, match="is empty"):
            read_secret(secret)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_bytes(b"\xff" + SECRET.encode())

    with pytest.raises(SecretMissingError, match="is not UTF-8") as caught:
        read_secret(SecretReference(file=file))

    assert_hidden("".join(traceback.format_exception(caught.value)))


@pytest.mark.parametrize("places", [{}, {"env": "A", "file": "b"}, {"env": "A", "ssm": {"name": "b"}}])
def test_a_reference_names_one_place(places: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="exactly one of 'env', 'file', 'secrets_manager' and 'ssm'"):
        SecretReference.model_validate(places)
