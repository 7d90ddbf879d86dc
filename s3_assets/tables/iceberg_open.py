"""Opening an Iceberg table: one handle, read by our files, and the connection that reaches them."""

from __future__ import annotations

import re
import struct
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

from s3_assets.connection.adapters.pyiceberg import by_bucket, is_ours, known_connections
from s3_assets.errors import DataFileBrokenError, S3AssetsError, SettingError, UnsupportedError
from s3_assets.location import Location
from s3_assets.tables.catalogs import catalog_of
from s3_assets.tables.catalogs.failures import catalog_errors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyiceberg.table import Table as Handle

    from s3_assets.connection.settings import S3Connection
    from s3_assets.tables.iceberg import IcebergTable

_UNKNOWN_TYPE = re.compile(r"Unsupported field type: '(?P<name>[^']+)'")


def open_table(table: IcebergTable) -> Handle:
    """Return PyIceberg's own table as the catalog has it now.

    Raises `TableMissingError` only if the catalog answered that there is none; anything else that goes wrong
    is another error, so that nobody takes it for an empty place to create a table in. Raises `SettingError`
    for a table that would not be read with the connection: its properties name files of another kind, or it
    lies in another bucket.
    """
    from pyiceberg.exceptions import ValidationError

    with catalog_errors(table.connection, table.name):
        catalog, name = catalog_of(table.connection, table.settings)
        try:
            handle = catalog.load_table(name)
        except ValidationError as error:
            raise _unreadable(error) from None
    if not is_ours(handle.io):
        raise SettingError(
            f"the table's property 'py-io-impl' has its files read by {type(handle.io).__name__}, past the "
            "connection",
            remedy="Remove the property from the table and its catalog.",
            connection=table.connection.name,
            table=table.name,
            location=handle.location(),
        )
    files_connection(handle, table)
    return handle


def _unreadable(error: Exception) -> S3AssetsError:
    """Return the error for metadata that PyIceberg does not accept: it names what is unknown to it."""
    from pydantic import ValidationError

    cause = error.__cause__
    problems = cause.errors(include_url=False) if isinstance(cause, ValidationError) else []
    for each in problems:
        if each["type"] == "union_tag_invalid" and isinstance(each["input"], dict):
            feature = f"version {each['input'].get('format-version')} of Iceberg's format"
        elif unknown := _UNKNOWN_TYPE.search(each["msg"]):
            feature = f"a column of type {unknown['name']}"
        else:
            continue
        return UnsupportedError(
            f"the table has {feature}, which PyIceberg cannot read",
            remedy="Read a copy of the table without it.",
        )
    return DataFileBrokenError(
        f"the table's metadata is not what the specification says: {error}",
        remedy="Look at the table with another reader.",
    )


def files_connection(handle: Handle, table: IcebergTable) -> S3Connection:
    """Return the connection that reaches the table's files: its own, or one with keys that the catalog gave.

    Raises `SettingError` if the table lies in a bucket that it does not reach.
    """
    reached = by_bucket(known_connections(handle.io.properties))
    bucket = location_of(handle).bucket
    if bucket not in reached:
        raise SettingError(
            f"the table lies in the bucket '{bucket}', and the connection reaches "
            f"{', '.join(sorted(reached))}",
            remedy="Read it with a connection whose url is in that bucket.",
            connection=table.connection.name,
            table=table.name,
            location=handle.location(),
        )
    return reached[bucket]


@contextmanager
def reading(table: IcebergTable, handle: Handle) -> Iterator[None]:
    """Add the place to errors that are raised inside, and name those of metadata that is damaged."""
    place = {"connection": table.connection.name, "table": table.name, "location": handle.location()}
    try:
        yield
    except S3AssetsError as error:
        raise error.at(**place) from error.__cause__
    except _damages() as error:
        raise DataFileBrokenError(
            f"the table's metadata cannot be read: {error}",
            remedy="Look at the table with another reader; if that fails as well, set it back to an earlier "
            "snapshot.",
            **place,
        ) from error


def _damages() -> tuple[type[Exception], ...]:
    """Return what PyIceberg's readers of manifests raise of damaged ones: it has no error for that."""
    from pyiceberg.exceptions import ResolveError

    of_values = (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError, RecursionError)
    # SystemError is what its compiled reader of Avro raises where lengths make no sense.
    return (*of_values, EOFError, struct.error, SystemError, zlib.error, ResolveError)


def location_of(handle: Handle) -> Location:
    """Return the table's folder as its metadata has it, with or without a slash at its end."""
    return Location.parse(handle.location())
