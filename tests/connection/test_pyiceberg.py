"""PyIceberg on our connection: tables by two catalogs, and the files below them."""

import gzip
import io
import os
import pickle
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.catalog import Catalog
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.io import FileIO, load_file_io
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import LongType, NestedField, StringType

from s3_assets.connection import AccessKeyAuth, DefaultAuth, S3Connection, SecretReference, ServiceEndpoints
from s3_assets.connection.adapters import pyiceberg as adapter
from s3_assets.embedded.server import EmbeddedServer
from s3_assets.errors import ObjectMissingError, SettingError
from tests.connection.conftest import Connect
from tests.connection.recorder import Recorder, Seen, recording
from tests.connection.test_expiring import LIFETIME, expiring  # noqa: F401 - a fixture

SECRET = "a-secret-that-stays-here"
MIB = 1024 * 1024


@pytest.fixture
def lake(connect: Connect) -> S3Connection:
    return connect(auth=AccessKeyAuth(access_key_id="AKIAOWN", secret_access_key=SECRET))


@pytest.fixture
def files(lake: S3Connection) -> FileIO:
    return load_file_io(adapter.properties(lake))


@pytest.fixture
def catalog(lake: S3Connection, tmp_path: Path) -> Iterator[Catalog]:
    with _sql_catalog(lake, tmp_path) as catalog:
        yield catalog


def _sql_catalog(connection: S3Connection, folder: Path, **told: str) -> SqlCatalog:
    catalog = SqlCatalog(
        "test",
        uri=f"sqlite:///{folder}/catalog.db",
        warehouse=f"{connection.url}warehouse",
        **(told or adapter.properties(connection)),
    )
    catalog.create_namespace_if_not_exists("db")
    return catalog


def _rows(*numbers: int) -> pa.Table:
    return pa.table({"number": pa.array(numbers, pa.int64())})


def _numbers(table: Any, **scan: Any) -> list[int]:
    return sorted(table.scan(**scan).to_arrow()["number"].to_pylist())


def _live(catalog: Catalog) -> None:
    """Create a table, append, overwrite, delete, evolve and travel in time, and look each time."""
    table = catalog.create_table("db.numbers", _rows().schema)
    table.append(_rows(1, 2))
    table.append(_rows(3))
    first = table.history()[0].snapshot_id
    assert _numbers(catalog.load_table("db.numbers")) == [1, 2, 3]

    table.overwrite(_rows(7), overwrite_filter="number = 2")
    assert _numbers(catalog.load_table("db.numbers")) == [1, 3, 7]
    table.delete("number = 7")
    with table.update_schema() as update:
        update.add_column("word", StringType())
    table.append(pa.table({"number": pa.array([4], pa.int64()), "word": ["four"]}))

    again = catalog.load_table("db.numbers")
    assert _numbers(again) == [1, 3, 4]
    assert again.scan(row_filter="number = 4").to_arrow()["word"].to_pylist() == ["four"]
    assert again.scan(row_filter="number = 1").to_arrow()["word"].to_pylist() == [None]
    assert _numbers(again, snapshot_id=first) == [1, 2]


def test_a_table_lives_under_our_connection(catalog: Catalog, recorder: Recorder) -> None:
    _live(catalog)

    assert recorder.key_ids() == {"AKIAOWN"}
    assert {seen.region for seen in recorder.seen} == {"eu-west-3"}
    assert {seen.host for seen in recorder.seen} == {recorder.endpoint.removeprefix("http://")}


def test_a_purged_table_leaves_no_object(catalog: Catalog, bucket: str, s3_client: Any) -> None:
    catalog.create_table("db.numbers", _rows().schema).append(_rows(1))
    catalog.purge_table("db.numbers")

    assert s3_client.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


@pytest.fixture(scope="module")
def glue_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    folder = tmp_path_factory.mktemp("glue")
    with EmbeddedServer(folder, services=("s3", "sts", "iam", "glue")) as server:
        yield server


