"""Whether a sensor is only tried: then it writes nothing, and takes nothing that others wait for."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_trying: ContextVar[bool] = ContextVar("s3_assets_trying", default=False)


def trying() -> bool:
    """Tell whether what is evaluated now is only tried."""
    return _trying.get()


@contextmanager
def tried() -> Iterator[None]:
    """Have sensors that are evaluated in the block do nothing but look: the very ones that Dagster has."""
    token = _trying.set(True)
    try:
        yield
    finally:
        _trying.reset(token)
