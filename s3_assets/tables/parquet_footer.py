"""The footer of a Parquet file, fetched alone: two small requests at most."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from s3_assets.errors import DataFileBrokenError

if TYPE_CHECKING:
    import polars as pl

    from s3_assets.objects import Objects

# Most footers fit into it; a larger one is fetched by a second request.
_TAIL = 8 * 1024
# Its length and the magic bytes (Apache Parquet Format, "File format").
_END = 8
_MAGIC = b"PAR1"


def read_footer_schema(objects: Objects, key: str) -> pl.Schema:
    """Return a file's columns; raises `DataFileBrokenError` if it is no Parquet file."""
    import polars as pl

    tail = objects.get_end(key, _TAIL)
    if tail[-len(_MAGIC) :] != _MAGIC:
        raise DataFileBrokenError("it does not end as a Parquet file does")
    length = int.from_bytes(tail[-_END : -len(_MAGIC)], "little") + _END
    if length > len(tail):
        tail = objects.get_end(key, length)
    try:
        # The magic bytes at the start are what its reader looks at besides the footer.
        return pl.Schema(pl.read_parquet_schema(io.BytesIO(_MAGIC + tail[-length:])))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataFileBrokenError(f"its footer cannot be read: {error}") from error
