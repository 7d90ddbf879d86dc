"""Catalogs that were opened, kept for the life of the process: to open one costs requests."""

from __future__ import annotations

import atexit
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
    # A forked process would speak over its parent's sockets.
    wanted = (os.getpid(), connection, which)
    with _lock:
        if wanted not in _open:
            _open[wanted] = make()
        return _open[wanted]


@atexit.register
def close_catalogs() -> None:
    """Close every catalog that this process has opened; the next use opens it anew."""
    with _lock:
        for mine in [each for each in _open if each[0] == os.getpid()]:
            _open.pop(mine).close()


def _after_fork() -> None:
    global _lock  # noqa: PLW0603 - a lost thread may hold it
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)
