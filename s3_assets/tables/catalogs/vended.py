"""Keys that a REST catalog lends for the files of one table ("vended credentials").

They come with the table, and end soon. The table's files are reached by a connection whose keys are these;
before they end, the catalog is asked for others: by its credentials endpoint if it says that it has one, else
by loading the table again.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from s3_assets.connection.adapters.pyiceberg import REFERENCE, known_connections, properties
from s3_assets.connection.credentials import Credentials
from s3_assets.connection.lent_keys import with_lent_keys
from s3_assets.errors import CredentialsMissingError
from s3_assets.tables.catalogs.failures import catalog_errors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyiceberg.table import Table

    from s3_assets.connection.settings import S3Connection

_KEY, _SECRET, _TOKEN = "s3.access-key-id", "s3.secret-access-key", "s3.session-token"
_ENDS = "s3.session-token-expires-at-ms"
# Of keys whose catalog does not say when they end.
_LEASE = timedelta(minutes=15)


class LendingCatalog(Protocol):
    """A catalog that lends keys."""

    uri: str

    def lent_keys(self, identifier: tuple[str, ...], location: str) -> Mapping[str, str]:
        """Return what the catalog lends for the table now, in PyIceberg's words."""


def files_connection(table: Table, connection: S3Connection) -> S3Connection:
    """Return the connection that reaches the table's files: with the catalog's keys, if it lends any."""
    if REFERENCE not in table.io.properties:
        return connection
    return known_connections(table.io.properties)[0]


def with_vended_keys(table: Table, catalog: LendingCatalog, connection: S3Connection) -> Table:
    """Have the table's files be reached with the keys that came with it, and those that follow them.

    Raises `CredentialsMissingError` if none came.
    """
    from pyiceberg.io import load_file_io

    first = _keys(table.io.properties)
    if first is None:
        raise _none_given(table.name())
    lender = _Lender(table, catalog, connection, first)
    told = f"{connection.name} {catalog.uri} {table.name()} {table.metadata.table_uuid}"
    name = f"lent-{hashlib.sha256(told.encode()).hexdigest()[:16]}"
    # The keys themselves stay out of the properties, which are logged and pickled.
    kept = {key: value for key, value in table.io.properties.items() if not key.startswith("s3.")}
    table.io = load_file_io({**kept, **properties(with_lent_keys(connection, name, lender))})
    return table


class _Lender:
    """Answers with the keys that came with the table, as long as they are good, and then with others."""

    def __init__(
        self, table: Table, catalog: LendingCatalog, connection: S3Connection, first: Credentials
    ) -> None:
        self._catalog = catalog
        self._connection = connection
        self._identifier = table.name()
        self._location = table.metadata_location
        self._first: Credentials | None = first

    def __call__(self) -> Credentials:
        first, self._first = self._first, None
        if first is not None:
            return first
        with catalog_errors(self._connection, ".".join(self._identifier)):
            found = _keys(self._catalog.lent_keys(self._identifier, self._location))
        if found is None:
            raise _none_given(self._identifier)
        return found


def _keys(told: Mapping[str, str]) -> Credentials | None:
    key, secret = told.get(_KEY), told.get(_SECRET)
    if not key or not secret:
        return None
    ends = told.get(_ENDS)
    expires = datetime.fromtimestamp(int(ends) / 1000, UTC) if ends else datetime.now(UTC) + _LEASE
    return Credentials(key, secret, told.get(_TOKEN), expires)


def _none_given(identifier: tuple[str, ...]) -> CredentialsMissingError:
    return CredentialsMissingError(
        f"the catalog lends no keys for {'.'.join(identifier)}",
        remedy="Set vended_credentials of the connection's catalog to false, or have its owner allow them.",
    )
