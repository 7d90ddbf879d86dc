"""Objects that may be data, listed by obstore: a listing that needs no boto3, and tells no storage class.

obstore takes keys for paths of a file system: it gives up at `a//b`, and takes the slash off the end of what
marks a folder. Where that shows, the folder is listed by boto3, to which keys are keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.connection.adapters import obstore as adapter
from s3_assets.connection.adapters import obstore_verbs as verbs
from s3_assets.connection.diagnosis import diagnosed

if TYPE_CHECKING:
    import polars as pl
    from arro3.core import RecordBatch

    from s3_assets.connection.settings import S3Connection


def empty_listing() -> pl.DataFrame:
    """Return a listing without objects: key, size in bytes, etag, modified (UTC)."""
    import polars as pl

    return pl.DataFrame(
        schema={"key": pl.String, "size": pl.Int64, "etag": pl.String, "modified": pl.Datetime("us", "UTC")}
    )


def data(connection: S3Connection, folder: str, start_after: str | None) -> pl.DataFrame | None:
    """Return the objects below the folder, given with its slash, that have a byte.

    Columns: key, size in bytes, etag, modified (UTC). None: there are keys among them that obstore has no
    words for, or the server does not list in the order of keys.
    """
    import polars as pl
    from obstore.exceptions import BaseError, InvalidPathError

    location = f"s3://{connection.location.bucket}/{folder}"
    found = verbs.batches(adapter.store(connection), folder, offset=start_after)
    pages = [empty_listing()]
    last = start_after or ""
    while True:
        with diagnosed(connection, location, BaseError, OSError):
            try:
                batch = next(found, None)
            except InvalidPathError:
                return None
        if batch is None:
            return pl.concat(pages)
        page = _page(batch)
        keys = pl.concat([pl.Series("key", [last]), page["key"]])
        # Of two objects `x` and `x/` both are told as `x`, the second where it does not belong.
        if not (keys[1:] > keys[:-1]).all():
            return None
        last = keys[-1]
        pages.append(page.filter(pl.col("size") > 0))


def _page(batch: RecordBatch) -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame(batch).select(
        pl.col("path").alias("key"),
        pl.col("size").cast(pl.Int64),
        pl.col("e_tag").fill_null("").alias("etag"),
        pl.col("last_modified").dt.cast_time_unit("us").alias("modified"),
    )
