"""Which table features can be read and written, and the errors that name those which cannot.

Found by opening, scanning and committing to a table with each feature of the Delta protocol (section "Valid
Feature Names in Table Features") with delta-rs 1.6; an unknown one is refused, as the protocol demands.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from s3_assets.errors import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deltalake import DeltaTable as Handle

    from s3_assets.connection.settings import S3Connection
    from s3_assets.location import Location

READ_BY_POLARS = frozenset({"timestampNtz", "v2Checkpoint", "vacuumProtocolCheck"})
"""Features under which files are read as they lie."""
_READ_BY_DELTA_RS = frozenset(
    {"columnMapping", "deletionVectors", "timestampNtz", "v2Checkpoint", "variantType", "variantType-preview"}
)
WRITTEN_AS_PARTS = frozenset(
    {
        "appendOnly",
        "changeDataFeed",
        "checkConstraints",
        "deletionVectors",
        "generatedColumns",
        "invariants",
        "timestampNtz",
        "v2Checkpoint",
    }
)
"""Features under which plain files with footer statistics are a complete write."""
_WRITTEN_BY_DELTA_RS = WRITTEN_AS_PARTS | {"columnMapping"}
_IDENTITY = "delta.identity.start"

# What delta-rs and its kernel say, and the feature that they mean.
_NAMED = re.compile(r"Feature '(?P<feature>[^']+)' is not supported")
_LISTED = re.compile(r"Unsupported table features required: \[(?P<feature>[^\]]+)\]")
_CATALOG = re.compile(r"catalog-managed table")
_PROTOCOL = re.compile(r"Invalid protocol action|Unsupported (?:minimum )?(?:reader|writer) version")


def require_readable(handle: Handle, connection: S3Connection, location: Location, table: str) -> None:
    """Raise `UnsupportedError` that names the reader features which nobody here can read."""
    features = set(handle.protocol().reader_features or ())
    if not features <= READ_BY_POLARS:
        _refuse(features - _READ_BY_DELTA_RS, "read", connection, location, table)


def require_writable(handle: Handle, connection: S3Connection, location: Location, table: str) -> None:
    """Raise `UnsupportedError`, before anything is written, that names the features which delta-rs lacks."""
    features = set(handle.protocol().writer_features or ())
    if any(_IDENTITY in (field.metadata or {}) for field in handle.schema().fields):
        # Part of the protocol's version 6 before features had names.
        features.add("identityColumns")
    _refuse(features - _WRITTEN_BY_DELTA_RS, "written", connection, location, table)


def missing_feature(
    text: str, connection: S3Connection, location: Location, table: str
) -> UnsupportedError | None:
    """Return the error for what delta-rs says of a feature that it lacks; None if it says something else."""
    if found := _NAMED.search(text) or _LISTED.search(text):
        return _error([found["feature"]], "used", connection, location, table)
    if _CATALOG.search(text):
        return _error(["catalogManaged"], "used", connection, location, table)
    if _PROTOCOL.search(text):
        return UnsupportedError(
            f"the table's protocol is not one that can be served: {text.rpartition(': ')[2]}",
            remedy="Write a copy with another protocol version.",
            connection=connection.name,
            table=table,
            location=location.url,
        )
    return None


def _refuse(
    features: Iterable[str], act: str, connection: S3Connection, location: Location, table: str
) -> None:
    missing = sorted(features)
    if missing:
        raise _error(missing, act, connection, location, table)


def _error(
    features: list[str], act: str, connection: S3Connection, location: Location, table: str
) -> UnsupportedError:
    one_or_many = "feature" if len(features) == 1 else "features"
    return UnsupportedError(
        f"the Delta table cannot be {act}: delta-rs lacks the {one_or_many} {', '.join(features)}",
        remedy=f"Drop it (ALTER TABLE ... DROP FEATURE {features[0]}), or use a copy without it.",
        connection=connection.name,
        table=table,
        location=location.url,
    )
