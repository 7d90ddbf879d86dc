"""How a ledger of files is stored: what S3 tells as text takes half the bytes and less memory as it is.

Most ETags are the MD5 of the object, in hexadecimal digits and quotes: 16 bytes without these. Others, such
as those of uploads in parts, stay text in a column of their own.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from s3_assets.object_listings import empty_listing

if TYPE_CHECKING:
    import polars as pl

_MD5 = r'^"[0-9a-f]{32}"$'
_DIGITS = 32
_COMPRESSION_LEVEL = 3
_AT_ONCE = 50_000


def pack(files: pl.DataFrame) -> bytes:
    """Return files (key, size, etag, modified) as a Parquet file, sorted by key."""
    import polars as pl

    etag = pl.col("etag")
    digest = etag.str.contains(_MD5)
    packed = files.sort("key").select(
        "key",
        "size",
        pl.when(digest).then(etag.str.slice(1, _DIGITS)).str.decode("hex").alias("md5"),
        pl.when(~digest).then(etag).alias("etag"),
        "modified",
    )
    buffer = io.BytesIO()
    packed.write_parquet(buffer, compression="zstd", compression_level=_COMPRESSION_LEVEL)
    return buffer.getvalue()


def unpack(body: bytes) -> pl.DataFrame:
    """Return what `pack` wrote; raises Polars' errors for a damaged file."""
    import polars as pl

    columns = empty_listing().columns
    found = pl.read_parquet(io.BytesIO(body))
    if "md5" not in found.columns:
        # As the first release wrote it.
        return found.select(columns)
    digest = pl.format('"{}"', pl.col("md5").bin.encode("hex"))
    # Slice by slice: each step of a text is a copy of it.
    etags = [part.select(pl.coalesce("etag", digest).alias("etag")) for part in found.iter_slices(_AT_ONCE)]
    return found.drop("md5").with_columns(pl.concat([empty_listing().select("etag"), *etags])).select(columns)
