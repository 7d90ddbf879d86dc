"""Where the data files of a Delta table lie: below it, or elsewhere in the bucket of its connection.

A log may name a file by any URL (Delta Transaction Log Protocol, "Add File and Remove File"): of another
bucket, of a server of the network, of the local disk. Whoever writes the log would have it read with our
keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from s3_assets.connection.settings import S3Connection
    from s3_assets.location import Location

_SCHEMES = ("s3", "s3a", "s3n")


def addresses(connection: S3Connection, root: Location, paths: Iterable[str]) -> list[str]:
    """Return the URLs of files by their paths in the log of the table at `root`.

    Raises `SettingError` for a file that is not in the bucket of the table.
    """
    return [_address(connection, root, path) for path in paths]


def _address(connection: S3Connection, root: Location, path: str) -> str:
    scheme, there, rest = path.partition("://")
    if not there:
        if path.startswith("/") or ".." in path.split("/"):
            raise _elsewhere(connection, root, path)
        return root.url + path
    bucket, _, key = rest.partition("/")
    if scheme.lower() not in _SCHEMES or bucket != root.bucket or ".." in key.split("/"):
        raise _elsewhere(connection, root, path)
    return f"s3://{bucket}/{key}"


def _elsewhere(connection: S3Connection, root: Location, path: str) -> SettingError:
    return SettingError(
        f"the log names a file that is not in the bucket of the table's connection: {path}",
        remedy=f"Copy the table, so that all its files are at s3://{root.bucket}/.",
        connection=connection.name,
        location=root.url,
    )
