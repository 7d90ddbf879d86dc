"""Names: which folders are partitions of one table, and which files are tables or media."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from s3_assets.explore.names import ending

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Dates and parts of them, and moments since 1970 in seconds to nanoseconds; an account's number is neither.
_DATED = re.compile(
    r"(?:19|20)\d{2}(?:-?[01]\d(?:-?[0-3]\d(?:[T _-]?[0-2]\d(?:[:-]?[0-5]\d){0,2}Z?)?)?)?"
    r"|\d{1,2}|1\d{9}(?:\d{3}){0,3}"
)
_NUMBERS = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{12,}|\d+")
_ALIKE = 8
TABLES = {
    **{each: each for each in ("csv", "tsv", "json", "jsonl", "parquet", "avro")},
    "tab": "tsv",
    "ndjson": "jsonl",
    "parq": "parquet",
    "pq": "parquet",
    "pqt": "parquet",
}
"""Endings of tables' files, and the format that they say."""

_PICTURES = "png jpg jpeg gif tif tiff bmp webp heic heif avif jp2 jxl svg psd dng cr2 nef arw ico dcm dicom"
_SOUNDS = "wav mp3 flac ogg oga opus m4a aac aif aiff wma amr mid midi"
_FILMS = "mp4 mov avi mkv webm mpg mpeg m4v wmv flv 3gp"
_DOCUMENTS = "pdf doc docx ppt pptx xls xlsx odt ods odp rtf epub"
MEDIA = frozenset(f"{_PICTURES} {_SOUNDS} {_FILMS} {_DOCUMENTS}".split())
"""Endings of files that are looked at one by one."""

_UNTOLD = frozenset({"", "txt", "dat", "data", "log", "out", "psv", "text"})
# One object that says how something is set up is no table.
_SET_UP = frozenset({
    *("config", "configuration", "settings", "package", "manifest", "schema", "metadata", "tsconfig"),
    *("openapi", "swagger", "state", "version", "credentials", "index", "catalog"),
})  # fmt: skip
MEDIA_FAMILY, UNTOLD_FAMILY, OTHER_FAMILY = "media", "untold", "other"


def is_partition(name: str) -> bool:
    """Tell whether a folder's name is a value: `column=value`, or a date or a part of one."""
    return ("=" in name and not name.startswith("=")) or _DATED.fullmatch(name) is not None


def partitions_among(names: Iterable[str]) -> list[str]:
    """Return those of a folder's folders that divide a table: values, and many that differ by number."""
    listed = list(names)
    shapes = Counter(map(_shape, listed))
    return [
        each
        for each in listed
        if is_partition(each) or ("#" in _shape(each) and shapes[_shape(each)] >= _ALIKE)
    ]


def beginnings(names: Iterable[str]) -> str:
    """Return the expression that paths below these folders begin with, and no others of their kind."""
    found = set()
    for name in names:
        column, hive, _ = name.partition("=")
        if hive:
            found.add(f"{re.escape(column)}=")
        elif is_partition(name):
            found.add("[0-9]")
        else:
            found.add(re.escape(_NUMBERS.split(name)[0]) + "[0-9a-f]")
    return found.pop() if len(found) == 1 else f"(?:{'|'.join(sorted(found))})"


def family(key: str) -> str:
    """Return a file's format as its name tells it, `media`, `untold` or `other`."""
    last = ending(key).lstrip(".").lower()
    if last == "json" and key.rpartition("/")[2].partition(".")[0].lower() in _SET_UP:
        return OTHER_FAMILY
    if last in TABLES:
        return TABLES[last]
    if last in MEDIA:
        return MEDIA_FAMILY
    return UNTOLD_FAMILY if last in _UNTOLD else OTHER_FAMILY


def extension(key: str) -> str:
    """Return the ending of a file's name, in lower case and without the dot."""
    return ending(key).lstrip(".").lower()


def are_names(keys: Sequence[str]) -> bool:
    """Tell whether files seem to be tables of their own: their names differ by words, not by numbers."""
    stems = [key.rpartition("/")[2].partition(".")[0] for key in keys]
    return len(set(stems)) == len(stems) > 1 and not any(
        _NUMBERS.search(stem) or stem.startswith("part") for stem in stems
    )


def name_shape(key: str) -> str:
    """Return a file's name with `#` in the place of what differs from file to file of one table."""
    return _shape(key.rpartition("/")[2])


def name_expression(shape: str) -> str:
    """Return the expression of the names that have this shape."""
    return "[0-9a-f-]+".join(map(re.escape, shape.split("#")))


def spread(items: Sequence[str], most: int) -> list[str]:
    """Return the first, the last and some between, in order."""
    if len(items) <= most:
        return list(items)
    if most == 1:
        return [items[0]]
    step = (len(items) - 1) / (most - 1)
    return [items[round(index * step)] for index in range(most)]


def _shape(name: str) -> str:
    return _NUMBERS.sub("#", name)
