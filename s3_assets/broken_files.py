"""What libraries raise of broken files where it is no error of their own: panics, and Polars' words.

A panic is what a library written in Rust raises where a file made it contradict itself. Python sees it as an
exception that is no `Exception`, so that it passes every handler up to the one that ends the process. Polars,
polars-avro, delta-rs and obstore each have a class of their own for it, all of one name.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from s3_assets.errors import DataFileBrokenError

if TYPE_CHECKING:
    from collections.abc import Iterator

_PANIC = ("pyo3_runtime", "PanicException")
_LONGEST = 300
_REMEDY = "Look at the file with another reader, and write it anew."
# What Polars says of Parquet, whose files are read when the frame runs.
_OF_FILES = ("parquet: ", "Parquet error: ", "Error parsing Path")

# Where Parquet keeps Arrow's own words on its columns.
_ARROW = "ARROW:schema"


@contextmanager
def broken_files_told() -> Iterator[None]:
    """Turn a panic raised inside, or what Polars says of a broken file, into `DataFileBrokenError`."""
    try:
        yield
    except BaseException as error:
        found = _found(error)
        if found is None:
            raise
        raise DataFileBrokenError(found, remedy=_REMEDY) from None


def _found(error: BaseException) -> str | None:
    text = str(error)[:_LONGEST]
    if (type(error).__module__, type(error).__name__) == _PANIC:
        return f"the library that reads it gave up: {text}"
    polars = sys.modules.get("polars")
    if polars is None or not isinstance(error, polars.exceptions.PolarsError):
        return None
    if text.startswith(_OF_FILES) or _ARROW in text:
        return f"a data file cannot be read: {text}"
    return None
