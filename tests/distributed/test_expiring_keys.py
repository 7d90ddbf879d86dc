"""Keys that end while a worker reads one slice: it asks for others, in work of Ray's and in Daft's."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import polars as pl
import pytest
from deltalake import DeltaTable

from s3_assets.connection import AccessKeyAuth, AssumeRole, S3Connection, SecretReference, ServiceEndpoints
from s3_assets.embedded.server import EmbeddedServer
from s3_assets.engines.ray.engine import RayEngine
from s3_assets.engines.ray.settings import RaySettings
from s3_assets.incremental.append import append_new
from s3_assets.incremental.mirror import mirror
from s3_assets.tables.open import open_table
from s3_assets.tables.settings import DeltaSettings, ParquetSettings
from s3_assets.tables.table import Table
from tests.connection.long_jobs.slow_server import SLOWLY, SlowServer, slow_server
from tests.servers.identity.server import IdentityServer
from tests.servers.ray_keeper import KEY, KEYS, SECRET, RayCluster
from tests.servers.session_keys import expiry_of

LIFETIME = 3
SECONDS = 9.0
FILES = 10
LEAST_KEYS = int(SECONDS // LIFETIME)
OWN = {KEY: "TESTSRUNKEY000000001", SECRET: "secret/of/the/process/that/runs/0123456789"}
"""What the process of the run finds where workers find their keys: STS then tells who asks for a session."""
Run = Callable[[Table[Any], Table[Any], RayEngine], object]


@pytest.fixture
def slow(s3_server: EmbeddedServer, tmp_path: Path) -> Iterator[SlowServer]:
    """A server that takes session keys alone, and gives one file after the other."""
    with slow_server(s3_server.endpoint_url, tmp_path, seconds=SECONDS, pieces=FILES) as server:
        yield server


@pytest.fixture
def own_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in OWN.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def engine(ray_cluster: RayCluster, joined_ray: Any) -> RayEngine:
    """Workers that take all files as one slice."""
    del joined_ray
    return RayEngine(RaySettings(address=ray_cluster.address))


def by_role(slow: SlowServer, identity: IdentityServer, bucket: str) -> S3Connection:
    """A connection whose role is assumed with keys that workers find in their environment."""
    for each in (KEYS, OWN):
        identity.add_user(each[KEY], each[SECRET])
    identity.change(lifetime=LIFETIME)
    auth = AccessKeyAuth(
        access_key_id=SecretReference(env=KEY), secret_access_key=SecretReference(env=SECRET)
    )
    return S3Connection(
        name="lake",
        url=f"s3://{bucket}/",
        endpoint=slow.endpoint,
        region="eu-west-3",
        auth=auth,
        assume_role=(AssumeRole(role_arn=identity.add_role("workers"), session_name="workers"),),
        service_endpoints=ServiceEndpoints(sts=identity.endpoint),
    )


def _append(source: Table[Any], target: Table[Any], engine: RayEngine) -> None:
    append_new(target, "numbers", source, engine=engine)


def _mirror(source: Table[Any], target: Table[Any], engine: RayEngine) -> None:
    mirror(target, "numbers", source, keys=["number"], engine=engine)


def _run(
    run: Run,
    slow: SlowServer,
    identity: IdentityServer,
    s3_server: EmbeddedServer,
    client: Any,
    engine: RayEngine,
) -> None:
    bucket = f"lake-{uuid4().hex[:8]}"
    client.create_bucket(Bucket=bucket)
    for number in range(FILES):
        body = io.BytesIO()
        pl.DataFrame({"number": [number]}).write_parquet(body)
        key = f"raw/{SLOWLY}{number}.parquet"
        client.put_object(Bucket=bucket, Key=key, Body=body.getvalue())
    where = by_role(slow, identity, bucket)
    told = ParquetSettings(connection="lake", path=f"raw/{SLOWLY}", columns={"number": "int64"})
    source = open_table("raw", told, where)
    target = open_table("target", DeltaSettings(connection="lake", path="target/"), where)

    run(source, target, engine)

    # With other keys, and at the server itself.
    options = {
        "aws_endpoint_url": s3_server.endpoint_url,
        "aws_access_key_id": "test",
        "aws_secret_access_key": "test",
        "aws_region": "us-east-1",
        "aws_allow_http": "true",
    }
    rows = DeltaTable(f"s3://{bucket}/target", storage_options=options).scan()
    assert sorted(each for batch in rows for each in batch.column("number").to_pylist()) == list(range(FILES))
    arrived = slow.arrived()
    assert not [each for each in arrived if each.refusal is not None]
    assert not [each for each in arrived if (expiry_of(each.key_id or "") or 0.0) <= each.at]
    read = {each.key_id for each in arrived if each.method == "GET" and f"/{SLOWLY}" in each.path}
    assert len(read) >= LEAST_KEYS
    assert read <= {each.issued for each in identity.calls() if each.base_key_id == KEYS[KEY]}


def test_a_worker_of_ray_outlives_its_keys(
    slow: SlowServer,
    identity: IdentityServer,
    s3_server: EmbeddedServer,
    s3_client: Any,
    own_keys: None,
    engine: RayEngine,
) -> None:
    _run(_append, slow, identity, s3_server, s3_client, engine)


def test_a_worker_of_daft_outlives_its_keys(
    slow: SlowServer,
    identity: IdentityServer,
    s3_server: EmbeddedServer,
    s3_client: Any,
    own_keys: None,
    engine: RayEngine,
) -> None:
    _run(_mirror, slow, identity, s3_server, s3_client, engine)
