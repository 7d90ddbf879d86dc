"""Iceberg in the conformance suite, by catalog: written and read by PyIceberg alone."""

import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import polars as pl
import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import NamespaceAlreadyExistsError, NoSuchTableError
from pyiceberg.table import StaticTable, Table

from s3_assets.embedded.server import REGION
from s3_assets.tables.iceberg_settings import IcebergSettings
from s3_assets.tables.settings import Partitions
from tests.tables.formats import PATH, Format, Place

TOKEN = "bearer-0123456789abcdef"
ASKED_FIRST = "its catalog is asked first, and knows of no table"


def by_hand(place: Place) -> dict[str, str]:
    """The properties of PyIceberg's own files, written by hand."""
    return {
        "py-io-impl": "tests.tables.boto_files.BotoFileIO",
        "s3.endpoint": place.server.endpoint_url,
        "s3.access-key-id": place.key_id,
        "s3.secret-access-key": place.secret,
        "s3.region": REGION,
    }


def namespace(place: Place) -> str:
    """A namespace of the place's own: Glue's databases are the server's, not the bucket's."""
    return place.bucket.replace("-", "_")


def _sqlite(place: Place) -> str:
    return f"sqlite:///{place.folder / 'catalog.db'}"


def sqlite_catalog(place: Place) -> Catalog:
    from pyiceberg.catalog.sql import SqlCatalog

    return SqlCatalog("default", uri=_sqlite(place), warehouse=f"s3://{place.bucket}/", **by_hand(place))


def glue_catalog(place: Place) -> Catalog:
    from pyiceberg.catalog.glue import GlueCatalog

    told = {
        "glue.endpoint": place.glue_endpoint,
        "glue.region": REGION,
        "glue.access-key-id": "test",
        "glue.secret-access-key": "test",
    }
    return GlueCatalog("glue", warehouse=f"s3://{place.bucket}/", **told, **by_hand(place))


def _asked(place: Place, name: str) -> Any:
    if place.fixture is None:
        raise ValueError(f"there is no {name} beside this place")
    return place.fixture(name)


def _postgres(place: Place) -> dict[str, str]:
    # One database for the worker: each place has a catalog of its own in it.
    return {"uri": _asked(place, "postgres").url(), "catalog_name": place.bucket}


def postgres_catalog(place: Place) -> Catalog:
    from pyiceberg.catalog.sql import SqlCatalog

    told = _postgres(place)
    found = SqlCatalog(told["catalog_name"], uri=told["uri"], pool_pre_ping="true", **by_hand(place))
    # A connection that is left open is a warning, and a warning an error.
    weakref.finalize(place, found.engine.dispose)
    return found


def _rest(place: Place, **fields: Any) -> str:
    """The endpoint of the place's own REST catalog, which is started when it is first asked for."""
    kept = place.folder / "rest-endpoint"
    if not kept.exists():
        catalogs = _asked(place, "rest_catalogs")
        server = catalogs.start(place.server.endpoint_url, f"s3://{place.bucket}/warehouse", **fields)
        kept.write_text(server.endpoint)
    return kept.read_text()


def rest_catalog(place: Place) -> Catalog:
    from pyiceberg.catalog.rest import RestCatalog

    return RestCatalog("rest", uri=_rest(place, token=TOKEN), token=TOKEN, **by_hand(place))


def unity_catalog(place: Place) -> Catalog:
    from pyiceberg.catalog.rest import RestCatalog

    uri = f"{_rest(place, token=TOKEN, warehouses=('main',))}/api/2.1/unity-catalog/iceberg-rest"
    return RestCatalog("unity", uri=uri, warehouse="main", token=TOKEN, **by_hand(place))


def _fitted(rows: pl.DataFrame) -> pa.Table:
    """As older Arrow types, which every writer knows."""
    return rows.to_arrow(compat_level=pl.CompatLevel.oldest())


def _opened(place: Place, catalog: Catalog, rows: pa.Table, folders: Sequence[str]) -> Table:
    name = (namespace(place), "sales")
    with suppress(NamespaceAlreadyExistsError):
        catalog.create_namespace(name[:-1])
    try:
        return catalog.load_table(name)
    except NoSuchTableError:
        table = catalog.create_table(name, schema=rows.schema, location=place.url)
        with table.update_spec() as update:
            for column in folders:
                update.add_identity(column)
        return catalog.load_table(name)


