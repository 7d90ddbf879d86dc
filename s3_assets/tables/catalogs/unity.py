"""Databricks' Unity Catalog by its Iceberg REST endpoint.

Databricks documentation, "Access Databricks tables from Apache Iceberg clients": the endpoint's path, one of
the workspace's catalogs as the warehouse, and a personal access token as the bearer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.errors import SettingError
from s3_assets.tables.catalogs.rest import opened

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog

    from s3_assets.connection.catalogs import UnityCatalogSettings
    from s3_assets.connection.settings import S3Connection

_PATH = "/api/2.1/unity-catalog/iceberg-rest"


def unity_catalog(connection: S3Connection, settings: UnityCatalogSettings, warehouse: str | None) -> Catalog:
    """Return one of the workspace's catalogs; its tables are called by schema and name.

    Raises `SettingError` if it is not said which.
    """
    if warehouse is None:
        raise SettingError(
            "a workspace has many catalogs, and none was named",
            remedy="Write catalog.schema.table.",
            connection=connection.name,
        )
    uri = settings.uri if settings.uri.endswith(_PATH) else f"{settings.uri}{_PATH}"
    return opened(connection, uri, warehouse, lends_keys=settings.vended_credentials)
