"""Keys that a REST catalog lends for the files of one table ("vended credentials").

They come with the table, and end soon. The table's files are reached by a connection whose keys are these;
before they end, the catalog is asked for others: by its credentials endpoint if it says that it has one, else
by loading the table again.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from s3_assets.connection.adapters.pyiceberg import REFERENCE, known_connections, properties
from s3_assets.connection.credentials import Credentials
from s3_assets.connection.lent_keys import Lender, with_lent_keys
from s3_assets.connection.settings import S3Connection  # noqa: TC001 - read when the model is made
from s3_assets.errors import CredentialsMissingError
from s3_assets.tables.catalogs.failures import catalog_errors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyiceberg.table import Table

_KEY, _SECRET, _TOKEN = "s3.access-key-id", "s3.secret-access-key", "s3.session-token"
_ENDS = "s3.session-token-expires-at-ms"
# Of keys whose catalog does not say when they end.
_LEASE = timedelta(minutes=15)
_MARGIN = timedelta(minutes=1)


def files_connection(table: Table, connection: S3Connection) -> S3Connection:
    """Return the connection that reaches the table's files: with the catalog's keys, if it lends any."""
    if REFERENCE not in table.io.properties:
        return connection
    return known_connections(table.io.properties)[0]


class CatalogLender(Lender):
    """A REST catalog, as the lender of keys for one table's files."""

    connection: S3Connection
    warehouse: str | None
    identifier: tuple[str, ...]
    location: str

    def lend(self) -> Credentials:
        """Return the keys that came with the table, as long as they are good, and else ask for others."""
        came = _came.pop(self, None)
        if came is not None and came.good:
            return came.credentials
        from s3_assets.tables.catalogs.opening import open_catalog
        from s3_assets.tables.catalogs.rest import ConnectionRestCatalog

        told: Mapping[str, str] = {}
        with catalog_errors(self.connection, ".".join(self.identifier)):
            catalog = open_catalog(self.connection, self.warehouse)
            if isinstance(catalog, ConnectionRestCatalog):
                told = catalog.lent_keys(self.identifier, self.location)
        return self.read(told)

    def read(self, told: Mapping[str, str]) -> Credentials:
        """Return the keys in PyIceberg's properties; raises `CredentialsMissingError` if there are none."""
        key, secret = told.get(_KEY), told.get(_SECRET)
        if not key or not secret:
            raise CredentialsMissingError(
                f"the catalog lends no keys for {'.'.join(self.identifier)}",
                remedy="Set vended_credentials of the connection's catalog to false, or have its owner allow "
                "them.",
                connection=self.connection.name,
            )
        ends = told.get(_ENDS)
        expires = datetime.fromtimestamp(int(ends) / 1000, UTC) if ends else datetime.now(UTC) + _LEASE
        return Credentials(key, secret, told.get(_TOKEN), expires)


class _Came(NamedTuple):
    """Keys that came with a table."""

    credentials: Credentials
    at: datetime

    @property
    def good(self) -> bool:
        ends = self.credentials.expires_at
        return ends is None or datetime.now(UTC) < ends - min(_MARGIN, (ends - self.at) / 3)


# The newest of each table, until they are used: to ask once more would cost a request.
_came: dict[CatalogLender, _Came] = {}


def with_vended_keys(table: Table, connection: S3Connection, warehouse: str | None) -> Table:
    """Have the table's files be reached with the keys that came with it, and those that follow them.

    Raises `CredentialsMissingError` if none came.
    """
    from pyiceberg.io import load_file_io

    lender = CatalogLender(
        connection=connection, warehouse=warehouse, identifier=table.name(), location=table.location()
    )
    _came[lender] = _Came(lender.read(table.io.properties), datetime.now(UTC))
    told = f"{connection.name} {warehouse} {table.name()} {table.location()}"
    name = f"lent-{hashlib.sha256(told.encode()).hexdigest()[:16]}"
    # The keys themselves stay out of the properties, which are logged and pickled.
    kept = {key: value for key, value in table.io.properties.items() if not key.startswith("s3.")}
    table.io = load_file_io({**kept, **properties(with_lent_keys(connection, name, lender))})
    return table
