"""Files in storage classes that cannot be read before they are restored.

Listings tell the class, and not whether a copy was restored: that is asked of each such file that is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from s3_assets.errors import AccessDeniedError
from s3_assets.tables import neighbours

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from s3_assets.objects import Objects

# Amazon S3 User Guide, "Understanding and managing Amazon S3 storage classes"; GLACIER_IR is read at once.
_CLASSES = ("GLACIER", "DEEP_ARCHIVE")


def left_out(listed: pl.DataFrame) -> pl.DataFrame:
    """Leave archived files out of a listing, restored or not."""
    import polars as pl

    return listed.filter(~pl.col("storage_class").is_in(_CLASSES))


def last(listed: Iterator[dict[str, Any]]) -> Iterator[str]:
    """Yield the keys of listed files, archived ones after all others."""
    kept = []
    for each in listed:
        if each["storage_class"] in _CLASSES:
            kept.append(each["key"])
        else:
            yield each["key"]
    yield from kept


def told(listed: pl.DataFrame, objects: Objects) -> pl.DataFrame:
    """Return a listing with the storage classes: their folders are listed once more, if it has none."""
    import polars as pl

    if listed["storage_class"].null_count() == 0:
        return listed
    folders = listed["key"].str.replace(r"[^/]*$", "").unique()
    pages = neighbours.list_folders(objects, folders, objects.list_frame)
    found = pl.concat(pages).select("key", "storage_class")
    return listed.drop("storage_class").join(found, on="key", how="left", maintain_order="left")


def refuse(listed: pl.DataFrame, objects: Objects, table: str) -> None:
    """Raise `AccessDeniedError` that names the first archived file of which there is no restored copy."""
    import polars as pl

    found = listed.filter(pl.col("storage_class").is_in(_CLASSES))
    for key, kind in found.select("key", "storage_class").sort("key").iter_rows():
        if not objects.restored(key):
            from s3_assets.connection.symptoms import ARCHIVED

            raise AccessDeniedError(
                f"{ARCHIVED.found} ({kind})",
                remedy=f"{ARCHIVED.remedy.rstrip('.')} with skip_glacier: true.",
                table=table,
                location=objects.url(key),
            )
