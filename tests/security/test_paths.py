"""No path leaves its place: logs, manifests and archives may name any, and are believed no further."""

import io
import json
import stat
import sys
import tempfile
import zipfile
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest

from s3_assets.connection.credential_server import CredentialServer
from s3_assets.errors import CursorError, SettingError
from s3_assets.exports.destination import Destination
from s3_assets.exports.log import log_folder, log_of
from s3_assets.exports.manifest import read_manifest
from s3_assets.objects import Objects
from s3_assets.tables.folder_log import FOLDER, FolderLog
from s3_assets.tables.open import open_table
from s3_assets.tables.settings import AvroSettings, DeltaSettings
from s3_assets.tables.text_settings import CsvSettings
from tests.security.bombs import avro, record
from tests.security.hostile import _OWN, DATA, Reading, _iceberg, _iceberg_metadata
from tests.tables.formats import PATH, Place

ELSEWHERE = (
    *(
        "file:///etc/passwd",
        "/etc/passwd",
        "http://169.254.169.254/latest/meta-data",
        "s3://another/secret.parquet",
    ),
    *("../victim/secret.parquet", "a/../../victim/secret.parquet", "S3://ANOTHER/x", "az://bucket/x"),
)


@pytest.fixture
def place(s3_server: Any, s3_client: Any, bucket: str, tmp_path: Path) -> Place:
    return Place(s3_server, s3_client, bucket, folder=tmp_path)


def delta(place: Place, path: str, folder: str = "delta-0.8.0-date") -> Any:
    """A table whose log names, in place of one of its files, another."""
    root = DATA / "delta" / folder
    files = {
        each.relative_to(root).as_posix(): each.read_bytes()
        for each in sorted(root.rglob("*"))
        if each.is_file()
    }
    for name, body in files.items():
        put = body
        if name.startswith("_delta_log/") and name.endswith(".json"):
            lines = [json.loads(line) for line in body.decode().splitlines()]
            for line in lines:
                if "add" in line:
                    line["add"]["path"] = path
            put = "\n".join(map(json.dumps, lines)).encode()
        if "crc" not in name:
            place.client.put_object(Bucket=place.bucket, Key=f"{PATH}/{name}", Body=put)
    return open_table("orders", DeltaSettings(connection="lake", path=PATH), place.connection())


@pytest.mark.parametrize("path", ELSEWHERE)
def test_a_delta_log_that_names_files_elsewhere(place: Place, path: str) -> None:
    with pytest.raises(SettingError, match=r"names a file that is not in the bucket") as caught:
        delta(place, path).plan().frame.collect()

    assert path in str(caught.value)


def test_a_delta_log_with_deletion_vectors_that_names_files_elsewhere(place: Place) -> None:
    with pytest.raises(SettingError, match=r"names a file that is not in the bucket"):
        delta(place, "s3://another/secret.parquet", "table-with-dv-small").plan().frame.collect()


def test_a_delta_log_may_name_a_file_elsewhere_in_its_bucket(place: Place) -> None:
    """As a shallow clone does."""
    rows = io.BytesIO()
    pl.DataFrame(
        {"date": [None], "dayOfYear": [7]}, schema={"date": pl.Date, "dayOfYear": pl.Int32}
    ).write_parquet(rows)
    place.client.put_object(Bucket=place.bucket, Key="clone/a.parquet", Body=rows.getvalue())

    found = delta(place, f"s3a://{place.bucket}/clone/a.parquet").plan().frame.collect()

    assert found["dayOfYear"].to_list() == [7]


def test_iceberg_manifests_that_name_local_files(place: Place) -> None:
    """Those of a table that lay on a disk: their metadata is moved to the bucket, and they are not."""
    found = _iceberg()
    newest = found[f"table/metadata/{found['hint'].decode()}"]

    reading = Reading(place.connection(), PATH, Random(1))  # noqa: S311 - which of two ways to read
    with pytest.raises(SettingError, match=r"not in (?:a|the) bucket"):
        _iceberg_metadata(reading, newest)


