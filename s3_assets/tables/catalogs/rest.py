"""An Iceberg REST catalog: PyIceberg's own client, whose requests travel as the connection says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyiceberg.catalog.rest import RestCatalog

from s3_assets.connection.adapters.pyiceberg import properties
from s3_assets.connection.adapters.requests import ConnectionAdapter
from s3_assets.connection.catalog_tokens import authorization
from s3_assets.tables.catalogs.kept import kept
from s3_assets.tables.catalogs.vended import with_vended_keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table
    from pyiceberg.typedef import Identifier
    from requests import Session

    from s3_assets.connection.catalogs import RestCatalogSettings
    from s3_assets.connection.settings import S3Connection

_DELEGATION = "X-Iceberg-Access-Delegation"


def rest_catalog(connection: S3Connection, settings: RestCatalogSettings) -> Catalog:
    """Return the catalog; it is asked for its configuration once."""
    return opened(connection, settings.uri, settings.warehouse, lends_keys=settings.vended_credentials)


def opened(connection: S3Connection, uri: str, warehouse: str | None, *, lends_keys: bool) -> Catalog:
    """Return the catalog at that URL, with the authorization of the connection's catalog."""
    return kept(
        connection,
        warehouse or "",
        lambda: ConnectionRestCatalog(connection, uri, warehouse, lends_keys=lends_keys),
    )


class ConnectionRestCatalog(RestCatalog):
    """PyIceberg's REST client on our transport.

    It knows no secret: what it is told reaches every `FileIO`, its pickles and its logs. The connection's
    adapter puts the authorization on each request.
    """

    def __init__(
        self, connection: S3Connection, uri: str, warehouse: str | None, *, lends_keys: bool
    ) -> None:
        self._connection = connection
        self._lends_keys = lends_keys
        self._warehouse = warehouse
        told: dict[str, Any] = {"uri": uri, "auth": {"type": "noop"}, **properties(connection)}
        if warehouse is not None:
            told["warehouse"] = warehouse
        super().__init__("rest", **told)

    def load_table(self, identifier: str | Identifier) -> Table:
        """Return the table as it is now, with files that are reached by the keys that the catalog lends."""
        return self._with_keys(super().load_table(identifier))

    def create_table(self, *args: Any, **named: Any) -> Table:  # noqa: ANN401 - PyIceberg's words
        """Create the table and return it, as `load_table` does."""
        return self._with_keys(super().create_table(*args, **named))

    def lent_keys(self, identifier: tuple[str, ...], location: str) -> Mapping[str, str]:
        """Return what the catalog lends for the table now, in PyIceberg's words."""
        try:
            return self.load_credentials(identifier, location)
        except NotImplementedError:
            # The catalog does not say that it has an endpoint for them alone.
            told: Mapping[str, str] = super().load_table(identifier).io.properties
            return told

    def _with_keys(self, table: Table) -> Table:
        return with_vended_keys(table, self._connection, self._warehouse) if self._lends_keys else table

    def _create_session(self) -> Session:
        session = super()._create_session()
        if not self._lends_keys:
            # PyIceberg asks every catalog for keys, which would be used in place of the connection's.
            session.headers.pop(_DELEGATION)
        for scheme in ("https://", "http://"):
            session.mount(scheme, ConnectionAdapter(self._connection))
        session.mount(f"{self.uri}/", ConnectionAdapter(self._connection, authorization(self._connection)))
        return session
