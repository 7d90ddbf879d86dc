"""Python's garbage collector: it need not look through all of Dagster while definitions and engines load."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def spared() -> Iterator[None]:
    """Leave what is there now out of collections until the block ends.

    Loading Polars and botocore makes objects enough for several full collections, each of which goes through
    all that Dagster has loaded: a third of the processor time that loading takes. What the block itself makes
    is collected as ever. Nothing is done where somebody else has frozen objects.
    """
    if gc.get_freeze_count():
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
