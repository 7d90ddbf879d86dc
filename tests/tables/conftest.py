"""A fresh place for each test, and one format after the other."""

import os
from pathlib import Path
from uuid import uuid4

import pytest

from s3_assets.embedded.server import EmbeddedServer
from tests.servers.gateway import Gateway
from tests.tables.conformance import FORMATS
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
    return Place(server, client, request.getfixturevalue("bucket"), folder=tmp_path)


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


@pytest.fixture(params=FORMATS, ids=[each.name for each in FORMATS])
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
