"""What a registry has already: data that one of its entries reads is not discovered again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from s3_assets.connection.environment import address
from s3_assets.tables.settings import FolderSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from s3_assets.connection.settings import S3Connection
    from s3_assets.tables.settings import TableSettings

_AWS = re.compile(r"(?:^|\.)amazonaws\.com(?:\.cn)?$")
_THIS_MACHINE = {"localhost", "127.0.0.1", "::1"}
_PORTS = {"http": 80, "https": 443}


class Lies(NamedTuple):
    """Data as it lies in a bucket: its folder, what it is, and some of its files."""

    prefix: str
    keys: tuple[str, ...] = ()
    is_media: bool = False
    has_log: bool = False


@dataclass(frozen=True)
class KnownEntry:
    """An entry of a registry: its name, the folder that it reads, and which of its files."""

    name: str
    prefix: str
    settings: TableSettings | None = None
    """None of a media set."""
    written: bool = False
    """Whether all in its folder is written by the registry's own runs."""

    def reads(self, data: Lies) -> bool:
        """Tell whether the entry reads what was found, or some of it."""
        if not data.prefix.startswith(self.prefix):
            return False
        if self.written:
            return True
        if self.settings is None:
            return data.is_media
        if not isinstance(self.settings, FolderSettings):
            # The log says what belongs to the table: whatever lies in its folder is not for others.
            return True
        if data.has_log:
            return data.prefix == self.prefix
        return any(map(self.takes, data.keys))

    def takes(self, key: str) -> bool:
        """Tell whether a file is one of those that the entry reads by their names."""
        settings, path = self.settings, key.removeprefix(self.prefix)
        return (
            isinstance(settings, FolderSettings)
            and path.startswith(settings.path_prefix)
            and path.endswith(settings.suffixes)
            and re.search(settings.path_regex or "", path) is not None
        )


def known_entries(
    connection: S3Connection,
    tables: Mapping[str, TableSettings],
    media: Mapping[str, tuple[str, str]],
    connections: Mapping[str, S3Connection],
    written: Mapping[str, tuple[str, str]] | None = None,
) -> list[KnownEntry]:
    """Return the entries that read from the connection's server and bucket.

    `media` are the media sets: the name of the connection, and the path. So are `written`: folders that runs
    write, in which nothing is new.
    """
    server = server_of(connection)
    here = {
        name: each
        for name, each in connections.items()
        if each.location.bucket == connection.location.bucket and server_of(each) == server
    }

    def prefix(name: str, path: str) -> str | None:
        return here[name].location.folder(path).key if name in here else None

    places = [(name, prefix(each.connection, each.path), each) for name, each in tables.items()]
    found = [KnownEntry(name, where, each) for name, where, each in places if where is not None]
    for folders, is_written in ((media, False), (written or {}, True)):
        sets = [(name, prefix(*each)) for name, each in folders.items()]
        found += [KnownEntry(name, where, written=is_written) for name, where in sets if where is not None]
    return found


def server_of(connection: S3Connection) -> str:
    """Return what is the same for all addresses of one server: buckets of AWS are reached by many."""
    endpoint = address(connection).endpoint
    if endpoint is None:
        return "aws"
    parts = urlsplit(endpoint)
    host = (parts.hostname or "").lower()
    if _AWS.search(host):
        return "aws"
    name = "localhost" if host in _THIS_MACHINE else host
    return f"{name}:{parts.port or _PORTS.get(parts.scheme.lower(), 0)}"


def reader_of(data: Lies, known: Iterable[KnownEntry]) -> str | None:
    """Return the name of the entry that reads what was found."""
    return next((each.name for each in known if each.reads(data)), None)


def around(prefix: str, known: Sequence[KnownEntry]) -> str | None:
    """Return the name of a table of files whose folder a table with a log lies in."""
    inside = (each for each in known if isinstance(each.settings, FolderSettings))
    return next(
        (each.name for each in inside if prefix.startswith(each.prefix) and prefix != each.prefix), None
    )
