"""What the children of the zygote do: one run of a media set. Imported once, run in many processes."""

from typing import Any

from s3_assets.connection import S3Connection
from s3_assets.media.copies import Copies
from s3_assets.media.media_set import MediaSet
from s3_assets.media.selection import MediaSelection
from s3_assets.media.source import MediaSource
from s3_assets.object_options import ObjectOptions
from s3_assets.tables.iceberg_settings import IcebergSettings
from s3_assets.tables.open import open_table
from s3_assets.tables.settings import DeltaSettings, ParquetSettings
from s3_assets.tables.table import Table
from tests.incremental import work

# With the target `sales`, the stream is the one that the checks of other crash tests know.
NAME = "orders"
SOURCE = "shop/pictures/"
COPIES = "copies/"
TABLE = "table/"


def target(where: S3Connection, format_: str) -> Table[Any]:
    settings: Any = {
        "delta": DeltaSettings(connection="s3", path=TABLE),
        "parquet": ParquetSettings(connection="s3", path=TABLE),
        "iceberg": IcebergSettings(connection="s3", warehouse_path=TABLE),
    }[format_]
    return open_table("sales", settings, where)


def media_set(
    endpoint: str,
    bucket: str,
    source_bucket: str,
    format_: str = "delta",
    *,
    copies_endpoint: str | None = None,
    on_deleted_copies: Any = "keep",
    selection: MediaSelection | None = None,
    **settings: Any,
) -> MediaSet:
    """With `copies_endpoint`, the objects are copied: through this process if it is another one."""
    copies = None
    if copies_endpoint is not None:
        there = work.connection(copies_endpoint, bucket)
        options = ObjectOptions(metadata={"team": "shop"})
        copies = Copies(NAME, there, COPIES, options, on_deleted_copies)
    source = MediaSource(
        work.connection(endpoint, source_bucket),
        SOURCE,
        selection if selection is not None else MediaSelection(),
    )
    return MediaSet(NAME, source, target(work.connection(endpoint, bucket), format_), copies, **settings)


def run(
    endpoint: str,
    bucket: str,
    source_bucket: str,
    format_: str,
    copies_endpoint: str | None = None,
    on_deleted_copies: str = "keep",
    batch: int = 20_000,
) -> dict[str, Any]:
    """Run it once, with few threads; say what happened."""
    media = media_set(
        endpoint,
        bucket,
        source_bucket,
        format_,
        copies_endpoint=copies_endpoint,
        on_deleted_copies=on_deleted_copies,
        at_once=2,
        batch=batch,
    )
    found = media.run()
    return {"nothing_new": found.nothing_new, "new": found.counts.new, "copied": found.counts.copied}
