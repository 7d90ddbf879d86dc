"""A fresh place for each test, and one format after the other."""

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from s3_assets.embedded.server import EmbeddedServer
from s3_assets.tables.catalogs.kept import close_catalogs
from tests.servers.gateway import Gateway
from tests.tables.conformance import TRIED
from tests.tables.formats import Ceph, Format, Place

ON_CEPH = os.environ.get("TABLES_ON") == "ceph"


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """On the embedded server; with TABLES_ON=ceph in the environment on the Ceph gateway."""
    if ON_CEPH:
        found: Place = request.getfixturevalue("ceph_place")
        return found
    server: EmbeddedServer = request.getfixturevalue("s3_server")
    client = request.getfixturevalue("s3_client")
    bucket: str = request.getfixturevalue("bucket")
    return Place(server, client, bucket, folder=tmp_path, fixture=request.getfixturevalue)


@pytest.fixture
def ceph_place(rgw: Gateway, s3_server: EmbeddedServer, tmp_path: Path) -> Place:
    """A fresh bucket on the Ceph gateway, beside the embedded server's Glue."""
    client = rgw.client()
    bucket = f"bucket-{uuid4().hex[:12]}"
    client.create_bucket(Bucket=bucket)
    keys = rgw.admin
    server = Ceph(rgw.endpoint)
    return Place(
        server,
        client,
        bucket,
        folder=tmp_path,
        glue=s3_server.endpoint_url,
        key_id=keys.key_id,
        secret=keys.secret,
    )


@pytest.fixture(params=TRIED, ids=[each.name for each in TRIED])
def table_format(request: pytest.FixtureRequest) -> Format:
    found: Format = request.param
    return found


@pytest.fixture(autouse=True)
def _only_what_is_declared(request: pytest.FixtureRequest) -> None:
    """Skip a case that needs what the format declares to lack, with the declared reason."""
    needed = {name for marker in request.node.iter_markers("needs") for name in marker.args}
    if not needed:
        return
    table_format: Format = request.getfixturevalue("table_format")
    for name in sorted(needed & set(table_format.lacks)):
        pytest.skip(f"{table_format.name}: {table_format.lacks[name]}")


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    """Leave no catalog open: databases count their clients."""
    yield
    close_catalogs()
