"""The operations that faults happen to; each is made when it is first asked for."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from s3_assets.embedded.server import EmbeddedServer
from tests.exports.ground import ExportGround
from tests.faults import files, reads, writes
from tests.faults.operations import Operation
from tests.faults.reads import PACKED
from tests.incremental.folder_ground import FolderGround
from tests.incremental.ground import Ground
from tests.incremental.mirror_ground import MirrorGround
from tests.servers.rest_catalog.server import RestCatalogs, RestCatalogServer
from tests.support.proxy import RequestProxy
from tests.tables.formats import DELTA, PARQUET, Format, Place
from tests.tables.iceberg_formats import PLACED
from tests.tables.row_formats import AVRO, CSV, JSON, JSONL

FORMATS = (DELTA, PLACED, PARQUET, AVRO, CSV, PACKED, JSONL, JSON)
NAMES = (
    *("parquet-to-delta", "delta-to-delta", "parquet-to-iceberg-sql", "parquet-to-iceberg-rest"),
    *("iceberg-rest-catalog", "parquet-to-folder", "mirror", "replace-on-new-data"),
    *("overwrite-a-day-of-a-folder", "overwrite-a-day-of-delta"),
    *("export-parquet", "export-csv.gz", "media-copies"),
    *("listing", "discover", "cursor", "sensor-tick"),
    *(f"read-{each.name}" for each in FORMATS),
)
"""The operations of the matrix."""
Operations = Callable[[str], Operation]


@pytest.fixture
def place(s3_server: EmbeddedServer, s3_client: Any, bucket: str, tmp_path: Path) -> Place:
    """A folder of a fresh bucket."""
    return Place(s3_server, s3_client, bucket, folder=tmp_path)


@pytest.fixture(scope="module")
def catalog(s3_server: EmbeddedServer, rest_catalogs: RestCatalogs) -> RestCatalogServer:
    return rest_catalogs.start(s3_server.endpoint_url, "s3://nowhere/warehouse")


@pytest.fixture(scope="module")
def catalog_proxy(catalog: RestCatalogServer) -> Iterator[RequestProxy]:
    """A proxy in front of the REST catalog."""
    with RequestProxy(catalog.endpoint.rpartition("/")[0]) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def operations(
    s3_server: EmbeddedServer,
    s3_client: Any,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Operations:
    """Make an operation by its name."""
    told = (s3_server.endpoint_url, s3_client)

    def place() -> Place:
        bucket = f"faults-{uuid4().hex[:8]}"
        s3_client.create_bucket(Bucket=bucket)
        return Place(s3_server, s3_client, bucket, folder=folder(), fixture=request.getfixturevalue)

    def folder() -> Path:
        return tmp_path_factory.mktemp("faults")

    def rest() -> str:
        server: RestCatalogServer = request.getfixturevalue("catalog")
        return server.endpoint

    def preview(format_: Format) -> Callable[[], Operation]:
        return lambda: reads.Preview(place(), format_)

    makers: dict[str, Callable[[], Operation]] = {
        "parquet-to-delta": lambda: writes.ParquetToDelta(Ground(*told)),
        "delta-to-delta": lambda: writes.DeltaToDelta(Ground(*told, "delta")),
        "parquet-to-iceberg-sql": lambda: writes.ParquetToSqlCatalog(writes.CatalogGround(*told), folder()),
        "parquet-to-iceberg-rest": lambda: writes.ParquetToRestCatalog(writes.CatalogGround(*told), rest()),
        "iceberg-rest-catalog": lambda: writes.RestCatalogItself(writes.CatalogGround(*told), rest()),
        "parquet-to-folder": lambda: writes.ParquetToFolder(FolderGround(*told)),
        "mirror": lambda: writes.MirrorToDelta(MirrorGround(*told, "delta")),
        "replace-on-new-data": lambda: writes.ReplacedFolder(writes.ReplaceGround(*told)),
        "overwrite-a-day-of-a-folder": lambda: writes.OverwrittenDay(FolderGround(*told)),
        "overwrite-a-day-of-delta": lambda: writes.OverwrittenDayOfDelta(FolderGround(*told)),
        "export-parquet": lambda: files.ExportedParquet(ExportGround(*told)),
        "export-csv.gz": lambda: files.ExportedCsv(ExportGround(*told)),
        "media-copies": lambda: files.MediaCopies(*told),
        "listing": lambda: reads.Listing(place()),
        "discover": lambda: reads.Discovered(place(), [DELTA, PARQUET, AVRO, CSV, JSONL]),
        "cursor": lambda: reads.ShownCursor(Ground(*told)),
        "sensor-tick": lambda: reads.Tick(place()),
        **{f"read-{each.name}": preview(each) for each in FORMATS},
    }
    return cache(lambda name: makers[name]())