def test_a_table_lives_in_glue_under_our_connection(glue_server: EmbeddedServer, tmp_path: Path) -> None:
    from s3_assets.connection.adapters.boto import client

    with recording(glue_server.endpoint_url, tmp_path) as recorder:
        connection = S3Connection(
            name="glue",
            url="s3://glue-bucket/",
            endpoint=recorder.endpoint,
            service_endpoints=ServiceEndpoints(glue=recorder.endpoint),
            region="eu-west-3",
            auth=AccessKeyAuth(access_key_id="AKIAOWN", secret_access_key=SECRET),
        )
        client(connection).create_bucket(
            Bucket="glue-bucket", CreateBucketConfiguration={"LocationConstraint": "eu-west-3"}
        )
        catalog = adapter.glue_catalog(connection, "test", warehouse="s3://glue-bucket/warehouse")
        catalog.create_namespace("db")
        _live(catalog)
        asked = {seen.headers["x-amz-target"] for seen in recorder.seen if "x-amz-target" in seen.headers}

        assert {"AWSGlue.CreateTable", "AWSGlue.UpdateTable", "AWSGlue.GetTable"} <= asked
        assert recorder.key_ids() == {"AKIAOWN"}
        assert {seen.region for seen in recorder.seen} == {"eu-west-3"}


def test_columns_cost_no_more_requests_than_with_pyarrow(
    catalog: Catalog, lake: S3Connection, recorder: Recorder, tmp_path: Path
) -> None:
    numbers = random.Random(3)  # noqa: S311
    column = pa.array([numbers.random() for _ in range(100_000)])
    table = catalog.create_table("db.wide", pa.schema({f"c{n}": pa.float64() for n in range(10)}))
    table.append(pa.table({f"c{n}": column for n in range(10)}))
    pyarrow = _sql_catalog(
        lake,
        tmp_path,
        **{
            "s3.endpoint": recorder.endpoint,
            "s3.region": "eu-west-3",
            "s3.access-key-id": "AKIATHEIRS",
            "s3.secret-access-key": "x",
        },
    )
    before = len(recorder.seen)
    with pyarrow:
        for each in (catalog, pyarrow):
            found = each.load_table("db.wide").scan(selected_fields=("c2", "c7")).to_arrow()
            assert found.column_names == ["c2", "c7"]
            assert found["c7"].combine_chunks() == column
    ours, theirs = (_reads(recorder.seen[before:], key) for key in ("AKIAOWN", "AKIATHEIRS"))

    # PyArrow asks for each object's size before it reads; we learn it with the end of the object.
    assert "HEAD" in {method for method, _, _ in theirs}
    assert {method for method, _, _ in ours} == {"GET"}
    assert len(ours) == len([method for method, _, _ in theirs if method == "GET"])
    columns = {extent for _, path, extent in ours if path.endswith(".parquet")} - {"bytes=-65536"}
    assert columns
    assert columns < {extent for _, path, extent in theirs if path.endswith(".parquet")}


def _reads(all_seen: list[Seen], key: str) -> list[tuple[str, str, str]]:
    return [
        (seen.method, seen.path, seen.headers.get("range", "")) for seen in all_seen if seen.key_id == key
    ]


def test_a_reader_reads_what_a_file_reads(files: FileIO, lake: S3Connection) -> None:
    numbers = random.Random(5)  # noqa: S311
    content = numbers.randbytes(3 * MIB)
    _put(files, f"{lake.url}blob", content)
    plain = io.BytesIO(content)
    with files.new_input(f"{lake.url}blob").open() as reader:
        for _ in range(200):
            where = numbers.choice(
                [(numbers.randrange(4 * MIB), 0), (-numbers.randrange(3 * MIB), 2), (7, 1)]
            )
            assert reader.seek(*where) == plain.seek(*where)
            for size in (numbers.randrange(200), numbers.randrange(100_000)):
                assert reader.read(size) == plain.read(size)
                assert reader.tell() == plain.tell()
        reader.seek(10)
        assert reader.read() == content[10:]
        with pytest.raises(ValueError, match="before the start"):
            reader.seek(-1)


