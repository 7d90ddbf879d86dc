"""A ground of objects, and a proxy and a zygote for the processes that are killed."""

from collections.abc import Iterator
from typing import Any

import pytest

from s3_assets.embedded.server import EmbeddedServer
from tests.media.media_ground import MediaGround, first_wave
from tests.support.zygote import Zygote

MODULES = (
    *("polars", "deltalake", "deltalake.exceptions", "deltalake.transaction"),
    *("obstore", "obstore.store", "pyarrow", "pyarrow.parquet", "boto3", "botocore.session"),
    *("s3_assets.tables.delta", "s3_assets.tables.iceberg", "s3_assets.tables.iceberg_writer"),
    *("s3_assets.tables.parquet", "tests.media.media_work"),
)


@pytest.fixture
def ground(s3_server: EmbeddedServer, s3_client: Any) -> MediaGround:
    """The first wave's objects, and no inventory yet."""
    ground = MediaGround(s3_server.endpoint_url, s3_client)
    ground.put(first_wave())
    return ground


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    with Zygote(MODULES) as zygote:
        yield zygote
