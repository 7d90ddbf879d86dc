"""Inference: the schema of many files from the footers of at most a hundred."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from s3_assets.tables.schemas import merge

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import polars as pl

MOST_FILES = 100
_AT_ONCE = 16


def sample(keys: Sequence[str], most: int = MOST_FILES) -> list[str]:
    """Return at most `most` keys, evenly spread, with the first and the last among them."""
    if len(keys) <= most:
        return list(keys)
    step = (len(keys) - 1) / (most - 1)
    return [keys[round(index * step)] for index in range(most)]


def infer(
    keys: Sequence[str],
    read: Callable[[str], pl.Schema],
    table: str,
    join: Callable[[dict[str, pl.Schema], str], pl.Schema] = merge,
) -> tuple[pl.Schema, tuple[str, ...]]:
    """Return the merged schema of a sample, and the keys of the files that were read for it.

    Raises `SchemaMismatchError` for two files that disagree.
    """
    read_from = sample(keys)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        schemas = dict(zip(read_from, pool.map(read, read_from), strict=True))
    return join(schemas, table), tuple(read_from)
