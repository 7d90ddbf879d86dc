"""AWS Glue, reached with the connection's own credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.connection.adapters.pyiceberg import glue_catalog as adapted
from s3_assets.tables.catalogs.kept import kept

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog

    from s3_assets.connection.catalogs import GlueCatalogSettings
    from s3_assets.connection.settings import S3Connection


def glue_catalog(connection: S3Connection, settings: GlueCatalogSettings) -> Catalog:
    """Return the Glue catalog of the account that the settings name, or else of the credentials."""
    return kept(connection, "glue", lambda: adapted(connection, "glue", catalog_id=settings.catalog_id))
