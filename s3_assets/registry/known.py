"""What a registry has already: data that its entries read or its runs write, and the names that it gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.explore.discover_known import known_entries

if TYPE_CHECKING:
    from s3_assets.connection.settings import S3Connection
    from s3_assets.explore.discover_known import KnownEntry
    from s3_assets.registry.models import Registry


def known_of(registry: Registry, connection: S3Connection) -> list[KnownEntry]:
    """Return the entries that read from the connection's server and bucket, or write there."""
    media = {name: (each.connection, each.path) for name, each in registry.media.items()}
    written = {
        f"copies of {name}": (each.copy_to.connection, each.copy_to.path_prefix)
        for name, each in registry.media.items()
        if each.copy_to is not None
    }
    exports = {name: (each.connection, each.path_prefix) for name, each in registry.exports.items()}
    # What writes to a whole connection leaves room for others.
    folders = {name: place for name, place in {**written, **exports}.items() if place[1].strip("/")}
    return known_entries(connection, registry.tables, media, registry.connections, folders)


def names_of(registry: Registry) -> set[str]:
    """Return the names that a new entry cannot have."""
    return {*registry.tables, *registry.media, *registry.exports}
