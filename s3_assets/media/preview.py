"""What a person is shown of a media set: how many of which type, and a few small pictures.

Pictures are data URIs in Markdown, so that a page shows them without reaching S3. Pillow makes thumbnails of
them where it is installed (the extra `thumbnails`); without it, small pictures are shown as they are.
"""

from __future__ import annotations

import base64
import io
import struct
from typing import TYPE_CHECKING

from s3_assets.errors import S3AssetsError
from s3_assets.media import inventory
from s3_assets.media.inventory import KEY
from s3_assets.objects import Objects
from s3_assets.progress import readable_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from s3_assets.media.media_set import MediaSet

_PICTURES = 6
_SIDE = 96
_LONGEST = 12 * 1024
"""Bytes of one picture, as it is shown."""
_LONGEST_TEXT = 40
_MARKUP = frozenset("|[]()<>`*&!~\\")
_LARGEST = 4 * 1024 * 1024
_MOST_PIXELS = 40_000_000
_SHOWN_AS_THEY_ARE = ("image/png", "image/jpeg", "image/gif", "image/webp")
_FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
_DAMAGES = (struct.error, IndexError, KeyError, TypeError, OverflowError, EOFError, AttributeError)
_TYPES = 20


def types(media: MediaSet) -> pl.DataFrame:
    """Return the present objects by type: type, objects, bytes, the most frequent one first.

    The type is the one that the header tells, else the one that the server does. Reads two columns.
    """
    import polars as pl

    kind = pl.coalesce("found_type", "content_type", pl.lit("unknown")).alias("type")
    return (
        inventory.present(media.target)
        .group_by(kind)
        .agg(pl.len().alias("objects"), pl.col("size").sum().alias("bytes"))
        .sort(["objects", "type"], descending=[True, False])
        .collect(engine="streaming")
    )


def types_table(found: pl.DataFrame) -> str:
    """Write the types as a Markdown table."""
    lines = [
        f"| {_plain(kind)} | {count:,} | {readable_bytes(size)} |"
        for kind, count, size in found.head(_TYPES).rows()
    ]
    if found.height > _TYPES:
        rest = found[_TYPES:]
        lines.append(f"| others | {rest['objects'].sum():,} | {readable_bytes(int(rest['bytes'].sum()))} |")
    return "\n".join(["| type | objects | size |", "|---|---:|---:|", *lines])


def preview(media: MediaSet) -> str:
    """Return the newest pictures as Markdown, few and of some kilobytes each; empty if there is none."""
    cells = list(_pictures(media))
    if not cells:
        return ""
    head, line = "|" + " |" * len(cells), "|" + "---|" * len(cells)
    names = "| " + " | ".join(name for name, _ in cells) + " |"
    return "\n".join([head, line, "| " + " | ".join(picture for _, picture in cells) + " |", names])


def _pictures(media: MediaSet) -> Iterator[tuple[str, str]]:
    import polars as pl

    shown = pl.col("found_type").is_in(_SHOWN_AS_THEY_ARE)
    pixels = (pl.col("width").cast(pl.Int64) * pl.col("height")).fill_null(0) <= _MOST_PIXELS
    wanted = (
        inventory.present(media.target)
        .filter(shown & pixels & pl.col("size").is_between(1, _LARGEST if _pillow() else _LONGEST))
        .select(KEY, "name", "found_type", "modified")
        .top_k(_PICTURES, by=["modified", KEY])
        .sort(["modified", KEY], descending=True)
        .collect(engine="streaming")
    )
    objects = Objects(media.source.connection)
    for key, name, kind, _ in wanted.rows():
        try:
            body, shown_as = _small(objects.get(key), kind)
        except (S3AssetsError, OSError, ValueError):
            # Gone since, archived, or no picture behind its header: there are others.
            continue
        if len(body) <= _LONGEST:
            alt = _plain(name)
            yield alt, f"![{alt}](data:{shown_as};base64,{base64.b64encode(body).decode()})"


def _small(body: bytes, kind: str) -> tuple[bytes, str]:
    """Return a picture's thumbnail and its type, or the picture itself without Pillow."""
    if not _pillow():
        return body, kind
    from PIL import Image

    small = io.BytesIO()
    try:
        # By name: Pillow would try formats that start programs, or parse what no browser shows.
        with Image.open(io.BytesIO(body), formats=_FORMATS) as picture:
            if picture.width * picture.height > _MOST_PIXELS:
                raise ValueError("the picture unpacks to too much")
            picture.draft("RGB", (2 * _SIDE, 2 * _SIDE))
            picture.thumbnail((_SIDE, _SIDE))
            picture.convert("RGBA" if "A" in picture.getbands() else "RGB").save(small, "WEBP", quality=70)
    except (Image.DecompressionBombError, SyntaxError, *_DAMAGES) as error:
        # What Pillow says of some damaged files.
        raise ValueError("the picture cannot be read") from error
    return small.getvalue(), "image/webp"


def _pillow() -> bool:
    from importlib.util import find_spec

    return find_spec("PIL") is not None


def _plain(text: str) -> str:
    """Return the beginning of a text that ends no cell, and begins no link, tag or reference."""
    return "".join(
        "_" if each in _MARKUP or not each.isprintable() else each for each in text[:_LONGEST_TEXT]
    )