def _number_metadata(place: Place, catalog: Catalog, newest: str) -> None:
    """Name the newest metadata as tables without a catalog do, and have the catalog go on from there."""
    folder = f"{place.path}/metadata/"
    found = [key.removeprefix(folder) for key in place.objects() if key.endswith(".metadata.json")]
    number = sum(name.startswith("v") for name in found) + 1
    place.put(f"metadata/v{number}.metadata.json", place.get(f"{folder}{newest.rpartition('/')[2]}"))
    place.put("metadata/version-hint.text", str(number).encode())
    catalog.drop_table((namespace(place), "sales"))
    catalog.register_table((namespace(place), "sales"), f"{place.url}/metadata/v{number}.metadata.json")
    for name in found:
        if not name.startswith("v"):
            place.client.delete_object(Bucket=place.bucket, Key=folder + name)


def iceberg(
    name: str,
    catalog: Callable[[Place], Catalog],
    declared: Callable[[Place], dict[str, Any]],
    *,
    placed: bool = False,
    prefix: str = "",
) -> Format:
    """A format; `declared` are fields of the connection, `placed` is a table without a catalog."""

    def settings(partitions: Partitions | None = None, **fields: Any) -> IcebergSettings:
        where = {"warehouse_path": PATH} if placed else {"table": "shop.sales", "path": PATH}
        return IcebergSettings.model_validate(
            {"connection": "lake", "partitions": partitions, **where, **fields}
        )

    def load(place: Place) -> Table:
        if placed:
            return StaticTable.from_metadata(place.url, by_hand(place))
        return catalog(place).load_table((namespace(place), "sales"))

    def write(place: Place, rows: pl.DataFrame, folders: Sequence[str]) -> None:
        given = _fitted(rows)
        table = _opened(place, catalog(place), given, folders)
        table.append(given)
        if placed:
            _number_metadata(place, catalog(place), table.metadata_location)

    def read(place: Place, schema: pl.Schema) -> pl.DataFrame:
        del schema
        return pl.DataFrame(load(place).scan().to_arrow())

    def files(place: Place) -> dict[str, str]:
        objects = place.objects()
        paths = [task.file.file_path for task in load(place).scan().plan_files()]
        keys = [path.partition("://")[2].partition("/")[2] for path in paths]
        return {key: objects[key] for key in keys}

    return Format(
        name,
        settings,
        write,
        read,
        files,
        placed=(lambda _: {}) if placed else lambda place: {"table": f"{prefix}{namespace(place)}.sales"},
        reach=(lambda _: {}) if placed else declared,
        lacks={} if placed else {"a look at the bucket first": ASKED_FIRST},
        lost_types=LOST,
    )


NARROW = "Iceberg's smallest integer has 32 bits"
LOST = {"int8": NARROW, "int16": NARROW}

SQLITE = iceberg(
    "iceberg-sqlite", sqlite_catalog, lambda place: {"catalog": {"type": "sql", "uri": _sqlite(place)}}
)
GLUE = iceberg(
    "iceberg-glue",
    glue_catalog,
    lambda place: {"catalog": {"type": "glue"}, "service_endpoints": {"glue": place.glue_endpoint}},
)
PLACED = iceberg("iceberg-no-catalog", sqlite_catalog, lambda _: {}, placed=True)
POSTGRES = iceberg(
    "iceberg-postgresql", postgres_catalog, lambda place: {"catalog": {"type": "sql", **_postgres(place)}}
)
REST = iceberg(
    "iceberg-rest",
    rest_catalog,
    lambda place: {"catalog": {"type": "rest", "uri": _rest(place, token=TOKEN), "token": TOKEN}},
)
UNITY = iceberg(
    "iceberg-unity",
    unity_catalog,
    lambda place: {
        "catalog": {"type": "unity", "uri": _rest(place, token=TOKEN, warehouses=("main",)), "token": TOKEN}
    },
    prefix="main.",
)