def test_small_reads_in_a_row_are_few_requests(files: FileIO, lake: S3Connection, recorder: Recorder) -> None:
    content = random.Random(7).randbytes(5 * MIB)  # noqa: S311
    _put(files, f"{lake.url}packed.gz", gzip.compress(content, 1))
    before = len(recorder.seen)
    with files.new_input(f"{lake.url}packed.gz").open() as stream, gzip.open(stream) as unpacked:
        assert unpacked.read() == content

    assert len(recorder.seen) - before <= 7


@pytest.mark.parametrize("size", [0, 1, 64 * 1024, 64 * 1024 + 1])
def test_an_object_of_any_size(files: FileIO, lake: S3Connection, size: int) -> None:
    written = _put(files, f"{lake.url}blob", b"x" * size)
    found = files.new_input(f"{lake.url}blob")
    with found.open() as reader:
        assert reader.read() == b"x" * size

    assert len(found) == len(written) == len(files.new_output(f"{lake.url}blob")) == size


def _put(files: FileIO, location: str, content: bytes) -> Any:
    output = files.new_output(location)
    with output.create(overwrite=True) as stream:
        stream.write(content)
    return output


@pytest.mark.parametrize("megabytes", [1, 20])
def test_a_block_that_fails_leaves_nothing(
    files: FileIO, lake: S3Connection, bucket: str, s3_client: Any, megabytes: int
) -> None:
    def fail() -> None:
        with files.new_output(f"{lake.url}blob").create(overwrite=True) as stream:
            stream.write(b"x" * megabytes * MIB)
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        fail()

    assert s3_client.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    assert "Uploads" not in s3_client.list_multipart_uploads(Bucket=bucket)


def test_large_objects_go_in_parts_while_they_are_written(
    files: FileIO, lake: S3Connection, recorder: Recorder
) -> None:
    with files.new_output(f"{lake.url}blob").create(overwrite=True) as stream:
        for _ in range(80):
            stream.write(b"x" * MIB)
        # What is held in memory is less than what was written.
        sent = [seen for seen in recorder.seen if "partNumber=" in seen.path]
        assert len(sent) >= 5
        assert stream.tell() == 80 * MIB
    parts = [int(seen.headers["content-length"]) for seen in recorder.seen if "partNumber=" in seen.path]

    assert sum(parts) == 80 * MIB
    assert max(parts) == 8 * MIB


def test_a_new_object_replaces_none(files: FileIO, lake: S3Connection) -> None:
    with files.new_output(f"{lake.url}blob").create() as stream:
        stream.write(b"first")
    with (
        pytest.raises(FileExistsError, match="there is an object already"),
        files.new_output(f"{lake.url}blob").create() as stream,
    ):
        stream.write(b"second")

    assert files.new_input(f"{lake.url}blob").open().read() == b"first"
    assert files.new_output(f"{lake.url}blob").to_input_file().exists()


def test_what_is_not_there(files: FileIO, lake: S3Connection) -> None:
    missing = files.new_input(f"{lake.url}missing")

    assert not missing.exists()
    assert not files.new_output(f"{lake.url}missing").exists()
    for look in (missing.open, lambda: len(missing), lambda: files.delete(missing)):
        with pytest.raises(FileNotFoundError) as caught:
            look()
        assert isinstance(caught.value, ObjectMissingError)
        assert caught.value.location == f"{lake.url}missing"


