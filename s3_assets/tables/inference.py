"""Inference: the schema of many files from the footers of at most a hundred."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from s3_assets.threads import ThreadPoolExecutor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import polars as pl

MOST_FILES = 100
_AT_ONCE = 16


def sample(keys: Sequence[str], most: int) -> list[str]:
    """Return at most `most` keys, evenly spread, with the first and the last among them."""
    if len(keys) <= most:
        return list(keys)
    step = (len(keys) - 1) / (most - 1)
    return [keys[round(index * step)] for index in range(most)]


class Inferred(NamedTuple):
    """A schema, and what is known of the files that told it; with declared columns there are none."""

    schema: pl.Schema
    files: tuple[str, ...] = ()
    alike: bool = False
    """Whether none of them has another type for a column than the schema."""
    told_by: Mapping[str, str] = MappingProxyType({})
    """For each column a file that has it with the schema's type."""


def infer(
    keys: Sequence[str],
    newest: str,
    read: Callable[[str], pl.Schema],
    join: Callable[[dict[str, pl.Schema]], pl.Schema],
) -> Inferred:
    """Infer the schema of files from a sample of them, the newest among it.

    Raises `SchemaMismatchError` for two files that disagree, as `join` says.
    """
    read_from = sample(keys, MOST_FILES)
    if newest not in read_from:
        # What was added last is where a new column is.
        read_from[len(read_from) // 2] = newest
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        schemas = dict(zip(read_from, pool.map(read, read_from), strict=True))
    joined = join(schemas)
    alike = all(joined[column] == dtype for each in schemas.values() for column, dtype in each.items())
    told_by = {
        column: file
        for file, each in schemas.items()
        for column, dtype in each.items()
        if joined[column] == dtype
    }
    return Inferred(joined, tuple(read_from), alike, told_by)
