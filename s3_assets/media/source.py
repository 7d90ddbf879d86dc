"""Where the objects of a media set lie, and the listing of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from s3_assets.media.selection import MediaSelection
from s3_assets.object_listings import empty_listing
from s3_assets.objects import Objects

if TYPE_CHECKING:
    import polars as pl

    from s3_assets.connection.settings import S3Connection
    from s3_assets.location import Location

_DIGEST = 16


@dataclass(frozen=True)
class MediaSource:
    """The objects below a folder of a connection, or those of them that a selection takes."""

    connection: S3Connection
    path: str = ""
    selection: MediaSelection = field(default_factory=MediaSelection)

    @property
    def location(self) -> Location:
        """The folder."""
        return self.connection.location.folder(self.path)

    def list_objects(self) -> pl.DataFrame:
        """Return the objects by key: key, size, etag, modified, storage_class; a request for a thousand."""
        import polars as pl

        start = len(self.location.key)
        pages = [
            page.filter(
                pl.Series([self.selection.takes(key[start:]) for key in page["key"]], dtype=pl.Boolean)
            )
            for page in Objects(self.connection).list_pages(self.location.key)
        ]
        return pl.concat(pages).sort("key")

    def nothing(self) -> pl.DataFrame:
        """Return a listing without objects."""
        import polars as pl

        return empty_listing().with_columns(storage_class=pl.lit(None, pl.String))

    def state(self) -> str:
        """Return a digest of every object's key, ETag, time and storage class: one listing."""
        digest = hashlib.sha256()
        for row in self.list_objects().iter_rows():
            digest.update(repr(row).encode())
        return digest.hexdigest()[:_DIGEST]

    def takes(self, key: str) -> bool:
        """Tell whether an object of that key would belong to the media set."""
        folder = self.location.key
        return key.startswith(folder) and self.selection.takes(key.removeprefix(folder))
