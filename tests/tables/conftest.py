"""A fresh place for each test, and one format after the other."""

from typing import Any

import pytest

from s3_assets.embedded.server import EmbeddedServer
from tests.tables.formats import FORMATS, Format, Place


@pytest.fixture
def place(s3_server: EmbeddedServer, s3_client: Any, bucket: str) -> Place:
    return Place(s3_server, s3_client, bucket)


@pytest.fixture(params=FORMATS, ids=[each.name for each in FORMATS])
def table_format(request: pytest.FixtureRequest) -> Format:
    found: Format = request.param
    return found
