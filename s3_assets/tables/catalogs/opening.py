"""From a connection to the catalog that it names, and from a table's settings to its name there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.connection.catalogs import (
    GlueCatalogSettings,
    RestCatalogSettings,
    SqlCatalogSettings,
    UnityCatalogSettings,
)
from s3_assets.errors import SettingError

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog

    from s3_assets.connection.settings import S3Connection
    from s3_assets.tables.iceberg_settings import IcebergSettings


def catalog_of(connection: S3Connection, settings: IcebergSettings) -> tuple[Catalog, tuple[str, ...]]:
    """Return the catalog that knows the table, and the table's name there.

    Call it, and whatever is done with the catalog, inside `catalog_errors`. Raises `SettingError` if the
    connection's catalog and the table's settings do not fit together.
    """
    problem = misfit(connection, settings)
    if problem is not None:
        raise SettingError(problem[0], remedy=problem[1], connection=connection.name)
    if settings.warehouse_path is not None:
        from s3_assets.tables.catalogs.metadata_files import MetadataFilesCatalog

        catalog = MetadataFilesCatalog(connection, settings.warehouse_path)
        return catalog, catalog.identifier
    name = identifier(settings)
    if isinstance(connection.catalog, UnityCatalogSettings):
        # One of the workspace's catalogs is what the protocol calls a warehouse.
        return open_catalog(connection, name[0]), name[1:]
    return open_catalog(connection), name


def identifier(settings: IcebergSettings) -> tuple[str, ...]:
    """Return the parts of the table's name as the registry has it; `catalog_of` gives the catalog's own."""
    return tuple((settings.table or "").split("."))


def misfit(connection: S3Connection, settings: IcebergSettings) -> tuple[str, str] | None:
    """Return why the connection's catalog cannot have the table, and the remedy; None if it can."""
    catalog = connection.catalog
    if settings.warehouse_path is not None:
        if catalog is None:
            return None
        return (
            "the table has a 'warehouse_path', and its connection has a catalog",
            "The Iceberg tables of a connection all use its catalog: write 'table' in place of it.",
        )
    if catalog is None:
        return (
            f"the table is called '{settings.table}' in a catalog, and its connection has none",
            "Add 'catalog' to it, or give 'warehouse_path', the table's folder, in place of 'table'.",
        )
    parts = len(identifier(settings))
    if isinstance(catalog, UnityCatalogSettings) and parts != 3:
        return (f"'{settings.table}' is no name in Unity Catalog", "Write catalog.schema.table.")
    if isinstance(catalog, GlueCatalogSettings) and parts != 2:
        return (
            f"'{settings.table}' is no name in Glue, whose databases are not nested",
            "Write database.table.",
        )
    return None


def open_catalog(connection: S3Connection, warehouse: str | None = None) -> Catalog:
    """Return the connection's catalog, of Unity's the `warehouse`; call it inside `catalog_errors`.

    Raises `SettingError` if the connection has none.
    """
    catalog = connection.catalog
    if isinstance(catalog, SqlCatalogSettings):
        from s3_assets.tables.catalogs.sql import sql_catalog

        return sql_catalog(connection, catalog)
    if isinstance(catalog, GlueCatalogSettings):
        from s3_assets.tables.catalogs.glue import glue_catalog

        return glue_catalog(connection, catalog)
    if isinstance(catalog, RestCatalogSettings):
        from s3_assets.tables.catalogs.rest import rest_catalog

        return rest_catalog(connection, catalog)
    if isinstance(catalog, UnityCatalogSettings):
        from s3_assets.tables.catalogs.unity import unity_catalog

        return unity_catalog(connection, catalog, warehouse)
    raise SettingError(
        "the connection has no catalog", remedy="Add 'catalog' to it.", connection=connection.name
    )
