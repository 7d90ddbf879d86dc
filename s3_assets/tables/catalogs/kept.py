"""Catalogs that were opened, kept for the life of the process: to open one costs requests."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyiceberg.catalog import Catalog

    from s3_assets.connection.settings import S3Connection

_open: dict[tuple[int, S3Connection, str], Catalog] = {}
_lock = threading.Lock()


def kept(connection: S3Connection, which: str, make: Callable[[], Catalog]) -> Catalog:
    """Return the process's one catalog of that connection and `which`, made at its first use."""
    # A child process would speak over its parent's sockets.
    wanted = (os.getpid(), connection, which)
    with _lock:
        if wanted not in _open:
            _open[wanted] = make()
        return _open[wanted]