def test_iceberg_metadata_cannot_have_a_module_imported(place: Place) -> None:
    found = _iceberg()
    newest = json.loads(found[f"table/metadata/{found['hint'].decode()}"])
    newest["properties"]["py-io-impl"] = "tests.security.planted.Planted"

    reading = Reading(place.connection(), PATH, Random(1))  # noqa: S311 - which of two ways to read
    with pytest.raises(SettingError, match=r"not in (?:a|the) bucket"):
        _iceberg_metadata(reading, json.dumps(newest).encode())

    assert "tests.security.planted" not in sys.modules


def test_a_folder_log_that_leaves_its_table(place: Place) -> None:
    """Whoever opens the log would carry out what its newest entry says."""
    connection = place.connection()
    table = connection.location.folder(PATH)
    for changed in (
        {"removals": ["../victim/a.parquet"]},
        {"moves": [{"part": "a", "file": "/b", "rows": 1, "bytes": 1}]},
        {"staging": "s3://another/"},
    ):
        body = json.dumps({**_OWN["entry"], **changed}).encode()
        place.client.put_object(
            Bucket=place.bucket, Key=f"{table.key}{FOLDER}commit-{1:020d}.json", Body=body
        )
        with pytest.raises(CursorError, match="the log of the folder cannot be read"):
            FolderLog(Objects(connection), table).head()


def test_an_export_log_that_leaves_its_prefix(place: Place) -> None:
    destination = Destination(place.connection(), "out", "daily")
    good = {**_OWN["export"], "files": []}
    for changed in (
        {},
        {"removals": ["victim/a"]},
        {"flags": ["victim/_SUCCESS"]},
        {"manifest": "m"},
        {"success": "s"},
    ):
        body = json.dumps({**good, **changed}).encode()
        key = f"{log_folder(destination)}commit-{1:020d}.json"
        place.client.put_object(Bucket=place.bucket, Key=key, Body=body)
        if not changed:
            assert log_of(destination).head().number == 1
            continue
        with pytest.raises(CursorError, match="not below s3://"):
            log_of(destination).head()


def test_an_export_manifest_that_names_files_of_others(place: Place) -> None:
    """What a later run finds in it, it deletes."""
    destination = Destination(place.connection(), "out", "daily")
    manifest = {
        "schema_version": 1,
        "export": "daily",
        "mode": "overwrite",
        "unit": "u",
        "number": 1,
        "previous": None,
        "created": "2026-01-05T00:00:00+00:00",
        "success": "victim/_SUCCESS",
        "files": [],
    }
    place.client.put_object(Bucket=place.bucket, Key="out/m.json", Body=json.dumps(manifest).encode())

    with pytest.raises(CursorError, match=r"names 'victim/_SUCCESS', which is not below s3://"):
        read_manifest(destination, "out/m.json")


def test_members_of_archives_are_only_read(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../../evil.csv", "a\n1\n")
        archive.writestr("/tmp/evil.csv", "a\n2\n")
    place.client.put_object(Bucket=place.bucket, Key=f"{PATH}/a.csv.zip", Body=packed.getvalue())
    settings = CsvSettings(connection="lake", path=PATH, suffixes=(".zip",))

    found = open_table("orders", settings, place.connection()).plan().frame.collect()

    # Names of which a part begins with a dot are those of hidden files.
    assert found["a"].to_list() == [2]
    assert list(tmp_path.rglob("*.csv")) == []


def test_the_file_of_a_token_is_its_owners_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    server = CredentialServer()
    try:
        (file,) = tmp_path.iterdir()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert file.read_text() == server.token
    finally:
        server.server_close()
    assert list(tmp_path.iterdir()) == []


def test_avro_of_a_codec_is_read_as_before(place: Place) -> None:
    """The smallest block there is, so that what refuses bombs is seen to let others pass."""
    place.client.put_object(
        Bucket=place.bucket, Key=f"{PATH}/a.avro", Body=avro(record("int"), "null", 3, b"\x02\x04\x06")
    )

    settings = AvroSettings(connection="lake", path=PATH)
    assert open_table("a", settings, place.connection()).plan().frame.collect()["x"].to_list() == [1, 2, 3]
