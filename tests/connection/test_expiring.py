"""Credentials that run out in the middle of a job: every engine is seen to change keys."""

import json
import stat
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from s3_assets.connection import ProfileAuth, S3Connection
from s3_assets.connection.adapters import deltalake as delta_adapter
from s3_assets.connection.adapters import polars as polars_adapter
from s3_assets.connection.ambient import without_ambient_settings
from s3_assets.connection.credentials import credential_source
from s3_assets.errors import CredentialsMissingError
from s3_assets.objects import Objects
from tests.connection.conftest import Connect
from tests.connection.engines import Engine
from tests.connection.recorder import Recorder

LIFETIME = 2


@pytest.fixture
def expiring(connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> S3Connection:
    """A connection whose process hands out a new key at each call, good for two seconds."""
    script = tmp_path / "process"
    script.write_text(
        f"#!{sys.executable} -S\n"
        "import json, time\n"
        "now = time.time()\n"
        f"end = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(now + {LIFETIME}))\n"
        "print(json.dumps({'Version': 1, 'AccessKeyId': f'ASIA{int(now * 1000)}', 'SecretAccessKey': 's',"
        " 'SessionToken': 't', 'Expiration': end}))\n"
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "config").write_text(f"[profile short]\ncredential_process = {script}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    return connect(auth=ProfileAuth(profile="short"), name=f"short-{tmp_path.name}")


def test_the_source_tells_when_they_end(expiring: S3Connection) -> None:
    credentials = credential_source(expiring).current()

    assert credentials is not None
    assert credentials.expires_at is not None
    assert credentials.expires_at.timestamp() <= time.time() + LIFETIME + 1


def test_each_engine_changes_keys(expiring: S3Connection, recorder: Recorder, engine: Engine) -> None:
    for _ in range(2):
        assert engine.round_trip(expiring) == [1, 2, 3]
        time.sleep(LIFETIME)

    assert len(recorder.key_ids()) > 1
    assert {seen.token for seen in recorder.seen} == {"t"}


def test_delta_changes_keys_in_the_middle_of_a_write_and_a_read(
    expiring: S3Connection, recorder: Recorder
) -> None:
    from deltalake import DeltaTable, write_deltalake

    url = f"{expiring.url}long"
    options = delta_adapter.options(expiring)
    write_deltalake(url, pl.DataFrame({"day": ["a"], "number": [0]}), storage_options=options)
    with without_ambient_settings():
        table = DeltaTable(url, storage_options=options)
    before = recorder.key_ids()

    def rows() -> list[pl.DataFrame]:
        return [pl.DataFrame({"day": [f"{n}"], "number": [n]}) for n in range(4)]

    for frame in rows():
        time.sleep(LIFETIME / 2)
        write_deltalake(table, frame, mode="append")
    written = recorder.key_ids()
    numbers = []
    for batch in table.scan():
        numbers += pl.DataFrame(batch)["number"].to_list()
        time.sleep(LIFETIME / 2)

    assert sorted(numbers) == [0, 0, 1, 2, 3]
    assert len(written - before) > 1
    assert len(recorder.key_ids() - written) > 0


def test_polars_changes_keys_in_the_middle_of_a_write_and_a_read(
    expiring: S3Connection, recorder: Recorder
) -> None:
    slow = pl.LazyFrame({"number": [0, 1, 2, 3]}).map_batches(_slowly)
    target = pl.PartitionBy(f"{expiring.url}long", key="number")
    slow.sink_parquet(target, **polars_adapter.options(expiring))
    written = recorder.key_ids()
    time.sleep(LIFETIME)
    frame = pl.scan_parquet(f"{expiring.url}long/**/*.parquet", **polars_adapter.options(expiring))

    assert sorted(frame.collect()["number"]) == [0, 1, 2, 3]
    assert len(written) > 0
    assert len(recorder.key_ids() - written) > 0


def _slowly(frame: pl.DataFrame) -> pl.DataFrame:
    time.sleep(LIFETIME)
    return frame


def test_a_refresh_that_fails_is_a_clear_error(expiring: S3Connection, tmp_path: Path) -> None:
    objects = Objects(expiring)
    objects.put("key", b"1")
    (tmp_path / "process").write_text("#!/bin/sh\necho 'sign in again' >&2\nexit 1\n")
    time.sleep(LIFETIME)

    with pytest.raises(CredentialsMissingError, match=r"connection 'short-.*sign in again"):
        objects.get("key")


def test_a_refresh_that_fails_in_the_middle_of_a_delta_table(expiring: S3Connection, tmp_path: Path) -> None:
    from s3_assets.connection.diagnosis import diagnosed
    from tests.connection.engines import DELTA, delta_table

    DELTA.write(expiring, "folder")
    table = delta_table(expiring, "folder")
    (tmp_path / "process").write_text("#!/bin/sh\necho 'sign in again' >&2\nexit 1\n")
    time.sleep(LIFETIME)

    with (
        pytest.raises(CredentialsMissingError, match=r"connection 'short-.*sign in again"),
        diagnosed(expiring, expiring.url, Exception),
    ):
        table.update_incremental()


def test_the_endpoint_answers_only_those_with_the_token(expiring: S3Connection) -> None:
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    options = delta_adapter.options(expiring)
    url = options["aws_container_credentials_full_uri"]
    token = Path(options["aws_container_authorization_token_file"]).read_text()

    assert stat.S_IMODE(Path(options["aws_container_authorization_token_file"]).stat().st_mode) == 0o600
    for headers in ({}, {"Authorization": "guess"}):
        with pytest.raises(HTTPError, match="403"):
            urlopen(Request(url, headers=headers))
    with urlopen(Request(url, headers={"Authorization": token})) as answer:
        assert json.load(answer)["AccessKeyId"].startswith("ASIA")