def test_keys_are_taken_as_they_are(files: FileIO, lake: S3Connection, bucket: str, s3_client: Any) -> None:
    key = "day=a%3Ab/what?#+ é.parquet"
    _put(files, f"s3a://{bucket}/{key}", b"1")

    assert s3_client.get_object(Bucket=bucket, Key=key)["Body"].read() == b"1"
    assert files.new_input(f"s3n://{bucket}/{key}").open().read() == b"1"
    files.delete(f"{lake.url}{key}")
    assert s3_client.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_partitions_of_odd_values(catalog: Catalog) -> None:
    schema = Schema(NestedField(1, "word", StringType()), NestedField(2, "number", LongType()))
    spec = PartitionSpec(PartitionField(1, 1000, IdentityTransform(), "word"))
    table = catalog.create_table("db.odd", schema, partition_spec=spec)
    words = ["a b", "a%20b", "a/b", "a:b", "é", "a+b"]
    table.append(pa.table({"word": words, "number": pa.array(range(6), pa.int64())}))

    found = table.scan().to_arrow().to_pylist()
    assert {row["word"]: row["number"] for row in found} == {word: n for n, word in enumerate(words)}


def test_a_file_in_another_bucket_is_refused(files: FileIO, recorder: Recorder) -> None:
    before = len(recorder.seen)
    for location in (
        "s3://another-bucket/key",
        "gs://another-bucket/key",
        "/etc/hosts",
        "s3://another-bucket",
    ):
        with pytest.raises(SettingError, match="not in a bucket that the table's connections reach"):
            files.new_input(location)
        with pytest.raises(SettingError, match="not in a bucket"):
            files.delete(location)

    assert len(recorder.seen) == before


def test_a_table_may_have_the_connections_of_several_buckets(
    lake: S3Connection, connect: Connect, s3_client: Any, recorder: Recorder
) -> None:
    name = f"{lake.location.bucket}-2"
    s3_client.create_bucket(Bucket=name)
    other = connect(
        url=f"s3://{name}/", auth=AccessKeyAuth(access_key_id="AKIAOTHER", secret_access_key="other")
    )
    files = load_file_io(adapter.properties(lake, other))
    _put(files, f"{lake.url}a", b"1")
    _put(files, f"{other.url}b", b"2")

    keys = {seen.path.split("?")[0]: seen.key_id for seen in recorder.seen}
    assert keys == {f"/{lake.location.bucket}/a": "AKIAOWN", f"/{name}/b": "AKIAOTHER"}
    with pytest.raises(SettingError, match="one bucket"):
        adapter.properties(lake, connect(name="twin"))


def test_properties_and_pickles_hold_no_secret(lake: S3Connection, files: FileIO) -> None:
    pickled = pickle.dumps(files)

    assert SECRET not in repr(adapter.properties(lake))
    assert SECRET.encode() not in pickled
    assert isinstance(pickle.loads(pickled), type(files))  # noqa: S301


def test_equal_settings_are_one_reference(connect: Connect) -> None:
    def told(key_id: str = "AKIAOWN", secret: str = SECRET) -> str:
        auth = AccessKeyAuth(access_key_id=key_id, secret_access_key=secret)
        return adapter.properties(connect(auth=auth))[adapter.REFERENCE]

    assert told() == told()
    assert told() == told(secret="rotated")
    assert told() != told(key_id="AKIAOTHER")


_READ = "import pickle, sys; f = pickle.load(sys.stdin.buffer); print(f.new_input({0!r}).open().read())"


def test_another_process_finds_a_connection_that_names_its_secrets(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, lake: S3Connection, files: FileIO
) -> None:
    _put(files, f"{lake.url}blob", b"found")
    monkeypatch.setenv("LAKE_SECRET", SECRET)
    named = AccessKeyAuth(
        access_key_id=SecretReference(env="LAKE_SECRET"), secret_access_key=SecretReference(env="LAKE_SECRET")
    )
    travelling = load_file_io(adapter.properties(connect(auth=named)))

    assert SECRET.encode() not in pickle.dumps(travelling)
    assert _in_another_process(travelling, f"{lake.url}blob").stdout.strip() == "b'found'"
    staying = _in_another_process(files, f"{lake.url}blob")
    assert "this process does not know the connection 'lake-" in staying.stderr
    assert staying.returncode == 1


