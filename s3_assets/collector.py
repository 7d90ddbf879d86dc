"""Python's garbage collector: it need not look through all of Dagster while definitions and engines load."""

from __future__ import annotations

import gc
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


_loading = True
"""Whether this process still loads libraries: until the first block that has loaded nothing."""


@contextmanager
def spared() -> Iterator[None]:
    """Leave what is there now out of collections until the block ends.

    Loading Polars and botocore makes objects enough for several full collections, each of which goes through
    all that Dagster has loaded: a third of the processor time that loading takes. What the block itself makes
    is collected as ever. Nothing is done where somebody else has frozen objects.

    Nor is anything done once a block has loaded nothing. To freeze sets all of the collector's counts back to
    zero, and hands what is garbage already to its last generation: with a freeze at every tick or step that
    one is never looked at, and a process that lives long keeps the garbage of all of them.
    """
    global _loading  # noqa: PLW0603 - of the process, as its modules are
    if not _loading or gc.get_freeze_count():
        yield
        return
    loaded = len(sys.modules)
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        _loading = len(sys.modules) > loaded


@contextmanager
def paused() -> Iterator[None]:
    """Have nothing collected until the block ends: it makes what stays, and takes seconds at most.

    Thousands of assets are hundreds of thousands of objects, none of which ends with the block; each full
    collection goes through all of them again. Where somebody else has paused it, it stays so.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
