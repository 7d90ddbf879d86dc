"""What a registry has already: data that one of its entries reads is not discovered again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from s3_assets.tables.settings import FolderSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from s3_assets.connection.settings import S3Connection
    from s3_assets.explore.discover_groups import Group
    from s3_assets.tables.settings import TableSettings


@dataclass(frozen=True)
class KnownEntry:
    """An entry of a registry: its name, the folder that it reads, and which of its files."""

    name: str
    prefix: str
    settings: TableSettings | None = None
    """None of a media set."""

    def reads(self, group: Group) -> bool:
        """Tell whether the entry reads what was found, or some of it."""
        if not group.prefix.startswith(self.prefix):
            return False
        if self.settings is None:
            return group.is_media
        if not isinstance(self.settings, FolderSettings):
            # The log says what belongs to the table: whatever lies in its folder is not for others.
            return True
        if group.has_log:
            return group.prefix == self.prefix
        return any(self._takes(each.key.removeprefix(self.prefix)) for each in group.files)

    def _takes(self, path: str) -> bool:
        settings = self.settings
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
) -> list[KnownEntry]:
    """Return the entries that read from the connection's server and bucket.

    `media` are the media sets: the name of the connection, and the path.
    """

    def prefix(name: str, path: str) -> str | None:
        other = connections.get(name)
        if other is None or other.location.bucket != connection.location.bucket:
            return None
        same_server = (other.endpoint or "") == (connection.endpoint or "")
        return other.location.folder(path).key if same_server else None

    places = [(name, prefix(each.connection, each.path), each) for name, each in tables.items()]
    found = [KnownEntry(name, where, each) for name, where, each in places if where is not None]
    sets = [(name, prefix(*each)) for name, each in media.items()]
    return [*found, *(KnownEntry(name, where) for name, where in sets if where is not None)]


def reader_of(group: Group, known: Iterable[KnownEntry]) -> str | None:
    """Return the name of the entry that reads what was found."""
    return next((each.name for each in known if each.reads(group)), None)


def around(prefix: str, known: Sequence[KnownEntry]) -> str | None:
    """Return the name of a table of files whose folder a table with a log lies in."""
    inside = (each for each in known if isinstance(each.settings, FolderSettings))
    return next(
        (each.name for each in inside if prefix.startswith(each.prefix) and prefix != each.prefix), None
    )