def _in_another_process(files: FileIO, location: str) -> subprocess.CompletedProcess[str]:
    ended = subprocess.run(
        [sys.executable, "-c", _READ.format(location)],
        input=pickle.dumps(files),
        capture_output=True,
        timeout=60,
        env=dict(os.environ),
        check=False,
    )
    return subprocess.CompletedProcess(
        ended.args, ended.returncode, ended.stdout.decode(), ended.stderr.decode()
    )


_TABLE = """
import sys, pyarrow, pickle
from s3_assets.connection.adapters import pyiceberg as adapter
from tests.connection.engines import ICEBERG
connection = pickle.load(sys.stdin.buffer)
print(ICEBERG.diagnosed_read(connection) if sys.argv[1] == "read" else ICEBERG.diagnosed_write(connection))
"""


def test_a_process_ends_when_its_work_has(lake: S3Connection, recorder: Recorder) -> None:
    def run(connection: S3Connection, what: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-c", _TABLE, what],
            input=pickle.dumps(connection),
            capture_output=True,
            timeout=60,
            check=False,
        )

    assert run(lake, "write").returncode == 0
    assert run(lake, "read").stdout.strip() == b"[1, 2, 3]"
    # PyArrow sends unsigned requests where there are no credentials, and may hang at exit.
    before = len(recorder.seen)
    without = lake.model_copy(update={"auth": DefaultAuth()})
    ended = run(without, "write")
    assert ended.returncode == 1
    assert b"CredentialsMissingError" in ended.stderr
    assert len(recorder.seen) == before


def test_a_table_may_name_other_files_than_ours(catalog: Catalog) -> None:
    ours = catalog.create_table("db.ours", _rows().schema)
    told = {"py-io-impl": "pyiceberg.io.pyarrow.PyArrowFileIO"}
    other = catalog.create_table("db.other", _rows().schema, properties=told)

    assert adapter.is_ours(catalog.load_table(ours.name()).io)
    assert not adapter.is_ours(catalog.load_table(other.name()).io)


def test_a_reference_is_needed() -> None:
    with pytest.raises(SettingError, match=r"no 's3-assets\.connections'"):
        load_file_io({"py-io-impl": adapter.properties(S3Connection(url="s3://bucket/"))["py-io-impl"]})


def test_one_file_is_written_and_read_with_changing_keys(
    expiring: S3Connection,  # noqa: F811
    recorder: Recorder,
) -> None:
    files = load_file_io(adapter.properties(expiring))
    with files.new_output(f"{expiring.url}blob").create(overwrite=True) as stream:
        for _ in range(3):
            stream.write(b"x" * 9 * MIB)
            time.sleep(LIFETIME)
    written = recorder.key_ids()
    with files.new_input(f"{expiring.url}blob").open() as reader:
        for start in (0, 9 * MIB, 18 * MIB):
            reader.seek(start)
            assert reader.read(2 * MIB) == b"x" * 2 * MIB
            time.sleep(LIFETIME)

    assert len(written) > 1
    assert len(recorder.key_ids() - written) > 1
    assert {seen.token for seen in recorder.seen} == {"t"}


def test_a_table_is_written_and_read_with_changing_keys(
    expiring: S3Connection,  # noqa: F811
    recorder: Recorder,
    tmp_path: Path,
) -> None:
    with _sql_catalog(expiring, tmp_path) as catalog:
        table = catalog.create_table("db.numbers", _rows().schema)
        for number in range(3):
            table.append(_rows(number))
            time.sleep(LIFETIME)
        written = recorder.key_ids()
        numbers = []
        for task in table.scan().plan_files():
            with table.io.new_input(task.file.file_path).open() as stream:
                numbers += pa.parquet.read_table(stream)["number"].to_pylist()
            time.sleep(LIFETIME)

    assert sorted(numbers) == [0, 1, 2]
    assert len(written) > 2
    assert len(recorder.key_ids() - written) > 1
