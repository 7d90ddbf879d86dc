"""What a registry does on S3: which folders of a connection it reads, and which it writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from s3_assets.tables.settings import FolderSettings

if TYPE_CHECKING:
    from collections.abc import Collection

    from s3_assets.location import Location
    from s3_assets.object_options import ObjectOptions
    from s3_assets.registry.models import Registry

GIVE_ACL, GIVE_TAGS = "s3:PutObjectAcl", "s3:PutObjectTagging"


@dataclass(frozen=True)
class Folder:
    """A folder that is read, or read and written."""

    location: Location
    written: bool = False
    exactly: bool = True
    """False where folders whose names begin like this one's are read with it."""
    table: str | None = None
    uploads: bool = False
    """Whether uploads that a run left below it are looked for."""
    described: tuple[str, ...] = ()
    """Actions by which what is written gets more than a body: an ACL, tags."""

    @property
    def listed(self) -> tuple[str, ...]:
        """The prefixes of its listings, with `*` for any end; empty for the whole bucket.

        To find folders by the beginning of their names, the folder above is listed.
        """
        key = self.location.key
        if self.exactly:
            return (key, f"{key}*") if key else ()
        above, slash, name = key.rstrip("/").rpartition("/")
        return (f"{above}{slash}", f"{above}{slash}{name}*") if above else ()


def folders_of(registry: Registry, connection: str, written: Collection[str] = ()) -> tuple[Folder, ...]:
    """Return the folders of a connection's tables, in the registry's order, then of the other sections.

    Targets of imports and media sets are written; `written` names the tables that assets of the user's own
    write. A connection that nothing uses yet is read below its url.
    """
    here = registry.connections[connection]
    targets = registry.targets | set(written)
    found = [
        Folder(
            here.location.folder(settings.path),
            name in targets,
            here.match_subfolder_exactly or not isinstance(settings, FolderSettings),
            name,
        )
        for name, settings in registry.tables.items()
        if settings.connection == connection
    ]
    for media in registry.media.values():
        if media.connection == connection:
            found.append(Folder(here.location.folder(media.path)))
        copies = media.copy_to
        if copies is not None and copies.connection == connection:
            found.append(_of_files(here.location.folder(copies.path_prefix), copies.options()))
    found += [
        _of_files(here.location.folder(export.path_prefix), export.object)
        for export in registry.exports.values()
        if export.connection == connection
    ]
    found += [
        Folder(here.location.folder(place.path))
        for place in registry.discovery.values()
        if place.connection == connection
    ]
    return tuple(found) or (Folder(here.location),)


def _of_files(location: Location, options: ObjectOptions) -> Folder:
    asked = ((options.canned_acl, GIVE_ACL), (options.tags, GIVE_TAGS))
    described = tuple(action for option, action in asked if option)
    return Folder(location, written=True, uploads=True, described=described)
