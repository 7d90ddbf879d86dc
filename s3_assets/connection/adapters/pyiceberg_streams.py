"""Objects as PyIceberg streams them: reads by range, writes in parts, nothing published by halves."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Self

from s3_assets.errors import ServerFailureError

if TYPE_CHECKING:
    from types import TracebackType

    from s3_assets.objects import Objects

# What PyArrow reads first of a Parquet file, from its end.
TAIL = 64 * 1024
# Small reads in a row, such as those of gzip, are served from so much.
_AHEAD = 1024 * 1024
