"""From a connection to the catalog that it names, opened once in each process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.connection.catalogs import SqlCatalogSettings
from s3_assets.errors import SettingError

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog

    from s3_assets.connection.settings import S3Connection
    from s3_assets.tables.iceberg_settings import IcebergSettings


def catalog_of(connection: S3Connection, settings: IcebergSettings) -> tuple[Catalog, tuple[str, ...]]:
    """Return the catalog that knows the table, and the table's name there.

    Call it inside `catalog_errors`. Raises `SettingError` if the connection's catalog and the table's
    settings do not fit together.
    """
    name = identifier(settings)
    return open_catalog(connection), name


def identifier(settings: IcebergSettings) -> tuple[str, ...]:
    """Return the parts of the table's name as the registry has it; `catalog_of` gives the catalog's own."""
    return tuple((settings.table or "").split("."))


def open_catalog(connection: S3Connection) -> Catalog:
    """Return the connection's catalog; call it inside `catalog_errors`."""
    kind = connection.catalog
    if isinstance(kind, SqlCatalogSettings):
        from s3_assets.tables.catalogs.sql import sql_catalog

        return sql_catalog(connection, kind)
    raise SettingError("the connection has no catalog", connection=connection.name)
