"""A fresh place for each test."""

from typing import Any

import pytest

from s3_assets.embedded.server import EmbeddedServer
from tests.tables.formats import Place


@pytest.fixture
def place(s3_server: EmbeddedServer, s3_client: Any, bucket: str) -> Place:
    return Place(s3_server, s3_client, bucket)
