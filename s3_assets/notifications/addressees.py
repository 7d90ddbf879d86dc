"""Whom a notification concerns: the tables and media sets below whose folders the object lies."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from s3_assets.tables.files import hidden
from s3_assets.tables.iceberg_settings import IcebergSettings
from s3_assets.tables.settings import DeltaSettings, FolderSettings

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from s3_assets.location import Location
    from s3_assets.notifications.events import ObjectEvent
    from s3_assets.registry.models import Registry
    from s3_assets.tables.settings import TableSettings

_COMMITS_OF_FOLDERS = "_s3_assets/"


class Addressee(NamedTuple):
    """A table or a media set, by its name in its section of the registry."""

    section: str
    name: str


class Addressees:
    """The declared tables and media sets, by the folders that hold them.

    An object may be of several: tables that are only read may lie inside each other. A key tells which table
    to look at, and no more: whether it changed, and which partitions did, is what the table itself says. So
    it does not matter in which order events come, nor how often.
    """

    def __init__(self, registry: Registry, tables: Collection[str], media: Collection[str]) -> None:
        self._registry = registry
        self._folders: dict[tuple[str, str], list[Addressee]] = {}
        self._beginnings: list[tuple[str, str, Addressee]] = []
        self.untold: tuple[str, ...] = tuple(name for name in tables if not _is_told(registry.tables[name]))
        """Tables of a catalog: a commit is there before it is valid, and no event says when it is."""
        for name in tables:
            if name not in self.untold:
                folder, exactly = _place_of_table(registry, name)
                self._place(Addressee("tables", name), folder, exactly=exactly)
        for name in media:
            settings = registry.media[name]
            folder = registry.connections[settings.connection].location.folder(settings.path)
            self._place(Addressee("media", name), folder, exactly=True)

    def of(self, event: ObjectEvent) -> tuple[set[Addressee], bool]:
        """Return whom it concerns, and whether the object lies in anybody's folder at all."""
        inside = list(self._around(event))
        concerned = {each for each, path in inside if self._is_concerned(each, path)}
        return concerned, bool(inside)

    def _place(self, addressee: Addressee, folder: Location, *, exactly: bool) -> None:
        if exactly:
            self._folders.setdefault((folder.bucket, folder.key), []).append(addressee)
        else:
            self._beginnings.append((folder.bucket, folder.key.rstrip("/"), addressee))

    def _around(self, event: ObjectEvent) -> Iterator[tuple[Addressee, str]]:
        """Yield whose folder the object lies in, with its path below that."""
        end = 0
        while True:
            folder, path = event.key[:end], event.key[end:]
            for each in self._folders.get((event.bucket, folder), ()):
                yield each, path
            slash = event.key.find("/", end)
            if slash < 0:
                break
            end = slash + 1
        for bucket, beginning, each in self._beginnings:
            if event.bucket == bucket and event.key.startswith(beginning):
                # What the folder's name goes on with is not the name of a hidden file.
                _, inside, path = event.key[len(beginning) :].partition("/")
                yield each, path if inside else event.key.rpartition("/")[2]

    def _is_concerned(self, addressee: Addressee, path: str) -> bool:
        """Tell whether what a reader sees may have changed: by a commit where there are some, or a file."""
        if addressee.section == "media":
            return True
        settings = self._registry.tables[addressee.name]
        if isinstance(settings, DeltaSettings):
            return path.startswith("_delta_log/") and path.endswith(".json")
        if isinstance(settings, IcebergSettings):
            name = path.removeprefix("metadata/")
            return name != path and (".metadata.json" in name or name == "version-hint.text")
        return path.startswith(_COMMITS_OF_FOLDERS) or not any(map(hidden, path.split("/")))


def _is_told(settings: TableSettings) -> bool:
    return not (isinstance(settings, IcebergSettings) and settings.table is not None)


def _place_of_table(registry: Registry, name: str) -> tuple[Location, bool]:
    settings = registry.tables[name]
    connection = registry.connections[settings.connection]
    exactly = connection.match_subfolder_exactly or not isinstance(settings, FolderSettings)
    return connection.location.folder(settings.path), exactly
