"""Opening a Delta table: one handle, with the connection's options and none of the ambient ones."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from s3_assets.connection.adapters import deltalake as adapter
from s3_assets.connection.diagnosis import diagnose, diagnosed, find_symptom
from s3_assets.connection.environment import without_ambient_settings
from s3_assets.connection.redaction import redact
from s3_assets.connection.symptoms import NO_OBJECT
from s3_assets.errors import (
    HistoryLostError,
    ObjectMissingError,
    RowsRefusedError,
    S3AssetsError,
    ServerFailureError,
    SettingError,
    TableMissingError,
    UnsupportedError,
)
from s3_assets.tables.delta_features import missing_feature

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from deltalake import DeltaTable as Handle

    from s3_assets.connection.settings import S3Connection
    from s3_assets.location import Location

_NO_TABLE = re.compile(
    r"no log files|not a delta table|No files in log segment|no commit files", re.IGNORECASE
)
_REFUSED = re.compile(
    r"invariant|constraint|failed validation|non-nullable|not nullable|generated column", re.IGNORECASE
)


def open_table(
    connection: S3Connection, location: Location, table: str, at: int | datetime | None = None
) -> Handle:
    """Return a handle that is pinned to the newest version, or to a version or time of the past.

    Raises `TableMissingError` only if the server answered that there is no log; anything else that goes
    wrong is another error, so that nobody takes it for an empty place to create a table in. Raises
    `HistoryLostError` for a version of which the log is gone.
    """
    from deltalake import DeltaTable as Handle

    url = location.url.rstrip("/")
    version = at if isinstance(at, int) else None
    options = adapter.options(connection)
    try:
        with delta_errors(connection, location, table), without_ambient_settings():
            handle = Handle(url, version=version, storage_options=options)
    except TableMissingError:
        if version is None:
            raise
        # Of a version below all that the log still has, delta-rs says the same as of no table.
        newest = open_table(connection, location, table).version()
        raise HistoryLostError(
            f"the log of version {version} is gone, the newest is {newest}",
            remedy="Ask for one that the table still keeps.",
            connection=connection.name,
            table=table,
            location=location.url,
        ) from None
    if at is not None and not isinstance(at, int):
        with delta_errors(connection, location, table):
            handle.load_as_version(at)
    return handle


@contextmanager
def delta_errors(connection: S3Connection, location: Location, table: str) -> Iterator[None]:
    """Turn delta-rs's errors, raised inside, into ours; commit conflicts pass."""
    from deltalake.exceptions import CommitFailedError, DeltaError, DeltaProtocolError, TableNotFoundError

    place = {"connection": connection.name, "table": table, "location": location.url}
    try:
        yield
    except CommitFailedError:
        raise
    except DeltaProtocolError as error:
        raise missing_feature(str(error), connection, location, table) or UnsupportedError(
            f"the table needs a feature that cannot be served: {error}",
            remedy="Drop the feature from the table, or write a copy without it.",
            **place,
        ) from None
    except (DeltaError, TableNotFoundError, OSError, ValueError) as error:
        if isinstance(error, S3AssetsError):
            raise
        symptom = find_symptom(str(error))
        if symptom is not None and symptom is not NO_OBJECT:
            raise diagnose(error, connection, location.url).at(table=table) from None
        lacking = missing_feature(str(error), connection, location, table)
        raise lacking or _meaning(error, connection, location, table) from None


@contextmanager
def stream_errors(connection: S3Connection, location: Location, table: str) -> Iterator[None]:
    """Turn the errors of a stream of delta-rs, which has no class for them, into ours.

    Raises `HistoryLostError` for a file that the log names and the server does not have.
    """
    try:
        with diagnosed(connection, location.url, Exception), delta_errors(connection, location, table):
            yield
    except ObjectMissingError as error:
        raise HistoryLostError(
            "a data file that the log names is gone: it was vacuumed before it was read",
            remedy="Vacuum with a longer retention, and reset the cursor to start anew.",
            connection=connection.name,
            table=table,
            location=location.url,
        ) from error
    except S3AssetsError as error:
        raise error.at(table=table) from None


def _meaning(error: Exception, connection: S3Connection, location: Location, table: str) -> S3AssetsError:
    """Return the error of ours for one that the server did not cause by refusing a request."""
    from deltalake.exceptions import TableNotFoundError

    place = {"connection": connection.name, "table": table, "location": location.url}
    text = redact(str(error), connection)
    if isinstance(error, TableNotFoundError) or _NO_TABLE.search(text):
        return TableMissingError(
            "there is no Delta table",
            remedy="Check the table's path; a Delta table has a folder _delta_log.",
            **place,
        )
    if "Error parsing property" in text:
        return SettingError(
            f"delta-rs does not know a property of the table: {text.rpartition('property ')[2]}",
            remedy="Leave it out of the table's properties.",
            **place,
        )
    if _REFUSED.search(text):
        # What follows shows the rows themselves, which are nobody's business in a log.
        return RowsRefusedError(
            f"the table refuses the rows: {text.partition('Preview of')[0].strip()}",
            remedy="Correct the rows, or change the table's constraint; nothing was committed.",
            **place,
        )
    if re.search(r"version|timestamp", text, re.IGNORECASE) and not isinstance(error, OSError):
        return HistoryLostError(
            f"the version that was asked for cannot be read: {text}",
            remedy="Ask for one that the table still keeps.",
            **place,
        )
    if isinstance(error, OSError):
        return diagnose(error, connection, location.url).at(table=table)
    return ServerFailureError(
        f"delta-rs failed: {text}", remedy="Look at the table with another reader.", **place
    )
