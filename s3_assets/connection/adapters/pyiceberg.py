"""The connection as PyIceberg takes it: a `FileIO` of ours, and the connections that it may speak for.

PyIceberg builds a `FileIO` from text, and logs that text: it holds a reference to the connection, never a
secret. The reference is found again

- in this process, since `properties` remembers the connection; also in one that it forks, but obstore hangs
  there if it was used before the fork: spawn instead;
- after unpickling, since the pickle carries a connection whose secrets are all kept elsewhere;
- in a worker that calls `properties` with the same connection, as loading the registry does: equal settings
  make an equal reference. A connection with a secret in its settings is found in no other way.

A connection reaches one bucket. A table whose files lie in several is given the connection of each; a file in
any other bucket is refused, be it that of the table before it was copied.

A table's own properties come after the catalog's: who may write its metadata may name another `py-io-impl`.
`is_ours` tells whether a table that was loaded is read by our files.

`pl.scan_iceberg` and `sink_iceberg` read metadata with this `FileIO`, and data with Polars' own reader: see
`polars_iceberg`.
"""

from __future__ import annotations

import hashlib
import json
from functools import partial
from typing import TYPE_CHECKING, Any

from s3_assets.connection.adapters.object_store_dialect import refuse_client_side
from s3_assets.connection.auth import AccessKeyAuth
from s3_assets.connection.secrets import shown
from s3_assets.errors import SettingError

if TYPE_CHECKING:
    from pyiceberg.catalog.glue import GlueCatalog
    from pyiceberg.io import FileIO

    from s3_assets.connection.settings import S3Connection

REFERENCE = "s3-assets.connections"
"""The property that names the connections, the table's own first."""

_FILE_IO = "s3_assets.connection.adapters.pyiceberg_io.ConnectionFileIO"
_DIGEST_LENGTH = 16
_BETWEEN = ","

_known: dict[str, S3Connection] = {}


def properties(connection: S3Connection, *others: S3Connection) -> dict[str, str]:
    """Return the properties of a catalog or a table whose files are reached by this connection.

    `others` are the connections of further buckets that hold files of the table. Raises `SettingError` if two
    of them reach the same bucket.
    """
    told = (connection, *others)
    for each in told:
        refuse_client_side(each, "PyIceberg")
    by_bucket(told)
    return {"py-io-impl": _FILE_IO, REFERENCE: _BETWEEN.join(remember(each) for each in told)}


def glue_catalog(
    connection: S3Connection, name: str, *, catalog_id: str | None = None, **more: str
) -> GlueCatalog:
    """Return the Glue catalog of an account, left out the credentials' own, with our client and our files."""
    from pyiceberg.catalog.glue import GlueCatalog

    from s3_assets.connection.adapters.boto import client

    glue = client(connection, "glue")
    if catalog_id is not None:
        # PyIceberg's `glue.id` is for clients that it makes itself, and left out without a word for ours.
        glue.meta.events.register("provide-client-params.glue", partial(_in_catalog, catalog_id))
    return GlueCatalog(name, glue, **{**more, **properties(connection)})


def _in_catalog(catalog_id: str, params: dict[str, Any], **_: object) -> dict[str, Any]:
    return {"CatalogId": catalog_id, **params}


def is_ours(files: FileIO) -> bool:
    """Tell whether this is a `FileIO` of ours, such as that of a table that was loaded."""
    from s3_assets.connection.adapters.pyiceberg_io import ConnectionFileIO

    return isinstance(files, ConnectionFileIO)


def remember(connection: S3Connection) -> str:
    """Make the connection known to this process, and return its reference."""
    reference = _reference(connection)
    # The later one wins: it may know the new secret of the same key.
    _known[reference] = connection
    return reference


def known_connections(told: dict[str, Any]) -> tuple[S3Connection, ...]:
    """Return the connections that properties refer to.

    Raises `SettingError` if there is no reference, or this process does not know the connection.
    """
    references = [each for each in str(told.get(REFERENCE) or "").split(_BETWEEN) if each]
    if not references:
        raise SettingError(
            f"the catalog's properties have no '{REFERENCE}'",
            remedy="Give the catalog what adapters.pyiceberg.properties(connection) returns.",
        )
    for reference in references:
        if reference not in _known:
            raise SettingError(
                f"this process does not know the connection '{reference}'",
                remedy="Call adapters.pyiceberg.properties with it here, too, or keep its secrets in the "
                "environment, in files or at AWS, so that it can travel.",
            )
    return tuple(_known[reference] for reference in references)


def by_bucket(connections: tuple[S3Connection, ...]) -> dict[str, S3Connection]:
    """Return the connection of each bucket; raises `SettingError` if a bucket has two."""
    found: dict[str, S3Connection] = {}
    for connection in connections:
        bucket = connection.location.bucket
        if bucket in found:
            raise SettingError(
                f"the connections '{found[bucket].name}' and '{connection.name}' reach one bucket, {bucket}",
                remedy="Give a table one of them.",
            )
        found[bucket] = connection
    return found


def travels(connection: S3Connection) -> bool:
    """Tell whether the connection may be pickled: it names its secrets, and holds none."""
    return json.dumps(shown("secret")) not in connection.model_dump_json()


def _reference(connection: S3Connection) -> str:
    """Return the name and a digest of all settings; of secrets only the access key's id is among them."""
    settings = connection.model_dump(mode="json")
    auth = connection.auth
    if isinstance(auth, AccessKeyAuth) and isinstance(auth.access_key_id, str):
        settings["auth"]["access_key_id"] = auth.access_key_id
    text = json.dumps(settings, sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_LENGTH]
    name = connection.name.replace(_BETWEEN, "-")
    return f"{name}-{digest}"
