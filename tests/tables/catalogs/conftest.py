"""A table's life in any catalog, and a REST catalog beside the S3 server."""

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.catalog import Catalog
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.types import LongType, NestedField, StringType

from s3_assets.connection import S3Connection
from s3_assets.tables.catalogs import catalog_of
from s3_assets.tables.catalogs.failures import catalog_errors
from s3_assets.tables.iceberg_settings import IcebergSettings
from tests.servers.rest_catalog.server import RestCatalogs, RestCatalogServer
from tests.tables.formats import Place

StartRest = Callable[..., RestCatalogServer]

COLUMNS = Schema(NestedField(1, "number", LongType()), NestedField(2, "word", StringType()))
TABLE = "db.orders"


def rows(*numbers: int) -> pa.Table:
    words = ["even" if number % 2 == 0 else "odd" for number in numbers]
    return pa.table({"number": pa.array(numbers, pa.int64()), "word": words})


def find(connection: S3Connection, table: str = TABLE) -> tuple[Catalog, tuple[str, ...]]:
    return catalog_of(connection, IcebergSettings(connection=connection.name, table=table))


def load(connection: S3Connection, table: str = TABLE) -> Table:
    with catalog_errors(connection, "orders"):
        catalog, name = find(connection, table)
        return catalog.load_table(name)


def numbers(table: Table) -> list[int]:
    found: list[int] = table.scan().to_arrow()["number"].to_pylist()
    return sorted(found)


def create(connection: S3Connection, table: str = TABLE) -> Table:
    with catalog_errors(connection, "orders"):
        catalog, name = find(connection, table)
        catalog.create_namespace_if_not_exists(name[:-1])
        return catalog.create_table(
            name, COLUMNS, f"{connection.url}orders", properties={"format-version": "2"}
        )


def live(connection: S3Connection, table: str = TABLE) -> None:
    """Create a table, append, overwrite and evolve it, each time as a new reader sees it; and drop it."""
    create(connection, table).append(rows(1, 2))
    load(connection, table).append(rows(3))
    assert numbers(load(connection, table)) == [1, 2, 3]
    first = load(connection, table).history()[0].snapshot_id

    load(connection, table).overwrite(rows(4), overwrite_filter="number = 2")
    with load(connection, table).update_schema() as update:
        update.add_column("more", StringType())
    again = load(connection, table)
    assert numbers(again) == [1, 3, 4]
    assert again.schema().column_names == ["number", "word", "more"]
    assert sorted(again.scan(snapshot_id=first).to_arrow()["number"].to_pylist()) == [1, 2]

    catalog, name = find(connection, table)
    assert catalog.list_tables(name[:-1]) == [name]
    catalog.drop_table(name)
    assert not catalog.table_exists(name)


@pytest.fixture
def start_rest(rest_catalogs: RestCatalogs, place: Place) -> StartRest:
    """Start a REST catalog whose tables lie in the test's bucket."""

    def start(**fields: Any) -> RestCatalogServer:
        return rest_catalogs.start(place.server.endpoint_url, f"s3://{place.bucket}/warehouse", **fields)

    return start
