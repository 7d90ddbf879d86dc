"""A catalog in tables of PostgreSQL or SQLite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.connection.adapters.pyiceberg import properties
from s3_assets.connection.secrets import read_secret

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog

    from s3_assets.connection.catalogs import SqlCatalogSettings
    from s3_assets.connection.settings import S3Connection


def sql_catalog(connection: S3Connection, settings: SqlCatalogSettings) -> Catalog:
    """Return the catalog; its tables are made in the database if it has none."""
    from pyiceberg.catalog.sql import SqlCatalog

    catalog = SqlCatalog(settings.catalog_name, uri=read_secret(settings.uri), **properties(connection))
    # The engine has it; what stays here reaches every FileIO, its pickles and its logs.
    del catalog.properties["uri"]
    return catalog
