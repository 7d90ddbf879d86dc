"""The entries of a Delta log, read as JSON: a line for each action (Delta Protocol, "Delta Log Entries")."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from s3_assets.errors import DataFileBrokenError, S3AssetsError

if TYPE_CHECKING:
    from collections.abc import Iterator

_DAMAGES = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)


def actions_of(body: bytes) -> list[dict[str, Any]]:
    """Return the actions of an entry; raises `ValueError` for what is none."""
    found = [json.loads(line) for line in body.decode().splitlines() if line.strip()]
    if not all(isinstance(each, dict) for each in found):
        raise ValueError("a line of it is no JSON object")
    return found


@contextmanager
def entry_read(version: int, url: str) -> Iterator[None]:
    """Turn what goes wrong with a version's entry, inside, into `DataFileBrokenError`."""
    try:
        yield
    except S3AssetsError:
        raise
    except _DAMAGES as error:
        why = str(error) if isinstance(error, ValueError) else repr(error)
        raise DataFileBrokenError(
            f"the log of version {version} is damaged: {why}",
            remedy="Look at the table with another reader, and restore it.",
            location=url,
        ) from error
