"""A proxy and a zygote for the processes that are killed, and the ground that they work on."""

from collections.abc import Iterator

import pytest

from tests.support.zygote import Zygote

MODULES = (
    "polars",
    "deltalake",
    "deltalake.exceptions",
    "deltalake.transaction",
    "obstore",
    "obstore.store",
    "pyarrow",
    "pyarrow.parquet",
    "botocore.session",
    "pyiceberg.catalog.glue",
    "pyiceberg.io.pyarrow",
    "s3_assets.tables.delta",
    "s3_assets.tables.iceberg",
    "s3_assets.tables.iceberg_writer",
    "s3_assets.tables.parquet",
    "tests.incremental.work",
)


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    with Zygote(MODULES) as zygote:
        yield zygote
