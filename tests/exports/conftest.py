"""A proxy and a zygote for the runs that are killed, and the ground that they work on."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest

from s3_assets.embedded.server import EmbeddedServer
from tests.exports.ground import ExportGround
from tests.support.zygote import Zygote

MODULES = (
    "polars",
    "obstore",
    "obstore.store",
    "boto3",
    "botocore.session",
    "s3_assets.tables.delta",
    "s3_assets.tables.parquet",
    "s3_assets.exports.parquet_files",
    "s3_assets.exports.pieces",
    "tests.exports.export_work",
)


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    with Zygote(MODULES) as zygote:
        yield zygote


@pytest.fixture(scope="session")
def grounds(s3_server: EmbeddedServer, s3_client: Any) -> Callable[[str], ExportGround]:
    """A bucket for exports, and one for each state of a source: Parquet files, or a Delta table."""

    @cache
    def make(source: str) -> ExportGround:
        ground = ExportGround(s3_server.endpoint_url, s3_client, source)
        ground.make_sources()
        return ground

    return make


@pytest.fixture
def ground(grounds: Callable[[str], ExportGround], request: pytest.FixtureRequest) -> ExportGround:
    """A prefix that no other test writes to, and sources that none changes."""
    return grounds(getattr(request, "param", "parquet")).anew()
